"""Whether a line addresses somebody as a friend and as a stranger at once: "Laissez-moi voir tes mains"."""

from __future__ import annotations

import re

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
