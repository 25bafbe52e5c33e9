"""What a dub says of itself: the container's tags, and the identity that its watermark carries."""

from __future__ import annotations

import hashlib

from dubsync.rights.markcode import Payload


def payload_of(source: str, language: str) -> Payload:
    """Return what the watermark of a film's dub into a language says; `source`: digest of the film's own content.

    It stays the same when lines are edited or voices recast, so that every version of a dub is known by it.
    """
    digest = hashlib.sha256(f"dubsync-mark/1 {source} {language}".encode()).digest()
    return Payload(int.from_bytes(digest[:4], "big"))


def disclosure_tags(language: str, *, voice: bool, mouth: bool) -> dict[str, str]:
    """Return the container's metadata tags that disclose the synthesis; none where nothing is synthetic.

    `voice`: lines were synthesised, not recorded. `mouth`: mouths were re-synthesised.

    >>> disclosure_tags("es", voice=True, mouth=True)["comment"]
    'Synthetic speech and mouth movements, made with dubsync from the original film; spoken language: es'
    """
    what = " and ".join(name for name, made in (("speech", voice), ("mouth movements", mouth)) if made)
    if not what:
        return {}
    return {"comment": f"Synthetic {what}, made with dubsync from the original film; spoken language: {language}"}
