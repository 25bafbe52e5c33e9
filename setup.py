"""Everything is said in pyproject.toml; this puts `models/` and `pipelines/` into the wheel, as `dubsync/_<name>`."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithData(build_py):
    """Copy the data folders beside the code, except for an editable install, which finds them in the checkout."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            for name in ("models", "pipelines"):
                target = Path(self.build_lib) / "dubsync" / f"_{name}"
                shutil.copytree(name, target, dirs_exist_ok=True)


setup(cmdclass={"build_py": BuildWithData})
