"""The sample film's voice: what it says when is what is heard then."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from dubsync import weights
from dubsync.audio import features

sys.path.insert(0, str(Path(__file__).parents[2] / "samples"))

from film import voice


@pytest.mark.weights
def test_lips_close_for_a_p_when_it_is_heard() -> None:
    if not weights.is_present("kokoro"):
        pytest.skip("the weights kokoro are not in the cache: run `dubsync models pull`")
    (said,) = voice.speak([("A happy pepper. People keep a paper map upon the table.", "af_heart")])
    assert [word for word, _, _ in said.words][:3] == ["A", "happy", "pepper"]
    levels = np.convolve(features.frame_levels(said.samples, 120), np.ones(5) / 5, "same")  # 25 ms, every 5 ms
    late = []
    for phone in said.phones:
        if phone.symbol == "p":
            middle = round(100 * (phone.start + phone.end))
            late.append(5 * (int(np.argmin(levels[middle - 14 : middle + 15])) - 14))
    assert len(late) >= 6
    assert abs(np.median(late)) <= 20  # milliseconds; tokens are 25 long
