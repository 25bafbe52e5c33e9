"""transcript: what is said in the film, in its own language, word by word with times.

A `transcript.srt` in the title folder, which a person brought, is taken at its word and replaces recognition; its
words get their times by alignment, or by their length where no aligner speaks the language.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from dubsync.backends.protocols import Aligner, Transcriber, Transcript
from dubsync.documents import to_json
from dubsync.engine.stage import Axis, Context, Made, Unit, stage
from dubsync.errors import Flag, NoSpeech, Severity
from dubsync.stages import _wordless
from dubsync.text import language as tags
from dubsync.text import subtitles
from dubsync.text.cue import Cue
from dubsync.text.sentences import joiner
from dubsync.timing import Span, clock
from dubsync.title import Utterance, Word, content_id

HUMAN = "transcript.srt"
UNSURE_WORDS = 0.5
UNSURE_LANGUAGE = 0.5


@dataclass(frozen=True, slots=True)
class TranscriptParams:
    """`language`: the film's, None: hear it."""

    language: str | None = None


@stage(
    over=Axis.TITLE,
    needs=("source",),
    params=TranscriptParams,
    reads=(HUMAN,),
    backends=("asr", "align"),
    version=2,
)
def transcript(unit: Unit, made: Made, ctx: Context, params: TranscriptParams) -> Mapping[str, Any]:
    """Hear the film; raise NoSpeech when nobody speaks."""
    speech = made.one("source").file("speech.wav")
    wanted = tags.normal_tag(params.language) if params.language else None
    given = ctx.human(HUMAN)
    heard = _given(given, wanted, ctx) if given.exists() else _heard(speech, wanted, ctx)
    if not heard.utterances:
        raise NoSpeech("nobody was heard speaking in the film", hint=f"if somebody does, bring the words: {HUMAN}")
    aligned = _aligned(speech, heard, ctx)
    if not given.exists():
        aligned = _spoken(aligned, ctx)
    _flag_doubts(aligned, ctx)
    return {
        "language": aligned.language,
        "confidence": round(aligned.confidence, 3),
        "utterances": to_json(_unique(aligned.utterances)),
    }


def _spoken(heard: Transcript, ctx: Context) -> Transcript:
    """Leave out laughs and the like that the recogniser wrote down: nobody speaks them anew."""
    utterances, wordless = _wordless.parted(heard.utterances, joiner(heard.language))
    for word in wordless:
        ctx.flag(Flag(
            Severity.INFO, "not-a-word", clock(word.span.start),
            f"{word.text!r} is taken for a laugh or a sigh: the film's own stays where nothing else is said",
            f"if it is a line, bring the words: {HUMAN}",
        ))  # fmt: skip
    if not utterances:
        raise NoSpeech("laughs were heard in the film, and no words", hint=f"if there are any, bring them: {HUMAN}")
    return replace(heard, utterances=utterances)


def _unique(utterances: Sequence[Utterance]) -> tuple[Utterance, ...]:
    """Give the same words at the same time, which a subtitle file may hold twice, ids of their own."""
    seen: Counter[str] = Counter()
    found = []
    for utterance in utterances:
        seen[utterance.id] += 1
        again = seen[utterance.id] > 1
        own = content_id("utterance", utterance.id, seen[utterance.id]) if again else utterance.id
        found.append(replace(utterance, id=own))
    return tuple(found)


def _heard(speech: Path, language: str | None, ctx: Context) -> Transcript:
    engine: Transcriber = ctx.backend("asr")
    return engine.transcribe(speech, language=language, progress=lambda share: ctx.progress(0.9 * share))


def _given(path: Path, language: str | None, ctx: Context) -> Transcript:
    """Take the words of a subtitle file as they are."""
    if language is None:
        ctx.flag(Flag(
            Severity.WARNING, "language-assumed", HUMAN, "no language was given for the transcript: English assumed",
            'set language = "..." for the transcript stage',
        ))  # fmt: skip
    spoken = language or "en"
    cues = [cue for cue in subtitles.read(path) if cue.text.strip()]
    return Transcript(spoken, 1.0, tuple(from_cue(cue, spoken) for cue in sorted(cues, key=lambda cue: cue.span)))


def from_cue(cue: Cue, language: str) -> Utterance:
    """Make an utterance of a cue; its words share its time by their length."""
    text = " ".join(cue.text.split())
    words = text.split() if joiner(language) else list(text.replace(" ", ""))
    spans = shared(cue.span, [len(word) + 1 for word in words])
    nouns = tuple(Word(word, span) for word, span in zip(words, spans, strict=True))
    return Utterance(content_id("utterance", text, cue.span.start), text, cue.span, nouns)


def shared(span: Span, weights: Sequence[int]) -> tuple[Span, ...]:
    """Part a span in proportion to the weights."""
    total, done = sum(weights), 0
    parts = []
    for weight in weights:
        start = span.start + span.duration * Fraction(done, total)
        done += weight
        parts.append(Span(start, span.start + span.duration * Fraction(done, total)))
    return tuple(parts)


def _aligned(speech: Path, heard: Transcript, ctx: Context) -> Transcript:
    """Let the aligner, if the pipeline has one that speaks the language, correct the times of words."""
    if "align" not in ctx.backends:
        return heard
    engine: Aligner = ctx.backend("align")
    spoken = engine.capabilities.languages
    if spoken and tags.best_match(heard.language, spoken) is None:
        ctx.flag(Flag(
            Severity.INFO, "words-not-aligned", heard.language,
            f"{engine.capabilities.name} does not speak {tags.name(heard.language)}: words keep the recogniser's times",
        ))  # fmt: skip
        return heard
    aligned = engine.align(speech, heard, progress=lambda share: ctx.progress(0.9 + 0.1 * share))
    same = zip(heard.utterances, aligned.utterances, strict=True)
    utterances = tuple(replace(new, id=old.id, text=old.text) for old, new in same)
    return replace(aligned, utterances=utterances)


def _flag_doubts(heard: Transcript, ctx: Context) -> None:
    if heard.confidence < UNSURE_LANGUAGE:
        ctx.flag(Flag(
            Severity.WARNING, "language-unsure", heard.language,
            f"the film's language was taken for {tags.name(heard.language)} with confidence {heard.confidence:.2f}",
            'if it is another, set language = "..." for the transcript stage',
        ))  # fmt: skip
    for utterance in heard.utterances:
        if utterance.confidence is not None and utterance.confidence < UNSURE_WORDS:
            ctx.flag(Flag(
                Severity.WARNING, "low-confidence", utterance.id,
                f"hard to hear at {clock(utterance.span.start)}: {utterance.text[:80]!r}",
                "listen, and correct the words or the translated line",
            ))  # fmt: skip
