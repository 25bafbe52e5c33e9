"""reactions: laughs, breaths, sighs and cries between the lines, which are kept from the original and not spoken anew.

The mix lets the film's own sound stand where one lies, and mouths there stay as filmed. So that no original speech
slips through, a reaction must stand apart from every word of the transcript, be louder than what the separation leaves
behind, change less than words do, and a recogniser that hears it alone must find no word in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from dubsync.audio import features, wav
from dubsync.audio import reactions as sounds
from dubsync.audio.reactions import Samples
from dubsync.backends.protocols import Transcriber, WordlessJudge
from dubsync.documents import from_json, to_json
from dubsync.engine.stage import Axis, Context, Made, Unit, stage
from dubsync.errors import Flag, Severity
from dubsync.timing import Span, to_samples, union
from dubsync.title import Utterance

REACH = Fraction(2)
"""Seconds around the lines that are searched: the mix leaves the film alone further away."""
APART = Fraction(1, 2)
"""Seconds to the next sound that may be a word."""
WORDS_FROM = 1.0
"""Variety of a sound from which on it may be a word."""


@dataclass(frozen=True, slots=True)
class ReactionsParams:
    """`keep`: whether reactions are kept at all."""

    keep: bool = True


@stage(
    over=Axis.TITLE,
    needs=("stems", "transcript"),
    params=ReactionsParams,
    backends=("asr", "wordless"),
    version=3,
)
def reactions(unit: Unit, made: Made, ctx: Context, params: ReactionsParams) -> Mapping[str, Any]:
    """Return where reactions are, on the film's clock."""
    if not params.keep:
        return {"reactions": [], "found": 0}
    if "wordless" not in ctx.backends:
        ctx.flag(Flag(
            Severity.INFO, "reactions-not-kept", "film",
            "laughs and breaths within dubbed lines are muted: no engine tells them from words",
            'name one in [engines]: wordless = "wordless.whisper"',
        ))  # fmt: skip
        return {"reactions": [], "found": 0}
    transcript = made.one("transcript").value
    utterances = from_json(tuple[Utterance, ...], transcript["utterances"])
    dialogue, bed = (made.one("stems").file(f"{name}.wav") for name in ("dialogue", "bed"))
    found = list(_candidates(utterances, sounds.measure(dialogue, bed)))
    even = _even(found, dialogue, ctx)
    kept = _wordless(even, dialogue, transcript["language"], ctx) if even else []
    if len(kept) < len(found):
        ctx.flag(Flag(
            Severity.INFO, "reactions-muted", "film",
            f"of {len(found)} sounds beside the words {len(found) - len(kept)} may hold a word: they are muted where "
            "a line is dubbed",
            "listen to the dub where somebody laughs or cries; a track without speech (--me) brings them back",
        ))  # fmt: skip
    return {"reactions": to_json(tuple(kept)), "found": len(found)}


def _candidates(utterances: Sequence[Utterance], levels: sounds.Levels) -> Iterator[Span]:
    """Yield sounds near the lines that stand apart from every word."""
    spans = [span for one in utterances for span in ([word.span for word in one.words] or [one.span])]
    for area in union(Span(max(Fraction(0), one.span.start - REACH), one.span.end + REACH) for one in utterances):
        yield from sounds.candidates(levels, area, [span for span in spans if span.overlap(area)])


def _even(found: Sequence[Span], dialogue: Path, ctx: Context) -> list[Span]:
    """Return those that change less than words do and have none beside them, whose first or last sound they may be."""
    engine: WordlessJudge = ctx.backend("wordless")
    rate = wav.facts(dialogue).sample_rate
    is_wordy = [engine.variety(_cut(dialogue, span, rate), rate) >= WORDS_FROM for span in found]
    near = [Span(max(Fraction(0), span.start - APART), span.end + APART) for span in found]
    wordy = [span for span, is_one in zip(near, is_wordy, strict=True) if is_one]
    return [span for span in found if not any(span.overlap(word) for word in wordy)]


def _cut(dialogue: Path, span: Span, rate: int) -> Samples:
    return features.mono(wav.read(dialogue, start=to_samples(span.start, rate), stop=to_samples(span.end, rate)))


def _wordless(found: list[Span], dialogue: Path, language: str, ctx: Context) -> list[Span]:
    """Return those in which the recogniser, hearing them alone, finds no word."""
    rate = wav.facts(dialogue).sample_rate
    path, places = ctx.out / "alone.wav", []
    with wav.WavWriter(path, sounds.HEARING_RATE, 1) as file:
        for sound, place in sounds.strung((_cut(dialogue, span, rate), rate) for span in found):
            file.write(sound)
            places.append(place)
    engine: Transcriber = ctx.backend("asr")
    heard = engine.transcribe(path, language=language, progress=ctx.progress)
    path.unlink()
    words = [(word.text, word.span) for one in heard.utterances for word in one.words]
    is_free = sounds.wordless(places, words)
    return [span for span, free in zip(found, is_free, strict=True) if free]
