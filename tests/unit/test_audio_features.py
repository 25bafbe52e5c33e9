"""Pitch, spectra and silence, on sounds whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from dubsync.audio import equaliser, features, match, room
from dubsync.audio.match import EQ_LIMIT, spectral_distance

RATE = 24000


def buzz(hertz: float, seconds: float = 1.0, rate: int = RATE) -> np.ndarray:
    time = np.arange(int(seconds * rate)) / rate
    return sum(np.sin(2 * np.pi * hertz * part * time) / part for part in range(1, 12)).astype(np.float32) * 0.2


def bursts(seconds: float = 8.0) -> np.ndarray:
    """Noise in syllables that stop at once: as dry as sound can be."""
    noise = np.random.default_rng(0).standard_normal(int(seconds * RATE)).astype(np.float32)
    gate = (np.arange(len(noise)) // (RATE // 6)) % 2 == 0
    return noise * gate * 0.1


@pytest.mark.parametrize("hertz", [85.0, 120.0, 220.0, 350.0])
@pytest.mark.parametrize("rate", [16000, 24000, 48000])
def test_the_pitch_of_a_buzz_is_found_within_a_percent(hertz: float, rate: int) -> None:
    found = features.pitch(buzz(hertz, rate=rate), rate)
    voiced = found[found > 0]
    assert len(voiced) > 0.8 * len(found)
    assert np.median(voiced) == pytest.approx(hertz, rel=0.01)


def test_noise_has_no_pitch() -> None:
    noise = np.random.default_rng(0).standard_normal(RATE).astype(np.float32)
    assert (features.pitch(noise, RATE) > 0).mean() < 0.1


def test_silence_is_trimmed_and_short_gaps_are_kept() -> None:
    sound = np.concatenate([np.zeros(RATE), buzz(100, 0.5), np.zeros(RATE // 20), buzz(100, 0.5), np.zeros(RATE)])
    assert len(features.trim_silence(sound.astype(np.float32), RATE)) / RATE == pytest.approx(1.05, abs=0.03)


def test_silence_alone_leaves_nothing() -> None:
    assert len(features.trim_silence(np.zeros(RATE, np.float32), RATE)) == 0


def test_an_equaliser_brings_a_tilted_spectrum_back() -> None:
    flat = np.random.default_rng(0).standard_normal(RATE * 4).astype(np.float32) * 0.1
    centres = features.third_octave_centres()
    tilt = np.linspace(-5, 5, len(centres))
    tilted = equaliser.apply(flat, equaliser.design(centres, tilt, RATE))
    gains = equaliser.match(
        features.band_levels(flat, RATE, centres), features.band_levels(tilted, RATE, centres), limit_db=EQ_LIMIT
    )
    restored = equaliser.apply(tilted, equaliser.design(centres, gains, RATE))
    assert spectral_distance(flat, tilted, RATE) > 2
    assert spectral_distance(flat, restored, RATE) < 0.5


def test_an_equaliser_neither_delays_nor_lengthens() -> None:
    click = np.zeros(4000, np.float32)
    click[2000] = 1
    out = equaliser.apply(click, equaliser.design(np.array([100.0, 1000.0, 8000.0]), np.array([3.0, 0.0, -3.0]), RATE))
    assert len(out) == 4000
    assert np.argmax(np.abs(out)) == 2000


def test_equalising_never_exceeds_its_limit() -> None:
    wild = equaliser.match(np.array([0.0, -40, 0, -40, 0]), np.zeros(5), limit_db=6, floor_db=-60)
    assert np.abs(wild).max() <= 6


def test_a_dry_voice_is_heard_as_dry_and_rooms_in_their_order() -> None:
    rooms = room.Rooms(bursts(), RATE)
    assert rooms.find(bursts(10.0), RATE) == room.DRY
    small, large = (rooms.find(room.place(bursts(10.0), RATE, room.Room(t, 0.25)), RATE) for t in (0.25, 0.9))
    assert 0 < small.decay < large.decay


def test_too_little_speech_claims_no_room() -> None:
    rooms = room.Rooms(bursts(), RATE)
    assert rooms.find(room.place(bursts(0.4), RATE, room.Room(0.9, 0.25)), RATE) == room.DRY


def test_a_room_decays_as_long_as_it_says() -> None:
    tail = room.impulse_response(RATE, room.Room(0.6, 0.2))
    energy = np.cumsum(tail[::-1] ** 2)[::-1]
    fallen = 10 * np.log10(energy / energy[0])
    first, last = np.searchsorted(-fallen, [5, 25])
    assert (last - first) / RATE * 3 == pytest.approx(0.6, rel=0.15)
    assert energy[0] == pytest.approx(0.2, rel=0.01)


def test_a_line_swells_where_the_original_does_and_keeps_its_level() -> None:
    noise = np.random.default_rng(0).standard_normal(48000).astype(np.float32) * 0.05
    rising = noise * np.linspace(0.3, 1.7, 48000, dtype=np.float32)
    followed = match.follow(noise, rising, 24000)
    assert features.level_db(followed[-12000:]) - features.level_db(followed[:12000]) > 4
    assert abs(features.level_db(followed) - features.level_db(noise)) < 0.1
    np.testing.assert_array_equal(match.follow(noise, np.zeros(48000, np.float32), 24000), noise)


def shout(sound: np.ndarray) -> np.ndarray:
    centres = features.third_octave_centres()
    return equaliser.apply(sound, equaliser.design(centres, np.where(centres > 1200, 14.0, 0.0), RATE)) * np.float32(2)


@pytest.mark.parametrize(("loud", "taken_over"), [(True, True), (False, False)])
def test_a_short_shout_gives_its_colour_whole_and_what_is_not_louder_than_usual_does_not(
    loud: bool, taken_over: bool
) -> None:
    said = buzz(200) + np.random.default_rng(0).standard_normal(RATE).astype(np.float32) * 0.01
    original = shout(said)[: RATE // 2]
    place = match.listen(original[:, None], RATE)
    usual = place.level - 6 if loud else place.level
    fall = {
        name: match.fall_db(match.listen(sound[:, None], RATE).bands)
        for name, sound in {
            "wanted": original,
            "speech": match.colour(said, RATE, place),
            "line": match.colour(said, RATE, place, usual=usual),
        }.items()
    }
    assert (fall["line"] < fall["speech"] - 3) == taken_over
    assert fall["line"] > fall["wanted"] - 1


def test_an_ordinary_line_keeps_its_colour_however_loud() -> None:
    said = buzz(200)
    place = match.listen(said[: RATE // 2][:, None], RATE)
    louder = match.colour(said, RATE, place, usual=place.level - 10)
    np.testing.assert_array_equal(louder, match.colour(said, RATE, place))
