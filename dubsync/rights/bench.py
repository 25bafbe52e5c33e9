"""Measures of the watermark: is it heard after coding, is it never heard where there is none, is it inaudible?

Speech is a voice's reading, cut into pieces of a few seconds, each by itself. What chance finds is measured with
patterns that nobody marks with: each makes every unmarked sound another trial. `dubsync bench mark` prints it.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dubsync.audio import features, loudness
from dubsync.media.coding import BLOCK
from dubsync.media.sound import mono, tracks
from dubsync.rights import detect, watermark
from dubsync.rights.detect import Heard, Listener, Mark, judged
from dubsync.rights.markcode import Payload
from dubsync.rights.watermark import Samples

if TYPE_CHECKING:
    from dubsync.audio.opinion import OpinionModel

RATE = 48_000
PAYLOAD = Payload(0xD0B51C00)
LENGTHS_S = (3, 5, 10, 20)
"""Of the pieces that are to be recognised, each by itself."""
_PLAYED_IN = 65_536
_FILMS = (".mp4", ".mov", ".mkv", ".mpg", ".avi", ".webm", ".wav", ".flac")
_MUSIC_DB = -12.0
_JUDGED_S = 40
"""Seconds of speech that the predictor of opinions hears, marked and not."""
_LOUD = 1e-5
"""Mean square of a frame that counts as speech."""
Way = Callable[[Samples], Samples]


def figures(speech: Samples, music: Samples, opinion: OpinionModel) -> dict[str, Any]:
    """Return all measures but those of chance. Both sounds are mono (n,) at `RATE`, the music at least as long."""
    began = time.process_time()
    marked = _marked(speech[:, None])[:, 0]
    marking = time.process_time() - began
    began = time.process_time()
    detect.detect(_blocks(marked[:, None]), RATE)
    hearing = time.process_time() - began
    seconds = len(speech) / RATE
    return {
        "speech_s": round(seconds, 1),
        **_inaudibility(speech, marked, opinion),
        "read": {name: _shares(way(marked)) for name, way in _WAYS.items()},
        "read_under_music": _shares(_coded("aac", 128, "m4a")(_under(music, speech))),
        "mark_core_s": round(marking / seconds, 4),
        "listen_core_s": round(hearing / seconds, 4),
    }


def of_folder(folder: Path) -> tuple[Samples, ...]:
    """Return the sound of every film in a folder as one, mono at `RATE`; no sound where there is none."""
    films = sorted(path for path in folder.iterdir() if path.suffix.lower() in _FILMS)
    parts = [block[:, 0] for film in films if tracks(film) for block in mono(film, RATE)]
    return (np.concatenate(parts),) if parts else ()


def _blocks(sound: Samples) -> Iterator[Samples]:
    return (sound[at : at + _PLAYED_IN] for at in range(0, len(sound), _PLAYED_IN))


def _marked(sound: Samples) -> Samples:
    return np.concatenate(list(watermark.mark(_blocks(sound), RATE, PAYLOAD)))


def _inaudibility(before: Samples, after: Samples, opinion: OpinionModel) -> dict[str, float]:
    """Return what the mark changes: dB under the speech, LU, dB of true peak, predicted opinion before and after."""
    one, other = (loudness.measure(_blocks(sound[:, None]), RATE, 1) for sound in (before, after))
    return {
        "segmental_snr_db": round(_segmental_snr(before, after - before), 1),
        "loudness_moved_lu": round(other.integrated() - one.integrated(), 3),
        "true_peak_moved_db": round(other.true_peak - one.true_peak, 2),
        "opinion_before": round(opinion.score(before[: _JUDGED_S * RATE], RATE), 2),
        "opinion_after": round(opinion.score(after[: _JUDGED_S * RATE], RATE), 2),
    }


def _segmental_snr(sound: Samples, added: Samples) -> float:
    size = RATE // 50
    whole = len(sound) // size * size
    power, noise = ((each[:whole].reshape(-1, size) ** 2).mean(axis=1) for each in (sound, added))
    loud = power > _LOUD
    return float(np.mean(10 * np.log10(power[loud] / np.maximum(noise[loud], 1e-12))))


def _shares(sound: Samples) -> dict[str, float]:
    """Return by length the share of pieces whose payload is read."""
    return {f"{length} s": round(float(np.mean(list(_read(sound, length)))), 2) for length in LENGTHS_S}


def _read(sound: Samples, length: int) -> Iterator[bool]:
    size = length * RATE
    for at in range(0, len(sound) - size + 1, size):
        found = detect.detect(_blocks(sound[at : at + size, None]), RATE)
        yield any(mark.payload == PAYLOAD for mark in found)


def _coded(codec: str, kilobits: int, suffix: str, *, channels: int = 1) -> Way:
    def way(sound: Samples) -> Samples:
        with tempfile.TemporaryDirectory(prefix="dubsync-bench-") as folder:
            path = Path(folder) / f"coded.{suffix}"
            encode(sound, path, codec, kilobits, channels)
            return np.concatenate(list(mono(path, RATE)))[:, 0]

    return way


def encode(sound: Samples, path: Path, codec: str, kilobits: int, channels: int) -> None:
    """Write mono (n,) at `RATE` as a file of one or two equal channels by a codec of FFmpeg's."""
    import av

    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=RATE)
        stream.layout, stream.bit_rate = ("mono", "stereo")[channels - 1], kilobits * 1000
        resampler = av.AudioResampler(format=stream.format, layout=stream.layout, rate=RATE)
        fifo = av.AudioFifo()
        frame = av.AudioFrame.from_ndarray(np.repeat(sound, channels)[None, :], format="flt", layout=stream.layout.name)
        frame.sample_rate = RATE
        for piece in resampler.resample(frame):
            fifo.write(piece)
        size = stream.codec_context.frame_size or BLOCK
        while (part := fifo.read(size, partial=True)) is not None:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))


def _resampled(sound: Samples) -> Samples:
    return features.resample(features.resample(sound, RATE, 44_100), 44_100, RATE)


def _faster(share: float) -> Way:
    return lambda sound: features.resample(sound, round(RATE * (1 + share)), RATE)


def _cut(sound: Samples) -> Samples:
    """Return every second ten seconds, so that most pieces have a cut in them."""
    return np.concatenate([sound[at : at + 10 * RATE] for at in range(0, len(sound), 17 * RATE)])


_WAYS: Mapping[str, Way] = {
    "as it is": lambda sound: sound,
    "aac 128k stereo": _coded("aac", 128, "m4a", channels=2),
    "aac 64k stereo": _coded("aac", 64, "m4a", channels=2),
    "aac 64k mono": _coded("aac", 64, "m4a"),
    "mp3 128k": _coded("libmp3lame", 128, "mp3"),
    "opus 64k": _coded("libopus", 64, "ogg"),
    "44.1 kHz and back": _resampled,
    "20 dB quieter": lambda sound: np.asarray(sound * np.float32(0.1)),
    "7 of every 17 s cut out": _cut,
    "1 % faster": _faster(0.01),
    "1 % slower": _faster(-0.01),
}


def _under(music: Samples, speech: Samples) -> Samples:
    """Return speech with music under it, the mix marked."""
    level = 10 ** (_MUSIC_DB / 20) * float(np.sqrt((speech**2).mean() / (music**2).mean()))
    return _marked((speech + np.float32(level) * music[: len(speech)])[:, None])[:, 0]


def by_chance(unmarked: Iterable[Samples], patterns: int) -> dict[str, Any]:
    """Return what is found in unmarked sounds, mono (n,) at `RATE`, with our pattern and that many foreign ones."""
    known = [watermark.pattern(), *map(watermark.pattern, range(patterns))]
    seconds, found, heard = 0.0, list[Mark](), list[Heard]()
    for sound in unmarked:
        listener = Listener(RATE, known)
        for block in _blocks(sound[:, None]):
            listener.add(block)
        listener.finish()
        found += [mark for each in listener.heard for mark in judged(each)]
        heard += [one for each in listener.heard for one in each]
        seconds += len(sound) / RATE
    return {
        "sound_s": round(seconds, 1),
        "minutes": round(seconds / 60 * len(known)),
        "payloads": sum(mark.payload is not None for mark in found),
        "marks_without_payload": sum(mark.payload is None for mark in found),
        "highest_score": round(max(one.sync for one in heard), 2),
        "stretches": len(heard),
        "stretches_tried": sum(one.sync >= detect.TRIED for one in heard),
    }
