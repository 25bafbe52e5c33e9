"""The form "stems": the sound in parts, as Broadcast Waves, with a list of checksums that `sha256sum -c` reads."""

from __future__ import annotations

import shlex
import shutil
from itertools import zip_longest
from pathlib import Path

import numpy as np

from dubsync.audio import wav
from dubsync.delivery.checks import Checked
from dubsync.delivery.dubs import FinishedDub
from dubsync.delivery.order import Built, Order
from dubsync.delivery.specs import Stems
from dubsync.engine.store import sha256
from dubsync.errors import IntegrityError, UsageError
from dubsync.timing import to_samples

SUMS = "SHA256SUMS"
_ROUNDING = 2.0**-14
"""By which both stems together may differ from the full mix: two steps of 16 bits."""


def build(params: Stems, order: Order) -> Built:
    """Copy each dub's parts under names that say what they are, and check that they fit the picture and each other.

    Raises:
        UsageError: a dub was mixed without stems; the hint has the command that makes them.
    """
    files: dict[str, dict[str, str]] = {}
    checked: list[Checked] = []
    for dub, parts in [(dub, _parts(params, order.title, dub)) for dub in order.dubs]:
        order.saying(f"{dub.language}: stems")
        folder = order.place / dub.language
        for origin, name in parts:
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(origin, target)
        checked += _checked(folder, f"{order.title}.{dub.language}", order, dub)
        rows = [f"{sha256(path)}  {path.relative_to(folder).as_posix()}" for path in sorted(folder.rglob("*.wav"))]
        (order.place / sums_of(dub.language)).write_text("\n".join(rows) + "\n", encoding="utf-8")
        files[dub.language] = {"stems": sums_of(dub.language)}
    return Built(files, tuple(checked), ())


def sums_of(language: str) -> str:
    """Return where in the package the checksums of a dub's stems are."""
    return f"{language}/{SUMS}"


def _parts(params: Stems, title: str, dub: FinishedDub) -> list[tuple[Path, str]]:
    mix = dub.products["mix"]
    stems = [name for name in mix.value.get("stems", ()) if params.lines or not name.startswith("stems/lines/")]
    if not stems:
        command = shlex.join([*dub.command, "--set", "mix.stems=true"])
        hint = f"run `{command}` first; a batch file says [set.mix] stems = true"
        raise UsageError(f"{title} in {dub.language} was mixed without stems", hint=hint)
    head = f"{title}.{dub.language}"
    found = [(mix.file("dub.wav"), f"{head}.mix.wav")]
    for name in stems:
        inner = Path(name).relative_to("stems")
        found.append((mix.file(name), (inner.parent / f"{head}.{inner.name}").as_posix()))
    return found


def _checked(folder: Path, head: str, order: Order, dub: FinishedDub) -> list[Checked]:
    """Insist that mix and stems last as long as the picture, and that both stems together are the mix."""
    found = []
    for kind in ("mix", "me", "dialogue"):
        path = folder / f"{head}.{kind}.wav"
        facts = wav.facts(path)
        wanted = to_samples(order.original.table.duration, facts.sample_rate)
        if facts.frames != wanted:
            raise IntegrityError(f"{path.name}: has {facts.frames} samples, the picture {wanted}")
        found.append(Checked(f"{dub.language}/{path.name}", facts.frames / facts.sample_rate))
    has_clipped = any(flag.code == "stem-clipped" for flag in dub.products["mix"].flags)
    if not has_clipped:  # where it has, the mix stage has said so
        _insist_on_sum(folder, head)
    return found


def _insist_on_sum(folder: Path, head: str) -> None:
    streams = (wav.blocks(folder / f"{head}.{kind}.wav") for kind in ("mix", "me", "dialogue"))
    for whole, music, dialogue in zip_longest(*streams):
        off = float(np.abs(whole - music - dialogue).max(initial=0.0))
        if off > _ROUNDING:
            raise IntegrityError(f"{head}: its stems are {off:.5f} off the mix", hint="report it: it should not happen")
