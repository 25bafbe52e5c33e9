"""Whole runs on signed consent: who signed is in the report, and what was changed since stops run and delivery."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from fake_films import VOICES, consent, dubsync, made

from dubsync import delivery
from dubsync.errors import ConsentMissing, UsageError
from dubsync.rights import consent as records
from dubsync.rights import signature
from dubsync.testing.talking import TalkingSpec, make_talking_film

SPEC = TalkingSpec(seconds=2.4, lines=((0.4, 1.4, 130.0),))


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film whose one record is signed, by somebody who may."""
    serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")
    from cryptography.hazmat.primitives.asymmetric import ed25519

    folder = tmp_path_factory.mktemp("signed")
    forms = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(ed25519.Ed25519PrivateKey.generate().private_bytes(*forms))
    path = consent(folder)
    (person,) = records.load(path)
    signed = signature.sign(person, folder / "key.pem", by="the disc", on=date(2026, 6, 1))
    records.save(path, [signed])
    assert signed.signature is not None
    signer = f'[[signer]]\nname = "Disc Pictures"\nkey = "{signed.signature.key}"\n'
    (folder / "signers.toml").write_text(f'schema = "dubsync.signers/1"\n{signer}')
    return make_talking_film(folder / "talk.mp4", SPEC)


def test_the_report_says_who_signed(film: Path) -> None:
    (dub,) = made(film, pipeline=VOICES).dubs
    (row,) = json.loads(Path(str(dub.report)).read_text())["rights"]["consent"]
    assert row["signed"].startswith("by Disc Pictures on 2026-06-01, key ")
    assert "signed by Disc Pictures" in Path(str(dub.report)).with_suffix(".html").read_text()


def test_a_record_that_was_changed_since_stops_the_run_and_what_was_made_is_not_packaged(film: Path) -> None:
    made(film, pipeline=VOICES)
    path = film.with_name("consent.toml")
    text = path.read_text()
    path.write_text(text.replace('"*"', '"talk"', 1))
    assert path.read_text() != text
    failed = dubsync("localize", film, "--lang", "es", "--pipeline", VOICES, "--slots", 1)
    with pytest.raises(UsageError, match="not current"):
        delivery.deliver(film, ["es"], "mp4")
    path.write_text(text)
    assert failed.returncode == 2
    assert "the record of the disc (disc) is not what the disc signed on 2026-06-01" in failed.stderr
    assert delivery.deliver(film, ["es"], "mp4").is_new


def test_nothing_is_made_of_a_record_that_nobody_may_sign(film: Path) -> None:
    path = film.with_name("signers.toml")
    text = path.read_text()
    path.write_text('schema = "dubsync.signers/1"\n')
    with pytest.raises(ConsentMissing, match=r"signed with a key that is not in signers\.toml"):
        made(film, "fr", pipeline=VOICES)
    path.write_text(text)
