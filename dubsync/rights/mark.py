"""How a dub says that it is synthetic: today by tags of the container. A watermark and C2PA will stand here too."""

from __future__ import annotations

DISCLOSURE_TAG = "comment"
"""The container's tag that says what is synthetic."""


def disclosure_tags(language: str, *, voice: bool, mouth: bool) -> dict[str, str]:
    """Return the container's metadata tags that disclose the synthesis; none where nothing is synthetic.

    `voice`: lines were synthesised, not recorded. `mouth`: mouths were re-synthesised.

    >>> disclosure_tags("es", voice=True, mouth=True)["comment"]
    'Synthetic speech and mouth movements, made with dubsync from the original film; spoken language: es'
    """
    what = " and ".join(name for name, made in (("speech", voice), ("mouth movements", mouth)) if made)
    if not what:
        return {}
    return {DISCLOSURE_TAG: f"Synthetic {what}, made with dubsync from the original film; spoken language: {language}"}
