"""How the picture gets into the dub: copied as it is, spliced, or coded again from the first frame to the last."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import av
from av.packet import Packet

from dubsync.errors import Flag, Severity, UnreadableMedia
from dubsync.media.carry import held_by
from dubsync.media.compose import compose
from dubsync.media.fields import Fields, are_woven
from dubsync.media.patches import PatchBook
from dubsync.media.probe import Film
from dubsync.media.splice import EncoderSettings, Splicer, groups
from dubsync.media.write import PictureEncoder, PictureParams, Target, keep_display_matrix
from dubsync.timing import clock


class PictureTrack(Protocol):
    """Takes the source's picture packets, one after the other, and gives those of the dub."""

    stream: Any

    @property
    def fields(self) -> Fields:
        """Return what became of the fields of the frames that were coded so far."""

    def feed(self, packet: Packet[Any]) -> Iterator[Packet[Any]]:
        """Take a packet (the empty one at the end too); yield what is ready."""

    def finish(self) -> Iterator[Packet[Any]]:
        """Yield what is left; raise UnreadableMedia if a frame was lost."""


def picture_track(
    film: Film, patches: PatchBook | None, params: PictureParams, target: Target, source: tuple[Any, av.VideoFrame]
) -> tuple[PictureTrack, tuple[Flag, ...]]:
    """Choose the way that changes least. `source`: the film's picture stream and its first frame."""
    stream, first = source
    video = film.source.video
    if patches is None or len(patches) == 0:
        if film.table.is_indexed and video.codec in held_by(target.container.format.name):
            return CopiedPicture(target, stream, first), ()
        what = f"the picture ({video.codec}) cannot be copied into {target.path.suffix[1:]}, so it is coded again"
        flag = Flag(Severity.WARNING, "picture-recoded", "picture", what)
        coded = CodedPicture(film, patches, params, target, first)
        return coded, (flag, *coded.flags)
    found = groups(film.path, video, film.table) if params.untouched == "copy" and params.codec != "hevc" else None
    if found is not None:
        settings = EncoderSettings(video, film.table, first, params, found.sets, are_woven(film.path, film.table))
        spliced = Splicer(target, stream, found, patches, settings)
        return spliced, spliced.flags
    flags: tuple[Flag, ...] = ()
    if params.untouched == "copy" and len(patches.frames) < len(film.table):
        what = f"frames without a new mouth were coded again too (crf {params.crf:g}); only H.264 can be spliced"
        flags = (Flag(Severity.INFO, "untouched-recoded", "picture", what),)
    coded = CodedPicture(film, patches, params, target, first)
    return coded, flags + coded.flags


class CopiedPicture:
    """The source's packets, bit for bit."""

    def __init__(self, target: Target, stream: Any, first: av.VideoFrame) -> None:
        self.stream: Any = target.container.add_stream_from_template(stream, opaque=True)
        if stream.codec_context.codec.canonical_name == "hevc" and target.path.suffix == ".mp4":
            self.stream.codec_context.codec_tag = "hvc1"
        keep_display_matrix(self.stream, first)
        self.fields = Fields(True)

    def feed(self, packet: Packet[Any]) -> Iterator[Packet[Any]]:
        """Pass the packet on."""
        if packet.size:
            packet.stream = self.stream
            yield packet

    def finish(self) -> Iterator[Packet[Any]]:
        """Nothing is kept back."""
        return iter(())


class CodedPicture:
    """Every frame decoded, composed and coded."""

    def __init__(
        self, film: Film, patches: PatchBook | None, params: PictureParams, target: Target, first: av.VideoFrame
    ) -> None:
        self._film, self._patches, self._count = film, patches, 0
        is_woven = are_woven(film.path, film.table)
        self._encoder = PictureEncoder(target, film.source.video, film.table, first, params, is_woven=is_woven)
        self.stream: Any = self._encoder.stream
        self.flags, self.fields = self._encoder.flags, self._encoder.fields

    def feed(self, packet: Packet[Any]) -> Iterator[Packet[Any]]:
        """Decode a packet and yield what the encoder is done with."""
        decoded: Any = packet.decode()
        for frame in decoded:
            yield from self._code(frame)

    def finish(self) -> Iterator[Packet[Any]]:
        """Yield the encoder's last packets."""
        yield from self._encoder.finish()
        self._insist_on(len(self._film.table))

    def _code(self, frame: av.VideoFrame) -> Iterator[Packet[Any]]:
        table = self._film.table
        number = table.number(frame.pts) if table.is_indexed else self._count
        if number is None:
            return  # shown by no player: it lies before the first key picture
        self._insist_on(number)
        self.fields.see(frame)
        frame = self._encoder.working(frame)
        if self._patches is not None:
            compose(frame, self._patches.of(number))
        self._count += 1
        yield from self._encoder.encode(number, frame)

    def _insist_on(self, number: int) -> None:
        if number != self._count:
            time = clock(self._film.table.time(min(self._count, number)))
            raise UnreadableMedia(
                f"{self._film.path.name}: frame {self._count} at {time} cannot be decoded",
                hint="the file is damaged there; repair or cut it",
            )
