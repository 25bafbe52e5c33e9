"""Writes frames, sound and subtitles into an MP4: H.264 in tagged BT.709, AAC, one English subtitle track."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from dubsync.media.captions import text_header, text_packet

_BT709, _LIMITED = 1, 1
_BLOCK = 1024


def write(
    path: Path,
    frames: Iterable[NDArray[np.uint8]],
    sound: NDArray[np.float32],
    cues: list[tuple[float, float, str]],
    *,
    rate: Fraction,
    quality: int,
) -> None:
    """Write the film whole or not at all. `sound`: (samples, 2) at 48 kHz; `cues`: (start, end, text)."""
    unfinished = path.with_suffix(".part.mp4")
    with av.open(str(unfinished), "w", options={"movflags": "+faststart"}) as out:
        first, pictures = _first_of(frames)
        picture = _picture_stream(out, first, rate, quality)
        speech = _sound_stream(out)
        text: Any = out.add_stream("mov_text")
        text.codec_context.subtitle_header = text_header()
        text.time_base = Fraction(1, 1000)
        text.metadata["language"] = "eng"
        position, waiting = 0, list(cues)
        for number, rgb in enumerate(pictures):
            out.mux(picture.encode(_coded(rgb, number, rate)))
            until = int((number + 1) / rate * 48000)
            position = _write_sound(out, speech, sound, position, until)
            while waiting and waiting[0][0] <= float((number + 1) / rate):
                _write_cue(out, text, waiting.pop(0))
        out.mux(picture.encode(None))
        _write_sound(out, speech, sound, position, len(sound) + _BLOCK)
        out.mux(speech.encode(None))
    unfinished.replace(path)


def _first_of(frames: Iterable[NDArray[np.uint8]]) -> tuple[NDArray[np.uint8], Iterable[NDArray[np.uint8]]]:
    """Return the first frame and all of them."""
    from itertools import chain

    rest = iter(frames)
    first = next(rest)
    return first, chain([first], rest)


def _picture_stream(out: Any, first: NDArray[np.uint8], rate: Fraction, quality: int) -> Any:
    # mbtree off and one thread: with them x264 gives other bytes from run to run
    options = {"crf": str(quality), "preset": "slow", "x264-params": "mbtree=0:threads=1:keyint=50:aq-mode=3"}
    stream = out.add_stream("libx264", rate=rate, options=options)
    context = stream.codec_context
    context.height, context.width = first.shape[:2]
    context.pix_fmt = "yuv420p"
    context.time_base = 1 / rate
    context.color_primaries = context.color_trc = context.colorspace = _BT709
    context.color_range = _LIMITED
    stream.metadata["language"] = "eng"
    return stream


def _coded(rgb: NDArray[np.uint8], number: int, rate: Fraction) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
    frame = frame.reformat(format="yuv420p", dst_colorspace=_BT709, dst_color_range=_LIMITED)
    frame.color_primaries = frame.color_trc = frame.colorspace = _BT709
    frame.color_range = _LIMITED
    frame.pts, frame.time_base = number, 1 / rate
    return frame


def _sound_stream(out: Any) -> Any:
    stream = out.add_stream("aac", rate=48000, options={"b": "112000"})
    stream.codec_context.layout = "stereo"
    stream.codec_context.time_base = Fraction(1, 48000)
    stream.metadata["language"] = "eng"
    return stream


def _write_sound(out: Any, stream: Any, sound: NDArray[np.float32], position: int, until: int) -> int:
    """Code whole blocks up to sample `until`, the last one as short as the film ends."""
    while position < len(sound) and position + _BLOCK <= until:
        block = np.ascontiguousarray(sound[position : position + _BLOCK].T)
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="stereo")
        frame.sample_rate, frame.time_base, frame.pts = 48000, Fraction(1, 48000), position
        out.mux(stream.encode(frame))
        position += block.shape[1]
    return position


def _write_cue(out: Any, stream: Any, cue: tuple[float, float, str]) -> None:
    start, end, line = cue
    packet = text_packet(line, is_mp4=True)
    packet.stream, packet.time_base = stream, Fraction(1, 1000)
    packet.pts = packet.dts = round(start * 1000)
    packet.duration = round((end - start) * 1000)
    out.mux(packet)
