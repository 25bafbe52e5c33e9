"""More pairs from those there are, so that a model learns to copy: other names, other numbers.

Tatoeba says "Tom" and "Mary" in every sixth sentence and few other names. In a copy of such a pair both sides get
another name, a common one or one put together from syllables; figures of two digits and more get other digits.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence

from dubsync.text.marian.corpus import Pair
from dubsync.text.names import MEN, WOMEN

# ruff: noqa: SIM905 - syllables are easier to read without commas
_KNOWN = re.compile(r"\b(" + "|".join((*MEN, *WOMEN)) + r")\b")
_FIGURES = re.compile(r"(?<![\w.,:])\d[\d:.,]*\d(?!\w)")
_ONSETS = "B Bl Br C Ch Cl D Dr F Fl G Gr H J K Kr L M N P Pr R S Sh Sk St T Th Tr V W Wh Y Z".split()
_VOWELS = "a e i o u a e i o ai ea ee ie oa ou y".split()
_CODAS = "b ck d ff g k l ll m n nd ng nn r rd rk rn rr s sh ss st t tch th x z".split()
_ENDINGS = ("", "", "son", "field", "man", "ez", "ski", "er", "ton", "ley", "a", "o", "ov", "ini", "sen", "berg")


def varied(pairs: Sequence[Pair], seed: int) -> Iterator[Pair]:
    """Yield one more pair for each that names somebody, two more for each with a figure."""
    chance = random.Random(seed)
    for source, target in pairs:
        if set(_KNOWN.findall(source)) and set(_KNOWN.findall(source)) == set(_KNOWN.findall(target)):
            yield _renamed(source, target, chance)
        figures = _FIGURES.findall(source)
        if figures and sorted(figures) == sorted(_FIGURES.findall(target)):
            yield from (_renumbered(source, target, set(figures), chance) for _ in range(2))


def _renamed(source: str, target: str, chance: random.Random) -> Pair:
    others = {old: _other(old, chance) for old in sorted(set(_KNOWN.findall(source)))}
    return tuple(_KNOWN.sub(lambda found: others[found[1]], side) for side in (source, target))  # type: ignore[return-value]


def _other(old: str, chance: random.Random) -> str:
    """Return a common name of the same sex, one made of syllables, or both together."""
    common = chance.choice(MEN if old in MEN else WOMEN)
    kind = chance.random()
    if kind < 0.4:
        return common
    return made_up(chance) if kind < 0.7 else f"{common} {made_up(chance)}"


def made_up(chance: random.Random) -> str:
    """Return a name that nobody has, such as "Brennfield" or "Skoatchini"."""
    name = chance.choice(_ONSETS) + chance.choice(_VOWELS) + chance.choice(_CODAS)
    if chance.random() < 0.4:
        name += chance.choice(_VOWELS) + chance.choice(_CODAS)
    return name + chance.choice(_ENDINGS)


def _renumbered(source: str, target: str, figures: set[str], chance: random.Random) -> Pair:
    others = {figure: _other_figure(figure, chance) for figure in sorted(figures)}
    return tuple(_FIGURES.sub(lambda found: others.get(found[0], found[0]), side) for side in (source, target))  # type: ignore[return-value]


def _other_figure(figure: str, chance: random.Random) -> str:
    first, rest = chance.choice("123456789"), figure[1:]
    return first + "".join(chance.choice("0123456789") if sign.isdigit() else sign for sign in rest)
