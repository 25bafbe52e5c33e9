"""From what is written to what is said: signs into words, what cannot be said away, and long texts into pieces."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence

from dubsync.backends.kokoro.languages import Speech
from dubsync.errors import PermanentError

_URL = re.compile(r"(?:https?://)?(?:www\.)?([\w-]+(?:\.[\w-]+)+)((?:/[\w-]+)*)[/?#]?\S*", re.IGNORECASE)
_ADDRESS = re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b")
_DOMAIN = re.compile(
    r"https?://\S+|www\.\S+|\b[\w-]+\.(?:com|org|net|es|fr|it|br|pt|uk|de|io|tv|eu|info)\b(?:/\S*)?", re.I
)
_AMOUNT = re.compile(r"([€$£])\s?(\d+(?:[.,]\d+)*)")
_TIME = re.compile(r"\b(\d{1,2}):(\d{2})\b")
_QUOTES = str.maketrans(
    {"«": "“", "»": "”", "„": "“", "’": "'", "‘": "'", "–": "—", "―": "—", "\u00a0": " ", "\u00ad": ""}
)
MARKS = ';:,.!?¡¿—…"“”()'
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+")
_CLAUSE_END = re.compile(r"(?<=[,;:—)])\s+")


def clean(text: str, speech: Speech) -> str:
    """Return the text with signs, addresses and amounts in words, without what has no sound (emoji, notes, markup).

    Raises PermanentError when no letter or digit is left: silence is never passed off as speech.
    """
    said = unicodedata.normalize("NFC", text).translate(_QUOTES)
    said = re.sub(r"<[^<>]*>|\{\\[^{}]*\}", " ", said)
    words = dict(speech.signs)
    said = _ADDRESS.sub(lambda found: _spell(found.group(), words), said)
    said = _DOMAIN.sub(lambda found: _spell_url(found.group(), words), said)
    said = _AMOUNT.sub(lambda found: f"{found.group(2)} {words[found.group(1)]}", said)
    said = _TIME.sub(
        lambda found: f"{found.group(1)} {found.group(2)}" if found.group(2) != "00" else found.group(1), said
    )
    said = _units(said, words)
    said = "".join(mark if _is_said(mark) else " " for mark in said)
    said = re.sub(r"\s+", " ", re.sub(r"\s+([,.;:!?…])", r"\1", said)).strip(" ,;:—-")
    if not any(letter.isalnum() for letter in said):
        raise PermanentError(f"nothing in {text!r} can be spoken", hint="give the line words, or remove it")
    return said.lower() if said.isupper() and len(said) > 4 else said


def _spell(address: str, words: dict[str, str]) -> str:
    for sign in "@./":
        address = address.replace(sign, f" {words[sign]} ")
    return address.replace("-", " ").replace("_", " ")


def _spell_url(url: str, words: dict[str, str]) -> str:
    """Say host and path; scheme, www and query are not said."""
    end = url[-1] if url[-1] in ".,;:!?" else ""
    found = _URL.match(url.rstrip(".,;:!?)"))
    return _spell(found.group(1) + found.group(2), words) + end if found else url


def _units(text: str, words: dict[str, str]) -> str:
    """Write units after digits, and signs anywhere, as words."""
    for sign in ("km/h", "km", "cm", "mm", "kg", "°c", "°", "%", "€", "$", "£"):
        text = re.sub(rf"(?<=\d)\s?{re.escape(sign)}(?!\w)", f" {words[sign]}", text, flags=re.IGNORECASE)
    for sign in "@&+=%€$£/":
        text = text.replace(sign, f" {words[sign]} ")
    return text


def _is_said(mark: str) -> bool:
    """Tell whether a character is a letter, a digit, a mark that steers the voice, or part of a word."""
    return (
        mark in MARKS
        or mark in " '-"
        or unicodedata.category(mark)[0] in "LN"
        or unicodedata.category(mark) in ("Mn", "Mc")
    )


def pieces(text: str, size: Callable[[str], int], limit: int) -> tuple[str, ...]:
    """Cut a text into pieces whose `size` is at most `limit`: at sentences, else clauses, words, letters.

    Neighbouring short sentences stay together, because the voice phrases them better.

    >>> pieces("One. Two. Three.", len, 9)
    ('One. Two.', 'Three.')
    """
    return tuple(_pack(_atoms(text, size, limit, (_SENTENCE_END.split, _CLAUSE_END.split, str.split)), size, limit))


def _atoms(
    text: str, size: Callable[[str], int], limit: int, cuts: Sequence[Callable[[str], list[str]]]
) -> Iterator[str]:
    if size(text) <= limit:
        yield text
    elif cuts:
        for part in cuts[0](text):
            yield from _atoms(part, size, limit, cuts[1:])
    elif len(text) > 1:
        yield from _atoms(text[: len(text) // 2], size, limit, ())
        yield from _atoms(text[len(text) // 2 :], size, limit, ())


def _pack(parts: Iterator[str], size: Callable[[str], int], limit: int) -> Iterator[str]:
    held = ""
    for part in parts:
        joined = f"{held} {part}" if held else part
        if held and size(joined) > limit:
            yield held
            held = part
        else:
            held = joined
    if held:
        yield held
