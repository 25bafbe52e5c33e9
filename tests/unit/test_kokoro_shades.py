"""What a person's sounds have that a voice's have not is found by sound, and made up for where that sound is said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

from dubsync.audio import shading
from dubsync.audio.shading import BANDS, RATE
from dubsync.backends.kokoro import shades
from dubsync.mouth.hearing import FEATURES_PER_SECOND, Windows
from dubsync.timing import Span, seconds
from dubsync.title import Phone

EACH_S = 0.3
CENTRES = np.argmax(
    [
        shading.levels(np.sin(2 * np.pi * hz * np.arange(2400) / RATE).astype(np.float32))[5]
        for hz in (700, 1000, 2300, 2900)
    ],
    axis=1,
)


def sound(hertz: float, number: int) -> np.ndarray:
    """Return noise around a frequency: a sound whose formant it is."""
    noise = np.random.default_rng(number).standard_normal(round(EACH_S * RATE))
    return sosfilt(butter(2, (hertz * 0.85, hertz * 1.18), "band", fs=RATE, output="sos"), noise).astype(np.float32)


def said(*hertz: float) -> np.ndarray:
    return np.concatenate([sound(one, number) for number, one in enumerate(hertz)])


def phones(symbols: str) -> tuple[Phone, ...]:
    edges = [seconds(EACH_S * number) for number in range(len(symbols) + 1)]
    return tuple(Phone(symbol, Span(edges[at], edges[at + 1])) for at, symbol in enumerate(symbols))


class Ear:
    """Hears a (low) from i (high), whoever says it. `windows`: through which it heard so far."""

    def __init__(self) -> None:
        self.windows: list[Windows] = []

    def recognise(self, samples: np.ndarray, windows: Windows) -> np.ndarray:
        self.windows.append(windows)
        step = 16000 // FEATURES_PER_SECOND
        heard = []
        for start in range(0, len(samples) + 1, step):
            part = np.pad(samples[start : start + step], (0, 8))
            power = np.abs(np.fft.rfft(part)) ** 2
            centre = float((power * np.fft.rfftfreq(len(part), 1 / 16000)).sum() / max(power.sum(), 1e-9))
            heard.append([1.0, 0.0] if centre < 1500 else [0.0, 1.0])
        return np.array(heard, np.float32)


@pytest.fixture(scope="module")
def found() -> np.ndarray:
    """Shades of a person whose a is higher and whose i is lower than the voice's."""
    ear: Any = Ear()
    finder = shades.Shades(ear)
    person = finder.moments(said(1000, 2300, 1000, 2300))
    voice, what = said(700, 2900, 700, 2900), phones("aiai")
    return shades.table(finder.wanted(person, voice, what), voice, what)


def test_person_and_voice_are_heard_through_the_same_windows_as_short_as_the_person_allows() -> None:
    ear: Any = Ear()
    finder = shades.Shades(ear)
    person = finder.moments(np.tile(said(1000, 2300), 30)[: round(17.5 * RATE)])
    finder.wanted(person, said(700, 2900), phones("ai"))

    assert [windows.length for windows in ear.windows] == [20, 20]


def row(symbol: str) -> int:
    return shades.SOUNDS.index(symbol)


def test_each_sound_is_brought_to_its_own_of_the_person(found: np.ndarray) -> None:
    low, higher, lower, high = CENTRES
    assert found.shape == (len(shades.SOUNDS), BANDS)
    a, i = found[row("a")], found[row("i")]
    assert a[higher] > 3 > -3 > a[low]
    assert i[lower] > 3 > -3 > i[high]
    np.testing.assert_allclose(found.mean(axis=1), 0, atol=1e-4)


def test_a_sound_that_was_not_said_has_what_its_relatives_have_and_strangers_nothing(found: np.ndarray) -> None:
    related, own = found[row("ɑ")], found[row("a")]
    assert np.corrcoef(related, own)[0, 1] > 0.99
    assert np.abs(related).max() < np.abs(own).max()
    assert not found[row("s")].any()


def test_what_is_said_again_is_nearer_to_the_person_in_its_own_place_only(found: np.ndarray) -> None:
    _, higher, _, _ = CENTRES
    voice = said(700, 700, 700)
    before, after = shading.levels(voice), shading.levels(shades.shaded(voice, found, phones("sas")))
    change = after - before
    assert len(after) == len(before)
    assert change[42:48, higher].mean() > 2
    assert np.abs(change[:8]).max() < 0.5
    assert np.abs(change[82:]).max() < 0.5
    assert change.max() < shades.MOST_UP + 1
    assert change.min() > -shades.MOST_DOWN - 3


def test_sounds_without_a_shade_are_left_alone(found: np.ndarray) -> None:
    voice = said(700, 2900)
    np.testing.assert_allclose(shades.shaded(voice, found, phones("AI")), voice, atol=1e-4)
