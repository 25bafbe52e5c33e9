"""casting: a voice for each speaker of the film, once per language.

`casting.toml` in the title folder decides by hand (`_cast_list.py`). Whose voice the series' bank keeps speaks in that
(`_bank.py`); everybody else gets a voice fitted to their own clean speech, in which words must still be understood
(`_intelligible.py`), and which is not more like the others' than the people are (`_distinct.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from dubsync.audio import bank, features, wav
from dubsync.backends.protocols import Enrolled, Progress, Take, Transcript, Voice, VoiceCloner
from dubsync.documents import from_json
from dubsync.engine.stage import Axis, Context, Made, Unit, stage
from dubsync.errors import Flag, UsageError
from dubsync.stages import _bank, _cast_list, _distinct, _intelligible
from dubsync.stages._intelligible import Ways
from dubsync.timing import Span, to_samples
from dubsync.title import Speaker, Utterance

UNKNOWN = "unknown"
ENOUGH_S = 20.0
_SHORTEST_S = 0.4


@runtime_checkable
class NamedVoices(Protocol):
    """A voice backend whose own voices can be cast by name."""

    def named(self, name: str, language: str) -> Voice: ...


@runtime_checkable
class Nearer(Protocol):
    """A voice backend that can bring a fitted voice nearer to its person, for a price, much memory for a while too.

    `worth_s`: seconds that a person speaks from which it is worth it.
    """

    @property
    def worth_s(self) -> float: ...

    def nearer(self, take: Take, seconds: float) -> tuple[Take, ...]:
        """Return further takes; none where the price is too high for a person who speaks for so many seconds."""


@stage(
    over=Axis.LANGUAGE,
    needs=("speakers", "stems", "rights"),
    reads=(f"{_cast_list.FILE}#voices",),
    may_read=(bank.NAME,),
    backends=("voice", "asr"),
    version=8,
)
def casting(unit: Unit, made: Made, ctx: Context, params: None) -> Mapping[str, Any]:
    """Enrol every speaker, or take the voice a person chose; keep each as `<speaker id>.npz`."""
    assert unit.language is not None, "the stage runs once per language"
    value = made.one("speakers").value
    people = from_json(tuple[Speaker, ...], value["speakers"])
    utterances = from_json(tuple[Utterance, ...], value["utterances"])
    engine: VoiceCloner = ctx.backend("voice")
    chosen = dict(_cast_list.read(ctx.human(_cast_list.FILE), people, UNKNOWN).voices)
    kept = _bank.voices(ctx, made.one("rights").value, engine.capabilities, unit.language)
    dialogue = made.one("stems").file("dialogue.wav")
    spoken = tuple(dict.fromkeys(utterance.speaker or UNKNOWN for utterance in utterances))
    said = {one: _said(one, utterances) for one in spoken}
    if isinstance(engine, Nearer) and max(said.values(), default=0.0) >= engine.worth_s:
        ctx.make_room()
    ways = Ways(engine, None, unit.language, ctx.out, ctx.make_room)
    cast: dict[str, Enrolled] = {}
    for number, speaker in enumerate(spoken):
        if speaker in chosen:
            cast[speaker] = Enrolled(_named(engine, chosen[speaker], unit.language))
        elif speaker in kept:
            cast[speaker] = kept[speaker]
        else:
            cast[speaker] = _fitted(*clean_speech(dialogue, speaker, utterances), ways, said[speaker])
        ctx.progress((number + 1) / len(spoken))
    if "asr" in ctx.backends:  # it was not in memory while voices were fitted
        ways = replace(ways, ears=_Ears(ctx))
    cast = _distinct.apart({speaker: _intelligible.understood(one, ways) for speaker, one in cast.items()}, ways)
    for speaker, enrolled in cast.items():
        np.savez(ctx.out / f"{speaker}.npz", **dict(enrolled.voice))  # type: ignore[arg-type]
        ctx.flags += [Flag(f.severity, f.code, speaker, f.what, f.hint) for f in enrolled.flags]
    return {"voices": {speaker: _row(engine, enrolled, chosen.get(speaker)) for speaker, enrolled in cast.items()}}


class _Ears:
    """The pipeline's recogniser, which is not held on to, so that room can be made."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    def transcribe(self, speech: Path, *, language: str | None, progress: Progress) -> Transcript:
        heard: Transcript = self._ctx.backend("asr").transcribe(speech, language=language, progress=progress)
        return heard


def _said(speaker: str, utterances: Sequence[Utterance]) -> float:
    """Return how many seconds somebody speaks in the film."""
    return float(sum(one.span.duration for one in utterances if (one.speaker or UNKNOWN) == speaker))


def together(fitted_voices: Sequence[Enrolled], ways: Ways) -> list[Enrolled]:
    """Return the voices of people in films of their own as the stage casts them in one film."""
    return list(_distinct.apart({str(number): one for number, one in enumerate(fitted_voices)}, ways).values())


def fitted(samples: NDArray[np.float32], rate: int, ways: Ways, said: float) -> Enrolled:
    """Return a voice, in which words are understood, fitted to clean speech of somebody who speaks `said` seconds."""
    return _intelligible.understood(_fitted(samples, rate, ways, said), ways)


def _fitted(samples: NDArray[np.float32], rate: int, ways: Ways, said: float) -> Enrolled:
    """Return the voice alone: while it is fitted there is no recogniser in memory."""
    enrolled = ways.engine.enroll(samples, rate, language=ways.language, progress=lambda share: None)
    return _nearer(enrolled, ways.engine, said)


def _nearer(enrolled: Enrolled, engine: VoiceCloner, said: float) -> Enrolled:
    """Return the voice with further takes, where the engine has a longer way to make them and it is worth it."""
    if not isinstance(engine, Nearer) or not enrolled.takes:
        return enrolled
    further = engine.nearer(enrolled.takes[0], said)
    if not further:
        return enrolled
    takes = tuple(sorted((*further, *enrolled.takes), key=lambda take: -take.likeness))
    notes = {**enrolled.notes, "fitted": takes[0].likeness}
    return replace(enrolled, voice=takes[0].voice, similarity=takes[0].likeness, notes=notes, takes=takes)


def _row(engine: VoiceCloner, enrolled: Enrolled, chosen: str | None) -> dict[str, Any]:
    similarity = None if enrolled.similarity is None else round(enrolled.similarity, 4)
    notes = {name: round(float(value), 4) for name, value in enrolled.notes.items()}
    return {"backend": engine.capabilities.name, "similarity": similarity, "chosen": chosen, **notes}


def _named(engine: VoiceCloner, name: str, language: str) -> Voice:
    if not isinstance(engine, NamedVoices):
        raise UsageError(f"{engine.capabilities.name} has no voices of its own to cast {name!r} from")
    return engine.named(name, language)


def clean_speech(dialogue: Path, speaker: str, utterances: Sequence[Utterance]) -> tuple[NDArray[np.float32], int]:
    """Return up to 20 s of what a speaker says alone, mono, the clearest utterances first taken, in film order."""
    rate = wav.facts(dialogue).sample_rate
    alone = [one for one in utterances if (one.speaker or UNKNOWN) == speaker and not _is_overlapped(one, utterances)]
    usable = [one for one in alone if one.span.duration >= _SHORTEST_S] or alone
    ranked = sorted(usable, key=lambda one: -_clarity(_cut(dialogue, one.span, rate)))
    taken, total = [], 0.0
    for one in ranked:
        if total < ENOUGH_S:
            taken.append(one)
            total += float(one.span.duration)
    parts = [_cut(dialogue, one.span, rate) for one in sorted(taken, key=lambda one: one.span)]
    return (np.concatenate(parts) if parts else np.zeros(0, np.float32)), rate


def _is_overlapped(one: Utterance, utterances: Sequence[Utterance]) -> bool:
    others = (other for other in utterances if other.speaker != one.speaker)
    return any(one.span.overlap(other.span) > Fraction(1, 10) for other in others)


def _clarity(samples: NDArray[np.float32]) -> float:
    """Rank an utterance: how loud it is, and how far its loud parts stand above its quiet ones, in dB."""
    levels = features.frame_levels(samples, 480)
    if len(levels) < 4:
        return -200.0
    loud, quiet = np.percentile(levels, (90, 10))
    return float(loud + 0.5 * min(40.0, loud - quiet))


def _cut(dialogue: Path, span: Span, rate: int) -> NDArray[np.float32]:
    return features.mono(wav.read(dialogue, start=to_samples(span.start, rate), stop=to_samples(span.end, rate)))
