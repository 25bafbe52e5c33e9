"""Batches: one title that fails does not stop the others, and a second run makes only what is missing."""

from __future__ import annotations

import json
from pathlib import Path

import fake_films
import pytest
from fake_films import FAKES, hands

from dubsync import batch
from dubsync.cli.wishes import wish_from
from dubsync.errors import BadPipeline, StageFailed
from dubsync.testing.talking import make_talking_film


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    make_talking_film(tmp_path / "good.mp4")
    (tmp_path / "bad.mp4").write_text("this is no film")
    fake_films.consent(tmp_path)
    file = tmp_path / "batch.toml"
    file.write_text(
        f'schema = "dubsync.batch/1"\nlanguages = ["es", "pt"]\npipeline = "{FAKES}"\n'
        '[[title]]\nfilm = "bad.mp4"\n[[title]]\nfilm = "good.mp4"\nout = "delivered"\n'
    )
    return file


def test_a_title_that_fails_does_not_stop_the_others_and_only_what_is_missing_runs_again(listed: Path) -> None:
    loaded = batch.load(listed)
    results = [batch.run(entry, runner=hands()) for entry in loaded.entries]
    rows = batch.rows(results)
    assert [(row["title"], row["language"], row["state"]) for row in rows] == [
        ("bad", "es", "failed"),
        ("bad", "pt", "failed"),
        ("good", "es", "done"),
        ("good", "pt", "done"),
    ]
    assert (listed.parent / "delivered/es/good.es.mp4").is_file()
    assert (listed.parent / "delivered/pt/report.json").is_file()
    with pytest.raises(StageFailed, match=r"1 of 2 titles failed; first bad\.mp4"):
        batch.check(results, is_strict=False)
    summary = json.loads(batch.save(results, loaded).read_text())
    assert (summary["done"], summary["failed"]) == (1, 1)

    make_talking_film(listed.parent / "bad.mp4")
    again = [batch.run(entry, runner=hands()) for entry in loaded.entries]
    assert [result.made.summary.ran > 0 for result in again if result.made] == [True, False]
    batch.check(again, is_strict=False)


def test_a_misspelt_key_names_the_right_one(listed: Path) -> None:
    listed.write_text(listed.read_text().replace("film =", "flim ="))
    with pytest.raises(BadPipeline) as caught:
        batch.load(listed)
    assert "flim" in caught.value.message
    assert "film" in caught.value.hint


def test_settings_are_stage_parameter_and_value() -> None:
    wish = wish_from(pipeline="film", settings=["actor.seconds=60", "render.preset=fast"])
    assert wish.settings == {"actor": {"seconds": 60}, "render": {"preset": "fast"}}


def test_a_language_may_be_written_in_any_way(listed: Path) -> None:
    listed.write_text(
        listed.read_text().replace('"es", "pt"', '"spa", "pt_br"').replace('film = "bad.mp4"\n[[title]]\n', "")
    )
    (entry,) = batch.load(listed).entries
    result = batch.run(entry, runner=hands())
    assert [(row["state"], Path(row["what"]).name) for row in batch.rows([result])] == [
        ("done", "good.es.mp4"),
        ("done", "good.pt-BR.mp4"),
    ]


def test_a_disk_that_refuses_one_title_does_not_stop_the_others(listed: Path) -> None:
    (listed.parent / "good.dubsync").mkdir()
    (listed.parent / "good.dubsync" / "runs").write_text("in the way")
    entry = batch.load(listed).entries[1]
    result = batch.run(entry, runner=hands())
    assert result.error is not None
    assert result.error.exit_code == 5
    assert "runs" in result.error.message


def test_what_is_made_is_packaged_as_the_file_says_and_a_package_that_fails_is_told(listed: Path) -> None:
    text = listed.read_text().replace('"es", "pt"', '"es"').replace('[[title]]\nfilm = "bad.mp4"\n', "")
    head, _, title = text.partition("[[title]]")
    listed.write_text(f'{head}deliver = ["mp4", "stems"]\nconsent = "consent.toml"\n[[title]]{title}')
    (entry,) = batch.load(listed).entries
    assert entry.wish.consent == listed.parent / "consent.toml"
    result = batch.run(entry, runner=hands())
    assert [package.folder for package in result.packages] == [listed.parent / "delivered/mp4"]
    assert (listed.parent / "delivered/mp4/receipt.json").is_file()
    (row,) = batch.rows([result])
    assert (row["state"], row["what"]) == ("failed", "good in es was mixed without stems")
    assert row["ran"] > 0, "the dub was made all the same"
    assert row["packages"] == [str(listed.parent / "delivered/mp4")]
    assert batch.as_object([result])["failed"] == 1
    listed.write_text(f"{head}[set.mix]\nstems = true\n[[title]]{title}".replace("[set", 'deliver = ["stems"]\n[set'))
    (entry,) = batch.load(listed).entries
    result = batch.run(entry, runner=hands())
    assert batch.rows([result])[0]["packages"] == [str(listed.parent / "delivered/stems")]


def test_titles_go_to_folders_of_their_own_in_the_place_that_the_file_names(listed: Path) -> None:
    listed.write_text(listed.read_text().replace("[[title]]", 'out = "all"\n[[title]]', 1))
    outs = {entry.film.stem: entry.wish.out for entry in batch.load(listed).entries}
    assert outs == {"bad": listed.parent / "all/bad", "good": listed.parent / "delivered"}
