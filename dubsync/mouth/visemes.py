"""What a mouth does for each phoneme, after phonetics, and how neighbours run into each other.

Each phoneme asks for a lip opening, a lip width and a jaw height, each as strongly as it matters to it: lips must
meet on p b m, the lower lip must reach the teeth on f v, lips must round on u w; k, h and schwa take what their
neighbours do. Targets are blended with dominance functions (Cohen and Massaro, "Modeling coarticulation in synthetic
visual speech", 1993). All values are in the speaker's own range: 0 closed or round, 1 fully open or spread.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Viseme:
    """`opening`, `width`, `jaw`: wanted values; `lips`, `corners`, `chin`: how strongly each is wanted."""

    opening: float
    width: float
    jaw: float
    lips: float
    corners: float
    chin: float


_GROUPS: tuple[tuple[str, Viseme], ...] = (
    ("pbm", Viseme(0.0, 0.45, 0.15, 6.0, 0.5, 1.0)),
    ("fvɱβ", Viseme(0.08, 0.5, 0.12, 4.0, 0.5, 1.5)),
    ("wɥʍ", Viseme(0.12, 0.0, 0.2, 2.0, 3.0, 0.7)),
    ("uʊɯU", Viseme(0.22, 0.05, 0.25, 1.3, 3.0, 0.8)),
    ("ʃʒʧʤʂɕʑ", Viseme(0.25, 0.2, 0.05, 1.3, 1.8, 2.0)),
    ("szʦʣ", Viseme(0.22, 0.65, 0.05, 1.2, 0.7, 2.2)),
    ("tdnɾTɲɳʈɖ", Viseme(0.28, 0.55, 0.2, 0.7, 0.3, 0.9)),
    ("θðɟ", Viseme(0.3, 0.55, 0.25, 1.0, 0.4, 1.0)),
    ("lʎɫ", Viseme(0.4, 0.5, 0.35, 0.7, 0.3, 0.6)),
    ("ɹɻr", Viseme(0.3, 0.3, 0.25, 0.8, 1.0, 0.6)),
    ("kɡŋgxɣqʁχhɦʔçɴʝ", Viseme(0.4, 0.5, 0.35, 0.3, 0.15, 0.3)),
    ("jiɪIᵻyY", Viseme(0.38, 0.85, 0.25, 1.0, 1.2, 0.8)),
    ("eɛAɜœø", Viseme(0.6, 0.75, 0.5, 1.2, 1.0, 1.2)),
    ("æaɐW", Viseme(0.9, 0.65, 0.9, 1.5, 0.9, 1.6)),
    ("ɑʌɒ", Viseme(0.85, 0.45, 0.95, 1.5, 0.8, 1.6)),
    ("ɔoOQS", Viseme(0.6, 0.18, 0.65, 1.3, 1.8, 1.3)),
    ("əɚɘᵊ", Viseme(0.42, 0.5, 0.38, 0.5, 0.4, 0.5)),
)
_REST = Viseme(0.05, 0.5, 0.1, 1.0, 0.6, 1.0)
_OF = {symbol: viseme for symbols, viseme in _GROUPS for symbol in symbols}
CLASSES = len(_GROUPS) + 1
_CLASS = {symbol: number for number, (symbols, _) in enumerate(_GROUPS, 1) for symbol in symbols}
_SILENT = frozenset(' ;:,.!?—…"()“”') | {""}
_MODIFIERS = frozenset("ˈˌːʰʲ̃↓→↗↘")

_VOWELS = frozenset("jiɪIᵻyYeɛAɜœøæaɐWɑʌɒɔoOQSəɚɘᵊuʊɯU") - {"j"}
_UNSTRESSED = 0.85
_STRESS = {"ˈ": 1.05, "ˌ": 0.95}
_CLOSURE, _QUICK = 4.0, 0.6
"""Lips that must meet do so quickly: their wish reaches less far."""
_BEFORE_S, _AFTER_S = 0.075, 0.065
"""How far a phoneme's wish reaches before and after it."""


def merged(symbols: tuple[str, ...], edges: Array) -> tuple[list[str], list[float], Array]:
    """Return phonemes, how far each opens, and their edges; a mark's time goes to the phoneme before it.

    A stress mark stands before its vowel; vowels without one are spoken with less effort.
    """
    kept: list[str] = []
    effort: list[float] = []
    starts: list[float] = []
    stress = _UNSTRESSED
    for symbol, start in zip(symbols, edges[:-1], strict=True):
        if symbol in _MODIFIERS and kept:
            stress = _STRESS.get(symbol, stress)
            continue
        kept.append(symbol)
        effort.append(stress if symbol in _VOWELS else 1.0)
        starts.append(float(start))
        stress = _UNSTRESSED if symbol in _VOWELS else stress
    return kept, effort, np.array([*starts, float(edges[-1])], np.float32)


def trajectory(symbols: tuple[str, ...], edges: Array, times: NDArray[np.float64]) -> Array:
    """Return (n, 3) opening, width and jaw at `times` for phonemes that begin at `edges` (one more than symbols)."""
    names, effort, starts = merged(symbols, edges)
    wishes = [_REST if name in _SILENT else _OF.get(name, _OF["ə"]) for name in names]
    targets = np.array([[one.opening * e, one.width, one.jaw * e] for one, e in zip(wishes, effort, strict=True)])
    strength = np.array([[one.lips, one.corners, one.chin] for one in wishes])
    early = np.maximum(starts[:-1, None] - times[None], 0) / _BEFORE_S
    late = np.maximum(times[None] - starts[1:, None], 0) / _AFTER_S
    quick = np.where(strength[:, 0] >= _CLOSURE, _QUICK, 1.0)[:, None]
    reach = np.exp(-(((early + late) / quick) ** 1.5))[..., None] * strength[:, None]
    return np.asarray((reach * targets[:, None]).sum(axis=0) / (reach.sum(axis=0) + 1e-6), np.float32)


def classes(symbols: tuple[str, ...], edges: Array, times: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return (n,) which group of phonemes is spoken at `times`; 0 is silence."""
    names, _, starts = merged(symbols, edges)
    numbers = np.array([0 if name in _SILENT else _CLASS.get(name, _CLASS["ə"]) for name in names], np.int64)
    place = np.clip(np.searchsorted(starts, times, side="right") - 1, 0, len(numbers) - 1)
    outside = (times < starts[0]) | (times >= starts[-1])
    return np.where(outside, 0, numbers[place])
