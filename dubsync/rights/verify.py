"""What a media file says of itself: tags that disclose a synthesis, a watermark, a C2PA manifest. It is streamed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dubsync.media import sound
from dubsync.media.probe import comments
from dubsync.rights import provenance
from dubsync.rights.detect import RATE, Mark, detect
from dubsync.rights.mark import disclosure
from dubsync.rights.provenance import Manifest


@dataclass(frozen=True, slots=True)
class Found:
    """A watermark. `track`: number of the sound track, from 0. `language`: of the known dub it belongs to, if any."""

    track: int
    mark: Mark
    language: str | None


@dataclass(frozen=True, slots=True)
class Testimony:
    """What a file says. `tracks`: how many sound tracks were listened to. `is_known`: None where no title was given.

    `not_looked`: why a C2PA manifest was not looked for; "" where it was.
    """

    media: Path
    disclosure: str | None
    marks: tuple[Found, ...]
    manifest: Manifest | None
    not_looked: str
    tracks: int
    is_known: bool | None

    @property
    def is_synthetic(self) -> bool:
        """Whether anything says that it is synthetic; a manifest counts only where it is intact."""
        signed = self.manifest is not None and self.manifest.is_intact and self.manifest.is_synthetic
        return bool(self.disclosure or self.marks or signed)


def look_through(media: Path, *, known: Mapping[str, str] | None = None) -> Testimony:
    """Return what a film or sound file says; `known`: language by identity of the dubs to compare with.

    Raises UnreadableMedia.
    """
    said, tracks = disclosure(comments(media)), sound.tracks(media)
    marks = tuple(
        Found(track, mark, (known or {}).get(str(mark.payload)))
        for track in range(tracks)
        for mark in detect(sound.mono(media, RATE, track=track), RATE)
    )
    manifest, not_looked = _manifest(media)
    is_known = None if known is None else any(found.language is not None for found in marks)
    return Testimony(media, said, marks, manifest, not_looked, tracks, is_known)


def _manifest(media: Path) -> tuple[Manifest | None, str]:
    if media.suffix.lower() not in provenance.SUFFIXES:
        return None, "only MP4 and MOV are looked into"
    if not provenance.is_installed():
        return None, "c2pa-python is not installed: pip install 'dubsync[c2pa]'"
    return provenance.read(media), ""
