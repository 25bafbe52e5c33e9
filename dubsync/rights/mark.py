"""What a dub says of itself: the container's tags, and the identity that its watermark carries."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from dubsync.rights.markcode import Payload

DISCLOSURE_TAG = "comment"
"""The container's tag that says what is synthetic."""


def payload_of(source: str, language: str) -> Payload:
    """Return what the watermark of a film's dub into a language says; `source`: SHA-256 of the film.

    It stays the same when lines are edited or voices recast, so that every version of a dub is known by it.
    """
    digest = hashlib.sha256(f"dubsync-mark/1 {source} {language}".encode()).digest()
    return Payload(int.from_bytes(digest[:4], "big"))


def synthetic(*, voice: bool, mouth: bool) -> tuple[str, ...]:
    """Return in words what of a dub is synthetic.

    `voice`: lines were synthesised, not recorded. `mouth`: mouths were re-synthesised.
    """
    return tuple(name for name, made in (("speech", voice), ("mouth movements", mouth)) if made)


def disclosure_tags(language: str, what: Sequence[str]) -> dict[str, str]:
    """Return the container's metadata tags that disclose what is synthetic; none where nothing is.

    >>> disclosure_tags("es", synthetic(voice=True, mouth=True))["comment"]
    'Synthetic speech and mouth movements, made with dubsync from the original film; spoken language: es'
    """
    if not what:
        return {}
    made = " and ".join(what)
    return {DISCLOSURE_TAG: f"Synthetic {made}, made with dubsync from the original film; spoken language: {language}"}


def disclosure(comment: str) -> str | None:
    """Return what a container's comment discloses of a dub by dubsync; None where it says nothing of it."""
    found = re.search(r"Synthetic [^;]*, made with dubsync from the original film; spoken language: [\w-]+", comment)
    return found and found.group()
