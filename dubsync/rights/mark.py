"""How a dub says that it is synthetic: today by tags of the container. A watermark and C2PA will stand here too."""

from __future__ import annotations

STATEMENT = "Synthetic speech and mouth movements, made with dubsync from the original film"


def disclosure_tags(language: str) -> dict[str, str]:
    """Return the container's metadata tags that disclose the synthesis.

    >>> disclosure_tags("es")["comment"]
    'Synthetic speech and mouth movements, made with dubsync from the original film; spoken language: es'
    """
    return {"comment": f"{STATEMENT}; spoken language: {language}"}
