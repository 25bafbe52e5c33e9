"""Batches: one title that fails does not stop the others, and a second run makes only what is missing."""

from __future__ import annotations

import json
from pathlib import Path

import fake_films
import pytest
from fake_films import FAKES, hands

from dubsync import batch
from dubsync.cli.wishes import wish_from
from dubsync.delivery import specs
from dubsync.errors import BadPipeline, StageFailed, UsageError
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


def one_title(listed: Path, *, head: str, title: str = "") -> None:
    """Rewrite the batch file: one title in one language, and what else is to stand in its head and with the title."""
    listed.write_text(
        f'schema = "dubsync.batch/1"\nlanguages = ["es"]\npipeline = "{FAKES}"\n{head}\n'
        f'[[title]]\nfilm = "good.mp4"\nout = "delivered"\n{title}\n'
    )


def test_what_is_made_is_packaged_as_the_file_says_and_a_package_that_fails_is_told(listed: Path) -> None:
    one_title(listed, head='deliver = ["mp4", "mp4-all"]\nconsent = "consent.toml"')
    (entry,) = batch.load(listed).entries
    assert entry.wish.consent == listed.parent / "consent.toml"
    mine = listed.parent / "delivered/mp4-all/good.es.mp4"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    result = batch.run(entry, runner=hands())
    assert [package.folder for package in result.packages] == [listed.parent / "delivered/mp4"]
    assert (listed.parent / "delivered/mp4/receipt.json").is_file()
    (row,) = batch.rows([result])
    assert row["state"] == "failed"
    assert "good.es.mp4: is there already" in str(row["what"])
    assert row["ran"] > 0, "the dub was made all the same"
    assert row["packages"] == [str(listed.parent / "delivered/mp4")]
    assert batch.as_object([result])["failed"] == 1
    assert mine.read_text() == "mine"
    one_title(listed, head='deliver = ["stems"]', title="[title.set.mix]\nstems = true")
    (entry,) = batch.load(listed).entries
    result = batch.run(entry, runner=hands())
    assert batch.rows([result])[0]["packages"] == [str(listed.parent / "delivered/stems")]


@pytest.mark.parametrize(
    ("head", "title", "what"),
    [
        ('deliver = ["stems"]', "", r"mixes without them"),
        ('deliver = "mp4"', f'pipeline = "{fake_films.SUBTITLES}"', r"makes no dub"),
        ('deliver = ["mp4", "mine/mp4.toml"]', "", r"two of mp4, mine/mp4\.toml go to one folder"),
        (
            "",
            '[[title]]\nfilm = "other/good.mp4"\nout = "delivered"',
            r"good\.mp4 and good\.mp4 both go to .*delivered",
        ),
        ("", '[[title]]\nfilm = "good.mov"', r"good\.mp4 and good\.mov have one title folder"),
        ("", '[[title]]\nfilm = "x.mp4"\n[[title]]\nfilm = "x.mp4"', r"x\.mp4 and x\.mp4 both go to .*out/es"),
    ],
)
def test_what_cannot_end_well_is_said_before_anything_is_made(listed: Path, head: str, title: str, what: str) -> None:
    mine = listed.parent / "mine/mp4.toml"
    mine.parent.mkdir()
    mine.write_text((specs.folder() / "mp4.toml").read_text())
    one_title(listed, head=head, title=title)
    with pytest.raises(UsageError, match=what):
        batch.load(listed)


def test_a_film_may_be_listed_again_for_other_languages(listed: Path) -> None:
    one_title(listed, head='out = "all"', title='[[title]]\nfilm = "x.mp4"\nlanguages = ["es", "pt"]\n')
    with listed.open("a") as file:
        file.write(f'[[title]]\nfilm = "x.mp4"\nlanguages = ["fr", "it"]\npipeline = "{fake_films.SUBTITLES}"\n')
    assert [entry.languages for entry in batch.load(listed).entries] == [("es",), ("es", "pt"), ("fr", "it")]
    one_title(
        listed, head='out = "all"\ndeliver = "mp4"', title='[[title]]\nfilm = "x.mp4"\nlanguages = ["es", "pt"]\n'
    )
    with listed.open("a") as file:
        file.write('[[title]]\nfilm = "x.mp4"\nlanguages = ["fr", "it"]\n')
    with pytest.raises(BadPipeline, match=r"both go to .*all/x/mp4"):
        batch.load(listed)


def test_films_that_arrive_may_have_one_name(listed: Path) -> None:
    one_title(listed, head='out = "all"', title='[[title]]\nfilm = "x.mp4"\n[[title]]\nfilm = "x.mov"')
    assert len(batch.load(listed, needs_titles=False).entries) == 3


def test_every_file_that_is_named_lies_beside_the_batch_file(listed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (listed.parent / "mine.toml").write_text(FAKES.read_text())
    (listed.parent / "package.toml").write_text((specs.folder() / "mp4.toml").read_text())
    one_title(listed, head='deliver = "package.toml"', title='pipeline = "mine.toml"')
    monkeypatch.chdir("/")
    (entry,) = batch.load(listed).entries
    assert entry.wish.pipeline == str(listed.parent / "mine.toml")
    assert entry.deliver == (str(listed.parent / "package.toml"),)


def test_titles_go_to_folders_of_their_own_in_the_place_that_the_file_names(listed: Path) -> None:
    listed.write_text(listed.read_text().replace("[[title]]", 'out = "all"\n[[title]]', 1))
    outs = {entry.film.stem: entry.wish.out for entry in batch.load(listed).entries}
    assert outs == {"bad": listed.parent / "all/bad", "good": listed.parent / "delivered"}


@pytest.mark.parametrize(
    ("head", "title", "what", "hint"),
    [
        ('languages = "es"', "", "languages = 'es' is not a list of languages", 'languages = ["es"]'),
        ("languages = [3]", "", "languages = [3] is not a list of languages", 'languages = ["es"]'),
        ("deliver = 3", "", "deliver = 3 is not a name or a list of names", 'deliver = ["hls"]'),
        ("set = 3", "", "set = 3 is not a table of stages", "[set.STAGE]"),
        ("", "set = { mix = 3 }", "[[title]] set = {'mix': 3} is not a table of stages", "[set.STAGE]"),
        ("", "film = 3", "[[title]] film = 3 is not a text", 'film = "..."'),
        ("pipeline = 3", "", "pipeline = 3 is not a text", 'pipeline = "..."'),
        ("out = 3", "", "out = 3 is not a text", 'out = "..."'),
        ('consent = ""', "", "consent = '' is not a text", 'consent = "..."'),
    ],
)
def test_a_value_of_the_wrong_kind_is_told_in_one_sentence(
    tmp_path: Path, head: str, title: str, what: str, hint: str
) -> None:
    said = {"languages": 'languages = ["es"]', "film": 'film = "good.mp4"'}
    lines = [line for key, line in said.items() if key == "languages" and not head.startswith(key)]
    own = title if title.startswith("film") else f"{said['film']}\n{title}"
    file = tmp_path / "batch.toml"
    file.write_text("\n".join(['schema = "dubsync.batch/1"', *lines, head, "[[title]]", own]))
    with pytest.raises(BadPipeline) as caught:
        batch.load(file)
    assert what in caught.value.message
    assert hint in caught.value.hint


def test_titles_that_are_no_tables_are_told(tmp_path: Path) -> None:
    for said in ("title = 3", 'title = ["good.mp4"]', "[title]\nfilm = 'good.mp4'"):
        file = tmp_path / "batch.toml"
        file.write_text(f'schema = "dubsync.batch/1"\nlanguages = ["es"]\n{said}\n')
        with pytest.raises(BadPipeline, match="titles are tables"):
            batch.load(file)
