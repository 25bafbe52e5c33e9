"""mt.marian: the small models of Firefox Translations, run by fxtranslate; this project trains some of them.

Every entry `mt-XX-YY` of the weights registry is a direction; directions that meet in English are chained. A line is
cut into sentences, translated, and checked: not empty, no loop, numbers kept, glossary kept. What fails is tried in
other ways; what still fails is flagged, and its source text stays.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dubsync import weights
from dubsync.backends.protocols import Capabilities, Progress, SourceLine, TranslatedLine
from dubsync.errors import Flag, UnknownLanguage
from dubsync.text import names, titles
from dubsync.text.address import manner, usual
from dubsync.text.asking import HUB, asked, parts
from dubsync.text.doubled import doubled
from dubsync.text.drafting import Draft, Strange, draft, sentences, unread, unsure, untranslated, with_stand_ins
from dubsync.text.duration import FASTEST, natural_seconds
from dubsync.text.exonyms import exonyms
from dubsync.text.grammar import broken
from dubsync.text.hunspell import Words
from dubsync.text.language import base, name
from dubsync.text.marian.choice import WORSE, likeliest
from dubsync.text.marian.engine import Engine, open_engine, vocabularies, whole_words
from dubsync.text.phrases import addressed, calling, phrase, run_on
from dubsync.text.plain_english import plain
from dubsync.text.punctuation import dressed
from dubsync.text.repetition import is_loop
from dubsync.text.spelling import strange
from dubsync.title import Candidate

if TYPE_CHECKING:
    from dubsync.text.marian.beam import Searcher, Way

BEAMS = {"mt-en-fr": 4}
"""Models that gain by searching, and how many ways they pursue at once. French gains
(its card says how much), Spanish does not, and Mozilla's were made to be used without."""

UNLIKELY, LEAST_SAID = -0.5, 0.6
"""Nats a piece, and share of the best way's letters, below which a shorter way is not shown: most of those that were
read were wrong, or said half of it. A line that is too fast to read is flagged, and people shorten it better."""

POLITE = (("en", "fr"),)
"""Directions in which a speaker's lines are made to address people in one manner."""
WIDE = 8
"""Ways that are pursued at once for it."""

NEAR = 0.3
"""The same, for a way that keeps a name which the best one lost; names that have a translation are farther off."""

Direction = tuple[str, str]

_ENTRY = re.compile(r"mt-([a-z]{2,3})-([a-z]{2,3})")
_SHIPPED = ("mt-en-es", "mt-en-fr", "mt-en-pt", "mt-pt-en")
_LISTS = ("words-es", "words-fr", "words-pt")


def directions(entries: Sequence[str]) -> dict[Direction, tuple[Direction, ...]]:
    """Return every direction that entries of these names give, with the steps it is made of.

    >>> directions(["mt-en-es", "mt-pt-en"])[("pt", "es")]
    (('pt', 'en'), ('en', 'es'))
    """
    matches = [found for entry in entries if (found := _ENTRY.fullmatch(entry))]
    direct = {(found[1], found[2]) for found in matches}
    routes: dict[Direction, tuple[Direction, ...]] = {pair: (pair,) for pair in sorted(direct)}
    for source, middle in sorted(direct):
        for start, target in sorted(direct):
            if middle == start == HUB and target != source:
                routes.setdefault((source, target), ((source, middle), (start, target)))
    return routes


def _pairs(entries: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{source}-{target}" for source, target in directions(entries))


def _is_long(text: str, line: SourceLine, language: str) -> bool:
    """Tell whether a text cannot be read in the line's time, if it is shown, else whether it cannot be said."""
    if line.characters is not None:
        return len(text) > line.characters
    return natural_seconds(text, language) > FASTEST * line.seconds


def _is_gain(way: Candidate, text: str, line: SourceLine) -> bool:
    """Tell whether a way is shorter; and where it is read, whether it is likely enough, and says most of it."""
    is_said = line.characters is None or (way.score >= UNLIKELY and len(way.text) >= LEAST_SAID * len(text))
    return is_said and len(way.text) < len(text)


class MarianTranslator:
    """Translates line by line on the processor, the same result every time."""

    capabilities = Capabilities(
        name="mt.marian", version="8", languages=_pairs(_SHIPPED), licence="MPL-2.0", weights=(*_SHIPPED, *_LISTS)
    )
    is_draft = True

    def __init__(
        self, folders: Mapping[str, Path] | None = None, *, words: Mapping[str, Container[str]] | None = None
    ) -> None:
        """`folders`: models by their name "mt-en-es", in place of the weights registry. `words`: by language, all of
        them, in place of the lists there."""
        self._folders, self._lists = folders, dict(words or {})
        entries = sorted(folders if folders is not None else weights.entries())
        self.routes = directions(entries)
        self.capabilities = replace(type(self).capabilities, languages=_pairs(entries))
        self._opened = threading.local()

    def translate(
        self, lines: Sequence[SourceLine], *, source: str, target: str, glossary: Mapping[str, str], progress: Progress
    ) -> tuple[TranslatedLine, ...]:
        """Return one TranslatedLine for each line; the first carries the flag that these are drafts.

        Raises:
            UnknownLanguage: no model, nor two in a row, lead from `source` to `target`.
        """
        steps = self._steps(source, target)
        self._search(lines, steps[0])
        made = []
        for number, line in enumerate(lines):
            made.append(self._line(line, steps, target, glossary))
            progress((number + 1) / len(lines))
        if steps[-1] in POLITE:
            made = self._agreeing(lines, made, steps, target, glossary)
        if made:
            made[0] = replace(made[0], flags=(unread(target, "drafts of a small translation model"), *made[0].flags))
        return tuple(made)

    def _agreeing(
        self, lines: Sequence[SourceLine], made: Sequence[TranslatedLine], steps: tuple[Direction, ...], target: str,
        glossary: Mapping[str, str],
    ) -> list[TranslatedLine]:  # fmt: skip
        """Let each speaker address people as was decided, else as it does most often, where the model finds a way."""
        manners = [manner(one.candidates[0].text, target) for one in made]
        by_speaker = usual([line.speaker for line in lines], manners)
        agreed = []
        for line, one, has in zip(lines, made, manners, strict=True):
            wanted = line.address or by_speaker.get(line.speaker or "")
            if wanted and has and has != wanted:
                self._opened.manner = wanted
                try:
                    other = self._line(line, steps, target, glossary)
                finally:
                    self._opened.manner = None
                is_better = manner(other.candidates[0].text, target) == wanted and len(other.flags) <= len(one.flags)
                one = other if is_better else one
            agreed.append(one)
        return agreed

    def _steps(self, source: str, target: str) -> tuple[Direction, ...]:
        wanted = (base(source), base(target))
        if wanted not in self.routes:
            known = ", ".join(self.capabilities.languages)
            raise UnknownLanguage(
                f"mt.marian has no model from {name(source)} to {name(target)}",
                hint=f"it knows {known}; add a Firefox model as mt-{wanted[0]}-{wanted[1]} with `dubsync models add`",
            )
        return self.routes[wanted]

    def _line(
        self, line: SourceLine, steps: tuple[Direction, ...], target: str, glossary: Mapping[str, str]
    ) -> TranslatedLine:
        source = " ".join(line.text.split())
        self._made_up().clear()
        through, language = (lambda part: self._through(part, steps)), steps[-1][1]
        odd: Strange = lambda said, made: self._strange(said, made, language)  # noqa: E731
        text, drafts = draft(source, glossary, through, odd, target=language)
        if drafts and drafts[0].is_lost:
            found = self._others(drafts[0], steps)[:1] or [Candidate(text)]
            return TranslatedLine(line.id, tuple(found), _flags(drafts[0], found[0].text, line.id))
        found = [Candidate(text or "…")]
        if drafts and not drafts[0].faults and _is_long(text, line, target):
            found += [way for way in self._others(drafts[0], steps) if _is_gain(way, text, line)]
        flags = (*drafts[0].flags(line.id), *unsure(drafts[0], self._made_up(), line.id)) if drafts else ()
        left = untranslated(self._left(source, text, steps[0]), line.id)
        return TranslatedLine(line.id, tuple(found), (*flags, *left))

    def _left(self, source: str, text: str, step: Direction) -> list[str]:
        """Return the names of common words that are in the translation as they were."""
        common = self._words(step, side=0)
        described = [name for name in names.units(source) if step[0] == HUB and names.is_described(name, common)]
        return [name for name in described if names.is_kept(name, text)]

    def _search(self, lines: Sequence[SourceLine], step: Direction) -> None:
        """Find ways to say all sentences at once, for a model of BEAMS."""
        beam = BEAMS.get(self._entry(step), 0)
        said = [part for line in lines for part in parts(" ".join(line.text.split()), step)]
        unknown = [addressed(part, *step)[0] for part in said if not phrase(part, *step)]
        wanted = list(dict.fromkeys(asked(part, step)[0] for part in unknown)) if beam else []
        ways = self._searcher(step).ways_of(wanted, width=beam) if wanted else []
        self._opened.found = dict(zip(((step, part) for part in wanted), ways, strict=True))

    def _best(self, text: str, step: Direction) -> str:
        """Return the likeliest way that addresses people in one manner, else what the engine says."""
        found: dict[tuple[Direction, str], tuple[Way, ...]] = self._opened.__dict__.get("found", {})
        ways = found.get((step, text)) or ()
        wanted: str | None = self._opened.__dict__.get("manner")
        if ways:
            wide = self._searcher(step).ways(text, width=WIDE) if wanted else ways
            return likeliest(wide, step[1], wanted)
        made = self._engine(step).translate(text).strip()
        return self._found_again(text, step) or made if Draft(text, made, {}).is_lost else made

    def _found_again(self, text: str, step: Direction) -> str:
        """Return the likeliest way to say what came out empty or went in circles; "" where all do."""
        ways = (way.text for way in self._searcher(step).ways(text, width=6))
        return next((way for way in ways if not Draft(text, way, {}).is_lost), "")

    def _through(self, text: str, steps: tuple[Direction, ...]) -> str:
        """Translate a line, sentence by sentence, step by step; "" when a sentence comes out empty."""
        for step in steps:
            said = parts(text, step)
            made = [self._sentence(part, step) for part in said]
            if not all(made):
                return ""
            text = run_on(said, made)
        return text

    def _sentence(self, text: str, step: Direction) -> str:
        known = phrase(text, *step)
        if known:
            return dressed(text, known, step[1])
        text, called = addressed(text, *step)
        other, places = asked(text, step)
        made = self._whole(other, step)
        if places:
            made = titles.put_back(made, places, step[1]) or self._whole(plain(text), step)
        return calling(dressed(text, made, step[1]), called) if made else ""

    def _whole(self, text: str, step: Direction) -> str:
        """Translate a sentence and put its names and figures right; "" when nothing comes out."""
        translated = names.mended(text, self._best(text, step), self._is_word(step))
        torn = names.torn(text, translated)
        if torn and translated:
            engine = self._engine(step)
            whole = with_stand_ins(text, {run: run for run in torn}, lambda other: engine.translate(other).strip())
            translated = whole or translated
        return self._rescued(text, translated, step) if translated else ""

    def _missing(self, text: str, translated: str, step: Direction) -> dict[str, str]:
        """Return names and figures that got lost, and what they are in the translation.

        A name that the model translates when it stands alone is no loss; a country or a month by another name is.
        """
        abroad = exonyms(step[1]) if step[0] == HUB else {}
        wanted = {one: abroad.get(one, one) for one in (*names.units(text), *names.figures(text))}
        gone = [
            one
            for one, there in wanted.items()
            if not any(
                names.is_kept(each, translated) for each in (one, there, there[0].upper() + there[1:], f"{there}s")
            )
            and not self._is_rendered(one, translated, step)
        ]
        return {one: wanted[one] for one in gone if one in abroad or self._is_name(one, step)}

    def _is_rendered(self, name: str, translated: str, step: Direction) -> bool:
        """Tell whether a name of common words is in the translation as the model says it alone, in words that the
        language has."""
        known = self._word_list(step[1])
        if known is None or not names.is_described(name, self._words(step, side=0)):
            return False
        return names.is_said(self._engine(step).translate(f"{name}."), translated, known)

    def _is_name(self, name: str, step: Direction) -> bool:
        """Tell whether something must stay as it is: alone, the model copies it or makes nonsense of it."""
        known: dict[tuple[Direction, str], bool] = self._opened.__dict__.setdefault("names", {})
        if name in names.FIRST_NAMES or name[0].isdigit():
            return True
        if (step, name) not in known:
            alone = self._engine(step).translate(f"{name}.")
            known[step, name] = names.is_kept(name, alone) or names.is_garbled(name, alone, self._words(step))
        return known[step, name]

    def _rescued(self, text: str, translated: str, step: Direction) -> str:
        """Return the way that loses fewest names and figures and makes up fewest words; as long as it is not without
        fault, farther ways are looked for."""
        if not self._faults(text, translated, step):
            return translated
        made_up = self._strange(text, translated, step[1])
        for found in self._ways(text, translated, step):
            sound = [names.mended(text, way, self._is_word(step)) for way in found]
            translated = min([translated, *sound], key=lambda way: self._faults(text, way, step))
            if not self._faults(text, translated, step):
                break
        self._made_up().extend(made_up)
        return translated

    def _made_up(self) -> list[str]:
        """Return the words that the model made up for the present line before it was asked for other ways."""
        found: list[str] = self._opened.__dict__.setdefault("made_up", [])
        return found

    def _faults(self, text: str, translated: str, step: Direction) -> int:
        words = (*self._strange(text, translated, step[1]), *doubled(text, translated, step[1]))
        return len(self._missing(text, translated, step)) + len(words)

    def _strange(self, source: str, translated: str, language: str) -> tuple[str, ...]:
        """Return the words that the language does not know; none where there is no list of its words."""
        known = self._word_list(language)
        return strange(source, translated, language, known) if known is not None else ()

    def _word_list(self, language: str) -> Container[str] | None:
        entry = f"words-{language}"
        if language not in self._lists and self._folders is None and entry in weights.entries():
            self._lists[language] = Words.of(weights.resolve(entry))
        return self._lists.get(language)

    def _ways(self, text: str, translated: str, step: Direction) -> Iterator[list[str]]:
        """Yield what the model finds about as likely, then ways with stand-ins, then what it finds less likely."""
        ways = self._searcher(step).ways(text, width=6)
        yield [way.text for way in ways if way.score >= ways[0].score - NEAR]
        yield self._stood_in(text, translated, step)
        yield [way.text for way in ways if way.score >= ways[0].score - WORSE]

    def _stood_in(self, text: str, translated: str, step: Direction) -> list[str]:
        """Return ways found with other names and figures in place of those that got lost."""
        lost, abroad = self._missing(text, translated, step), exonyms(step[1])
        if not lost:
            return []
        ways = names.stood_in(text, lost, abroad, lambda other: self._engine(step).translate(other).strip())
        return [*(way for way in ways if not is_loop(way)), names.swapped(text, translated, lost, abroad)]

    def _others(self, best: Draft, steps: tuple[Direction, ...]) -> list[Candidate]:
        """Return sound ways that the model finds nearly as likely; only of single sentences without a pivot."""
        whole, step = sentences(best.source, steps[0][0]), steps[0]
        if len(whole) > 1 or len(steps) > 1:
            return []
        other, places = asked(whole[0], step)
        ways = self._searcher(step).ways(other)
        found = []
        for way in (way for way in ways if way.score >= ways[0].score - WORSE):
            text = titles.put_back(names.mended(other, way.text, self._is_word(step)), places, step[1])
            one = replace(best, text=dressed(whole[0], text, step[1])) if text else None
            if one and self._is_sound(one, step):
                found.append(Candidate(one.text, way.score))
        return found

    def _is_sound(self, one: Draft, step: Direction) -> bool:
        """Tell whether a way to say a line is without fault, also in its names, its words and its grammar."""
        return not (one.faults or self._faults(one.source, one.text, step) or broken(one.source, one.text, step[1]))

    def _engine(self, step: Direction) -> Engine:
        """Return the model of one direction; engines belong to the thread that opened them."""
        opened: dict[Direction, Engine] = self._opened.__dict__.setdefault("engines", {})
        if step not in opened:
            opened[step] = open_engine(self._folder(step))
        return opened[step]

    def _words(self, step: Direction, side: int = 1) -> Callable[[str], bool]:
        """Return what tells whether the model's target side (1), or its source side (0), knows a word as a whole."""
        known: dict[tuple[Direction, int], Callable[[str], bool]] = self._opened.__dict__.setdefault("words", {})
        if (step, side) not in known:
            known[step, side] = whole_words(vocabularies(self._folder(step))[side])
        return known[step, side]

    def _is_word(self, step: Direction) -> Callable[[str], bool]:
        """Return what tells whether the target language knows a word, by its list or the model's vocabulary."""
        is_whole, known = self._words(step), self._word_list(step[1])
        return lambda word: is_whole(word) or (known is not None and word.lower() in known)

    def _searcher(self, step: Direction) -> Searcher:
        from dubsync.text.marian.beam import Searcher

        opened: dict[Direction, Searcher] = self._opened.__dict__.setdefault("searchers", {})
        if step not in opened:
            opened[step] = Searcher(self._folder(step))
        return opened[step]

    @staticmethod
    def _entry(step: Direction) -> str:
        return f"mt-{step[0]}-{step[1]}"

    def _folder(self, step: Direction) -> Path:
        entry = self._entry(step)
        return weights.resolve(entry) if self._folders is None else self._folders[entry]


def _flags(lost: Draft, text: str, line: str) -> tuple[Flag, ...]:
    """Return the flags of a line that was lost, unless another way to say it was found."""
    return () if text != lost.source else lost.flags(line)
