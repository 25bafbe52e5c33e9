"""Toy stages and engines for the tests of the engine: importable by name, so that worker processes find them."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dubsync.engine.plan import Engine, Expansion
from dubsync.engine.stage import Axis, Context, Made, Stage, Unit, stage
from dubsync.errors import ConsentMissing, Flag, Severity, TransientError

EXPANSIONS = {
    Axis.SHOT: Expansion("words", "shots"),
    Axis.TAKE: Expansion("words", "shots"),
    Axis.LINE: Expansion("lines", "lines"),
}


@dataclass(frozen=True)
class Loudness:
    factor: int = 1


@stage(over=Axis.TITLE, version=1)
def words(unit: Unit, made: Made, ctx: Context, params: None) -> Mapping[str, Any]:
    text = ctx.film.read_text()
    return {"shots": [{"id": word} for word in text.split()]}


@stage(over=Axis.SHOT, version=1, needs=("words",), params=Loudness)
def loud(unit: Unit, made: Made, ctx: Context, params: Loudness) -> Mapping[str, Any]:
    (ctx.out / "loud.txt").write_text(unit.key.upper() * params.factor)
    return {"length": len(unit.key) * params.factor}


@stage(over=Axis.LANGUAGE, version=1, needs=("words",), reads=("edits/{language}.txt",))
def lines(unit: Unit, made: Made, ctx: Context, params: None) -> Mapping[str, Any]:
    edits = ctx.human(f"edits/{unit.language}.txt")
    said = edits.read_text().split() if edits.exists() else []
    shots = made.one("words").value["shots"]
    text = {shot["id"]: shot["id"] + "-" + (unit.language or "") for shot in shots}
    return {"lines": [{"id": key, "text": said[0] if said and key == shots[0]["id"] else text[key]} for key in text]}


@stage(over=Axis.LINE, version=1, needs=("lines",))
def needless(unit: Unit, made: Made, ctx: Context, params: None) -> Mapping[str, Any]:
    return {}


@stage(over=Axis.LINE, version=1, needs=("words",), backends=("voice",))
def voice(unit: Unit, made: Made, ctx: Context, params: None) -> Mapping[str, Any]:
    assert unit.item is not None
    (ctx.out / "seed").write_text(str(ctx.seed))
    return {"spoken": ctx.backend("voice").speak(unit.item["text"])}


@stage(over=Axis.TAKE, version=1, needs=("loud", "voice"))
def take(unit: Unit, made: Made, ctx: Context, params: None) -> Mapping[str, Any]:
    own = made.one("loud").file("loud.txt").read_text()
    spoken = [product.value["spoken"] for product in made.all("voice") if product.unit.key == unit.key]
    return {"take": own + " " + spoken[0]}


@stage(over=Axis.LANGUAGE, version=1, needs=("take",))
def whole(unit: Unit, made: Made, ctx: Context, params: None) -> Mapping[str, Any]:
    ctx.flag(Flag(Severity.INFO, "toy", unit.key, "it is only a toy"))
    return {"whole": [product.value["take"] for product in made.all("take")]}


@stage(over=Axis.LANGUAGE, version=1, needs=("words",), always=True, reads=("leave.txt",))
def leave(unit: Unit, made: Made, ctx: Context, params: None) -> Mapping[str, Any]:
    if not ctx.human("leave.txt").exists():
        raise ConsentMissing("nobody gave leave", hint="write leave.txt")
    return {"leave": "given"}


@stage(over=Axis.SHOT, version=1, needs=("words",))
def shaky(unit: Unit, made: Made, ctx: Context, params: None) -> Mapping[str, Any]:
    """Is killed the first time, and fails in passing the second."""
    diary = ctx.folder / f"{unit.key}.diary"
    times = len(diary.read_text()) if diary.exists() else 0
    diary.write_text("x" * (times + 1))
    if times == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    if times == 1:
        raise TransientError("the toy is busy")
    return {"times": times}


@stage(over=Axis.TITLE, version=1, needs=("words",))
def broken(unit: Unit, made: Made, ctx: Context, params: None) -> Mapping[str, Any]:
    raise ValueError("the toy broke")


@stage(over=Axis.SHOT, version=1, needs=("words",))
def deadly(unit: Unit, made: Made, ctx: Context, params: None) -> Mapping[str, Any]:
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


class Voice:
    """An engine that speaks in capitals."""

    def speak(self, text: str) -> str:
        return f"{text}!"


STAGES = {each.name: each for each in globals().copy().values() if isinstance(each, Stage)}


def load(name: str) -> Stage:
    return STAGES[name]


def open_engine(engine: Engine) -> Voice:
    with Path(os.environ.get("TOY_DIARY", os.devnull)).open("a") as diary:
        diary.write("opened\n")
    return Voice()
