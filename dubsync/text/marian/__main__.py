"""Train, follow and export by hand: `python -m dubsync.text.marian train|export|finish RECIPE CORPUS RUN [OUT]`.

train    begin or go on training in the folder RUN, with the archive that the recipe names in the folder CORPUS
export   write what RUN has learnt so far into the weights folder OUT and measure it
finish   tell the training in RUN to let its rate fall to zero, wait for it (or do it), then export
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from dubsync.text.marian.export import export
from dubsync.text.marian.train import is_running, train

WAIT_SECONDS = 5.0


def main(arguments: list[str]) -> int:
    if len(arguments) < 4 or arguments[0] not in ("train", "export", "finish"):
        sys.stderr.write(__doc__ or "")
        return 2
    verb, recipe, corpus, run = arguments[0], *map(Path, arguments[1:4])
    if verb == "finish":
        (run / "finish").touch()
        while is_running(run):
            time.sleep(WAIT_SECONDS)
    if verb in ("train", "finish"):
        train(recipe, corpus=corpus, run=run)
    if len(arguments) > 4:
        sys.stdout.write(json.dumps(export(recipe, corpus=corpus, run=run, out=Path(arguments[4]))) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
