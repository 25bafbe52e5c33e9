"""Words of a translation that no dictionary knows and nobody said: what a small model made up.

What is let through: names and whatever else stands in the source too, terms, words with a capital inside a sentence,
and what a language builds: Spanish pronouns behind a verb, French elisions, hyphens, prefixes, diminutives.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Container, Iterator

from dubsync.text.language import base

# ruff: noqa: SIM905 - rows of words are easier to read
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_OPENS = re.compile(r"(?:^|[.?!…:\"'“”«»(¿¡—–-])\s*$")
_ELIDED = re.compile(r"^(?:[ldnjmtsc]|qu|jusqu|lorsqu|puisqu|quoiqu)'(?=.)", re.IGNORECASE)
_CRY = re.compile(
    r".*(.)\1\1.*|(?:([jh][aeiou]){2,}|[^aeiouyáéíóúàâèêîôûãõ]+|[aehmuo]+h*|h?[aeu]+[mrgcf]+h*)", re.IGNORECASE
)
"""Laughter, hesitation, what is drawn out: "jajaja", "hmm", "nooo"."""
_CLITICS = ("los", "las", "les", "nos", "lo", "la", "le", "me", "te", "se", "os")
_PLAIN = str.maketrans("áéíóú", "aeiou")
_PREFIXES = {
    "es": "anti auto contra des extra hiper inter mega micro mini multi post pre re semi sobre sub super ultra".split(),
    "fr": "anti auto contre dé entre extra hyper inter micro mini multi pré re ré semi sous super sur ultra".split(),
    "pt": "anti auto contra des extra hiper inter micro mini multi pós pré re semi sobre sub super ultra".split(),
}
_SHORTEST = 4
"""Letters that must be left behind a prefix."""
_ALIKE = 3
"""Letters that a name and its form in another language begin with: Tom and Tomás."""


def strange(source: str, text: str, language: str, known: Container[str]) -> tuple[str, ...]:
    """Return the words of a translation that are unknown, each once.

    >>> known = {"hablar", "sobre", "la", "a"}
    >>> strange("Speak to Keldric about it.", "Hablarle a Keldric sobre la desconspecció.", "es", known)
    ('desconspecció',)
    """
    said = [word.lower() for word in _WORD.findall(_straight(source))]
    found = [
        match[0]
        for match in _WORD.finditer(_straight(text))
        if not _is_name(match, source) and not _is_known(match[0].lower(), said, base(language), known)
    ]
    return tuple(dict.fromkeys(found))


def _straight(text: str) -> str:
    return text.replace("’", "'")


def _is_name(match: re.Match[str], source: str) -> bool:
    """Tell whether a word has a capital that no sentence gave it, or one that a name of the source has too."""
    word = _ELIDED.sub("", match[0])
    if not word[0].isupper():
        return False
    is_inside = word != match[0] or not _OPENS.search(match.string[: match.start()])
    return is_inside or re.search(rf"\b{re.escape(word[:_ALIKE])}\w*", source) is not None


def _is_known(word: str, said: Collection[str], language: str, known: Container[str]) -> bool:
    if _CRY.fullmatch(word) or any(word in {one, f"{one}s", one.removesuffix("s")} for one in said):
        return True
    return any(form in known for form in _forms(word, language))


def _forms(word: str, language: str) -> Iterator[str]:
    """Yield the word, and what it may be made of."""
    yield word
    if language == "fr":
        word = _ELIDED.sub("", word)
        yield from (word, f"é{word[1:]}" if word[0] == "e" else word)
    if language == "es":
        yield from _spanish(word)
    for prefix in _PREFIXES.get(language, ()):
        if word.startswith(prefix) and len(word) >= len(prefix) + _SHORTEST:
            yield word.removeprefix(prefix)


def _spanish(word: str) -> Iterator[str]:
    """Yield the verb of "vámonos" and "quitándoselo", and that of what is said to "vos": "tenés", "llamá"."""
    for bare in _without_pronoun(word):
        for form in (bare, *_without_pronoun(bare)):
            plain = form.translate(_PLAIN)
            yield from (form, plain, f"{plain}s", f"{plain}d")
    spoken = re.fullmatch(r"(.+[áéí])s?", word)
    if spoken:
        yield f"{spoken[1].translate(_PLAIN)}r"


def _without_pronoun(word: str) -> Iterator[str]:
    for pronoun in _CLITICS:
        if word.endswith(pronoun) and len(word) > len(pronoun) + 1:
            yield word.removesuffix(pronoun)
