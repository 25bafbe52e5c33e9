"""Words that a small model says twice in a row though nobody did: "Todos aquí aquí hoy" for "Everyone here today"."""

from __future__ import annotations

import re

from dubsync.text.language import base

# ruff: noqa: SIM905 - rows of words are easier to read
_MOST = 4
"""Words that are said again together, as in "juez de la corte de la corte"."""
_WORD = r"[^\W\d_]+(?:['’-][^\W\d_]+)*"
_OPEN, _SHUT = r"(?<![\w'’-])", r"(?![\w'’-])"
_TWICE = re.compile(rf"{_OPEN}(?P<said>{_WORD}(?: {_WORD}){{0,{_MOST - 1}}}) (?P=said){_SHUT}", re.IGNORECASE)
_IN_SOURCE = re.compile(rf"(?<!\w)(\w+(?:\W+\w+){{0,{_MOST - 1}}})\W+\1(?!\w)", re.IGNORECASE)
_AGAIN = re.compile(r"\b(\w{4,})\b.*\b\1\b", re.IGNORECASE)
_LEANS = frozenset("a à y et e o ou que por par en de".split())
"""Two words that end in one of these are doubled by other ones: "poco a poco a"."""
_MEANT = {
    "en": "had that very no yes is in her you do bye".split(),
    "es": "muy mucho casi ya así como sobre bajo no sí".split(),
    "fr": "nous vous très faire en est si même ton un non oui".split(),
    "it": "molto così piano via no sì".split(),
    "pt": "muito que como sobre já não sim".split(),
}
"""Words that the language doubles: for weight ("muy muy"), or since two meet ("vous vous trompez", "como como")."""


def doubled(source: str, text: str, language: str) -> tuple[str, ...]:
    """Return what a translation says twice in a row, each once; nothing where the source doubles words too.

    >>> doubled("Everyone here today.", "Todos aquí aquí hoy.", "es"), doubled("No, no.", "No no.", "es")
    (('aquí',), ())
    >>> doubled("You are wrong.", "Vous vous trompez.", "fr"), doubled("A judge.", "Juez de la ley de la ley.", "es")
    ((), ('de la ley',))
    """
    if _IN_SOURCE.search(source):
        return ()
    meant = _MEANT.get(base(language), ())
    said = [found["said"] for found in _TWICE.finditer(text)]
    stutters = [one for one in said if one.lower() not in meant and not _is_built(one, source)]
    return tuple(dict.fromkeys(stutters))


def _is_built(said: str, source: str) -> bool:
    """Tell whether several words are doubled as sentences are built: "What's done is done", "poco a poco a"."""
    words = said.lower().split(" ")
    return len(words) > 1 and (words[-1] in _LEANS or _AGAIN.search(source) is not None)


def once(source: str, text: str, language: str) -> str:
    """Return the text with each of those words said once.

    >>> once("Everyone here today.", "Todos aquí aquí aquí hoy.", "es")
    'Todos aquí hoy.'
    """
    while twice := doubled(source, text, language):
        for words in twice:
            again = re.compile(rf"{_OPEN}({re.escape(words)})(?: {re.escape(words)})+{_SHUT}", re.IGNORECASE)
            text = again.sub(r"\1", text)
    return text
