"""How a dub says that it is synthetic: today by tags of the container. A watermark and C2PA will stand here too."""

from __future__ import annotations


def disclosure_tags(language: str, *, mouth: bool) -> dict[str, str]:
    """Return the container's metadata tags that disclose the synthesis; `mouth`: mouths were re-synthesised too.

    >>> disclosure_tags("es", mouth=True)["comment"]
    'Synthetic speech and mouth movements, made with dubsync from the original film; spoken language: es'
    """
    what = "speech and mouth movements" if mouth else "speech"
    return {"comment": f"Synthetic {what}, made with dubsync from the original film; spoken language: {language}"}
