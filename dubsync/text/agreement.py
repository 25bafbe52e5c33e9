"""Spanish and French articles that go with their noun.

Both models were begun from a Portuguese one, and keep the Portuguese gender of nouns that have another in their own
language: "la viaje" after "a viagem", "la couteau" after "a faca". `_nouns` holds those whose gender people's sentences
show; those below are rarer ones, or verbs too. Only a determiner right before a noun is changed, nothing else is
judged. French nouns that are more often a verb, as in "il la livre", are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache

from dubsync.text import _nouns

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
    ("algunos", "algunas"), ("nuestros", "nuestras"), ("muchos", "muchas"), ("otros", "otras"),
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
_TO_WOMEN_BY_VOWEL = {"un": "une", "ce": "cette", "cet": "cette", "quel": "quelle", "aucun": "aucune", "du": "de la"}
_VOWEL = re.compile(r"[aàâeéèêëiîïoôuûyhœ]")
_UNCONTRACTED = re.compile(r"\b([Aa]|[Dd]e) el (?=\w)")
_NEVER_VERBS = ("ión", "dad", "tad", "tud")
"""Endings of nouns whose plural is no verb either, as that of "compra" is in "los compras"."""
_RIGHT = {
    "es": {"m": {there: here for here, there in _PAIRS}, "f": dict(_PAIRS)},
    "fr": {"m": _TO_MEN, "f": _TO_WOMEN},
}
_BY_VOWEL = {"m": _TO_MEN_BY_VOWEL, "f": _TO_WOMEN_BY_VOWEL}


def _plural(noun: str) -> str:
    if noun[-1] in "aeo":
        return f"{noun}s"
    plain = noun.translate(str.maketrans("áéíóú", "aeiou")) if noun.endswith(("n", "s")) else noun
    return f"{plain[:-1]}ces" if noun.endswith("z") else f"{plain}es"


def _both_numbers(nouns: Iterable[str]) -> list[str]:
    return [each for noun in nouns for each in (noun, _plural(noun))]


@cache
def _genders(language: str) -> Mapping[str, str]:
    """Return "m" or "f" by noun."""
    if language == "es":
        abstract = [noun for noun in _nouns.ES_WOMEN if noun.endswith(_NEVER_VERBS)]
        men = [*_nouns.ES_MEN, *_both_numbers(_MASCULINE)]
        women = [*_nouns.ES_WOMEN, *_both_numbers([*_FEMININE, *abstract])]
    else:
        men, women = [*_nouns.FR_MEN, *_FRENCH_MEN, *_FRENCH_MEN_BY_VOWEL], [*_nouns.FR_WOMEN, *_FRENCH_WOMEN]
    return dict.fromkeys(men, "m") | dict.fromkeys(women, "f")


@cache
def _pairs(language: str) -> re.Pattern[str]:
    """Return what finds a determiner and the word behind it."""
    words = {word for right in (*_RIGHT[language].values(), *_BY_VOWEL.values()) for word in right}
    before = "|".join(sorted(words, key=len, reverse=True))
    return re.compile(rf"(?<![-\w])({before})(?=\s+([^\W\d_]+)\b)", re.IGNORECASE)


def agreeing(text: str, language: str) -> str:
    """Return text with the determiners of known nouns in the noun's gender.

    >>> agreeing("La viaje por el leche de el árbol", "es"), agreeing("Pose la couteau dans ce voiture.", "fr")
    ('El viaje por la leche del árbol', 'Pose le couteau dans cette voiture.')
    >>> agreeing("Este alfombra, la río, el agua.", "es"), agreeing("Un erreur, mon facture, cette homme.", "fr")
    ('Esta alfombra, el río, el agua.', 'Une erreur, ma facture, cet homme.')
    """
    text = _UNCONTRACTED.sub(lambda found: f"{found[1]}l ", text) if language == "es" else text
    return _pairs(language).sub(lambda found: _swapped(found, language), text)


def _swapped(found: re.Match[str], language: str) -> str:
    said, noun = found[1], found[2].lower()
    gender = _genders(language).get(noun)
    if gender is None:
        return said
    right = _BY_VOWEL if language == "fr" and _VOWEL.match(noun) else _RIGHT[language]
    wanted = right[gender].get(said.lower(), said)
    if wanted == said:
        return said
    return wanted.capitalize() if said[0].isupper() else wanted
