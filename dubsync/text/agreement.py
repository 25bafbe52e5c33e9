"""Spanish articles that go with their noun.

The Spanish model was begun from a Portuguese one, and keeps the Portuguese gender of nouns that have another in
Spanish: "la viaje" after "a viagem". The nouns below are the common ones of that kind; only a determiner right before
one is changed, nothing else is judged.
"""

from __future__ import annotations

import re

_MASCULINE = (
    "análisis", "aprendizaje", "árbol", "color", "coraje", "desorden", "dolor", "énfasis", "equipaje", "equipo",
    "estante", "garaje", "homenaje", "lenguaje", "masaje", "mensaje", "origen", "paisaje", "pasaje", "personaje",
    "porcentaje", "puente", "sabotaje", "tatuaje", "traje", "vértigo", "viaje",
)  # fmt: skip
_FEMININE = (
    "alarma", "cárcel", "costumbre", "crema", "cumbre", "ducha", "legumbre", "leche", "miel", "nariz", "pesadilla",
    "protesta", "risa", "sal", "sangre", "señal", "sonrisa",
)  # fmt: skip
_PAIRS = (
    ("el", "la"), ("un", "una"), ("este", "esta"), ("ese", "esa"), ("aquel", "aquella"), ("del", "de la"),
    ("al", "a la"), ("los", "las"), ("unos", "unas"), ("estos", "estas"), ("esos", "esas"), ("aquellos", "aquellas"),
    ("algún", "alguna"), ("ningún", "ninguna"), ("nuestro", "nuestra"), ("mucho", "mucha"), ("otro", "otra"),
)  # fmt: skip


def _plural(noun: str) -> str:
    if noun[-1] in "aeo":
        return f"{noun}s"
    plain = noun.translate(str.maketrans("áéíóú", "aeiou")) if noun.endswith(("n", "s")) else noun
    return f"{plain[:-1]}ces" if noun.endswith("z") else f"{plain}es"


def _rule(nouns: tuple[str, ...], wrong: dict[str, str]) -> tuple[re.Pattern[str], dict[str, str]]:
    words = sorted({*nouns, *(_plural(noun) for noun in nouns)}, key=len, reverse=True)
    before = sorted(wrong, key=len, reverse=True)
    return re.compile(rf"\b({'|'.join(before)})(\s+)({'|'.join(words)})\b", re.IGNORECASE), wrong


_RULES = (
    _rule(_MASCULINE, {feminine: masculine for masculine, feminine in _PAIRS}),
    _rule(_FEMININE, dict(_PAIRS)),
)


def agreeing(text: str) -> str:
    """Return Spanish text with the determiners of known nouns in the noun's gender.

    >>> agreeing("La viaje por el leche de esa árbol")
    'El viaje por la leche de ese árbol'
    """
    for pattern, right in _RULES:
        text = pattern.sub(lambda found, right=right: _swapped(found, right), text)  # type: ignore[misc]
    return text


def _swapped(found: re.Match[str], right: dict[str, str]) -> str:
    said, space, noun = found.groups()
    wanted = right[said.lower()]
    return f"{wanted.capitalize() if said[0].isupper() else wanted}{space}{noun}"
