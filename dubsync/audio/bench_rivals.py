"""What open tools do with a line today, to compare with: one preset voice, stretched to the slot, 16 kHz mono."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dubsync.audio import features

Samples = NDArray[np.float32]

MONO_RATE = 16000


def stretched(sound: Samples, rate: int, seconds: float) -> Samples:
    """Return the sound lasting `seconds`, by FFmpeg's atempo, whatever rate of speech that makes."""
    tempo = len(sound) / rate / seconds
    steps = [min(2.0, max(0.5, tempo))]
    steps.append(tempo / steps[0])
    return _filtered(sound, rate, [("atempo", f"{step:.6f}") for step in steps])


def _filtered(sound: Samples, rate: int, filters: Sequence[tuple[str, str]]) -> Samples:
    import av

    graph = av.filter.Graph()
    chain: list[Any] = [graph.add_abuffer(sample_rate=rate, format="flt", layout="mono")]
    chain += [graph.add(name, arguments) for name, arguments in filters]
    chain.append(graph.add("abuffersink"))
    for one, other in pairwise(chain):
        one.link_to(other)
    graph.configure()
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound[None, :], np.float32), format="flt", layout="mono")
    frame.sample_rate = rate
    chain[0].push(frame)
    chain[0].push(None)
    parts = []
    while True:
        try:
            parts.append(chain[-1].pull().to_ndarray().ravel())
        except (av.error.EOFError, av.error.BlockingIOError):
            break
    return np.concatenate(parts).astype(np.float32)


def their_line(sound: Samples, rate: int, seconds: float) -> Samples:
    """Return a preset voice's line as such tools deliver it: in the slot exactly, 16 kHz."""
    return features.resample(stretched(sound, rate, seconds), rate, MONO_RATE)


def coded(samples: Samples, rate: int, folder: Path, *, bits: int) -> Samples:
    """Return stereo sound after AAC at `bits` a second, as a viewer hears it, aligned and as long as before."""
    import av

    path = folder / "coded.m4a"
    with av.open(str(path), "w") as target:
        stream: Any = target.add_stream("aac", rate=rate, options={"b": str(bits)})
        stream.codec_context.layout = "stereo"
        for start in range(0, len(samples), 1024):
            block = np.clip(samples[start : start + 1024], -1, 1).astype(np.float32)
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block).reshape(1, -1), "flt", "stereo")
            frame.sample_rate, frame.pts = rate, start
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    with av.open(str(path)) as source:
        parts = [frame.to_ndarray() for frame in source.decode(audio=0)]
    heard = np.concatenate([part.T if part.shape[0] == 2 else part.reshape(-1, 2) for part in parts])
    return np.asarray(heard[-len(samples) :] if len(heard) > len(samples) else heard, np.float32)


def ebur128(samples: Samples, rate: int) -> tuple[float, float]:
    """Return integrated LUFS and true peak dBTP of stereo sound by FFmpeg's own meter."""
    import av

    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=rate, format="flt", layout="stereo")
    meter, sink = graph.add("ebur128", "peak=true:metadata=1"), graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    said: dict[str, str] = {}
    for start in range(0, len(samples), rate):
        block = np.ascontiguousarray(samples[start : start + rate], np.float32)
        frame = av.AudioFrame.from_ndarray(block.reshape(1, -1), "flt", "stereo")
        frame.sample_rate, frame.pts = rate, start
        source.push(frame)
        said |= _pulled(sink)
    source.push(None)
    said |= _pulled(sink)
    return float(said["lavfi.r128.I"]), float(20 * np.log10(max(float(said["lavfi.r128.true_peak"]), 1e-5)))


def _pulled(sink: Any) -> dict[str, str]:
    import av

    said: dict[str, str] = {}
    while True:
        try:
            said |= dict(sink.pull().metadata)
        except (av.error.EOFError, av.error.BlockingIOError):
            return said
