"""wordless.whisper: how much a sound changes as speech does, by what Whisper's encoder makes of its moments.

A word is made of different sounds; laughing, groaning and breathing is the same one or two over and over. What the
encoder says of each loud moment is compared: its variance within the sound is low where there is no word. A recogniser
alone cannot tell: of single words that are shouted it misses many.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from dubsync.audio import features
from dubsync.backends.protocols import Capabilities, Samples
from dubsync.mouth.hearing import FEATURES_PER_SECOND, RATE, Ear

EAR = "whisper-tiny-en"
LOUD_DB = 25.0
"""A moment is heard if it is no more than this under the loudest."""
WORDS_FROM = 185.0
"""Variance of the features from which on a sound may be a word."""
_PEAK = 0.5


class WhisperWordless:
    """Tells sounds without a word from speech; of any language, since nothing is recognised."""

    capabilities = Capabilities(name="wordless.whisper", version="1", weights=(EAR,))

    def __init__(self, *, threads: int = 1) -> None:
        self._threads = threads

    @cached_property
    def _ear(self) -> Ear:
        from dubsync.weights import resolve

        return Ear(resolve(EAR), threads=self._threads)

    def variety(self, samples: Samples, sample_rate: int) -> float:
        """Return the variance of the features over the loud moments, 1 where words begin; 0 for silence."""
        sound = features.resample(samples, sample_rate, RATE)
        peak = float(np.abs(sound).max(initial=0))
        if peak == 0:
            return 0.0
        sound = sound * np.float32(_PEAK / peak)
        levels = features.frame_levels(sound, RATE // FEATURES_PER_SECOND)
        heard = self._ear.recognise(sound)[: len(levels)]
        loud = heard[levels[: len(heard)] > levels.max(initial=-np.inf) - LOUD_DB]
        if len(loud) == 0:
            return 0.0
        return float(((loud - loud.mean(axis=0)) ** 2).sum(axis=1).mean() / WORDS_FROM)
