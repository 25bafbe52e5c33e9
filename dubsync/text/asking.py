"""What a small translation model is asked: a line in parts, each in tidy words, with stand-ins for names."""

from __future__ import annotations

import re

from dubsync.text import institutions, titles
from dubsync.text.drafting import sentences
from dubsync.text.phrases import cut
from dubsync.text.plain_english import plain

HUB = "en"
STUMBLING = (("en", "es"), ("en", "fr"))
"""Directions that hardly saw three dots when they were taught, and make cries and quotations of them: what trails off
is asked by itself, as a full sentence."""
_TRAILED = re.compile(r"(?:(?<=\.\.\.)|(?<=…))\s+(?=\W?\w)")
_TRAILING = re.compile(r"(?:\.{3,}|…)$")


def parts(text: str, step: tuple[str, str]) -> list[str]:
    """Return what is translated by itself: sentences, what trails off, phrases that a sentence begins with.

    >>> parts("Well... I left. Calm down, it's me.", ("en", "es"))
    ['Well...', 'I left.', 'Calm down,', "it's me."]
    """
    found = sentences(text, step[0])
    if step in STUMBLING:
        found = [part for sentence in found for part in _TRAILED.split(sentence)]
    return [part for sentence in found for part in cut(sentence, *step)]


def asked(text: str, step: tuple[str, str]) -> tuple[str, dict[str, str]]:
    """Return a sentence as the engine is asked it, and what the stand-ins in its translation stand for.

    >>> asked("Mr. Ito dunno the Senate...", ("en", "es"))
    ("Tom don't know the museum.", {'museo': 'Senado', 'Tom': 'el señor Ito'})
    """
    if step[0] != HUB:
        return text, {}
    tidy = plain(_TRAILING.sub(".", text) if step in STUMBLING else text)
    tidy, places = institutions.stood_in(tidy, step[1])
    tidy, people = titles.stood_in(tidy, step[1])
    return tidy, places | people
