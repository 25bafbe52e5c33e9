"""`dubsync verify` says what a file says of itself, and ends with the right status."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import certificates
import numpy as np
import pytest
from test_watermark import PAYLOAD, dub, speech
from typer.testing import CliRunner

from dubsync.cli import app, verify
from dubsync.errors import Unmarked, UnreadableMedia, UsageError
from dubsync.rights import bench, provenance
from dubsync.rights.mark import disclosure, disclosure_tags, synthetic
from dubsync.rights.provenance import Deed
from dubsync.rights.verify import look_through
from dubsync.testing.media import FilmSpec, make_film

DEED = Deed("film.es", "es", "ab" * 32, ("speech",), {"voice": "voice.kokoro 11"}, ("116e44e3b332e1a4",), "1234abcd")


@pytest.fixture(scope="module", autouse=True)
def _verb() -> None:
    verify.mount(app)


def run(*words: object) -> tuple[dict[str, object] | None, BaseException | None]:
    done = CliRunner().invoke(app, ["verify", *map(str, words)])
    return json.loads(done.stdout.splitlines()[-1]) if done.stdout else None, done.exception


def coded(folder: Path, sound: np.ndarray) -> Path:
    bench.encode(sound, folder / "copy.mp3", "libmp3lame", 128, 1)
    return folder / "copy.mp3"


def test_a_copy_coded_anew_is_told_with_identity_time_and_certainty(tmp_path: Path) -> None:
    told, error = run(coded(tmp_path, dub()), "--json")
    assert error is None
    assert told is not None
    (mark,) = told["watermarks"]  # type: ignore[misc]
    assert (told["synthetic"], mark["id"], mark["track"]) == (True, str(PAYLOAD), 0)
    assert mark["confidence"] > 0.999
    assert mark["stretches"][0][1] - mark["stretches"][0][0] == pytest.approx(20, abs=0.2)


def test_a_file_that_says_nothing_ends_with_its_own_status(tmp_path: Path) -> None:
    told, error = run(coded(tmp_path, speech()), "--json")
    assert told is not None
    assert (told["synthetic"], told["watermarks"]) == (False, [])
    assert isinstance(error, Unmarked)
    assert error.exit_code == 8


def test_what_is_no_media_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "notes.mp4").write_bytes(b"these are notes" * 100)
    told, error = run(tmp_path / "notes.mp4", "--json")
    assert told is None
    assert isinstance(error, UnreadableMedia)
    assert error.exit_code == 3


@pytest.mark.parametrize(
    ("lay", "what"),
    [
        (lambda path: None, "there is no such file"),
        (lambda path: path.mkdir(), "is a folder"),
        (lambda path: path.touch(), "is empty"),
        (lambda path: path.write_bytes(b"\0\0\0\x18stypmsdh" + bytes(100)), "is one segment of a stream"),
    ],
)
def test_what_cannot_be_looked_through_is_said_in_words(
    tmp_path: Path, lay: Callable[[Path], object], what: str
) -> None:
    lay(tmp_path / "given.mp4")
    with pytest.raises(UnreadableMedia, match=what):
        look_through(tmp_path / "given.mp4")


def test_a_tag_alone_says_it_too(tmp_path: Path) -> None:
    tags = disclosure_tags("es", synthetic(voice=True, mouth=False))
    with av.open(str(tmp_path / "said.mp4"), "w") as out:
        out.metadata.update({"comment": f"shot on a phone; {tags['comment']}"})
        stream = out.add_stream("aac", rate=48_000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 48_000
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    found = look_through(tmp_path / "said.mp4")
    assert found.is_synthetic
    assert found.disclosure == tags["comment"]
    assert disclosure("shot on a phone") is None


def test_a_film_without_sound_is_looked_through_all_the_same(tmp_path: Path) -> None:
    found = look_through(make_film(tmp_path / "mute.mkv", FilmSpec(frames=5, has_sound=False)))
    assert (found.tracks, found.marks, found.is_synthetic) == (0, (), False)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    pytest.importorskip("c2pa")
    return make_film(tmp_path / "film.mp4", FilmSpec(frames=30))


def packets(path: Path) -> list[tuple[int, Fraction, bytes]]:
    with av.open(str(path)) as opened:
        return [
            (packet.stream_index, packet.pts * packet.time_base, bytes(packet))
            for packet in opened.demux()
            if packet.pts is not None
        ]


def test_a_signed_film_says_what_was_done_to_it_and_keeps_its_frames(film: Path, tmp_path: Path) -> None:
    provenance.sign(film, tmp_path / "signed.mp4", DEED, *certificates.write(tmp_path))
    found = look_through(tmp_path / "signed.mp4")
    assert found.manifest is not None
    assert (found.manifest.is_intact, found.manifest.issuer) == (True, "Test Studio")
    assert found.manifest.claims == ("speech synthesised in es",)
    assert found.manifest.dub == {
        "language": "es",
        "engines": {"voice": "voice.kokoro 11"},
        "consent_records_sha256": ["116e44e3b332e1a4"],
        "watermark": "1234abcd",
        "source_sha256": "ab" * 32,
    }
    assert found.is_synthetic
    assert packets(tmp_path / "signed.mp4") == packets(film)


def test_a_changed_byte_is_seen_and_the_manifest_counts_no_more(film: Path, tmp_path: Path) -> None:
    provenance.sign(film, tmp_path / "signed.mp4", DEED, *certificates.write(tmp_path))
    content = bytearray((tmp_path / "signed.mp4").read_bytes())
    content[-2000] ^= 1
    (tmp_path / "changed.mp4").write_bytes(content)
    manifest = provenance.read(tmp_path / "changed.mp4")
    assert manifest is not None
    assert not manifest.is_intact
    assert "assertion.bmffHash.mismatch" in manifest.faults
    assert not look_through(tmp_path / "changed.mp4").is_synthetic


def test_a_film_that_nobody_signed_has_no_manifest(film: Path) -> None:
    assert provenance.read(film) is None


def test_what_cannot_be_signed_with_is_refused_and_leaves_nothing(film: Path, tmp_path: Path) -> None:
    (tmp_path / "no.pem").write_text("no certificate")
    with pytest.raises(UsageError, match="cannot be read"):
        provenance.sign(film, tmp_path / "signed.mp4", DEED, tmp_path / "no.pem", tmp_path / "no.pem")
    chain, _ = certificates.write(tmp_path)
    (tmp_path / "other").mkdir()
    _, foreign = certificates.write(tmp_path / "other")
    with pytest.raises(UsageError, match="cannot sign with it"):
        provenance.sign(film, tmp_path / "signed.mp4", DEED, chain, foreign)
    assert not (tmp_path / "signed.mp4").exists()
