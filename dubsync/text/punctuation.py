"""The dress of a translated sentence: its capital, its stop, and in Spanish the marks that open a question or a cry."""

from __future__ import annotations

import re

from dubsync.text.agreement import agreeing
from dubsync.text.conjunctions import conjoined
from dubsync.text.elision import elided
from dubsync.text.language import base
from dubsync.text.voseo import without_voseo

_TIGHT = re.compile(r"(?<=[^\W\d_])([,;])(?=[^\W\d_])")
_CLOSERS = "\"'”’»)] "
_QUOTES = '"“”„«»‘'
_NO_QUOTES = dict.fromkeys(map(ord, '"“”„«»'))
_SINGLE = re.compile(r"(?<!\w)'(?=\w)")
_SPACES = re.compile(r" {2,}")
_TRAIL = re.compile(r"(?:\.{3,}|…)$")
_OPENERS = {"es": {"?": "¿", "!": "¡"}}


def dressed(source: str, text: str, language: str) -> str:
    """Return the sentence with the capital and the stop of its source, and what its own language asks for.

    >>> dressed("Where is he?", "dónde está", "es"), dressed("Come here!", "Ven aquí.", "pt")
    ('¿Dónde está?', 'Ven aquí!')
    >>> dressed("I never went.", "je ne ai jamais voulu l' laisser.", "fr")
    "Je n'ai jamais voulu le laisser."
    >>> dressed("Wolves... ", 'Lobos."', "es")
    'Lobos...'
    """
    mend = _MENDS.get(base(language))
    text = _unquoted(source, text)
    text = _TIGHT.sub(r"\1 ", mend(text) if mend else text)
    text = _stopped(source.rstrip(_CLOSERS), text.strip())
    for stop, opening in _OPENERS.get(base(language), {}).items():
        if text.rstrip(_CLOSERS).endswith(stop) and opening not in text:
            quote = text[: len(text) - len(text.lstrip("\"'“‘«(["))]
            text = f"{quote}{opening}{text[len(quote) :]}"
    return _capital(source, text)


def _unquoted(source: str, text: str) -> str:
    """Take away quotation marks that the source has none of."""
    if any(mark in source for mark in _QUOTES) or _SINGLE.search(source):
        return text
    return _SPACES.sub(" ", text.translate(_NO_QUOTES)).strip()


def _stopped(source: str, text: str) -> str:
    """Let a question end as a question and a cry as a cry, where the translation ends flatly or not at all."""
    trail = _TRAIL.search(source)
    if trail and (text[-1:].isalnum() or text.endswith((".", "…"))):
        return text.rstrip(".…") + trail[0]
    stop = source[-1:]
    if stop not in tuple("?!") or not text or text[-1] in _CLOSERS:
        return text
    return text[:-1] + stop if text[-1] in ".…" and not text.endswith("..") else text + stop * text[-1].isalnum()


def _capital(source: str, text: str) -> str:
    first = next((letter for letter in source if letter.isalnum()), "")
    at = next((index for index, letter in enumerate(text) if letter.isalnum()), None)
    if at is None or not first.isupper():
        return text
    return text[:at] + text[at].upper() + text[at + 1 :]


_MENDS = {
    "fr": lambda text: elided(agreeing(text, "fr")),
    "es": lambda text: conjoined(agreeing(without_voseo(text), "es")),
}
"""What small models get wrong in a language again and again, and rules put right."""
