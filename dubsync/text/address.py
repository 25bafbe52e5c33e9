"""How lines address people: as a friend, as a stranger, or as both at once ("Laissez-moi voir tes mains")."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from dubsync.text.language import base

_FRIEND = {
    "fr": re.compile(r"\b(?:tu|te|toi|ton|ta|tes|tien(?:ne)?s?)\b|\bt['’]", re.IGNORECASE),
    "es": re.compile(r"\b(?:tú|te|ti|tus?|tuy[oa]s?|contigo|vos)\b", re.IGNORECASE),
}
_STRANGER = {
    "fr": re.compile(r"\b(?:vous|votre|vos|vôtres?|(?!(?:chez|assez|nez|rez)\b)[^\W\d_]{2,}ez)\b", re.IGNORECASE),
    "es": re.compile(r"\bustedes\b|\busted\b", re.IGNORECASE),
}


def is_mixed(text: str, language: str) -> bool:
    """Tell whether the text mixes both ways to say "you"; False for languages that this does not know.

    >>> is_mixed("Laissez-moi voir tes mains.", "fr"), is_mixed("Tu vas chez elle.", "fr")
    (True, False)
    >>> is_mixed("¿Cómo está usted? Te vi.", "es-419"), is_mixed("See you.", "en")
    (True, False)
    """
    friend, stranger = _FRIEND.get(base(language)), _STRANGER.get(base(language))
    return bool(friend and stranger and friend.search(text) and stranger.search(text))


def manner(text: str, language: str) -> str | None:
    """Return "formal" or "informal"; None where the text addresses nobody, or in both ways.

    >>> manner("Où allez-vous ?", "fr"), manner("Tu viens ?", "fr"), manner("Il vient.", "fr")
    ('formal', 'informal', None)
    """
    friend, stranger = _FRIEND.get(base(language)), _STRANGER.get(base(language))
    if friend is None or stranger is None or bool(friend.search(text)) == bool(stranger.search(text)):
        return None
    return "informal" if friend.search(text) else "formal"


def usual(speakers: Sequence[str | None], manners: Sequence[str | None]) -> dict[str, str]:
    """Return the manner in which each known speaker addresses people most often, the first of those equally frequent.

    >>> usual(["A", "A", "B", None], ["formal", "informal", None, "formal"])
    {'A': 'formal'}
    """
    counts: dict[str, Counter[str]] = {}
    for speaker, one in zip(speakers, manners, strict=True):
        if speaker is not None and one is not None:
            counts.setdefault(speaker, Counter())[one] += 1
    return {speaker: count.most_common(1)[0][0] for speaker, count in counts.items()}
