"""The timecode a film begins with is read, and counted as SMPTE counts."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest

from dubsync.media.probe import examine
from dubsync.testing.media import FilmSpec, make_film
from dubsync.timing import from_timecode, timecode

NTSC = Fraction(30000, 1001)


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(25), Fraction(24000, 1001), NTSC, Fraction(60000, 1001)])
@pytest.mark.parametrize("frame", [0, 1799, 1800, 17982, 107892, 2589407])
def test_timecode_there_and_back_gives_the_same_frame(rate: Fraction, frame: int) -> None:
    assert from_timecode(timecode(frame / rate, rate), rate) == frame / rate


def test_an_hour_of_drop_frame_timecode_is_an_hour_by_the_clock() -> None:
    assert abs(from_timecode("01:00:00;00", NTSC) - 3600) < Fraction(1, 100)


@pytest.mark.parametrize(("said", "wanted"), [("01:00:00:12", Fraction(3600) + Fraction(12, 25)), (None, 0)])
def test_a_film_stands_where_its_container_says(tmp_path: Path, said: str | None, wanted: Fraction) -> None:
    film = make_film(tmp_path / "film.mp4", FilmSpec(frames=10, rate=Fraction(25)))
    if said:
        film = with_timecode(film, tmp_path / "coded.mov", said)
    assert examine(film)[0].timecode == wanted


def with_timecode(film: Path, out: Path, text: str) -> Path:
    with av.open(str(film)) as source, av.open(str(out), "w") as target:
        streams = {s.index: target.add_stream_from_template(s) for s in source.streams if s.type in ("video", "audio")}
        target.metadata["timecode"] = text
        for packet in source.demux([source.streams[index] for index in streams]):
            if packet.size and packet.dts is not None:
                packet.stream = streams[packet.stream_index]
                target.mux(packet)
    return out
