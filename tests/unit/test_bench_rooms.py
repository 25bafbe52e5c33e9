"""The bench's rooms: their echoes are as long as physics says, and matching brings a line nearer to them."""

from __future__ import annotations

import numpy as np
import pytest

from dubsync.audio import bench_rooms, room
from dubsync.audio.bench_rooms import Box
from dubsync.testing.contract import speech_like

RATE = 16000


def test_outdoors_there_is_no_echo() -> None:
    response = bench_rooms.echoes(Box((30.0, 40.0, 20.0), 0.0, 0.0), RATE)
    assert response[0] == pytest.approx(1, abs=0.1)
    assert np.abs(response[1:]).max() < 0.1


def test_echoes_die_away_as_eyring_says() -> None:
    """Eyring, "Reverberation time in dead rooms", 1930: 0.161 V / (-S ln(1 - absorption))."""
    box = Box((5.0, 6.0, 3.0), 0.85, 0.0)
    x, y, z = box.size
    wanted = 0.161 * x * y * z / (-2 * (x * y + y * z + z * x) * np.log(box.reflection**2))
    response = bench_rooms.echoes(box, RATE)
    left = np.cumsum(response[::-1] ** 2)[::-1]
    first, last = np.searchsorted(-10 * np.log10(left / left[0] + 1e-12), [5, 25])
    assert (last - first) / RATE * 3 == pytest.approx(wanted, rel=0.25)


def test_a_matched_line_is_nearer_to_the_room_and_the_colour_of_its_original(monkeypatch: pytest.MonkeyPatch) -> None:
    originals = [speech_like(4.0, RATE, seed=seed) for seed in (1, 2, 3)]
    dubs = [speech_like(4.0, RATE, hertz=150, seed=seed) for seed in (4, 5, 6)]
    found = bench_rooms.figures(originals, dubs, RATE)
    assert found["room_decay_error"] < 0.5 * found["room_decay_error_dry"]
    assert found["spectral_distance_db"] < found["spectral_distance_db_before"]
    monkeypatch.setattr(room, "place", lambda speech, rate, which: speech)
    assert bench_rooms.figures(originals, dubs, RATE)["room_decay_error"] > found["room_decay_error"]
