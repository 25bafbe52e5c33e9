"""translation: candidates for each line, in the target language.

Sentences that were parted where the speaker breathed are translated whole and dealt back to their lines. Lines keep
their ids, count and order, and none is ever empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from dubsync.backends.protocols import MANNERS, Scripted, SourceLine, TranslatedLine, Translator
from dubsync.documents import from_json, to_json
from dubsync.engine.stage import Axis, Context, Made, Unit, stage
from dubsync.errors import Flag, PermanentError, Severity, UsageError
from dubsync.stages import _cast_list
from dubsync.stages.casting import UNKNOWN
from dubsync.stages.script import DARK, slots
from dubsync.text import glossary, memory
from dubsync.text.exchange import BROUGHT
from dubsync.text.language import is_same
from dubsync.text.language import name as language_name
from dubsync.text.layout import readable
from dubsync.text.repetition import is_loop
from dubsync.text.sentences import Piece, Sentence, Spoken, deal, joiner, plan
from dubsync.title import Candidate, Speaker, Utterance, content_id

MOST_CANDIDATES = 8
DRAFT = "draft-translation"
GLOSSARY = "glossary.csv"
MEMORY = "memory.tmx"
"""Former translations; a line that is in it word for word is taken from it."""
_Manners = Mapping[str, Mapping[str, str]]
"""By what is decided ("address", "gender"): speaker id to decision."""


@dataclass(frozen=True, slots=True)
class TranslationParams:
    """`subtitles`: the lines are read and not spoken; shorter ways to say one are looked for by how fast people read.

    `reach`: seconds of silence after an utterance in which its line can still be read.
    """

    subtitles: bool = False
    reach: float = 1.5


@stage(
    over=Axis.LANGUAGE,
    needs=("transcript", "speakers"),
    reads=(GLOSSARY, MEMORY),
    may_read=(BROUGHT, *(f"{_cast_list.FILE}#{manner}" for manner in MANNERS)),
    backends=("mt",),
    params=TranslationParams,
    version=2,
)
def translation(unit: Unit, made: Made, ctx: Context, params: TranslationParams) -> Mapping[str, Any]:
    """Translate the utterances; the translator's flags are raised with the line they belong to."""
    assert unit.language is not None, "the stage runs once per language"
    utterances = from_json(tuple[Utterance, ...], made.one("speakers").value["utterances"])
    source = str(made.one("transcript").value["language"])
    if is_same(source, unit.language):
        raise UsageError(
            f"{ctx.film.name}: people speak {language_name(source)} in it already",
            hint="ask for another language, or say what they speak: --set transcript.language=en",
        )
    terms = glossary.read(ctx.human(GLOSSARY), unit.language)
    known = _memory(ctx.human(MEMORY), source, unit.language)
    engine = _engine(ctx, unit.language)
    manners = _manners(engine, made, ctx, unit.language)
    rooms = _readable(utterances, unit.language, Fraction(params.reach)) if params.subtitles else {}
    work = _Work(engine, source, unit.language, terms, ctx, manners, rooms)
    parts = work.parts(_sentences(engine, utterances, source), utterances)
    lines = []
    for utterance, own in zip(utterances, parts, strict=True):
        remembered = known.exact(utterance.text)
        made_up = _combined(own, unit.language, with_shortest=params.subtitles)
        candidates = (Candidate(remembered),) if remembered else _checked(utterance, made_up, terms, ctx)
        lines.append({"id": line_id(utterance), "utterance": utterance.id, "candidates": to_json(candidates)})
    draft = work.is_draft
    if draft:
        name = engine.capabilities.name
        whose = "what the script lacks is a draft" if engine.capabilities.scripted else f"{name} gives drafts"
        ctx.flag(Flag(
            Severity.WARNING, DRAFT, unit.language, f"{whose} that nobody has read",
            "correct them (dubsync script export) or choose a better translator",
        ))  # fmt: skip
    return {"backend": engine.capabilities.name, "draft": draft, "lines": lines}


def _engine(ctx: Context, language: str) -> Translator:
    engine: Translator = ctx.backend("mt")
    return engine.of(ctx.human(BROUGHT.format(language=language))) if isinstance(engine, Scripted) else engine


def _sentences(engine: Translator, utterances: Sequence[Utterance], source: str) -> tuple[Sentence, ...]:
    """Return what is translated at once: whole sentences; by an engine that has a script, its lines."""
    if engine.capabilities.scripted:
        return tuple(Sentence((Piece(number, one.text.strip()),)) for number, one in enumerate(utterances))
    return plan([Spoken(utterance.text, utterance.span, utterance.speaker) for utterance in utterances], source)


def _readable(utterances: Sequence[Utterance], language: str, reach: Fraction) -> dict[str, int]:
    """Return by utterance how many characters of its line can be read before the next one is shown."""
    spans = [utterance.span for utterance in utterances]
    end = max((span.end for span in spans), default=Fraction(0)) + reach
    rooms = slots(spans, end, reach=reach, gap=DARK)
    return {each.id: readable(language, room.duration) for each, room in zip(utterances, rooms, strict=True)}


def _manners(engine: Translator, made: Made, ctx: Context, language: str) -> _Manners:
    """Return how each speaker speaks, as people decided it; flag once what the engine cannot heed."""
    people = from_json(tuple[Speaker, ...], made.one("speakers").value["speakers"])
    decided = _cast_list.read(ctx.human(_cast_list.FILE), people, UNKNOWN)
    asked = {manner: dict(getattr(decided, manner)) for manner in MANNERS}
    ignored = [manner for manner in MANNERS if asked[manner] and manner not in engine.capabilities.honours]
    if ignored:
        ctx.flag(Flag(
            Severity.WARNING, "manner-ignored", language,
            f"{engine.capabilities.name} cannot heed what {_cast_list.FILE} says of {' and '.join(ignored)}",
            "translate with mt.llm, or correct the lines by hand",
        ))  # fmt: skip
    return asked


def _memory(path: Path, source: str, target: str) -> memory.Memory:
    return memory.read_tmx(path, source=source, target=target) if path.exists() else memory.Memory()


def line_id(utterance: Utterance) -> str:
    """Return the id of the line that is spoken for an utterance, the same in every language."""
    return content_id("line", utterance.id)


class _Work:
    """Calls the engine and deals its sentences back to the lines."""

    def __init__(  # noqa: PLR0913 - all that a call of the engine takes
        self, engine: Translator, source: str, target: str, terms: Mapping[str, str], ctx: Context, manners: _Manners,
        readable: Mapping[str, int],
    ) -> None:  # fmt: skip
        self.engine, self.source, self.target, self.terms, self.ctx = engine, source, target, terms, ctx
        self.manners, self.readable = manners, readable
        self.is_draft = bool(getattr(engine, "is_draft", False))

    def parts(
        self, sentences: Sequence[Sentence], utterances: Sequence[Utterance]
    ) -> list[list[tuple[Candidate, ...]]]:
        """Return for each line the candidates of each of its sentences, in order."""
        parts: list[list[tuple[Candidate, ...]]] = [[] for _ in utterances]
        asked = [self._source_line(sentence, number, utterances) for number, sentence in enumerate(sentences)]
        for sentence, translated in zip(sentences, self._translate(asked), strict=True):
            if len(sentence.pieces) == 1:
                parts[sentence.pieces[0].line].append(translated.candidates)
                continue
            for line, candidates in self._dealt(sentence, translated, utterances):
                parts[line].append(candidates)
        return parts

    def _dealt(
        self, sentence: Sentence, translated: TranslatedLine, utterances: Sequence[Utterance]
    ) -> list[tuple[int, tuple[Candidate, ...]]]:
        """Deal the best translation that has words enough for all its lines; else translate piece by piece."""
        lines = [piece.line for piece in sentence.pieces]
        weights = [len(piece.text) for piece in sentence.pieces]
        dealt = ((each, deal(each.text, weights, self.target)) for each in translated.candidates)
        ways = [(candidate.score / len(texts), texts) for candidate, texts in dealt if texts is not None]
        if ways:
            share, texts = min(ways, key=lambda way: self._too_long(way[1], sentence, utterances))
            return [(line, (Candidate(text, share),)) for line, text in zip(lines, texts, strict=True)]
        single = [Sentence((piece,), sentence.glue) for piece in sentence.pieces]
        asked = [self._source_line(one, number, utterances) for number, one in enumerate(single)]
        return [(line, one.candidates) for line, one in zip(lines, self._translate(asked), strict=True)]

    def _too_long(self, texts: Sequence[str], sentence: Sentence, utterances: Sequence[Utterance]) -> int:
        """Return the characters that cannot be read in the time of the lines they lie in; 0 where lines are spoken."""
        rooms = [self._characters(piece, utterances[piece.line]) for piece in sentence.pieces]
        return sum(max(0, len(text) - room) for text, room in zip(texts, rooms, strict=True) if room is not None)

    def _characters(self, piece: Piece, owner: Utterance) -> int | None:
        """Return a piece's share of what can be read in its line; None where lines are spoken."""
        whole = self.readable.get(owner.id)
        return None if whole is None else int(whole * len(piece.text) / max(len(owner.text), 1))

    def _translate(self, asked: Sequence[SourceLine]) -> tuple[TranslatedLine, ...]:
        """Call the engine, and hold it to its promises."""
        if not asked:
            return ()
        found = self.engine.translate(
            asked, source=self.source, target=self.target, glossary=self.terms, progress=self.ctx.progress
        )
        name = self.engine.capabilities.name
        if [line.id for line in found] != [line.id for line in asked]:
            raise PermanentError(f"{name} was given {len(asked)} lines and gave back {len(found)} or in another order")
        for line in found:
            if not line.candidates or not all(candidate.text.strip() for candidate in line.candidates):
                raise PermanentError(f"{name} gave an empty translation of {line.id}")
            self._raise_flags(line)
        return found

    def _source_line(self, sentence: Sentence, number: int, utterances: Sequence[Utterance]) -> SourceLine:
        """Return what the engine is asked: a sentence with its share of the time of the lines it lies in."""
        owners = [utterances[piece.line] for piece in sentence.pieces]
        time = sum(
            float(owner.span.duration) * len(piece.text) / max(len(owner.text), 1)
            for owner, piece in zip(owners, sentence.pieces, strict=True)
        )
        first = owners[0]
        is_whole = len(owners) == 1 and sentence.text == first.text.strip()
        key = line_id(first) if is_whole else content_id("sentence", first.id, number, sentence.text)
        manner = {name: decided.get(first.speaker or UNKNOWN) for name, decided in self.manners.items()}
        span = first.span if is_whole else None
        rooms = [self._characters(piece, owner) for owner, piece in zip(owners, sentence.pieces, strict=True)]
        characters = sum(room for room in rooms if room is not None) if self.readable else None
        return SourceLine(key, sentence.text, round(time, 3), first.speaker, span, characters=characters, **manner)

    def _raise_flags(self, line: TranslatedLine) -> None:
        for flag in line.flags:
            if flag.code == DRAFT:
                self.is_draft = True
            else:
                self.ctx.flag(replace(flag, where=flag.where or line.id))


def _combined(
    parts: Sequence[tuple[Candidate, ...]], language: str, *, with_shortest: bool = False
) -> tuple[Candidate, ...]:
    """Put a line together from its sentences: the best combinations of their candidates, best first.

    `with_shortest`: the one of the shortest candidates is among them, however good it is.
    """
    glue = joiner(language)
    lines: list[Candidate] = list(parts[0])
    for part in parts[1:]:
        pairs = [Candidate(f"{one.text}{glue}{two.text}", one.score + two.score) for one in lines for two in part]
        lines = sorted(pairs, key=lambda candidate: -candidate.score)[:MOST_CANDIDATES]
    unique = {candidate.text: candidate for candidate in reversed(lines)}
    found = sorted(unique.values(), key=lambda candidate: -candidate.score)[:MOST_CANDIDATES]
    if with_shortest:
        short = [min(part, key=lambda candidate: len(candidate.text)) for part in parts]
        least = Candidate(glue.join(one.text for one in short), sum(one.score for one in short))
        found += [least] if least.text not in [one.text for one in found] else []
    return tuple(found)


def _checked(
    utterance: Utterance, candidates: tuple[Candidate, ...], terms: Mapping[str, str], ctx: Context
) -> tuple[Candidate, ...]:
    """Put candidates that keep the glossary and do not loop first; flag a line of which none does."""
    good = [one for one in candidates if not is_loop(one.text) or is_loop(utterance.text)]
    kept = [one for one in good if not glossary.missed(utterance.text, one.text, terms)]
    if not good:
        ctx.flag(Flag(
            Severity.WARNING, "translation-loops", line_id(utterance), f"repeats itself: {candidates[0].text[:80]!r}",
            "write the line by hand",
        ))  # fmt: skip
    elif not kept:
        missing = ", ".join(f"{a} = {b}" for a, b in glossary.missed(utterance.text, good[0].text, terms).items())
        ctx.flag(Flag(
            Severity.WARNING, "glossary-missed", line_id(utterance), f"not translated as the glossary says: {missing}",
            "write the line by hand",
        ))  # fmt: skip
    return tuple(kept or good or candidates)
