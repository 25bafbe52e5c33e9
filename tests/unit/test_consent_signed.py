"""A signed record says what was signed, or nothing is made; who may sign is said by somebody else."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from dubsync import folder
from dubsync.cli.consent import consent_app, consent_file
from dubsync.errors import ConsentMissing, MissingExtra, UsageError
from dubsync.rights import consent, signature
from dubsync.title import Title

pytest.importorskip("cryptography")
DAY = date(2026, 6, 1)
MARA = consent.Person(
    "mara", "Mara Voss", ("speaker-a",), ("film",), ("es",), voice=True, face=True, granted_by="Mara Voss",
    granted_on=date(2026, 1, 1), until=date(2099, 12, 31),
)  # fmt: skip
USE = consent.Use("speaker-a", "Speaker 1", title="film", language="es", day=DAY)


def key_file(place: Path, *, password: str = "", kind: str = "ed25519") -> Path:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519

    key = ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else ec.generate_private_key(ec.SECP256R1())
    hidden = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, hidden)
    place.write_bytes(pem)
    return place


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return key_file(tmp_path / "key.pem")


@pytest.fixture
def records(tmp_path: Path, key: Path) -> Path:
    """A file with one signed record."""
    path = tmp_path / "consent.toml"
    consent.save(path, [signature.sign(MARA, key, by="Mara Voss", on=DAY)])
    return path


def signers(records: Path, *names: str) -> Path:
    """Write who may sign: the key that signed the first record, under these names."""
    path = records.with_name("signers.toml")
    made = consent.load(records)[0].signature
    assert made is not None
    rows = [f'[[signer]]\nname = "{name}"\nkey = "{made.key}"' for name in names]
    path.write_text("\n".join(['schema = "dubsync.signers/1"', *rows]))
    return path


def read(records: Path) -> signature.Records:
    return signature.read(records, records.with_name("signers.toml"))


def test_a_signed_record_is_read_back_and_counts(records: Path) -> None:
    found = read(records)
    grant = found.granted(USE)
    assert (grant.voice, grant.face) == (True, True)
    assert 'whose holder goes by "Mara Voss", on 2026-06-01' in found.signed(grant.records[0])
    assert grant.records[0].digest == MARA.digest, "signing does not make another record of it"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("face = true", "face = false"),
        ('"es",', '"*",'),
        ("until = 2099-12-31\n", ""),
        ('speakers = [\n    "speaker-a",\n]', 'speakers = ["*"]'),
        ('by = "Mara Voss"\non', 'by = "Her Agent"\non'),
        ("on = 2026-06-01", "on = 2026-05-01"),
        ('value = "', 'value = "AAAA'),
        ('key = "', 'key = "?'),
    ],
)
def test_a_record_that_was_changed_since_is_refused_in_one_sentence(records: Path, before: str, after: str) -> None:
    text = records.read_text()
    assert text.count(before) == 1
    records.write_text(text.replace(before, after))
    with pytest.raises(ConsentMissing, match=r"the record of Mara Voss \(mara\) is not what .* signed on") as caught:
        read(records)
    assert caught.value.exit_code == 2


def test_a_signature_moved_to_another_record_does_not_fit(records: Path) -> None:
    signed = consent.load(records)[0]
    moved = replace(MARA, id="jo", name="Jo", speakers=("speaker-b",), signature=signed.signature)
    assert signature.fits(signed)
    assert not signature.fits(moved)


def test_consent_is_taken_back_without_the_key_and_the_signature_still_fits(records: Path) -> None:
    consent.save(records, consent.revoked(consent.load(records), "mara", DAY))
    grant = read(records).granted(USE)
    assert not grant.voice
    assert grant.refusals == ("Mara Voss: was taken back on 2026-06-01",)


def test_where_signers_are_named_only_what_they_signed_counts(records: Path, tmp_path: Path) -> None:
    signers(records, "Voss Film, rights")
    assert "by Voss Film, rights on 2026-06-01" in read(records).signed(consent.load(records)[0])
    assert read(records).granted(USE).voice

    consent.save(records, [MARA])
    assert "nobody signed the record, and signers.toml asks for it" in read(records).granted(USE).refusals[0]

    other = key_file(tmp_path / "other.pem")
    consent.save(records, [signature.sign(MARA, other, by="Mara Voss", on=DAY)])
    assert "signed with a key that is not in signers.toml" in read(records).granted(USE).refusals[0]
    assert read(records).faces_allowed([USE]) == {"speaker-a": False}


def test_without_signers_a_record_that_nobody_signed_counts_as_before(records: Path) -> None:
    consent.save(records, [MARA])
    found = read(records)
    assert found.granted(USE).voice
    assert found.signed(MARA) == ""


def test_a_list_of_signers_that_names_nobody_trusts_nobody(records: Path) -> None:
    signers(records)
    assert not read(records).granted(USE).voice


def test_a_list_of_signers_that_cannot_be_reached_is_not_taken_for_none(records: Path, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.with_name("signers.toml").symlink_to(tmp_path / "not mounted" / "signers.toml")
    title = Title("film", str(film), str(tmp_path / "film.dubsync"))
    signers_of_film = folder.humans(title)["signers.toml"]
    with pytest.raises(UsageError, match=r"signers\.toml: says who may sign, and cannot be read: No such file"):
        signature.read(records, signers_of_film)


HEAD = 'schema = "dubsync.signers/1"\n'


@pytest.mark.parametrize(
    "text",
    ["schema = 1", "schema = [", *(HEAD + said for said in ('[[signer]]\nname = "x"', "signer = 1", "signer = [1]"))],
)
def test_a_list_of_signers_that_is_not_clear_is_refused(records: Path, text: str) -> None:
    records.with_name("signers.toml").write_text(text)
    with pytest.raises(UsageError, match=r"signers\.toml"):
        read(records)


def test_signatures_that_cannot_be_checked_stop_the_run(records: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signature, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra) as caught:
        read(records)
    assert "dubsync[sign]" in caught.value.hint


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda place: place, "cannot be read"),
        (lambda place: key_file(place, kind="ec"), "not of Ed25519"),
        (lambda place: key_file(place, password="secret"), "Password was not given"),
        (lambda place: Path(place.write_text("no key") and place), "is no private key"),
    ],
)
def test_a_key_that_cannot_sign_is_named(tmp_path: Path, make: object, complaint: str) -> None:
    place = make(tmp_path / "other.pem")  # type: ignore[operator]
    with pytest.raises(UsageError, match=complaint):
        signature.sign(MARA, place, by="Mara", on=DAY)


def test_the_password_of_a_key_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = key_file(tmp_path / "key.pem", password="secret")
    monkeypatch.setenv(signature.UNLOCK, "secret")
    assert signature.fits(signature.sign(MARA, place, by="Mara", on=DAY))


def command(*words: object) -> Result:
    return CliRunner().invoke(consent_app, [str(word) for word in words])


def test_the_command_signs_shows_and_says_what_no_longer_fits(tmp_path: Path, key: Path) -> None:
    path = tmp_path / "consent.toml"
    consent.save(path, [MARA, replace(MARA, id="jo", name="Jo", speakers=("speaker-b",))])
    signed = command("sign", path, "Mara Voss", "--key", key, "--by", "Voss Film")
    assert signed.exit_code == 0
    line = signed.output.rsplit("for signers.toml: ", 1)[1]
    name, made = line.split(", key = ")
    assert (name, json.loads(made)) == ('name = "Voss Film"', _key(path))
    assert "signed as Voss Film" in command("show", path).output
    mara, jo = json.loads(command("show", path, "--json").output)["people"]
    assert (mara["signature"]["fits"], jo["signature"]) == (True, None)

    path.write_text(path.read_text().replace("face = true", "face = false", 1))
    assert "THE RECORD IS NOT WHAT WAS SIGNED" in command("show", path).output
    assert isinstance(command("sign", path, "Nobody", "--key", key).exception, UsageError)
    assert command("sign", path, "mara", "--key", key).exit_code == 0
    assert signature.fits(consent.load(path)[0])


def _key(path: Path) -> str:
    made = consent.load(path)[0].signature
    assert made is not None
    return made.key


def new(path: Path) -> list[object]:
    return ["new", path, "--name", "Mara", "--speaker", "*", "--lang", "es", "--title", "film", "--voice"]


def test_a_signed_record_that_says_otherwise_is_to_be_taken_back_first(tmp_path: Path, key: Path) -> None:
    path = tmp_path / "consent.toml"
    assert command(*new(path)).exit_code == 0
    assert command("sign", path, "Mara", "--key", key).exit_code == 0
    told = command(*new(path), "--note", "the paper lies in the safe").exception
    assert isinstance(told, UsageError)
    assert "is signed, and it says otherwise: note" in told.message
    (person,) = consent.load(path)
    assert f"`dubsync consent revoke {path} {person.id}`" in told.hint
    assert "signed" in told.hint
    assert command("revoke", path, person.id).exit_code == 0
    assert command(*new(path), "--note", "the paper lies in the safe").exit_code == 0
    assert [each.note for each in consent.load(path)] == ["the paper lies in the safe"]


def test_a_record_that_was_changed_by_hand_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "consent.toml"
    assert command(*new(path)).exit_code == 0
    assert command(*new(path), "--note", "a better one").exit_code == 0, "the same again, with a note, is no loss"
    path.write_text(path.read_text().replace('"es"', '"fr"'))
    edited = path.read_bytes()
    told = command(*new(path)).exception
    assert isinstance(told, UsageError)
    assert "was changed by hand since: languages" in told.message
    assert "change it in the file; or take it back" in told.hint
    assert path.read_bytes() == edited


def test_a_signed_record_is_not_written_over_by_the_same_one_unsigned(tmp_path: Path, key: Path) -> None:
    words = new(tmp_path / "consent.toml")
    assert command(*words).exit_code == 0
    assert command("sign", tmp_path / "consent.toml", "Mara", "--key", key).exit_code == 0
    assert "is signed" in str(command(*words).exception)
    assert command("revoke", tmp_path / "consent.toml", "Mara").exit_code == 0
    assert command(*words).exit_code == 0, "what was taken back can be given again"


def test_the_record_beside_a_film_is_the_one_that_counts_for_it(records: Path, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(b"")
    assert consent_file(film) == records
    own = tmp_path / "film.dubsync" / "consent.toml"
    own.parent.mkdir()
    own.write_bytes(records.read_bytes())
    assert consent_file(film) == own, "what lies in the title folder comes first"
    records.unlink()
    own.unlink()
    assert consent_file(film) == own, "a first record belongs into the title folder"
