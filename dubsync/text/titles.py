"""Names with a title ("Mr. Henderson"), which small models make another person of.

A name that they copy stands for title and name while they translate; the title is put back in the language's own words,
with an article unless the person is spoken to.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from dubsync.text.language import base

_MEN = """
Mr         el|señor       |monsieur
Dr         el|doctor      le|docteur
Doctor     el|doctor      le|docteur
Captain    el|capitán     le|capitaine
Sergeant   el|sargento    le|sergent
Lieutenant el|teniente    le|lieutenant
Colonel    el|coronel     le|colonel
General    el|general     le|général
Professor  el|profesor    le|professeur
Inspector  el|inspector   l'|inspecteur
Detective  el|detective   l'|inspecteur
Judge      el|juez        le|juge
Agent      el|agente      l'|agent
Officer    el|agente      l'|agent
"""
_WOMEN = """
Mrs        la|señora      |madame
Ms         la|señora      |madame
Miss       la|señorita    |mademoiselle
"""
_STAND_INS = {True: ("Tom", "John"), False: ("Mary", "Alice")}
_CONTRACTED = {
    "es": ((r"\b(a) el\b", "al"), (r"\b(de) el\b", "del")),
    "fr": ((r"\b(à) le\b", "au"), (r"\b(de) le\b", "du"), (r"\b(d['’])le\b", "du")),
}


@dataclass(frozen=True, slots=True)
class Title:
    """`is_man`: of the stand-in. `said`: article and word by language."""

    is_man: bool
    said: Mapping[str, tuple[str, str]]


def _table(rows: str, *, is_man: bool) -> dict[str, Title]:
    cells = [row.split() for row in rows.strip().splitlines()]
    pairs = {title: [tuple(cell.split("|")) for cell in rest] for title, *rest in cells}
    return {title: Title(is_man, dict(zip(("es", "fr"), rest, strict=True))) for title, rest in pairs.items()}  # type: ignore[arg-type]


_TITLES = _table(_MEN, is_man=True) | _table(_WOMEN, is_man=False)
_NAME = r"[A-Z][^\W\d_]+(?:['’-][A-Z][^\W\d_]+)?"
_TITLED = re.compile(rf"\b(?P<title>{'|'.join(_TITLES)})\b\.?\s+(?P<name>{_NAME}(?: {_NAME})?)(?!\w)")


def stood_in(source: str, language: str) -> tuple[str, dict[str, str]]:
    """Return the English sentence with a name that models copy for each titled name, and what each stands for.

    >>> stood_in("Nice to meet you, Mr. Henderson.", "es")
    ('Nice to meet you, Tom.', {'Tom': 'señor Henderson'})
    >>> stood_in("I saw Dr. Kim with Mrs. Kim.", "fr")
    ('I saw Tom with Mary.', {'Tom': 'le docteur Kim', 'Mary': 'madame Kim'})
    """
    tag, places, asked, at = base(language), dict[str, str](), "", 0
    for found in _TITLED.finditer(source):
        title = _TITLES[found["title"]]
        free = [name for name in _STAND_INS[title.is_man] if name not in source and name not in places]
        if tag not in title.said or not free:
            return source, {}
        article, word = title.said[tag]
        article = "" if _is_spoken_to(source, found) else article
        space = "" if not article or article.endswith("'") else " "
        places[free[0]] = f"{article}{space}{word} {found['name']}"
        asked += source[at : found.start()] + free[0]
        at = found.end()
    return asked + source[at:], places


def put_back(text: str, places: Mapping[str, str], language: str) -> str:
    """Return the translation with titles and names in place of the stand-ins; "" where one got lost or doubled.

    >>> put_back("Vi a Tom.", {"Tom": "el señor Henderson"}, "es"), put_back("Te vi.", {"Tom": "el juez Li"}, "es")
    ('Vi al señor Henderson.', '')
    """
    for name, whole in places.items():
        text, count = re.subn(rf"\b{name}\b", lambda _, whole=whole: whole, text)  # type: ignore[misc]
        if count != 1:
            return ""
    for pattern, better in _CONTRACTED.get(base(language), ()):
        text = re.sub(pattern, better, text)
    return text


def _is_spoken_to(source: str, found: re.Match[str]) -> bool:
    """Tell whether a titled name stands between commas or at an edge of the sentence, as an address does."""
    before, after = source[: found.start()].rstrip("\"'“‘ "), source[found.end() :]
    return (not before or before[-1] in ",.!?…;:-–—") and (not after or after[0] in ",.!?…;:\"'”’")
