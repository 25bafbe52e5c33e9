"""voice: one line spoken in its speaker's voice, as long as the original where speech bears it.

The original's own time is aimed at; a line that needs more runs on into the silence its slot grants, and is spoken
faster only when that does not suffice. Where the actor is seen, pauses of the original stay. A line is never cut and
never spoken faster than the engine finds bearable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from dubsync.audio import features, pauses, wav, whisper
from dubsync.audio.pauses import Pause
from dubsync.audio.slots import FASTEST, aim
from dubsync.backends.protocols import Brought, Recordings, Samples, Spoken, Voice, VoiceCloner
from dubsync.documents import from_json, to_json
from dubsync.engine.stage import Axis, Context, Made, Unit, stage
from dubsync.errors import Flag, Severity
from dubsync.stages import _phones
from dubsync.stages._phones import Said
from dubsync.stages._recorded import Unrecorded, played
from dubsync.stages.casting import UNKNOWN
from dubsync.timing import Span, seconds, to_samples
from dubsync.title import Line, Utterance

HUMAN = "recorded.{language}.wav"
"""What people recorded, on the film's clock; only `voice.recorded` asks for it."""
VOICED = "voiced.wav"
"""A whispered line as it was before: mouths move as if it were spoken."""
ALONE = "recorded.{language}/{unit}.wav"
"""The recording of one line by itself; it comes before the one on the film's clock."""


@dataclass(frozen=True, slots=True)
class VoiceParams:
    """`overrun_seconds`: how far a line may exceed its slot before a flag says so.

    `unrecorded`: what is heard of a line that should have been recorded and was not. `whisper`: whisper where the
    actor does.
    """

    overrun_seconds: float = 0.3
    unrecorded: Unrecorded = "silence"
    whisper: bool = True


@runtime_checkable
class Directed(Protocol):
    """A voice backend that lets the original performance of a line steer its own."""

    def direct(self, voice: Voice, samples: Samples, sample_rate: int) -> Voice: ...


@stage(
    over=Axis.LINE,
    needs=("speakers", "stems", "casting"),
    optional=("transcript",),
    params=VoiceParams,
    reads=(HUMAN,),
    may_read=(ALONE,),
    backends=("voice", "phones"),
    version=7,
)
def voice(unit: Unit, made: Made, ctx: Context, params: VoiceParams) -> Mapping[str, Any]:
    """Speak the line and say when it starts, so that its first word falls on the original's."""
    assert unit.language is not None, "the stage runs per language and line"
    line = from_json(Line, unit.item)
    engine: VoiceCloner = ctx.backend("voice")
    speaker, own = line.speaker or UNKNOWN, _own_span(line, made)
    dialogue = made.one("stems").file("dialogue.wav")
    is_whisper = False
    if isinstance(engine, Recordings):
        alone, stem = (ctx.human(name.format(language=unit.language, unit=line.id)) for name in (ALONE, HUMAN))
        heard = played(engine, line, own, Brought(alone, stem, dialogue), params.unrecorded)
        words = {"line": Said(line.text, unit.language), "original": _phones.original(line, made)}
        start, says, spoken = (
            heard.start,
            heard.says,
            _phones.named(heard.spoken, words.get(heard.says), line, made, ctx),
        )
    else:
        original, rate = _original(dialogue, own)
        is_whisper = params.whisper and whisper.is_whispered(original, rate)
        cast = _cast(engine, made.one("casting").file(f"{speaker}.npz"), None if is_whisper else (original, rate))
        spoken = _performed(engine, cast, line, own, unit.language, made, ctx)
        start, says = _start(own, spoken), "line"
        if is_whisper:
            spoken = _whispered(line, spoken, ctx)
    wav.write(ctx.out / "line.wav", spoken.samples, spoken.sample_rate)
    length = len(spoken.samples) / spoken.sample_rate
    _flag_fit(line, start, length, spoken, ctx, params)
    return {
        "line": line.id,
        "speaker": speaker,
        "says": says,
        "whispered": is_whisper,
        "start": round(float(start), 6),
        "seconds": round(length, 6),
        "natural_seconds": round(spoken.natural_seconds, 6),
        "slot": to_json(line.span),
        "own": to_json(own),
        "words": to_json(tuple(replace(word, span=word.span.shift(start)) for word in spoken.words)),
        "phones": to_json(tuple(replace(phone, span=phone.span.shift(start)) for phone in spoken.phones)),
    }


def _performed(  # noqa: PLR0913 - who says what, when, and how
    engine: VoiceCloner, cast: Voice, line: Line, own: Span, language: str, made: Made, ctx: Context
) -> Spoken:
    """Speak the line in its time, with the original's pauses as far as there is time for them."""
    wanted = _seen_pauses(line, made)
    natural = engine.duration(line.text, voice=cast, language=language)
    slot = float(line.span.end - own.start)
    kept = pauses.afforded(wanted, natural=natural, slot=slot) if wanted else ()
    silence = sum(pause.seconds for pause in kept)
    length = aim(natural, own=max(float(own.duration) - silence, 0.0), slot=slot - silence)
    spoken = engine.speak(line.text, voice=cast, language=language, seconds=length, seed=ctx.seed)
    spoken = _phones.named(spoken, Said(line.text, language), line, made, ctx)
    is_known = len(spoken.words) == len(pauses.spoken_words(line.text))
    return pauses.insert(spoken, kept) if kept and is_known else spoken


def _seen_pauses(line: Line, made: Made) -> tuple[Pause, ...]:
    """Return the pauses of the original that the text can keep; none where its speaker is not on screen."""
    people = made.one("speakers").value
    row = next((row for row in people["utterances"] if row["id"] == line.utterance), None)
    if row is None or not _phones.is_seen(line, made):
        return ()
    return pauses.planned(from_json(Utterance, row).words, line.text)


def _own_span(line: Line, made: Made) -> Span:
    """Return when the original is spoken; a line without an utterance has its slot."""
    rows = made.one("speakers").value["utterances"]
    row = next((row for row in rows if row["id"] == line.utterance), None)
    return line.span if row is None else from_json(Utterance, row).span


def _start(own: Span, spoken: Spoken) -> Fraction:
    """Return when to start the sound, so that its first word begins with the original's."""
    lead = spoken.words[0].span.start if spoken.words else Fraction(0)
    return max(Fraction(0), own.start - lead)


def _flag_fit(line: Line, start: Fraction, length: float, spoken: Spoken, ctx: Context, params: VoiceParams) -> None:
    over = float(start + seconds(length) - line.span.end)
    ctx.flags += [replace(flag, where=line.id) for flag in spoken.flags if flag.code != "line-too-long"]
    if over > params.overrun_seconds:
        ctx.flag(Flag(
            Severity.WARNING, "line-runs-over", line.id,
            f"ends {over:.2f} s after its slot although it is spoken as fast as can be: {line.text[:60]!r}",
            "shorten the text",
        ))  # fmt: skip
    elif spoken.natural_seconds / max(length, 1e-6) > FASTEST * 0.98:
        ctx.flag(Flag(
            Severity.INFO, "line-rushed", line.id,
            f"spoken at {spoken.natural_seconds / length:.2f} of its natural rate: {line.text[:60]!r}",
            "shorten the text",
        ))  # fmt: skip


def _original(dialogue: Path, own: Span) -> tuple[Samples, int]:
    """Return the actor's line, mono, and its sample rate."""
    rate = wav.facts(dialogue).sample_rate
    return features.mono(wav.read(dialogue, start=to_samples(own.start, rate), stop=to_samples(own.end, rate))), rate


def _cast(engine: VoiceCloner, file: Path, original: tuple[Samples, int] | None) -> Voice:
    """Return the speaker's voice, directed by the original performance where the engine can be; a whisper cannot."""
    with np.load(file) as arrays:
        cast: Voice = {name: arrays[name] for name in arrays.files}
    return engine.direct(cast, *original) if original is not None and isinstance(engine, Directed) else cast


def _whispered(line: Line, spoken: Spoken, ctx: Context) -> Spoken:
    """Return the line as a whisper; it stays with its voice in `voiced.wav`, which mouths move to."""
    wav.write(ctx.out / VOICED, spoken.samples, spoken.sample_rate)
    ctx.flag(Flag(
        Severity.INFO, "line-whispered", line.id,
        f"whispered, as the original is: {line.text[:60]!r}", "--set voice.whisper=false has it spoken with voice",
    ))  # fmt: skip
    return replace(spoken, samples=whisper.whispered(spoken.samples, spoken.sample_rate))
