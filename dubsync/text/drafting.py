"""From an engine that translates sentences to drafts of lines: cut, translate, check, try otherwise, say what is wrong.

A draft is never empty. Where nothing came out, or a loop, the line is tried in other ways; a glossary term that was
missed is put into the sentence as it must come out, or a name that engines copy stands in for it. What no way cures is
flagged; a line that is lost altogether keeps its source text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from dubsync.errors import Flag, Severity
from dubsync.text import glossary as terms
from dubsync.text.doubled import doubled, once
from dubsync.text.repetition import is_loop

LONGEST = 300
"""Characters that go to an engine at once; longer sentences are cut at a pause, or between words."""
STAND_INS = ("Tom", "Mary", "Boston")
"""Names that the models copy, whatever stands around them."""

Translate = Callable[[str], str]
Strange = Callable[[str, str], tuple[str, ...]]
"""From a source and its translation to the words of the translation that are none."""

_DIGITS = re.compile(r"\d+")
_STUTTER = re.compile(r"\b(\w+)(?:\W+\1\b){2,}", re.IGNORECASE)
_STAMMER = re.compile(r"\w(\w{2,4}?)\1{2,}", re.IGNORECASE)
"""Inside a word, as in "cicicisista"; a word that is nothing else ("hahaha") is no fault."""
_PAUSE = re.compile(r"(?<=[,;:–—])\s+")


def sentences(text: str, language: str) -> list[str]:
    """Return the sentences of a text, none longer than LONGEST, without the spaces between them.

    >>> sentences("Dr. Ito left. Why?", "en")
    ['Dr. Ito left.', 'Why?']
    """
    import sentencex

    parts = [part.strip() for part in sentencex.segment(language, text)]
    return [piece for part in parts if part for piece in _cut(part)]


def _cut(text: str) -> Iterator[str]:
    while len(text) > LONGEST:
        pauses = [found.start() for found in _PAUSE.finditer(text, 0, LONGEST)]
        at = pauses[-1] if pauses else text.rfind(" ", 0, LONGEST)
        at = at if at > 0 else LONGEST
        yield text[:at].strip()
        text = text[at:].strip()
    yield text


@dataclass(frozen=True, slots=True)
class Draft:
    """A translation and what is wrong with it. `glossary`: the terms that stand in the source.

    `strange`: words that no dictionary of the language knows. `language`: of the text. `dropped`: words that the engine
    said twice in a row, and the text says once.
    """

    source: str
    text: str
    glossary: Mapping[str, str]
    strange: tuple[str, ...] = ()
    language: str = "und"
    dropped: tuple[str, ...] = ()

    @property
    def is_lost(self) -> bool:
        """Nothing came out, or the same words again and again."""
        return not any(letter.isalnum() for letter in self.text) or (_loops(self.text) and not _loops(self.source))

    @property
    def missed(self) -> dict[str, str]:
        return terms.missed(self.source, self.text, self.glossary)

    @property
    def lost_numbers(self) -> tuple[str, ...]:
        """Figures of two digits and more that are not in the translation, however it groups its thousands."""
        said = "".join(_DIGITS.findall(self.text))
        return tuple(figure for figure in _DIGITS.findall(self.source) if len(figure) > 1 and figure not in said)

    @property
    def doubled(self) -> tuple[str, ...]:
        return doubled(self.source, self.text, self.language)

    @property
    def faults(self) -> int:
        """0 for a sound draft; a lost line weighs more than a missed term, a term more than a figure or a word."""
        words = len(self.strange) + len(self.doubled)
        return 100 * self.is_lost + 10 * len(self.missed) + len(self.lost_numbers) + words

    def flags(self, line: str) -> tuple[Flag, ...]:
        """Say what is wrong, for the line of this id."""
        if self.is_lost:
            what = f"no translation was found for {self.source[:80]!r}"
            return (Flag(Severity.ERROR, "untranslated", line, what, "write the line by hand"),)
        found = []
        if self.missed:
            pairs = ", ".join(f"{term} = {wanted}" for term, wanted in self.missed.items())
            what = f"not translated as the glossary says: {pairs}"
            found.append(Flag(Severity.WARNING, "glossary-missed", line, what, "write the line by hand"))
        if self.lost_numbers:
            what = f"{', '.join(self.lost_numbers)} is not in the translation of {self.source[:80]!r}"
            found.append(Flag(Severity.WARNING, "number-changed", line, what, "compare the line with the original"))
        if self.strange:
            what = f"no dictionary knows {', '.join(self.strange)}, said for {self.source[:80]!r}"
            found.append(
                Flag(Severity.WARNING, "word-unknown", line, what, "write the line by hand, unless it is a name")
            )
        if self.dropped:
            what = f"the engine said {', '.join(self.dropped)} twice in a row for {self.source[:80]!r}; it is said once"
            found.append(Flag(Severity.INFO, "word-doubled", line, what, "compare the line with the original"))
        return tuple(found)


def draft(
    text: str, glossary: Mapping[str, str], translate: Translate, strange: Strange = lambda source, text: (), *,
    target: str = "und",
) -> tuple[str, tuple[Draft, ...]]:  # fmt: skip
    """Return the text for a line, never empty, and the drafts that were made, the best first.

    `translate`: the engine, for a whole line. `strange`: names the words of a translation that are none. `target`: the
    language of translations. A text without letters stays as it is.
    """
    if not _has_letters(text):
        return text, ()
    expected = terms.expected(text, glossary)
    made: list[Draft] = []
    for translated in _ways(text, expected, translate, made):
        terms_said = " ".join(expected.values())
        odd = strange(f"{text} {terms_said}", translated)
        made.append(Draft(text, translated.strip(), expected, odd, target))
        if not made[-1].faults:
            break
    made.sort(key=lambda one: one.faults)
    if made[0].doubled and not made[0].is_lost:
        made.insert(0, _said_once(made[0]))
    return (text if made[0].is_lost else made[0].text), tuple(made)


def _said_once(one: Draft) -> Draft:
    return replace(one, text=once(one.source, one.text, one.language), dropped=one.doubled)


def drafts(
    texts: Sequence[str], language: str, glossary: Mapping[str, str], batch: Callable[[Sequence[str]], Sequence[str]],
    *, target: str,
) -> list[tuple[str, tuple[Draft, ...]]]:  # fmt: skip
    """Do the same for many lines with an engine that translates many sentences at once. `language`: of the texts."""
    clean = [" ".join(text.split()) for text in texts]
    wanted = list(dict.fromkeys(part for text in clean if _has_letters(text) for part in sentences(text, language)))
    known = dict(zip(wanted, batch(wanted), strict=True)) if wanted else {}

    def translate(text: str) -> str:
        parts = sentences(text, language)
        missing = [part for part in parts if part not in known]
        known.update(zip(missing, batch(missing), strict=True) if missing else ())
        made = [known[part].strip() for part in parts]
        return " ".join(made) if all(made) else ""

    return [draft(text, glossary, translate, target=target) for text in clean]


def _loops(text: str) -> bool:
    return is_loop(text, times=3) or any(found.search(text) for found in (_STUTTER, _STAMMER))


def _has_letters(text: str) -> bool:
    return any(letter.isalpha() for letter in text)


def _ways(text: str, expected: Mapping[str, str], translate: Translate, made: list[Draft]) -> Iterator[str]:
    """Yield translations, one way after another, as the faults of the last one ask for."""
    yield translate(text)
    if made[-1].missed:
        yield translate(_written(text, expected))
        yield with_stand_ins(text, expected, translate)
    if made[-1].is_lost:
        yield translate(text.rstrip(" .!?…") + ".")
    if made[-1].is_lost:
        yield " ".join(translate(clause) for clause in _PAUSE.split(text))
    if made[-1].is_lost:
        yield translate(text.lower())


def _written(text: str, expected: Mapping[str, str]) -> str:
    """Put the terms into the source as they must come out; engines copy a word that they do not know."""
    for term, wanted in expected.items():
        text = _whole(term).sub(lambda _, wanted=wanted: wanted, text)  # type: ignore[misc]
    return text


def with_stand_ins(text: str, expected: Mapping[str, str], translate: Translate) -> str:
    """Translate with a name in place of each term; "" where a name got lost or is in the text anyway."""
    names = [name for name in STAND_INS if name not in text][: len(expected)]
    if len(names) < len(expected):
        return ""
    for name, term in zip(names, expected, strict=True):
        text = _whole(term).sub(name, text)
    translated = translate(text)
    for name, wanted in zip(names, expected.values(), strict=True):
        if not _whole(name).search(translated):
            return ""
        translated = _whole(name).sub(lambda _, wanted=wanted: wanted, translated)  # type: ignore[misc]
    return translated


def _whole(term: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(term)}(?!\w)", re.IGNORECASE)


def unsure(taken: Draft, made_up: Sequence[str], line: str) -> tuple[Flag, ...]:
    """Return the flag of a line that was said otherwise since words of it were made up.

    An engine that makes words up does not know what it was asked, and those that it finds at the second try need not
    mean it either.
    """
    if taken.strange or not made_up:
        return ()
    words = ", ".join(dict.fromkeys(made_up))
    what = f"the engine first made up {words} for {taken.source[:80]!r}; another way to say it was taken"
    return (Flag(Severity.INFO, "word-unsure", line, what, "compare the line with the original"),)


def untranslated(names: Sequence[str], line: str) -> tuple[Flag, ...]:
    """Return the flag of a line in which names that other languages translate ("World Series") stay as they are."""
    what = f"{', '.join(names)} stays in the film's language"
    hint = "put it into glossary.csv as the audience knows it, or leave it so"
    return (Flag(Severity.INFO, "name-untranslated", line, what, hint),) if names else ()


def unread(language: str, whose: str) -> Flag:
    """Return the flag that a whole language is a machine's draft; `whose`: "a small translation model's"."""
    what = f"the lines are {whose}, and nobody has read them"
    hint = "correct them (dubsync script export) or choose a better translator"
    return Flag(Severity.WARNING, "draft-translation", language, what, hint)
