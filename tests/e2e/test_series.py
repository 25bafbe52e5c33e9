"""Two episodes of a series with the public fakes: the second speaks in the voice that was kept of the first."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from fake_films import consent, made
from typer.testing import CliRunner

from dubsync import casts
from dubsync.cli.cast import cast_app
from dubsync.errors import ConsentMissing, InputError, UsageError
from dubsync.testing.talking import TalkingSpec, make_talking_film
from dubsync.verbs import Localized, explain


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("series")
    for name, hertz in (("one", 130.0), ("two", 210.0)):
        lines = ((0.6, 1.6, hertz), (2.4, 3.4, hertz))
        make_talking_film(folder / f"{name}.mp4", TalkingSpec(lines=lines, face=(9.0, 9.0)))
    consent(folder, name="Mara Voss", titles=("one", "two"))
    made(folder / "one.mp4")
    return folder


@pytest.fixture
def series(drawn: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(drawn, tmp_path / "series"))


def pitch(result: Localized) -> float:
    (casting,) = explain(Path(result.title.folder), ["casting"])
    product = Path(result.title.folder) / "store" / casting["fingerprint"][:2] / casting["fingerprint"]
    (voice,) = product.glob("*.npz")
    with np.load(voice) as arrays:
        return float(arrays["pitch"][0])


def test_a_kept_voice_speaks_in_the_next_episode_until_it_is_forgotten(series: Path) -> None:
    bank = series / "series.dubsync-voices"
    alone = pitch(made(series / "two.mp4"))
    assert alone == pytest.approx(210, abs=5)

    report = casts.keep(series / "one.mp4", "es", bank)
    assert report.kept == ("Mara Voss",)
    second = made(series / "two.mp4")
    assert pitch(second) == pytest.approx(130, abs=5)
    assert "voice-from-bank" in {flag.code for flag in second.flags}
    assert "voice-from-bank" in Path(str(second.dubs[0].report)).read_text()
    assert made(series / "two.mp4").summary.ran == 0

    assert casts.forget(bank, "Mara Voss") == 1
    assert pitch(made(series / "two.mp4")) == pytest.approx(210, abs=5)


def test_a_bank_elsewhere_is_named_and_a_cast_list_by_hand_comes_first(series: Path, tmp_path: Path) -> None:
    bank = tmp_path / "elsewhere"
    casts.keep(series / "one.mp4", "es", bank)
    result = made(series / "two.mp4", bank=bank)
    assert pitch(result) == pytest.approx(130, abs=5)
    (casting,) = explain(series / "two.mp4", ["casting"])
    product = Path(result.title.folder) / "store" / casting["fingerprint"][:2] / casting["fingerprint"]
    (speaker,) = json.loads((product / "product.json").read_text())["voices"]
    (series / "two.dubsync" / "casting.toml").write_text(f'[voices]\n"{speaker}" = "anybody"\n')
    by_hand = made(series / "two.mp4", bank=bank)
    assert pitch(by_hand) == 100 + sum(b"anybody") % 200
    assert "voice-from-bank" not in {flag.code for flag in by_hand.flags}


def test_a_kept_voice_needs_a_record_that_covers_the_title(series: Path) -> None:
    casts.keep(series / "one.mp4", "es", series / "series.dubsync-voices")
    consent(series, name="Mara Voss", titles=("one",))
    with pytest.raises(ConsentMissing):
        made(series / "two.mp4")


def test_a_voice_that_is_there_stays_unless_it_is_replaced(series: Path) -> None:
    bank = series / "series.dubsync-voices"
    casts.keep(series / "one.mp4", "es", bank)
    before = bank.read_bytes()
    assert casts.keep(series / "one.mp4", "es", bank).there_already == ("Mara Voss",)
    assert bank.read_bytes() == before
    assert casts.keep(series / "one.mp4", "es", bank, replace=True).kept == ("Mara Voss",)


def test_what_cannot_be_kept_is_told(series: Path) -> None:
    bank = series / "series.dubsync-voices"
    with pytest.raises(InputError, match="no fr cast"):
        casts.keep(series / "one.mp4", "fr", bank)
    with pytest.raises(UsageError, match="Somebody"):
        casts.keep(series / "one.mp4", "es", bank, speakers=["Somebody"])
    with pytest.raises(InputError, match="no such bank"):
        casts.show(bank)
    with pytest.raises(UsageError, match="no voice bank"):
        made(series / "one.mp4", bank=bank)
    assert not bank.exists()


def test_the_commands_keep_show_and_forget(series: Path) -> None:
    runner, bank = CliRunner(), str(series / "bank")
    assert (
        "Mara Voss" in runner.invoke(cast_app, ["keep", str(series / "one.mp4"), "--lang", "es", "--bank", bank]).output
    )
    shown = json.loads(runner.invoke(cast_app, ["show", "--bank", bank, "--json"]).output)
    assert [row["person"] for row in shown["voices"]] == ["Mara Voss"]
    assert "erased 1" in runner.invoke(cast_app, ["forget", "Mara Voss", "--bank", bank]).output
    assert b"Mara" not in Path(bank).read_bytes()
