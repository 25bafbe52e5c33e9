"""Nobody is synthesised without a record, and a record says exactly what it says."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dubsync.backends import registry
from dubsync.backends.fakes import FakeVoice
from dubsync.backends.protocols import Capabilities
from dubsync.backends.voice_recorded import KeepVoice, RecordedVoice
from dubsync.cli.consent import consent_app
from dubsync.documents import save
from dubsync.engine.stage import Context, Made, Product, Unit
from dubsync.errors import ConsentMissing, Flag, UsageError
from dubsync.rights import consent
from dubsync.rights.mark import disclosure_tags, synthetic
from dubsync.stages.rights import command_for, rights

MARA = consent.Person(
    id="mara",
    name="Mara Voss",
    speakers=("speaker-a",),
    titles=("film",),
    languages=("es",),
    voice=True,
    face=True,
    granted_by="Mara Voss",
    granted_on=date(2026, 1, 1),
    until=date(2026, 12, 31),
)
USE = consent.Use("speaker-a", "Mara", title="film", language="es", day=date(2026, 6, 1))


def test_a_record_that_fits_allows_voice_and_face() -> None:
    grant = consent.granted([MARA], USE)
    assert (grant.voice, grant.face, grant.records) == (True, True, (MARA,))


@pytest.mark.parametrize(
    ("use", "reason"),
    [
        (replace(USE, speaker="speaker-b", speaker_name="Jo"), ""),
        (replace(USE, title="trailer"), "covers film, not trailer"),
        (replace(USE, language="fr"), "covers es, not fr"),
        (replace(USE, day=date(2027, 1, 1)), "ended on 2026-12-31"),
        (replace(USE, day=date(2025, 12, 31)), "begins on 2026-01-01"),
    ],
)
def test_a_record_does_not_reach_beyond_its_words(use: consent.Use, reason: str) -> None:
    grant = consent.granted([MARA], use)
    assert not grant.voice
    assert not grant.face
    assert reason in "; ".join(grant.refusals)
    with pytest.raises(ConsentMissing) as caught:
        consent.require_voice(grant, use, command="dubsync consent new ...")
    assert caught.value.exit_code == 2
    assert reason in caught.value.message


def test_the_last_day_still_counts() -> None:
    assert consent.granted([MARA], replace(USE, day=date(2026, 12, 31))).voice


def test_a_language_covers_its_regions_and_not_its_neighbours() -> None:
    assert consent.granted([MARA], replace(USE, language="es-419")).voice
    assert not consent.granted([MARA], replace(USE, language="est")).voice
    only_mexico = replace(MARA, languages=("es-MX",))
    assert not consent.granted([only_mexico], USE).voice


def test_a_speaker_is_known_by_name_too() -> None:
    assert consent.granted([replace(MARA, speakers=("Mara",))], USE).voice


def test_voice_and_face_are_separate() -> None:
    grant = consent.granted([replace(MARA, face=False)], USE)
    assert (grant.voice, grant.face) == (True, False)
    face_only = consent.granted([replace(MARA, voice=False)], USE)
    assert (face_only.voice, face_only.face) == (False, True)


def test_a_star_is_refused_where_several_people_are_named(tmp_path: Path) -> None:
    everyone = replace(MARA, speakers=("*",))
    consent.save(tmp_path / "one.toml", [everyone])
    assert consent.granted(consent.load(tmp_path / "one.toml"), replace(USE, speaker="anybody")).voice
    with pytest.raises(UsageError, match="several persons"):
        consent.save(tmp_path / "two.toml", [everyone, replace(MARA, id="jo", name="Jo", speakers=("speaker-b",))])


def test_what_was_saved_is_read_back(tmp_path: Path) -> None:
    people = (MARA, replace(MARA, id="again", until=None, note="paper in the safe"))
    consent.save(tmp_path / "consent.toml", people)
    assert consent.load(tmp_path / "consent.toml") == people


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("voice = true", 'voice = "yes"', "voice"),
        ("until = 2026-12-31", 'until = "2026-12-31"', "until"),
        ("until = 2026-12-31", "untill = 2026-12-31", "untill"),
        ('speakers = [\n    "speaker-a",\n]', "speakers = []", "speakers"),
        ('granted_by = "Mara Voss"\n', "", "granted_by"),
        ("dubsync.consent/1", "dubsync.consent/9", "schema"),
    ],
)
def test_a_record_that_is_not_clear_is_refused(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    path = tmp_path / "consent.toml"
    consent.save(path, [MARA])
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(UsageError, match=complaint):
        consent.load(path)


@pytest.fixture
def title_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "my film.dubsync"
    (folder / "speakers").mkdir(parents=True)
    value = {
        "speakers": [{"id": "speaker-a", "name": "Mara"}, {"id": "speaker-b", "name": "Silent"}],
        "utterances": [{"id": "u1", "speaker": "speaker-a"}, {"id": "u2", "speaker": "speaker-a"}],
    }
    save(folder / "speakers" / "product.json", value)
    return folder


def run_stage(
    folder: Path, language: str = "es", capabilities: Mapping[str, Capabilities] | None = None
) -> tuple[dict[str, list[dict[str, object]]], list[Flag]]:
    speakers = Product("speakers", Unit("speakers"), folder / "speakers", "digest")
    film = folder.parent / "my film.mp4"
    ctx = Context(out=folder, film=film, folder=folder, seed=0, capabilities=capabilities or {})
    value = rights.function(Unit(language, language), Made({"speakers": (speakers,)}), ctx, None)
    return value, ctx.flags  # type: ignore[return-value]


def test_without_a_record_the_hint_is_a_command_that_makes_one(title_folder: Path) -> None:
    with pytest.raises(ConsentMissing) as caught:
        run_stage(title_folder)
    command = caught.value.hint.split(": ", 1)[1]
    words = shlex.split(command)
    assert words[:3] == ["dubsync", "consent", "new"]
    result = CliRunner().invoke(consent_app, words[2:], catch_exceptions=False)
    assert result.exit_code == 0
    value, flags = run_stage(title_folder)
    assert [row["speaker"] for row in value["consent"]] == ["speaker-a"]
    assert not flags


def test_a_face_that_is_not_allowed_is_a_flag_and_the_voice_goes_on(title_folder: Path) -> None:
    consent.save(title_folder / "consent.toml", [replace(MARA, titles=("*",), until=None, face=False)])
    value, flags = run_stage(title_folder)
    assert value["consent"][0]["voice"] is True
    assert value["consent"][0]["face"] is False
    assert [flag.code for flag in flags] == ["face-not-allowed"]


def test_the_row_names_the_record_and_its_scope(title_folder: Path) -> None:
    consent.save(title_folder / "consent.toml", [replace(MARA, titles=("my film",), until=None)])
    row = run_stage(title_folder)[0]["consent"][0]
    assert MARA.id in str(row["record"])
    assert "until taken back" in str(row["scope"])
    assert "Mara Voss" in str(row["scope"])


def test_show_lists_what_new_wrote(title_folder: Path) -> None:
    words = shlex.split(command_for(title_folder / "consent.toml", USE))[2:]
    runner = CliRunner()
    assert runner.invoke(consent_app, words).exit_code == 0
    shown = runner.invoke(consent_app, ["show", str(title_folder)])
    assert "THEIR NAME" in shown.output
    assert "voice and face" in shown.output


def test_the_tags_disclose_the_synthesis() -> None:
    assert "mouth" in disclosure_tags("es", synthetic(voice=True, mouth=True))["comment"]
    assert "mouth" not in disclosure_tags("es", synthetic(voice=True, mouth=False))["comment"]
    assert "Synthetic" in disclosure_tags("es", synthetic(voice=True, mouth=False))["comment"]


def test_recorded_speech_is_not_called_synthetic() -> None:
    assert "speech" not in disclosure_tags("es", synthetic(voice=False, mouth=True))["comment"]
    assert "mouth movements" in disclosure_tags("es", synthetic(voice=False, mouth=True))["comment"]
    assert disclosure_tags("es", synthetic(voice=False, mouth=False)) == {}


@pytest.mark.parametrize("engine", [RecordedVoice, KeepVoice])
def test_a_voice_that_nobody_makes_asks_for_no_record_and_the_face_still_does(
    title_folder: Path, engine: type[RecordedVoice]
) -> None:
    value, flags = run_stage(title_folder, capabilities={"voice": engine.capabilities})
    assert value["consent"][0]["voice"] is False
    (flag,) = flags
    assert flag.code == "face-not-allowed"
    assert "allows the voice" not in flag.what
    words = shlex.split(flag.hint.split(": ", 1)[1])
    assert "--face" in words
    assert "--voice" not in words


def test_a_voice_that_is_made_asks_for_a_record(title_folder: Path) -> None:
    with pytest.raises(ConsentMissing):
        run_stage(title_folder, capabilities={"voice": FakeVoice.capabilities})


def test_every_engine_that_makes_a_voice_says_that_it_needs_consent() -> None:
    made = [name for name in registry.names() if name.split(".")[0] == "voice" or name == "fake.voice"]
    asking = {name for name in made if registry.capabilities(name).needs_consent}
    assert set(made) - asking == {"voice.recorded", "voice.keep"}


def test_consent_that_is_taken_back_allows_nothing_from_that_day_on() -> None:
    jo = replace(MARA, id="jo", name="Jo", speakers=("speaker-b",))
    for who in ("mara", "Mara Voss"):
        left = consent.revoked([MARA, jo], who, USE.day)
        assert not consent.granted(left, USE).voice
        assert consent.granted(left, replace(USE, day=date(2026, 5, 31))).voice
        assert left[1] == jo
    assert consent.revoked([MARA], "mara", date(2027, 6, 1)) == (MARA,)  # it had ended before


def test_the_command_takes_every_record_of_a_person_back(tmp_path: Path) -> None:
    runner, file = CliRunner(), str(tmp_path / "consent.toml")
    given = ["--name", "Mara Voss", "--speaker", "*", "--title", "film", "--voice"]
    for language in ("es", "pt"):
        assert runner.invoke(consent_app, ["new", file, *given, "--lang", language]).exit_code == 0
    assert runner.invoke(consent_app, ["revoke", file, "Mara Voss"]).exit_code == 0
    people = consent.load(Path(file))
    assert len(people) == 2
    assert not consent.granted(people, replace(USE, day=date.today())).voice
    again = runner.invoke(consent_app, ["revoke", file, "Mara Voss"])
    assert isinstance(again.exception, UsageError)


def test_a_record_that_has_ended_before_it_is_written_is_refused(tmp_path: Path) -> None:
    words = [
        "new",
        str(tmp_path / "consent.toml"),
        "--name",
        "Mara",
        "--speaker",
        "*",
        "--title",
        "film",
        "--lang",
        "es",
    ]
    failed = CliRunner().invoke(consent_app, [*words, "--voice", "--until", "2020-01-01"])
    assert isinstance(failed.exception, UsageError)
    assert not (tmp_path / "consent.toml").exists()
