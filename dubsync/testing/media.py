"""Films drawn by code, whose truth is known: every frame bears its number, every flash comes with a click.

    make_film(path, FilmSpec(rate=Fraction(24000, 1001), rotation=90))

The number is drawn as sixteen black or white fields across the top and survives lossy coding; `drawn_number` reads it
back. Nothing here is needed to localize a film; it serves tests and benches, also those of third parties.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.codec.context import Flags
from av.container import OutputContainer
from av.packet import Packet
from numpy.typing import NDArray

from dubsync.media import planes
from dubsync.media.captions import text_header, text_packet

BITS = 16
_DARK, _LIGHT, _FLASH = 0.15, 0.8, 1.0
_CLICK_SECONDS = Fraction(1, 100)
_SOUND_BLOCK = 1024


@dataclass(frozen=True, slots=True)
class FilmSpec:
    """What film to draw. `rotation`: degrees clockwise. `colour`: primaries, transfer, matrix, range (H.273 numbers).

    `ticks`: presentation time of each frame in `time_base` for a variable rate; otherwise frames follow at `rate`.
    `start`: seconds at which the first picture lies in the container. `flashes`: frames that flash, with a click each.
    `extra_audio`: languages of further sound tracks. `names`: of the sound tracks. `subtitles`: (start, end, text) in
    seconds. `fields`: "tff" or "bff" for an interlaced film. `has_captions`: bears CEA-608 captions inside its H.264
    picture. `timecode`: of the first frame, such as "01:00:00:00"; MOV and MP4 keep it in a track of its own.
    """

    width: int = 160
    height: int = 120
    frames: int = 50
    rate: Fraction = Fraction(25)
    ticks: tuple[int, ...] = ()
    time_base: Fraction | None = None
    start: Fraction = Fraction(0)
    codec: str = "libx264"
    pixel_format: str = "yuv420p"
    options: tuple[tuple[str, str], ...] = (("crf", "12"), ("preset", "veryfast"), ("g", "12"))
    rotation: int = 0
    sample_aspect: Fraction = Fraction(1)
    colour: tuple[int, int, int, int] = (1, 1, 1, 1)
    flashes: tuple[int, ...] = (5, 30)
    audio_codec: str = "aac"
    sample_rate: int = 48000
    layout: str = "stereo"
    language: str = "eng"
    extra_audio: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    fields: str = ""
    has_captions: bool = False
    timecode: str = ""
    subtitles: tuple[tuple[float, float, str], ...] = ()
    has_picture: bool = True
    has_sound: bool = True

    @property
    def tick(self) -> Fraction:
        """The unit of the picture's times."""
        return self.time_base or Fraction(1, self.rate.numerator)

    def pts(self, frame: int) -> int:
        """Return the presentation time of a frame in ticks, in the container."""
        step = 1 / (self.rate * self.tick)
        shown = self.ticks[frame] if self.ticks else int(frame * step)
        return shown + int(self.start / self.tick)

    def time(self, frame: int) -> Fraction:
        """Return when a frame is shown, on the film's clock (zero at the first frame)."""
        return (self.pts(frame) - self.pts(0)) * self.tick

    @property
    def duration(self) -> Fraction:
        """Seconds of picture."""
        return self.time(self.frames - 1) + 1 / self.rate


def make_film(path: Path, spec: FilmSpec, *, sound: NDArray[np.float32] | None = None) -> Path:
    """Draw the film into `path`; the suffix chooses the container. `sound`: (n, channels), instead of the clicks."""
    options = {"fflags": "+bitexact"}
    if path.suffix in (".mp4", ".mov"):  # edit lists count in this unit; the default of a millisecond is too coarse
        options["movie_timescale"] = str(lcm(spec.tick.denominator, spec.sample_rate))
    with av.open(str(path), "w", container_options=options) as out:
        tracks: list[Iterator[tuple[Fraction, Callable[[], None]]]] = []
        if spec.has_picture:
            tracks.append(_picture(out, spec))
        if spec.has_sound:
            languages = (spec.language, *spec.extra_audio)
            tracks += [_sound(out, spec, number, language, sound) for number, language in enumerate(languages)]
        if spec.subtitles:
            tracks.append(_subtitles(out, spec))
        _interleave(tracks)
    return path


def draw(spec: FilmSpec, number: int) -> NDArray[np.float32]:
    """Return frame `number` as (height, width) brightness 0..1: its number above a moving pattern or a flash."""
    y, x = np.mgrid[0 : spec.height, 0 : spec.width]
    picture = 0.45 + 0.2 * np.sin((x + 2 * number) / 9) * np.cos((y - number) / 7)
    if number in spec.flashes:
        picture[:] = _FLASH
    fields = np.minimum(np.arange(spec.width) * BITS // spec.width, BITS - 1)
    picture[: spec.height // 4] = np.where(number >> fields & 1, _LIGHT, _DARK)
    return np.asarray(picture, np.float32)


def drawn_number(frame: av.VideoFrame) -> int:
    """Read the number that `draw` put on a frame, from its luma."""
    luma = planes.view(frame, 0)[: frame.height // 4]
    fields = np.minimum(np.arange(frame.width) * BITS // frame.width, BITS - 1)
    levels = np.array([np.median(luma[:, fields == bit]) for bit in range(BITS)])
    return int(sum(1 << bit for bit in range(BITS) if levels[bit] > 0.48 * (1 << planes.depth(frame))))


def click_track(spec: FilmSpec, *, seed: int = 0) -> Iterator[NDArray[np.float32]]:
    """Yield the sound in blocks (n, channels): faint noise, and a click of ten milliseconds with each flash."""
    total = round(spec.duration * spec.sample_rate)
    channels = av.AudioLayout(spec.layout).nb_channels
    starts = [round(spec.time(flash) * spec.sample_rate) for flash in spec.flashes if flash < spec.frames]
    length = round(_CLICK_SECONDS * spec.sample_rate)
    rng = np.random.default_rng(seed)
    for begin in range(0, total, _SOUND_BLOCK):
        end = min(begin + _SOUND_BLOCK, total)
        block = rng.normal(0, 0.01, (end - begin, channels)).astype(np.float32)
        place = np.arange(begin, end)
        for start in starts:
            inside = (place >= start) & (place < start + length)
            block[inside] += 0.8 * np.sin(2 * np.pi * 1500 / spec.sample_rate * (place[inside] - start))[:, None]
        yield np.clip(block, -1, 1)


def loop_film(path: Path, times: int, out: Path) -> Path:
    """Write a film that plays another one `times` times over, without coding anything anew."""
    with av.open(str(path)) as probe, av.open(str(out), "w") as target:
        kept = [s for s in probe.streams if s.type in ("video", "audio")]
        streams = {s.index: target.add_stream_from_template(s) for s in kept}
        length = Fraction(probe.duration or 0, 1_000_000)
        for stream in kept:  # the picture's own length, so that its rate goes on over the joint
            if stream.type == "video" and stream.duration and stream.time_base:
                length = stream.duration * stream.time_base
        for turn in range(times):
            with av.open(str(path)) as source:
                for packet in source.demux([source.streams[index] for index in streams]):
                    if packet.size == 0 or packet.dts is None or packet.pts is None:
                        continue
                    is_before = packet.pts < 0 or (packet.pts * packet.time_base) >= length
                    if packet.stream.type == "audio" and is_before:
                        continue
                    shift = round(turn * length / packet.time_base)
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    packet.stream = streams[packet.stream_index]
                    target.mux(packet)
    return out


def _interleave(tracks: list[Iterator[tuple[Fraction, Callable[[], None]]]]) -> None:
    """Run the tracks' writes in the order of their times."""
    heads = [(track, next(track, None)) for track in tracks]
    waiting = [(track, head) for track, head in heads if head is not None]
    while waiting:
        index = min(range(len(waiting)), key=lambda i: waiting[i][1][0])
        track, (_, write) = waiting[index]
        write()
        following = next(track, None)
        if following is None:
            del waiting[index]
        else:
            waiting[index] = (track, following)


def _picture(out: OutputContainer, spec: FilmSpec) -> Iterator[tuple[Fraction, Callable[[], None]]]:
    stream: Any = out.add_stream(spec.codec, rate=spec.rate, options=dict(spec.options))
    context = stream.codec_context
    context.width, context.height, context.pix_fmt = spec.width, spec.height, spec.pixel_format
    context.time_base = stream.time_base = spec.tick
    context.sample_aspect_ratio = spec.sample_aspect
    context.color_primaries, context.color_trc, context.colorspace, context.color_range = spec.colour
    if spec.fields:
        context.flags |= Flags.interlaced_dct | Flags.interlaced_me
    if spec.timecode:
        stream.metadata["timecode"] = spec.timecode
    if spec.rotation:
        stream.set_display_rotation(-spec.rotation)

    def write(number: int | None) -> None:
        for packet in stream.encode(None if number is None else _coded(spec, number)):
            packet.duration = packet.duration or int(1 / (spec.rate * spec.tick))
            out.mux(_captioned(packet, spec) if spec.has_captions else packet)

    def track() -> Iterator[tuple[Fraction, Callable[[], None]]]:
        for number in range(spec.frames):
            yield spec.time(number), lambda number=number: write(number)  # type: ignore[misc]
        yield spec.duration, lambda: write(None)

    return track()


def _coded(spec: FilmSpec, number: int) -> av.VideoFrame:
    grey = np.rint(draw(spec, number) * 255).astype(np.uint8)
    rgb = np.stack([grey, grey, 255 - grey // 2], axis=-1)  # some colour, so that a wrong matrix shows
    rgb[: spec.height // 4] = grey[: spec.height // 4, :, None]
    frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
    matrix = {1: 1, 9: 9, 7: 7}.get(spec.colour[2], 5)
    frame = frame.reformat(format=spec.pixel_format, dst_colorspace=matrix, dst_color_range=spec.colour[3] or 1)
    frame.color_primaries, frame.color_trc, frame.colorspace, frame.color_range = spec.colour
    frame.pts, frame.time_base = spec.pts(number), spec.tick
    return _woven(frame, spec.fields) if spec.fields else frame


def _woven(frame: av.VideoFrame, fields: str) -> av.VideoFrame:
    """Call a frame interlaced, which PyAV lets only a filter do."""
    graph = av.filter.Graph()
    shape = f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:time_base={frame.time_base}"
    graph.link_nodes(graph.add("buffer", shape), graph.add("setfield", f"mode={fields}"), graph.add("buffersink"))
    graph.configure()
    graph.push(frame)
    called = graph.pull()
    assert isinstance(called, av.VideoFrame)
    called.pts, called.time_base = frame.pts, frame.time_base
    return called


def caption(number: int) -> bytes:
    """Return the CEA-608 pair that frame `number` of a captioned film bears, as one triplet of CEA-708's cc_data."""
    return bytes((0xFC, 0x20 + number % 64, 0x41))


def _captioned(packet: Packet[Any], spec: FilmSpec) -> Packet[Any]:
    """Put a caption into an H.264 packet with start codes (ATSC A/53 part 4, in an SEI message of H.264)."""
    number = next(n for n in range(spec.frames) if spec.pts(n) == packet.pts)
    message = b"\xb5\x00\x31GA94\x03\x41\xff" + caption(number) + b"\xff"
    told = av.Packet(b"\0\0\0\1\6\4" + bytes((len(message),)) + message + b"\x80" + bytes(packet))
    told.stream, told.time_base, told.is_keyframe = packet.stream, packet.time_base, packet.is_keyframe
    told.pts, told.dts, told.duration = packet.pts, packet.dts, packet.duration
    return told


def _sound(
    out: OutputContainer, spec: FilmSpec, seed: int, language: str, sound: NDArray[np.float32] | None
) -> Iterator[tuple[Fraction, Callable[[], None]]]:
    stream: Any = out.add_stream(spec.audio_codec, rate=spec.sample_rate)
    stream.codec_context.layout = spec.layout
    stream.codec_context.time_base = Fraction(1, spec.sample_rate)
    stream.metadata["language"] = language
    if seed < len(spec.names):
        stream.metadata["title"] = spec.names[seed]
    kind = stream.codec_context.codec.audio_formats
    name = kind[0].name if kind else "fltp"

    def write(block: NDArray[np.float32] | None, position: int) -> None:
        frame = None
        if block is not None:
            frame = _sound_frame(block, name, spec)
            frame.pts = position + round(spec.start * spec.sample_rate)
        out.mux(stream.encode(frame))

    def track() -> Iterator[tuple[Fraction, Callable[[], None]]]:
        position = 0
        for block in click_track(spec, seed=seed) if sound is None else _blocks(sound):
            at = position
            yield Fraction(at, spec.sample_rate), lambda block=block, at=at: write(block, at)  # type: ignore[misc]
            position += len(block)
        yield spec.duration, lambda: write(None, 0)

    return track()


def _blocks(sound: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    for begin in range(0, len(sound), _SOUND_BLOCK):
        yield sound[begin : begin + _SOUND_BLOCK]


def _sound_frame(block: NDArray[np.float32], kind: str, spec: FilmSpec) -> av.AudioFrame:
    scales = {"u8": (127, np.uint8), "s16": (32767, np.int16), "s32": (2147483000, np.int32)}
    scale, sample = scales.get(kind.rstrip("p"), (1, np.float32))
    samples = (block * scale + (128 if kind == "u8" else 0)).astype(sample)
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format=kind.rstrip("p"), layout=spec.layout)
    frame.sample_rate, frame.time_base = spec.sample_rate, Fraction(1, spec.sample_rate)
    return frame


def _subtitles(out: OutputContainer, spec: FilmSpec) -> Iterator[tuple[Fraction, Callable[[], None]]]:
    """Write the cues as text subtitles of the kind the container knows."""
    is_mp4 = out.format.name in ("mp4", "mov")
    stream: Any = out.add_stream("mov_text" if is_mp4 else "subrip")
    stream.codec_context.subtitle_header = text_header()
    stream.time_base = Fraction(1, 1000)
    stream.metadata["language"] = spec.language

    def write(start: float, end: float, text: str) -> None:
        packet = text_packet(text, is_mp4=is_mp4)
        packet.stream, packet.time_base = stream, Fraction(1, 1000)
        packet.pts = packet.dts = round(start * 1000)
        packet.duration = round((end - start) * 1000)
        out.mux(packet)

    for cue in spec.subtitles:
        yield Fraction(cue[0]), lambda cue=cue: write(*cue)  # type: ignore[misc]
