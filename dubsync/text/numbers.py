"""Figures as they are said: numbers, money, percentages, units and clock times, read out in the line's language.

Only languages that num2words speaks are read out; in any other the text stays as it was, and `speaks` says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import lru_cache

MOST_DIGITS = 15
"""Longer runs of digits are codes or telephone numbers and are said digit by digit."""

_POINT_DECIMALS = frozenset({"en", "he", "hi", "ja", "kn", "ko", "te", "th", "zh"})
"""Languages that write 3.5; the others write 3,5."""

_UNITS = {
    "en": {"km": "kilometres", "m": "metres", "cm": "centimetres", "mm": "millimetres", "kg": "kilos", "g": "grams"},
    "es": {"km": "kilómetros", "m": "metros", "cm": "centímetros", "mm": "milímetros", "kg": "kilos", "g": "gramos"},
    "pt": {"km": "quilômetros", "m": "metros", "cm": "centímetros", "mm": "milímetros", "kg": "quilos", "g": "gramas"},
    "fr": {"km": "kilomètres", "m": "mètres", "cm": "centimètres", "mm": "millimètres", "kg": "kilos", "g": "grammes"},
    "it": {"km": "chilometri", "m": "metri", "cm": "centimetri", "mm": "millimetri", "kg": "chili", "g": "grammi"},
    "de": {"km": "Kilometer", "m": "Meter", "cm": "Zentimeter", "mm": "Millimeter", "kg": "Kilogramm", "g": "Gramm"},
}
_PERCENT = {
    "en": "percent",
    "es": "por ciento",
    "pt": "por cento",
    "fr": "pour cent",
    "it": "per cento",
    "de": "Prozent",
}
_MONEY = {
    "$": {"en": "dollars", "es": "dólares", "pt": "dólares", "fr": "dollars", "it": "dollari", "de": "Dollar"},
    "€": {"en": "euros", "es": "euros", "pt": "euros", "fr": "euros", "it": "euro", "de": "Euro"},
    "£": {"en": "pounds", "es": "libras", "pt": "libras", "fr": "livres", "it": "sterline", "de": "Pfund"},
}
_NUMBER = r"\d+(?:[.,\u00a0\u202f]\d{3})*(?:[.,]\d+)?"
_TOKEN = re.compile(
    rf"(?P<money>[$€£])\s?(?P<amount>{_NUMBER})"
    rf"|(?P<clock>(?<!\d)\d{{1,2}}:\d{{2}}(?!\d))"
    rf"|(?<![\w.])(?P<number>{_NUMBER})(?P<tail>st\b|nd\b|rd\b|th\b|\.?[ºª]|\s?%|\s?[€$£]|\s?(?:km|cm|mm|kg|m|g)\b|(?!\w))"
)


def speaks(language: str) -> bool:
    """Tell whether figures can be read out in this language."""
    return _converter(language) is not None


def read_out(text: str, language: str) -> str:
    """Return the text with its figures written as words.

    >>> read_out("Room 12, 3.5 km, $20 and 50%", "en")
    'Room twelve, three point five kilometres, twenty dollars and fifty percent'
    """
    if not any(character.isdigit() for character in text) or not speaks(language):
        return text
    return _TOKEN.sub(lambda match: _say(match, language), text)


def _say(match: re.Match[str], language: str) -> str:
    base = language.partition("-")[0]
    if match["clock"]:
        hours, minutes = match["clock"].split(":")
        return " ".join(_words(Decimal(part), language) for part in (hours, minutes) if int(part) or part == hours)
    raw = match["amount"] or match["number"]
    tail = (match["tail"] or "").strip(" .\u00a0\u202f")
    if tail in {"st", "nd", "rd", "th", "º", "ª"}:
        return _ordinal(raw, language, feminine=tail == "ª")
    said = _said(raw, language)
    unit = tail if not match["money"] else match["money"]
    names = {"%": _PERCENT, **_MONEY}.get(unit)
    name = names.get(base, unit) if names else _UNITS.get(base, {}).get(unit, unit)
    return f"{said} {name}" if name else said


def _said(raw: str, language: str) -> str:
    value = _value(raw, language)
    if value is None or len(raw) > MOST_DIGITS or (raw.startswith("0") and len(raw) > 1 and raw.isdigit()):
        return " ".join(_words(Decimal(digit), language) for digit in raw if digit.isdigit())
    if language.partition("-")[0] == "en" and raw.isdigit() and 1100 <= value <= 2099 and value % 1000 > 9:
        return _call(language, value, "year")
    return _words(value, language)


def _value(raw: str, language: str) -> Decimal | None:
    """Return the number a person means: which sign parts decimals depends on the language."""
    digits = re.sub(r"[\u00a0\u202f]", "", raw)
    decimal, group = (".", ",") if language.partition("-")[0] in _POINT_DECIMALS else (",", ".")
    if re.fullmatch(rf"\d{{1,3}}(?:\{group}\d{{3}})+(?:\{decimal}\d+)?", digits):
        digits = digits.replace(group, "")
    digits = digits.replace(decimal, ".")
    try:
        return Decimal(digits)
    except InvalidOperation:
        return None


def _ordinal(raw: str, language: str, *, feminine: bool) -> str:
    value = _value(raw, language)
    if value is None or value != int(value) or not 0 < value < 10**6:
        return _said(raw, language)
    said = _call(language, value, "ordinal")
    return re.sub(r"o\b", "a", said) if feminine else said


def _words(value: Decimal, language: str) -> str:
    return _call(language, value, "cardinal")


def _call(language: str, value: Decimal, form: str) -> str:
    speak = _converter(language)
    assert speak is not None, "asked only for languages that num2words speaks"
    number = int(value) if value == int(value) else value
    try:
        return speak(number, form)
    except (NotImplementedError, OverflowError, TypeError):
        return speak(number, "cardinal")


@lru_cache(maxsize=32)
def _converter(language: str) -> Callable[[int | Decimal, str], str] | None:
    from num2words import CONVERTER_CLASSES, num2words  # builds every language's tables: 0.1 s

    tag = language.replace("-", "_")
    code = next((name for name in (tag, tag.partition("_")[0]) if name in CONVERTER_CLASSES), None)
    if code is None:
        return None
    return lambda value, form: str(num2words(value, lang=code, to=form))
