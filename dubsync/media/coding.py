"""How a dub's sound is coded, and what is heard of it afterwards.

`SoundEncoder` writes the track with this, and whoever masters the mix listens through it: coding raises peaks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from dubsync.errors import UnsupportedStream
from dubsync.media.sound import to_samples_array
from dubsync.title import AudioTrack

Samples = NDArray[np.float32]

BLOCK = 1024
"""Samples given to the encoder at once; AAC's own frame."""
_GATHERED = 64
_BITS_PER_CHANNEL = 96_000
_FORMATS = {"flac": ("s32", "s16"), "alac": ("s32p", "s16p"), "pcm_s24le": ("s32", "s32")}
"""Samples for 24 and for 16 bits, where an encoder's first choice is not the right one."""
_PCM = {16: "pcm_s16le", 24: "pcm_s24le", 32: "pcm_f32le"}
_BESIDE_IS_BEHIND = {"5.1(side)": "5.1", "5.0(side)": "5.0", "quad(side)": "quad"}
"""AAC has one place for surround speakers: AC-3 and DTS call them side, AAC back, and players treat both alike."""
_NAMED_BY_AAC = frozenset(("mono", "stereo", "2.1", "3.0", "4.0", "quad", "5.0", "5.1", "7.1"))
"""Of the others a decoder of AAC says how many channels there are, but no more which is which."""


@dataclass(frozen=True, slots=True)
class Coding:
    """A codec by FFmpeg's name, for sound of one rate and layout.

    `bits_a_second`: None where nothing is lost; `depth`: bits of a sample then, 32 for floats.
    """

    codec: str
    rate: int
    layout: str
    bits_a_second: int | None
    depth: int = 24

    @property
    def options(self) -> dict[str, str]:
        return {} if self.bits_a_second is None else {"b": str(self.bits_a_second)}

    def set_up(self, context: Any) -> None:
        """Tell an encoder what it will be given."""
        context.layout = self.layout
        context.time_base = Fraction(1, self.rate)
        if self.codec in _FORMATS:
            context.format = _FORMATS[self.codec][self.depth == 16]

    def frame(self, block: Samples, position: int) -> av.AudioFrame:
        """Return samples (n, channels) as the encoder takes them, the first at `position`."""
        samples: NDArray[Any] = block
        kind = "flt"
        if self.bits_a_second is None and self.depth < 32:
            samples, kind = _whole(block, self.depth)
        # interleaved, although AAC wants planes: PyAV 18 counts nine planes in a frame of eight channels
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples).reshape(1, -1), format=kind, layout=self.layout
        )
        frame.sample_rate, frame.time_base = self.rate, Fraction(1, self.rate)
        frame.pts = position
        return frame


def coding_for(track: AudioTrack, suffix: str) -> Coding:
    """Return how a dub with the track's rate, layout and bit depth is coded in a container.

    Without loss where the track is, else AAC; without loss too where AAC cannot. Peaks over full scale, which decoders
    of lossy films give, are handed to AAC as they are.
    """
    rate, layout = track.sample_rate, _BESIDE_IS_BEHIND.get(track.layout, track.layout)
    lossless = "flac" if suffix == ".mkv" else "alac"
    if track.bits is not None:
        kept = track.bits < 32 and _is_coded_by(lossless, rate, layout)
        return Coding(lossless if kept else _PCM[track.bits], rate, layout, None, track.bits)
    if _is_coded_by("aac", rate, layout) and (layout in _NAMED_BY_AAC or not _is_coded_by(lossless, rate, layout)):
        return Coding("aac", rate, layout, min(_BITS_PER_CHANNEL, 5 * rate) * track.channels)
    return Coding(lossless, rate, layout, None)


def aac_for(track: AudioTrack) -> Coding:
    """Return how a track is coded as AAC, whatever it was before.

    Raises:
        UnsupportedStream: AAC has no form for its rate or channels.
    """
    coding = coding_for(replace(track, bits=None), ".mp4")
    if coding.codec != "aac":
        what = f"sound in {track.layout} at {track.sample_rate} Hz has no form in AAC"
        raise UnsupportedStream(what, hint="convert its rate or channels first")
    return coding


def _whole(block: Samples, depth: int) -> tuple[NDArray[Any], str]:
    """Return samples in whole numbers, the lower bits of 24 empty, and what FFmpeg calls them."""
    steps = 2.0 ** (depth - 1)
    whole = np.clip(np.rint(block.astype(np.float64) * steps), -steps, steps - 1)
    return (whole.astype(np.int16), "s16") if depth == 16 else ((whole * 256).astype(np.int32), "s32")


def heard(blocks: Iterable[Samples], coding: Coding) -> Iterator[Samples]:
    """Yield sound (n, channels) as it is heard after coding, aligned and as long as before; streamed."""
    yield from _gathered(_coded(blocks, coding))


def _coded(blocks: Iterable[Samples], coding: Coding) -> Iterator[Samples]:
    encoder, decoder = _pair(coding)
    given = taken = 0
    for block in recut(blocks):
        packets = encoder.encode(coding.frame(block, given))
        given += len(block)
        for samples in _decoded(decoder, packets):
            taken += len(samples)
            yield samples
    for samples in _decoded(decoder, [*encoder.encode(None), None]):
        piece = samples[: max(0, given - taken)]
        taken += len(piece)
        yield piece


def _gathered(pieces: Iterable[Samples]) -> Iterator[Samples]:
    """Yield the stream in larger blocks, which are quicker to measure; none is empty."""
    held: list[Samples] = []
    for piece in pieces:
        held.append(piece)
        if len(held) == _GATHERED:
            yield np.concatenate(held)
            held = []
    if sum(len(piece) for piece in held):
        yield np.concatenate(held)


def _pair(coding: Coding) -> tuple[Any, Any]:
    encoder: Any = av.CodecContext.create(coding.codec, "w")
    encoder.sample_rate, encoder.options = coding.rate, coding.options
    encoder.format = encoder.codec.audio_formats[0]
    coding.set_up(encoder)
    encoder.open()
    decoder: Any = av.CodecContext.create(coding.codec, "r")
    decoder.sample_rate, decoder.layout = coding.rate, coding.layout
    decoder.extradata = encoder.extradata
    return encoder, decoder


def _decoded(decoder: Any, packets: Iterable[Any]) -> Iterator[Samples]:
    """Yield what the packets sound like, without the silence that the encoder puts before the first sample."""
    for packet in packets:
        for frame in decoder.decode(packet):
            samples = to_samples_array(frame)
            yield samples if frame.pts is None or frame.pts >= 0 else samples[-int(frame.pts) :]


def recut(blocks: Iterable[Samples]) -> Iterator[Samples]:
    """Yield the stream in blocks of the encoder's frame, the last one shorter."""
    held: Samples | None = None
    for block in blocks:
        held = block if held is None or len(held) == 0 else np.concatenate([held, block])
        whole = len(held) // BLOCK * BLOCK
        for start in range(0, whole, BLOCK):
            yield held[start : start + BLOCK]
        held = held[whole:]
    if held is not None and len(held):
        yield held


def _is_coded_by(codec: str, rate: int, layout: str) -> bool:
    context: Any = av.CodecContext.create(codec, "w")
    context.sample_rate, context.layout, context.format = rate, layout, context.codec.audio_formats[0]
    context.time_base = Fraction(1, rate)
    try:
        context.open()
    except (av.FFmpegError, ValueError):
        return False
    return True
