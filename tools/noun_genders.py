"""Write dubsync/text/_nouns.py: the gender of Spanish and French nouns, as people's sentences show it.

python tools/noun_genders.py FOLDER

FOLDER holds the Tatoeba archives that the recipes in models/recipes name. Only sentences that models learn from are
read, none that are measured by. A noun is taken that stands behind a word of one gender only, often enough. Words that
are verbs too ("la cuenta", "il la fait") are left out, as are adjectives, which stand before nouns or have a form of
either gender.
"""

from __future__ import annotations

import re
import sys
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from textwrap import wrap

from dubsync.text.marian.corpus import read_pairs, split
from dubsync.text.mt_bench import ARCHIVES

# ruff: noqa: SIM905 - rows of words are easier to read
TARGET = Path(__file__).resolve().parent.parent / "dubsync" / "text" / "_nouns.py"
FEWEST, PUREST = 4, 0.97
"""Times that a noun must be seen behind a word that is no pronoun, and the share of one gender."""
VERBAL, BEFORE_NOUNS = 0.03, 0.3
"""Shares of a word's places, as a verb and before another noun, from which it is left out."""
MEN = {
    "es": "un este ese aquel algún ningún nuestro otro unos estos esos algunos muchos otros".split(),
    "fr": "un cet quel aucun mon ton son".split(),
}
WOMEN = {
    "es": "una esta esa aquella alguna ninguna nuestra otra unas estas esas algunas muchas otras".split(),
    "fr": "une cette quelle aucune ma ta sa".split(),
}
VERBS = {
    "es": frozenset("lo se me te nos yo ella no".split()),
    "fr": frozenset("je tu il elle on ne se me te nous vous ils elles qui y lui cela ça".split()),
}
"""What stands before verbs."""
OR_PRONOUNS = {"es": (("el", "del", "al", "los"), ("la", "las")), "fr": (("le", "du", "au"), ("la",))}
ENDINGS = {
    "es": (("o", "a"), ("or", "ora"), ("os", "as"), ("és", "esa"), ("", "a")),
    "fr": (("", "e"), ("eur", "euse")),
}
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_VOWEL = re.compile("[aàâeéèêëiîïoôuûyhœ]")
_BY_VOWEL = frozenset({"mon", "ton", "son"})
"""French words of either gender before a vowel."""
EITHER = {
    "es": "astronauta cámara cliente cobarde cobardes detective estadounidense estadounidenses estudiantes hablante"
    " horrible jóvenes mañana modelo principiante psiquiatra".split(),
    "fr": "adulte camarade collègue détective enfant fin idiot imbécile livre malade partenaire pilote"
    " propriétaire témoin".split(),
}
"""People, adjectives and things ("el cámara", "la livre") of either gender; so are people in -ista and -iste."""
HEAD = '''"""The gender of common nouns, counted in the sentences of tatoeba.org (CC-BY 2.0 FR, its contributors).

Made by `python tools/noun_genders.py FOLDER`; do not edit by hand.
"""

# ruff: noqa: SIM905 - rows of words are easier to read

'''


class Counts:
    """Where words stand: behind articles that are no pronouns, behind any, and behind what goes before verbs."""

    def __init__(self, language: str, sentences: Iterable[str]) -> None:
        self.sure, self.any = (Counter[str](), Counter[str]()), (Counter[str](), Counter[str]())
        self.verbal = Counter[str]()
        self.followed: dict[str, Counter[str]] = defaultdict(Counter)
        sides = tuple(zip((MEN[language], WOMEN[language]), OR_PRONOUNS[language], strict=True))
        for sentence in sentences:
            words = [word.lower() for word in _WORD.findall(sentence)]
            for before, word, after in zip(words, words[1:], [*words[2:], ""], strict=False):
                self.verbal[word] += before in VERBS[language]
                for gender, (own, shared) in enumerate(sides):
                    is_own = before in own and not (before in _BY_VOWEL and _VOWEL.match(word))
                    self.sure[gender][word] += is_own
                    self.any[gender][word] += is_own or before in shared
                    if is_own:
                        self.followed[word][after] += 1

    def of(self, gender: int) -> Iterator[str]:
        """Yield the words of one gender, 0 or 1, that are often seen and no verbs."""
        for word, count in self.sure[gender].items():
            is_pure = all(
                side[gender][word] >= PUREST * (side[0][word] + side[1][word]) for side in (self.sure, self.any)
            )
            is_verb = self.verbal[word] > VERBAL * self.any[gender][word]
            if count >= FEWEST and is_pure and not is_verb and word.isalpha() and len(word) > 2:
                yield word

    def is_adjective(self, word: str, nouns: Collection[str]) -> bool:
        after = self.followed[word]
        return sum(count for other, count in after.items() if other in nouns) > BEFORE_NOUNS * after.total()


def nouns(language: str, sentences: Iterable[str]) -> tuple[list[str], ...]:
    """Return the masculine and the feminine nouns."""
    counts = Counts(language, sentences)
    men, women = set(counts.of(0)), set(counts.of(1))
    pairs = {(man, other) for man in men for other in _others(man, language) if other in women}
    both = men | women
    people = {word for word in both if word.endswith(("ista", "istas", "iste"))} | {*EITHER[language]}
    either = {word for pair in pairs for word in pair} | {*MEN[language], *WOMEN[language]} | people
    return tuple(sorted(word for word in side - either if not counts.is_adjective(word, both)) for side in (men, women))


def _others(word: str, language: str) -> Iterator[str]:
    """Yield what the word may be in the feminine."""
    for man, woman in ENDINGS[language]:
        if word.endswith(man):
            yield word.removesuffix(man) + woman


def main(folder: Path) -> None:
    text = HEAD
    for language, archive in ARCHIVES.items():
        sentences = dict.fromkeys(target for _, target in split(read_pairs(folder / archive)).train)
        for name, words in zip(("MEN", "WOMEN"), nouns(language, sentences), strict=True):
            rows = "\n".join(f'    "{row} "' for row in wrap(" ".join(words), 112))
            text += f"{language.upper()}_{name} = (\n{rows}\n).split()\n"
    TARGET.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
