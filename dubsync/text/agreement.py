"""Spanish and French articles that go with their noun.

Both models were begun from a Portuguese one, and keep the Portuguese gender of nouns that have another in their own
language: "la viaje" after "a viagem", "la couteau" after "a faca". The nouns below are the common ones of that kind;
only a determiner right before one is changed, nothing else is judged. French ones that are also a verb, as in "il la
livre", are left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

# ruff: noqa: SIM905 - rows of words are easier to read

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


_FRENCH_MEN = (
    "avantage bateau bureau chapeau chemin choix conseil courage couteau crayon cri doigt fauteuil fusil garage jardin"
    " journal langage magasin manteau marché matin mensonge message miel mur métro nuage nez papier paysage personnage"
    " pistolet pont printemps sable sac sang secret sel silence soir soleil sourire stylo toit train tapis verre"
    " village visage voyage"
).split()
_FRENCH_MEN_BY_VOWEL = "arbre arrêt avion endroit espoir hôtel hiver hôpital orage ordre ordinateur oiseau œil".split()
_FRENCH_WOMEN = (
    "balle bague bouteille chaise chaleur chambre chance chanson chaussure chemise clé couleur dent dette douleur faute"
    " fenêtre fille fleur guerre guitare jambe lettre lumière maison mer minute moitié montagne nuit peur pierre"
    " planète plage pluie pomme prison robe rue route seconde semaine table télévision tête valeur valise viande ville"
    " voiture voix"
).split()
_TO_MEN = {
    "la": "le", "une": "un", "cette": "ce", "ma": "mon", "ta": "ton", "sa": "son", "de la": "du", "à la": "au",
    "quelle": "quel", "aucune": "aucun",
}  # fmt: skip
_TO_MEN_BY_VOWEL = {"une": "un", "cette": "cet", "quelle": "quel", "aucune": "aucun"}
_TO_WOMEN = {there: here for here, there in _TO_MEN.items()}


def _plural(noun: str) -> str:
    if noun[-1] in "aeo":
        return f"{noun}s"
    plain = noun.translate(str.maketrans("áéíóú", "aeiou")) if noun.endswith(("n", "s")) else noun
    return f"{plain[:-1]}ces" if noun.endswith("z") else f"{plain}es"


_UNCONTRACTED = re.compile(r"\b([Aa]|[Dd]e) el (?=\w)")

Rule = tuple[re.Pattern[str], dict[str, str]]


def _rule(nouns: Sequence[str], wrong: dict[str, str]) -> Rule:
    words = sorted(nouns, key=len, reverse=True)
    before = sorted(wrong, key=len, reverse=True)
    return re.compile(rf"\b({'|'.join(before)})(\s+)({'|'.join(words)})\b", re.IGNORECASE), wrong


def _both_numbers(nouns: Sequence[str]) -> list[str]:
    return [*nouns, *(_plural(noun) for noun in nouns)]


_RULES = {
    "es": (
        _rule(_both_numbers(_MASCULINE), {feminine: masculine for masculine, feminine in _PAIRS}),
        _rule(_both_numbers(_FEMININE), dict(_PAIRS)),
    ),
    "fr": (
        _rule(_FRENCH_MEN, _TO_MEN),
        _rule(_FRENCH_MEN_BY_VOWEL, _TO_MEN_BY_VOWEL),
        _rule(_FRENCH_WOMEN, _TO_WOMEN),
    ),
}


def agreeing(text: str, language: str) -> str:
    """Return text with the determiners of known nouns in the noun's gender.

    >>> agreeing("La viaje por el leche de el árbol", "es"), agreeing("Pose la couteau dans ce voiture.", "fr")
    ('El viaje por la leche del árbol', 'Pose le couteau dans cette voiture.')
    """
    text = _UNCONTRACTED.sub(lambda found: f"{found[1]}l ", text) if language == "es" else text
    for pattern, right in _RULES[language]:
        text = pattern.sub(lambda found, right=right: _swapped(found, right), text)  # type: ignore[misc]
    return text


def _swapped(found: re.Match[str], right: dict[str, str]) -> str:
    said, space, noun = found.groups()
    wanted = right[said.lower()]
    return f"{wanted.capitalize() if said[0].isupper() else wanted}{space}{noun}"
