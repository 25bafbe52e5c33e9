"""The watermark is heard after coding, cutting and mixing down, never where there is none, and is quiet."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from functools import cache
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from dubsync.audio import features, loudness, whisper
from dubsync.audio.timeline import Region
from dubsync.media.sound import mono
from dubsync.rights import bench, markcode
from dubsync.rights.detect import Listener, Mark, detect, judged
from dubsync.rights.mark import payload_of
from dubsync.rights.markcode import SIGNS, Payload
from dubsync.rights.watermark import PERIOD_S, Place, mark, pattern
from dubsync.testing import sounds

RATE = bench.RATE
PAYLOAD = Payload(0x1234ABCD)


@cache
def speech(seconds: int = 20, rate: int = RATE) -> np.ndarray:
    """Syllables that a code says: vowels of moving pitch, breath between them, and short silences."""
    rng = np.random.default_rng(5)
    parts: list[np.ndarray] = []
    while sum(map(len, parts)) < seconds * rate:
        parts.append(sounds.vowel(rng.uniform(0.08, 0.3), rng.uniform(100, 220), rng.uniform(0.8, 1.2), rng, rate))
        parts.append(0.3 * sounds.air(rng.uniform(0.03, 0.12), 1500, 7000, rng, rate))
        parts.append(np.zeros(int(rng.uniform(0, 0.08) * rate)))
    whole = np.concatenate([part / max(1e-9, np.abs(part).max(initial=1e-9)) for part in parts])[: seconds * rate]
    return (0.3 * whole).astype(np.float32)


def blocks(sound: np.ndarray, size: int = 10_007) -> Iterator[np.ndarray]:
    wide = sound if sound.ndim == 2 else sound[:, None]
    return (wide[at : at + size] for at in range(0, len(wide), size))


def marked(sound: np.ndarray, place: Place | None = None, rate: int = RATE) -> np.ndarray:
    made = np.concatenate(list(mark(blocks(sound), rate, PAYLOAD, place)))
    return made if sound.ndim == 2 else made[:, 0]


def found(sound: np.ndarray, rate: int = RATE) -> Mark | None:
    return next(iter(detect(blocks(sound), rate)), None)


@cache
def dub() -> np.ndarray:
    return marked(speech())


def test_signs_that_are_heard_with_faults_still_say_the_payload() -> None:
    heard = markcode.signs(PAYLOAD) + np.random.default_rng(0).normal(0, 0.6, SIGNS)
    assert (np.sign(heard) != markcode.signs(PAYLOAD)).any()
    assert markcode.read(heard) == PAYLOAD


def test_noise_says_nothing() -> None:
    rng = np.random.default_rng(1)
    assert [read for _ in range(300) if (read := markcode.read(rng.normal(0, 1, SIGNS)))] == []


def test_a_dub_is_named_by_film_and_language_and_not_by_what_is_said() -> None:
    assert payload_of("abc", "es") == payload_of("abc", "es")
    assert len({payload_of(film, tag).identity for film in ("abc", "abd") for tag in ("es", "fr")}) == 4


def test_the_mark_is_read_and_its_stretch_told() -> None:
    heard = found(dub())
    assert heard is not None
    assert heard.payload == PAYLOAD
    assert heard.chance < 1e-6
    assert heard.stretches == ((0.0, 20.0),)
    assert found(speech()) is None


CODED = [("aac", 64, "m4a", 1), ("aac", 64, "m4a", 2), ("libmp3lame", 128, "mp3", 1), ("libopus", 64, "ogg", 1)]


@pytest.mark.parametrize(("codec", "kilobits", "suffix", "channels"), CODED)
def test_it_is_read_after_lossy_coding(tmp_path: Path, codec: str, kilobits: int, suffix: str, channels: int) -> None:
    path = tmp_path / f"coded.{suffix}"
    bench.encode(dub(), path, codec, kilobits, channels)
    heard = found(np.concatenate(list(mono(path, 16_000)))[:, 0], 16_000)
    assert heard is not None
    assert heard.payload == PAYLOAD


def test_a_whisper_carries_it_too() -> None:
    heard = found(marked(whisper.whispered(speech(), RATE)))
    assert heard is not None
    assert heard.payload == PAYLOAD


@pytest.mark.parametrize("speed", [0.99, 1.0043, 1.01])
def test_it_is_read_at_another_speed(speed: float) -> None:
    heard = found(features.resample(dub(), round(RATE * speed), RATE))
    assert heard is not None
    assert heard.payload == PAYLOAD
    assert 1 + heard.speed == pytest.approx(speed, abs=0.0051)


def test_it_is_read_at_another_level_and_rate() -> None:
    heard = found(features.resample(0.05 * dub(), RATE, 44_100), 44_100)
    assert heard is not None
    assert heard.payload == PAYLOAD


def test_it_is_read_after_cuts_anywhere() -> None:
    heard = found(np.concatenate([dub()[33_333 : 8 * RATE], dub()[13 * RATE + 777 :]]))
    assert heard is not None
    assert heard.payload == PAYLOAD


def test_short_lines_far_apart_are_put_together() -> None:
    """None of them is long enough to be read alone; that they say the same is enough, and the score says so."""
    film = sounds.noise(70, RATE, colour=0.5) * 0.05
    regions = [Region(at * RATE, at * RATE + 3 * RATE) for at in range(1, 66, 8)]
    for number, region in enumerate(regions):
        film[region.start : region.stop] += speech(30)[number * 3 * RATE :][: 3 * RATE]
    heard = found(marked(film, Place(regions)))
    assert heard is not None
    assert heard.payload == PAYLOAD
    assert heard.chance < 1e-3


def test_it_outlives_a_mix_down_of_channels_that_differ() -> None:
    wide = np.stack([speech(), 0.3 * speech() + sounds.band(20, RATE) * 0.1], axis=1)
    heard = found(marked(wide).mean(axis=1))
    assert heard is not None
    assert heard.payload == PAYLOAD


@pytest.mark.parametrize("rate", [16_000, 22_050, 44_100, 96_000])
def test_any_usual_rate_is_marked(rate: int) -> None:
    heard = found(marked(features.resample(speech(), RATE, rate), rate=rate), rate)
    assert heard is not None
    assert heard.payload == PAYLOAD


def test_outside_its_regions_and_channels_every_sample_stays() -> None:
    wide = np.stack([speech(), speech()[::-1]], axis=1)
    made = marked(wide, Place((Region(3 * RATE, 7 * RATE), Region(12 * RATE, 19 * RATE)), (0,)))
    is_inside = np.zeros(len(wide), bool)
    is_inside[3 * RATE : 7 * RATE] = is_inside[12 * RATE : 19 * RATE] = True
    np.testing.assert_array_equal(made[~is_inside], wide[~is_inside])
    np.testing.assert_array_equal(made[:, 1], wide[:, 1])
    assert (made[is_inside, 0] != wide[is_inside, 0]).mean() > 0.5


def test_a_part_alone_carries_what_it_carries_in_the_film() -> None:
    start = round(PERIOD_S * RATE) * 2
    alone = marked(speech()[start:], Place(start=start))
    np.testing.assert_allclose(alone[RATE // 10 :], dub()[start:][RATE // 10 :], atol=1e-6)


def test_the_same_sound_is_marked_the_same_however_it_is_cut_into_blocks() -> None:
    other = np.concatenate(list(mark(blocks(speech(), 262_144), RATE, PAYLOAD)))[:, 0]
    np.testing.assert_array_equal(other, dub())


def test_the_mark_is_far_below_the_speech_and_moves_no_meter() -> None:
    added = dub() - speech()
    assert features.level_db(added) < features.level_db(speech()) - 20
    before, after = (loudness.measure(blocks(sound), RATE, 1) for sound in (speech(), dub()))
    assert abs(after.integrated() - before.integrated()) < 0.1
    assert abs(after.true_peak - before.true_peak) < 1.0


def test_silence_stays_silence_and_holds_no_mark() -> None:
    silent = np.zeros(6 * RATE, np.float32)
    np.testing.assert_array_equal(marked(silent), silent)
    assert found(silent) is None
    assert found(np.zeros(0, np.float32)) is None


@pytest.mark.parametrize("made", [sounds.band, sounds.chords, sounds.noise])
def test_foreign_patterns_are_not_found(made: object) -> None:
    """Each foreign pattern is another trial: what chance finds stays below what is taken for a mark."""
    unmarked = made(15, RATE)  # type: ignore[operator]
    listener = Listener(RATE, [pattern(seed) for seed in range(40)])
    for block in blocks(unmarked):
        listener.add(block)
    listener.finish()
    assert [judged(heard) for heard in listener.heard] == [()] * 40
    assert 2.0 < np.median([one.sync for heard in listener.heard for one in heard]) < 4.5


def endless() -> Iterator[np.ndarray]:
    rng = np.random.default_rng(0)
    while True:
        yield rng.normal(0, 0.1, (RATE, 1)).astype(np.float32)


def test_memory_does_not_grow_with_the_length() -> None:
    def peak(seconds: int) -> int:
        tracemalloc.start()
        for block in mark(islice(endless(), seconds), RATE, PAYLOAD):
            assert len(block)
        assert detect(islice(endless(), seconds), RATE) == ()
        held = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return held

    assert peak(80) < 1.15 * peak(40)
