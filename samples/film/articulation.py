"""From phones with their times to what the mouth does: blended targets, after Cohen and Massaro, "Modeling
coarticulation in synthetic visual speech" (1993). Vowels open, lips close fully on p b m, lower lip meets teeth on f v.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .voice import Phone

CONTROLS = ("jaw", "wide", "round", "upper", "lower", "tuck", "close", "tongue")

# how far:      jaw   wide  round upper lower tuck  close tongue
_TARGETS: dict[str, tuple[float, ...]] = {
    "a": (0.85, 0.15, 0.00, 0.25, 0.25, 0, 0, 0.00),
    "æ": (0.80, 0.30, 0.00, 0.30, 0.30, 0, 0, 0.05),
    "ɑ": (0.92, 0.00, 0.05, 0.15, 0.20, 0, 0, 0.00),
    "ɔ": (0.72, -0.1, 0.45, 0.10, 0.15, 0, 0, 0.00),
    "ʌ": (0.60, 0.05, 0.00, 0.18, 0.20, 0, 0, 0.05),
    "ə": (0.38, 0.05, 0.05, 0.15, 0.18, 0, 0, 0.15),
    "ɜ": (0.42, -0.1, 0.35, 0.20, 0.25, 0, 0, 0.20),
    "ɛ": (0.58, 0.35, 0.00, 0.28, 0.30, 0, 0, 0.10),
    "e": (0.45, 0.50, 0.00, 0.28, 0.30, 0, 0, 0.15),
    "ɪ": (0.34, 0.45, 0.00, 0.26, 0.28, 0, 0, 0.20),
    "i": (0.24, 0.85, 0.00, 0.36, 0.38, 0, 0, 0.25),
    "o": (0.48, -0.2, 0.75, 0.05, 0.15, 0, 0, 0.00),
    "ʊ": (0.30, -0.2, 0.70, 0.05, 0.12, 0, 0, 0.00),
    "u": (0.24, -0.3, 0.95, 0.05, 0.12, 0, 0, 0.00),
    "w": (0.16, -0.3, 1.00, 0.00, 0.05, 0, 0, 0.00),
    "ɹ": (0.24, -0.1, 0.55, 0.18, 0.28, 0, 0, 0.35),
    "j": (0.20, 0.65, 0.00, 0.25, 0.25, 0, 0, 0.40),
    "l": (0.36, 0.15, 0.00, 0.22, 0.25, 0, 0, 1.00),
    "n": (0.26, 0.15, 0.00, 0.22, 0.25, 0, 0, 0.95),
    "t": (0.18, 0.20, 0.00, 0.26, 0.28, 0, 0, 0.95),
    "d": (0.20, 0.20, 0.00, 0.25, 0.27, 0, 0, 0.95),
    "T": (0.26, 0.15, 0.00, 0.22, 0.25, 0, 0, 0.85),
    "s": (0.08, 0.40, 0.00, 0.40, 0.46, 0, 0, 0.60),
    "z": (0.10, 0.35, 0.00, 0.38, 0.44, 0, 0, 0.60),
    "ʃ": (0.12, -0.1, 0.65, 0.45, 0.55, 0, 0, 0.50),
    "ʒ": (0.12, -0.1, 0.65, 0.45, 0.55, 0, 0, 0.50),
    "ʧ": (0.12, -0.1, 0.62, 0.42, 0.52, 0, 0, 0.80),
    "ʤ": (0.14, -0.1, 0.62, 0.42, 0.52, 0, 0, 0.80),
    "θ": (0.22, 0.20, 0.00, 0.25, 0.30, 0, 0, 0.85),
    "ð": (0.22, 0.20, 0.00, 0.25, 0.30, 0, 0, 0.85),
    "k": (0.30, 0.10, 0.00, 0.18, 0.22, 0, 0, 0.00),
    "ɡ": (0.30, 0.10, 0.00, 0.18, 0.22, 0, 0, 0.00),
    "ŋ": (0.30, 0.15, 0.00, 0.18, 0.22, 0, 0, 0.00),
    "h": (0.45, 0.10, 0.00, 0.18, 0.20, 0, 0, 0.00),
    "p": (0.14, 0.00, 0.05, 0.00, 0.00, 0, 1, 0.10),
    "b": (0.16, 0.00, 0.05, 0.00, 0.00, 0, 1, 0.10),
    "m": (0.14, 0.00, 0.05, 0.00, 0.00, 0, 1, 0.10),
    "f": (0.16, 0.10, 0.00, 0.30, 0.00, 1, 0, 0.10),
    "v": (0.18, 0.10, 0.00, 0.28, 0.00, 1, 0, 0.10),
}
_DIPHTHONGS = {"I": "aɪ", "W": "aʊ", "A": "eɪ", "O": "oʊ", "Q": "əʊ", "Y": "ɔɪ"}
_ALIKE = {"ᵊ": "ə", "ɐ": "ʌ", "ᵻ": "ɪ", "ɒ": "ɔ", "r": "ɹ", "ɾ": "T", "g": "ɡ", "ɚ": "ɜ"}
_REST = np.zeros(len(CONTROLS))
_LIPS = frozenset("pbmfv")
_PAUSE = 0.10
"""Seconds of a blank or a mark from which the mouth comes to rest."""


def controls(phones: list[Phone], times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mouth's controls (len(times), len(CONTROLS)) at the given seconds."""
    fine = np.arange(0, float(times[-1]) + 0.5, 0.005)
    total = np.zeros((len(fine), len(CONTROLS)))
    weight = np.full((len(fine), len(CONTROLS)), 0.02)
    for start, end, target, power in _events(phones):
        middle, half = (start + end) / 2, (end - start) / 2
        reach = np.where(_is_lip(target), 0.028, 0.050)
        far = np.maximum(np.abs(fine - middle)[:, None] - 0.45 * half, 0)
        dominance = power * np.exp(-((far / (reach + 0.45 * half)) ** 2) * 1.6)
        total += dominance * target
        weight += dominance
    curves = total / weight
    smooth = np.exp(-0.5 * (np.arange(-10, 11) / 3.2) ** 2)
    smooth /= smooth.sum()
    curves = np.stack([np.convolve(np.pad(curve, 10, mode="edge"), smooth, "valid") for curve in curves.T], 1)
    return np.stack([np.interp(times, fine, curve) for curve in curves.T], 1)


def _events(phones: list[Phone]) -> list[tuple[float, float, NDArray[np.float64], NDArray[np.float64]]]:
    """Return (start, end, target, power of each control) of everything that shapes the mouth."""
    events = []
    for phone in phones:
        parts = _DIPHTHONGS.get(phone.symbol, phone.symbol)
        cut = [phone.start, phone.start + 0.58 * (phone.end - phone.start), phone.end]
        for index, symbol in enumerate(parts):
            symbol = _ALIKE.get(symbol, symbol)
            start, end = (cut[index], cut[index + 1]) if len(parts) == 2 else (phone.start, phone.end)
            if symbol in _TARGETS:
                events.append((start, end, np.array(_TARGETS[symbol]), _power(symbol)))
            elif end - start >= _PAUSE:
                events.append((start, end, _REST, np.full(len(CONTROLS), 0.9)))
    return events


def _power(symbol: str) -> NDArray[np.float64]:
    is_vowel = symbol in "aæɑɔʌəɜɛeɪioʊu"
    power = np.full(len(CONTROLS), 1.0 if is_vowel else 0.75)
    if symbol in _LIPS:
        power[:] = 1.6
        power[CONTROLS.index("close")] = power[CONTROLS.index("tuck")] = 7.0
    elif is_vowel:
        power[CONTROLS.index("tongue")] = 0.5
    if symbol in "wuoʊʃʒʧʤ":
        power[CONTROLS.index("round")] = 2.2
    return power


def _is_lip(target: NDArray[np.float64]) -> bool:
    return bool(target[CONTROLS.index("close")] or target[CONTROLS.index("tuck")])
