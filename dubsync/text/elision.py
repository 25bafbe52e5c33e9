"""French words that lose their vowel before another one: "la arme" is "l'arme", "le héros" stays "le héros"."""

from __future__ import annotations

import re

# ruff: noqa: SIM905 - rows of words are easier to read
_ASPIRATED_MEN = (
    "hall hamac hameau hamster handicap hangar harcèlement harem hareng haricot harnais hasard haut hérisson héros"
    " hibou hippie hobby hockey homard hoquet hublot huit hurlement"
).split()
_ASPIRATED_WOMEN = (
    "hache haie haine halte hanche harpe hâte hausse hauteur hiérarchie honte horde hotte houle housse huée hutte hyène"
    " hollande hongrie"
).split()
_ASPIRATED_STEMS = (
    "haï hais hait halet hant harass harcel harcèl hardi hâti hauss haut hérisse heurt hideu hiss hoch honteu hors"
    " huiti hurl"
).split()
_ASPIRATED = "|".join((*_ASPIRATED_STEMS, *(rf"{noun}s?\b" for noun in (*_ASPIRATED_MEN, *_ASPIRATED_WOMEN))))
_VOWEL = rf"(?:(?!onz|oui\b|yeti)[aàâeéèêiîoôuûœ]|(?!{_ASPIRATED})(?-i:h))"
"""A capital H begins a name, and most of those in films are pronounced."""

_SMALL = re.compile(rf"(?<![-\w])(je|ne|que|me|te|se|de|jusque) (?={_VOWEL})", re.IGNORECASE)
_ARTICLE = re.compile(rf"(?<![-\w])(le|la) (?!une?\b)(?={_VOWEL})", re.IGNORECASE)
_IF = re.compile(r"(?<![-\w])(s)i (?=ils?\b)", re.IGNORECASE)
_THIS = re.compile(r"(?<![-\w])(c)e (?=est\b|était\b|étaient\b)", re.IGNORECASE)
_LONELY = re.compile(r"\b([ldnjmts]|qu)['’] (?=[^\W\d_])", re.IGNORECASE)
_TOO_SHORT = re.compile(rf"\b([ldnjmts]|qu)['’](?=(?:{_ASPIRATED}))", re.IGNORECASE)
_STARTS = re.compile(_VOWEL, re.IGNORECASE)


def elided(text: str) -> str:
    """Let small words lose their vowel before another one or a mute h, and have it before anything else.

    >>> elided("C'est la arme de une amie, le hôtel que il a vu."), elided("je ne ai pas vu l' laisser")
    ("C'est l'arme d'une amie, l'hôtel qu'il a vu.", "je n'ai pas vu le laisser")
    >>> elided("Le héros de Harry, l'honte, la une, le onze. Dois-je aller ? Prends-la avec toi.")
    'Le héros de Harry, la honte, la une, le onze. Dois-je aller ? Prends-la avec toi.'
    """
    text = _LONELY.sub(lambda found: _joined(found, text), text)
    text = _TOO_SHORT.sub(lambda found: f"{_whole(found, found.string)} ", text)
    for pattern in (_SMALL, _ARTICLE):
        text = pattern.sub(lambda found: f"{found[1][:-1]}'", text)
    return _THIS.sub(r"\1'", _IF.sub(r"\1'", text))


def _joined(found: re.Match[str], text: str) -> str:
    return f"{found[1]}'" if _STARTS.match(text, found.end()) else f"{_whole(found, text)} "


def _whole(found: re.Match[str], text: str) -> str:
    """Return the word that was cut short; of an article, the one that goes with the noun where that is known."""
    noun = re.match(r"\w+", text[found.end() :])
    is_feminine = found[1].lower() == "l" and noun is not None and noun[0].lower() in _ASPIRATED_WOMEN
    return f"{found[1]}{'a' if is_feminine else 'e'}"
