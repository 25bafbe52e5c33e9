"""Recordings are brought by the ids of lines, by their order, or by a table; what is no recording is told clearly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dubsync.audio import wav
from dubsync.errors import InputError, UnreadableMedia, UsageError
from dubsync.recordings import bring

LINES = ("line-aaaaaaaa", "line-bbbbbbbb", "line-cccccccc")
RATE = 44100


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "film.dubsync").mkdir()
    return tmp_path / "film.dubsync"


@pytest.fixture
def takes(tmp_path: Path) -> Path:
    (tmp_path / "takes").mkdir()
    return tmp_path / "takes"


def tone(path: Path, seconds: float = 1.0, rate: int = RATE, level: float = 0.1) -> Path:
    wav.write(path, np.full(round(seconds * rate), level, np.float32), rate)
    return path


def brought(home: Path) -> dict[str, float]:
    files = sorted((home / "recorded.es").glob("*.wav"))
    return {path.stem: wav.facts(path).frames / wav.facts(path).sample_rate for path in files}


def test_files_are_known_by_id_by_place_and_id_and_by_place(home: Path, takes: Path) -> None:
    tone(takes / "line-aaaaaaaa.wav", 1.0)
    tone(takes / "0002-line-bbbbbbbb.wav", 2.0)
    tone(takes / "3.wav", 3.0, rate=96000)
    (takes / "notes.txt").write_text("not a sound, and not named like one")
    assert bring(home, "es", takes, LINES) == 3
    assert brought(home) == dict(zip(LINES, (1.0, 2.0, 3.0), strict=True))
    assert not list((home / "recorded.es").glob(".*"))


def test_new_takes_replace_their_lines_and_leave_the_others(home: Path, takes: Path) -> None:
    for name in LINES:
        tone(takes / f"{name}.wav", 1.0)
    bring(home, "es", takes, LINES)
    kept = (home / "recorded.es" / f"{LINES[0]}.wav").stat().st_mtime_ns
    (takes / f"{LINES[2]}.wav").unlink()
    tone(takes / f"{LINES[1]}.wav", 2.0)
    bring(home, "es", takes, LINES)
    assert brought(home) == dict(zip(LINES, (1.0, 2.0, 1.0), strict=True))
    assert (home / "recorded.es" / f"{LINES[0]}.wav").stat().st_mtime_ns == kept


def test_a_table_cuts_lines_out_of_one_stem(home: Path, takes: Path) -> None:
    ramp = np.linspace(0, 0.5, 6 * RATE, dtype=np.float32)
    wav.write(takes / "stem.wav", ramp, RATE)
    (takes / "lines.csv").write_text("order,file,in,out\n1,stem.wav,0.5,1.5\n3,stem.wav,4,\n2,,,\n")
    assert bring(home, "es", takes, LINES) == 2
    assert brought(home) == {LINES[0]: 1.0, LINES[2]: 2.0}
    cut = wav.read(home / "recorded.es" / f"{LINES[0]}.wav")[:, 0]
    np.testing.assert_array_equal(cut, ramp[RATE // 2 : 3 * RATE // 2])


def test_the_exported_script_with_a_column_more_is_a_table(home: Path, takes: Path) -> None:
    tone(takes / "b.wav")
    (takes / "lines.csv").write_text(
        f"id,start,end,speaker,source,text,note,file\n{LINES[1]},0:00:12.500,0:00:14.000,Anna,Hi,Hola,,b.wav\n",
        encoding="utf-8-sig",
    )
    assert bring(home, "es", takes, None) == 1
    assert brought(home) == {LINES[1]: 1.0}


def test_one_file_is_the_recording_on_the_films_clock(home: Path, takes: Path) -> None:
    whole = tone(takes / "all.wav", 5.0)
    assert bring(home, "es", whole, LINES) == 0
    assert (home / "recorded.es.wav").read_bytes() == whole.read_bytes()


def test_what_is_no_sound_is_named_and_nothing_is_kept(home: Path, takes: Path) -> None:
    (takes / "line-aaaaaaaa.wav").write_bytes(b"RIFF but not really")
    with pytest.raises(UnreadableMedia, match=r"line-aaaaaaaa\.wav") as caught:
        bring(home, "es", takes, LINES)
    assert caught.value.exit_code == 3
    assert not (home / "recorded.es").exists()
    with pytest.raises(UnreadableMedia, match=r"line-aaaaaaaa\.wav"):
        bring(home, "es", takes / "line-aaaaaaaa.wav", LINES)


@pytest.mark.parametrize(
    ("names", "kind", "said"),
    [
        (["line-dddddddd.wav"], UsageError, "line-dddddddd"),
        (["4.wav"], UsageError, "'4'"),
        (["1.wav", "line-aaaaaaaa.wav"], UsageError, "both"),
        ([], InputError, "no recording"),
    ],
)
def test_names_that_fit_no_line_or_one_twice_are_refused(
    home: Path, takes: Path, names: list[str], kind: type[Exception], said: str
) -> None:
    for name in names:
        tone(takes / name)
    with pytest.raises(kind, match=said):
        bring(home, "es", takes, LINES)


def test_places_mean_nothing_before_the_lines_are_known(home: Path, takes: Path) -> None:
    tone(takes / "1.wav")
    with pytest.raises(UsageError, match="first run"):
        bring(home, "es", takes, None)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("line-aaaaaaaa,a.wav,x,", "no number"),
        ("line-aaaaaaaa,a.wav,3,2", "nothing lies"),
        ("line-aaaaaaaa,b.wav,,", "b.wav"),
    ],
)
def test_a_table_that_is_wrong_says_where(home: Path, takes: Path, row: str, said: str) -> None:
    tone(takes / "a.wav", 2.5)
    (takes / "lines.csv").write_text(f"id,file,in,out\n{row}\n")
    with pytest.raises(InputError, match=said):
        bring(home, "es", takes, LINES)


def test_samples_that_are_no_numbers_are_refused(home: Path, takes: Path) -> None:
    tone(takes / "1.wav", level=float("nan"))
    with pytest.raises(InputError, match="no numbers"):
        bring(home, "es", takes, LINES)
