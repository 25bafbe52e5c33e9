"""What can be read off a short stretch of mono sound: spectra, pitch, loud and silent parts.

Sound is (n,) float32; nothing here knows speakers, lines or films.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Samples = NDArray[np.float32]
Array = NDArray[np.float32]

SILENCE = 1e-10


def mono(samples: Samples) -> Samples:
    """Return (n,) of (n,) or (n, channels)."""
    return samples if samples.ndim == 1 else samples.mean(axis=1, dtype=np.float32)


def resample(samples: Samples, rate: int, wanted: int) -> Samples:
    """Return the sound at another sample rate (soxr, high quality); the length is rounded to nearest."""
    if rate == wanted or len(samples) == 0:
        return samples.astype(np.float32, copy=False)
    import soxr

    out: Samples = soxr.resample(samples.astype(np.float32, copy=False), rate, wanted)
    return out


def frames_of(samples: Samples, size: int, hop: int) -> Array:
    """Return overlapping frames (count, size) as a view; at least one, padded with silence."""
    if len(samples) < size:
        samples = np.pad(samples, (0, size - len(samples)))
    view: Array = sliding_window_view(samples, size)[::hop]
    return view


def power_spectrum(samples: Samples, *, window: Array, size: int, hop: int, centred: bool) -> Array:
    """Return |STFT|^2 as (frames, size // 2 + 1); `centred`: frame k is centred on sample k * hop."""
    padded = np.pad(samples, size // 2) if centred else samples
    margin = (size - len(window)) // 2
    weights = np.pad(window, (margin, size - len(window) - margin))
    spectrum = np.fft.rfft(frames_of(padded, size, hop) * weights, axis=1)
    power: Array = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    return power


@lru_cache(maxsize=8)
def mel_filters(sample_rate: int, size: int, bands: int, low: float = 0.0, high: float | None = None) -> Array:
    """Return Slaney's mel filterbank of area one (Auditory Toolbox, 1998), (bands, size // 2 + 1).

    `low`, `high`: Hz, by default all there are.
    """
    edges = _mel_to_hz(np.linspace(_hz_to_mel(low), _hz_to_mel(high or sample_rate / 2), bands + 2))
    bins = np.fft.rfftfreq(size, 1 / sample_rate)
    rise = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    filters = np.maximum(0, np.minimum(rise, fall)) * (2 / (edges[2:] - edges[:-2]))[:, None]
    return filters.astype(np.float32)


def _hz_to_mel(hertz: float) -> float:
    return hertz * 3 / 200 if hertz < 1000 else 15 + float(np.log(hertz / 1000) * 27 / np.log(6.4))


def _mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))


def level_db(samples: Samples) -> float:
    """Return the root mean square in dB of full scale; silence is -100."""
    return float(10 * np.log10(np.mean(np.square(samples, dtype=np.float64)) + SILENCE)) if len(samples) else -100.0


def frame_levels(samples: Samples, size: int) -> Array:
    """Return the level in dB of each whole stretch of `size` samples."""
    whole = len(samples) // size * size
    power = np.square(samples[:whole], dtype=np.float64).reshape(-1, size).mean(axis=1)
    levels: Array = (10 * np.log10(power + SILENCE)).astype(np.float32)
    return levels


def active(samples: Samples, sample_rate: int, *, depth_db: float = 32.0) -> NDArray[np.bool_]:
    """Tell which 10 ms stretches hold sound within `depth_db` of the loud ones, gaps under 0.1 s bridged."""
    levels = frame_levels(samples, max(1, sample_rate // 100))
    if len(levels) == 0 or levels.max() <= -90:
        return np.zeros(len(levels), bool)
    loud = levels > np.percentile(levels, 95) - depth_db
    return _close_gaps(loud, 10)


def _close_gaps(flags: NDArray[np.bool_], width: int) -> NDArray[np.bool_]:
    """Return flags with runs of False shorter than `width` between Trues set."""
    out = flags.copy()
    (at,) = np.nonzero(flags)
    for left, right in pairwise(at):
        if 1 < right - left <= width:
            out[left:right] = True
    return out


def trim_silence(samples: Samples, sample_rate: int) -> Samples:
    """Return only the active stretches, joined."""
    step = max(1, sample_rate // 100)
    keep = np.repeat(active(samples, sample_rate), step)
    return samples[: len(keep)][keep]


def pitch(samples: Samples, sample_rate: int, *, low: float = 60.0, high: float = 450.0) -> Array:
    """Return F0 in Hz for each 10 ms, 0 where unvoiced, by the normalised autocorrelation of 40 ms windows."""
    sound = resample(samples, sample_rate, 8000)
    size, hop = 640, 80
    windows = frames_of(sound, size, hop)
    windows = (windows - windows.mean(axis=1, keepdims=True)) * np.hanning(size).astype(np.float32)
    spectrum = np.fft.rfft(windows, 2 * size, axis=1)
    correlation = np.fft.irfft(np.abs(spectrum) ** 2, axis=1)[:, :size]
    of_window = np.fft.irfft(np.abs(np.fft.rfft(np.hanning(size), 2 * size)) ** 2)[:size]
    energy = correlation[:, :1].astype(np.float32)
    normal = correlation / np.maximum(energy, 1e-9) / np.maximum(of_window / of_window[0], 0.05)
    first, last = int(8000 / high), min(size - 2, int(8000 / low))
    return _pick_pitch(normal.astype(np.float32), energy[:, 0], first, last)


def _pick_pitch(normal: Array, energy: Array, first: int, last: int) -> Array:
    """Choose per frame the shortest lag whose peak is nearly the highest, refined by a parabola."""
    area = normal[:, first : last + 1]
    best = area.max(axis=1)
    peaks = (
        (area >= normal[:, first - 1 : last])
        & (area >= normal[:, first + 1 : last + 2])
        & (area > 0.85 * best[:, None])
    )
    lag = np.where(peaks.any(axis=1), peaks.argmax(axis=1), area.argmax(axis=1)) + first
    row = np.arange(len(lag))
    left, middle, right = normal[row, lag - 1], normal[row, lag], normal[row, lag + 1]
    bend = left - 2 * middle + right
    shift = np.where(np.abs(bend) > 1e-6, 0.5 * (left - right) / np.where(bend == 0, 1, bend), 0)
    voiced = (best > 0.55) & (energy > np.percentile(energy, 95) * 1e-3)
    return np.where(voiced, 8000 / (lag + np.clip(shift, -1, 1)), 0).astype(np.float32)


def third_octave_centres(low: float = 100.0, high: float = 10000.0) -> NDArray[np.float64]:
    """Return the exact base-two centres of third-octave bands (IEC 61260) within the limits, in Hz."""
    index = np.arange(-30, 30)
    centres = 1000 * 2.0 ** (index / 3)
    return centres[(centres >= low * 0.99) & (centres <= high * 1.01)]


def band_levels(samples: Samples, sample_rate: int, centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the long-term level in dB of each third-octave band, over the active stretches; -100 above Nyquist."""
    sound = trim_silence(samples, sample_rate)
    size = 1 << int(np.ceil(np.log2(sample_rate * 0.05)))
    power = power_spectrum(sound, window=np.hanning(size).astype(np.float32), size=size, hop=size // 2, centred=False)
    mean, bins = power.mean(axis=0, dtype=np.float64), np.fft.rfftfreq(size, 1 / sample_rate)
    edge = 2 ** (1 / 6)
    levels = np.full(len(centres), -100.0)
    for index, centre in enumerate(centres):
        inside = (bins >= centre / edge) & (bins < centre * edge)
        if inside.any() and centre * edge <= sample_rate / 2:
            levels[index] = 10 * np.log10(mean[inside].sum() + SILENCE)
    return levels
