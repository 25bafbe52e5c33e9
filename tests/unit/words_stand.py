"""A stand for the stages of hearing and words: products put by hand, a stage run on them, its value and flags."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dubsync.audio import wav
from dubsync.documents import to_json
from dubsync.engine.stage import Context, Made, Product, Stage, Unit
from dubsync.timing import Span, seconds
from dubsync.title import Flag, Source, Utterance, VideoTrack, Word, content_id

RATE = 16000
LONG = Fraction(60)


@dataclass
class Stand:
    """A title folder with products; `run` runs a stage and keeps what it made."""

    folder: Path
    products: dict[str, tuple[Product, ...]] = field(default_factory=dict)
    flags: list[Flag] = field(default_factory=list)

    def put(self, stage: str, value: Any, *, key: str = "title") -> Path:
        """Lay a product down; return its folder, for files."""
        folder = self.folder / "store" / stage / key
        folder.mkdir(parents=True)
        (folder / "product.json").write_text(json.dumps(to_json(value)), encoding="utf-8")
        product = Product(stage, Unit(key), folder, key)
        self.products[stage] = (*self.products.get(stage, ()), product)
        return folder

    def film(self, samples: NDArray[np.float32], *, fps: int = 25) -> None:
        """Lay down the source product of a film with this sound."""
        length = Fraction(len(samples), RATE)
        frames = int(length * fps)
        video = VideoTrack(0, "h264", 64, 64, frames, Fraction(fps), Fraction(1, fps), False, "yuv420p")
        folder = self.put("source", Source("film", "0", "mp4", length, video, ()))
        wav.write(folder / "speech.wav", samples, RATE)
        np.savez(folder / "frames.npz", times=np.arange(frames) / fps)

    def run(
        self, stage: Stage, params: Any = None, *, language: str | None = None, **engines: Callable[[], Any]
    ) -> Mapping[str, Any]:
        out = self.folder / "out" / stage.name
        out.mkdir(parents=True, exist_ok=True)
        made = Made({name: self.products[name] for name in stage.needs + stage.optional if name in self.products})
        ctx = Context(out, self.folder / "film.mp4", self.folder, 1, language, engines)
        value = stage.function(Unit(language or "title", language), made, ctx, params)
        self.flags = ctx.flags
        assert value is not None
        round_trip: Mapping[str, Any] = json.loads(json.dumps(value))
        return round_trip

    def codes(self) -> list[str]:
        return [flag.code for flag in self.flags]


def silence(length: float) -> NDArray[np.float32]:
    return np.zeros(round(length * RATE), np.float32)


def tone(length: float, hertz: float) -> NDArray[np.float32]:
    """A hum that opens and closes four times a second, as a speaking voice does."""
    time = np.arange(round(length * RATE)) / RATE
    return (0.3 * np.sin(2 * np.pi * hertz * time) * (0.55 - 0.45 * np.cos(2 * np.pi * 4 * time))).astype(np.float32)


def utterance(text: str, start: float, end: float, **more: Any) -> Utterance:
    span = Span(seconds(start), seconds(end))
    return Utterance(content_id("utterance", text, span.start), text, span, (Word(text, span),), **more)


def spoken(stand: Stand, utterances: Sequence[Utterance], *, language: str = "en") -> None:
    """Lay down the products of transcript and speakers."""
    stand.put("transcript", {"language": language, "confidence": 1.0, "utterances": utterances})
    stand.put("speakers", {"speakers": [], "utterances": utterances, "faces": {}})
