"""The sample film: its renderer keeps its promises, and the films that ship are what their truth files say."""

from __future__ import annotations

import itertools
import json
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

SAMPLES = Path(__file__).parents[2] / "samples"
sys.path.insert(0, str(SAMPLES))

from film import articulation, encode, film, head, mesh, raster  # noqa: E402 - the folder must be on the path first
from film.camera import Camera, Turn  # noqa: E402
from film.head import Character, Head, Look  # noqa: E402
from film.voice import Phone  # noqa: E402

FILMS = [SAMPLES / name for name in ("film.mp4", "tiny.mp4")]


@pytest.fixture(scope="module")
def mara() -> Head:
    return Head(Character())


def gap(face: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the distance from lower to upper inner lip, cm, at nine places."""
    return face[list(head.UPPER_INNER), 1] - face[list(head.LOWER_INNER), 1]


def test_subdivision_keeps_what_is_flat_flat() -> None:
    matrix, fine = mesh.subdivision(9, mesh.grid(3, 3), 2)
    assert np.allclose(np.asarray(matrix.sum(axis=1)).ravel(), 1, atol=1e-6)
    assert len(fine) == 8 * 16


def test_a_subdivided_closed_mesh_turns_all_faces_outward(mara: Head) -> None:
    normals = mesh.normals(mara.neutral, mara.triangles)
    front = (mara.neutral[:, 2] > 2) & (mara.region["inside"] == 0) & (mara.region["lid"] == 0)
    assert (normals[front, 2] > 0).mean() > 0.97


def test_the_nearest_triangle_is_seen_and_pixels_are_counted_once() -> None:
    xy = np.array([[0, 0], [20, 0], [0, 20], [5, 5], [25, 5], [5, 25]], np.float32) - np.float32(0.5)
    depth = np.array([2, 2, 2, 1, 1, 1], np.float32)
    seen = raster.rasterise(xy, depth, np.array([[0, 1, 2], [3, 4, 5]], np.int32), (32, 32))
    assert len(np.unique(seen.pixel)) == len(seen.pixel)
    assert (seen.triangle[seen.depth == 1] == 1).all()
    assert (seen.triangle == 1).sum() == pytest.approx(200, abs=25)
    assert np.allclose(seen.weights.sum(axis=1), 1, atol=1e-5)


def test_resting_lips_are_closed_and_a_dropped_jaw_opens_them(mara: Head) -> None:
    assert gap(mara.pose(Look())).max() < 0.02
    assert gap(mara.pose(Look(jaw=1)))[4] > 0.9


@pytest.mark.parametrize("jaw", [0.0, 0.3, 0.6])
def test_lips_close_on_p_b_m_however_far_the_jaw_has_dropped(mara: Head, jaw: float) -> None:
    assert gap(mara.pose(Look(jaw=jaw, close=1))).max() < 0.03


def test_rounding_narrows_the_mouth_and_brings_the_lips_forward(mara: Head) -> None:
    plain, rounded = mara.pose(Look()), mara.pose(Look(round=1))
    assert rounded[291, 0] - rounded[61, 0] < 0.85 * (plain[291, 0] - plain[61, 0])
    assert rounded[14, 2] > plain[14, 2] + 0.2


def test_a_blink_brings_the_lids_together_and_leaves_the_mouth_alone(mara: Head) -> None:
    open_eye, shut = mara.pose(Look(blink=-0.2)), mara.pose(Look(blink=1))
    assert shut[159, 1] - shut[145, 1] < 0.2 * (open_eye[159, 1] - open_eye[145, 1])
    assert np.allclose(open_eye[list(head.INNER)], shut[list(head.INNER)])


def test_vowels_open_the_mouth_and_lip_sounds_close_it_at_their_time() -> None:
    phones = [Phone("ɑ", 0.0, 0.2), Phone("m", 0.2, 0.3), Phone("ɑ", 0.3, 0.5), Phone("f", 0.5, 0.6)]
    jaw, close, tuck = (articulation.CONTROLS.index(name) for name in ("jaw", "close", "tuck"))
    values = articulation.controls(phones, np.array([0.1, 0.25, 0.4, 0.55]))
    assert values[1, close] > 0.85
    assert values[[0, 2], close].max() < 0.2
    assert values[[0, 2], jaw].min() > 0.7
    assert values[3, tuck] > 0.8


def test_long_pauses_bring_the_mouth_to_rest() -> None:
    phones = [Phone("ɑ", 0.0, 0.2), Phone(",", 0.2, 0.8), Phone("ɑ", 0.8, 1.0)]
    assert np.abs(articulation.controls(phones, np.array([0.5]))).max() < 0.1


def test_all_symbols_of_the_english_voice_have_a_shape() -> None:
    known = set(articulation._TARGETS) | set(articulation._DIPHTHONGS) | set(articulation._ALIKE)
    assert set("ðəlIɪtswɛnWᵊæfɹAdbOɔɑikhɜvYuʌmzpɡŋʃʒʧʤθjoʊT") <= known


def test_a_drawing_is_the_same_every_time() -> None:
    from film.hair import Hairdo
    from film.portrait import Person, Portrait

    camera = Camera(96, 72, focal=180.0, centre=(45.0, 33.0))
    person = Person(hairdo=Hairdo(strands=300))
    first, second = (Portrait(person, camera, scale=1).draw(Look(jaw=0.4), Turn(yaw=-9)) for _ in range(2))
    for one, other in itertools.islice(zip(first, second, strict=True), 3):
        assert np.array_equal(one, other)
    assert np.isfinite(first[0]).all()
    assert 0.2 < first[1].mean() < 0.9


def test_a_film_of_two_people_cuts_to_whoever_speaks(tmp_path: Path) -> None:
    from film.hair import Hairdo
    from film.portrait import Person
    from film.voice import RATE, Spoken

    person = Person(hairdo=Hairdo(strands=100))
    random = np.random.default_rng(1)
    line = Spoken(
        "Ah.", random.normal(0, 0.1, RATE // 2).astype(np.float32), (Phone("ɑ", 0.1, 0.4),), (("Ah", 0.1, 0.4),)
    )
    cues = tuple(film.Cue("Ah.", who, "af_heart", 0.3) for who in (0, 1, 0))
    plan = film.Plan(cues, (person, person), width=64, height=48, rate=Fraction(5), opening=0.2, closing=0.2, scale=1)
    film.make(plan, tmp_path / "two.mp4", spoken=[line] * 3)
    truth = json.loads((tmp_path / "two.truth.json").read_text())
    assert [shot["person"] for shot in truth["shots"]] == [None, 0, 1, 0]
    assert [shot["first"] for shot in truth["shots"]] == [0, *(shot["stop"] for shot in truth["shots"][:-1])]
    for shot, cue in zip(truth["shots"][1:], truth["lines"], strict=True):
        assert shot["first"] / 5 < cue["start"] < cue["end"] < shot["stop"] / 5
    assert examine(tmp_path / "two.mp4")["frames"] == truth["frames"]


def test_an_encoded_film_is_tagged_and_its_sound_is_as_long_as_its_picture(tmp_path: Path) -> None:
    frames = [np.full((48, 64, 3), 16 * number, np.uint8) for number in range(10)]
    sound = np.zeros((10 * 1920, 2), np.float32)
    path = tmp_path / "film.mp4"
    encode.write(path, iter(frames), sound, [(0.1, 0.3, "Hello.")], rate=Fraction(25), quality=20)
    assert not list(tmp_path.glob("*.part*"))
    facts = examine(path)
    assert facts["frames"] == 10
    assert facts["samples"] == pytest.approx(len(sound), abs=1024)
    assert facts["colours"] == {(1, 1, 1, 1)}
    assert facts["languages"] == {"eng"}
    assert facts["kinds"] == {"video", "audio", "subtitle"}


def examine(path: Path) -> dict[str, Any]:
    """Return what a player finds in a film."""
    with av.open(str(path)) as film_file:
        pictures = [
            (int(f.color_primaries), int(f.color_trc), int(f.colorspace), int(f.color_range))
            for f in film_file.decode(video=0)
        ]
        streams: list[Any] = list(film_file.streams)
        found = {
            "frames": len(pictures),
            "colours": set(pictures),
            "rate": str(film_file.streams.video[0].average_rate),
            "kinds": {stream.type for stream in streams},
            "languages": {stream.metadata.get("language") for stream in streams},
        }
    with av.open(str(path)) as film_file:
        blocks = [frame.to_ndarray() for frame in film_file.decode(audio=0)]
        found["sound"] = np.concatenate(blocks, axis=1)
        found["samples"] = found["sound"].shape[1]
        found["sample_rate"] = film_file.streams.audio[0].rate
    return found


@pytest.mark.parametrize("path", FILMS, ids=lambda path: path.stem)
def test_the_film_that_ships_is_what_its_truth_says(path: Path) -> None:
    truth = json.loads(path.with_suffix(".truth.json").read_text())
    facts = examine(path)
    assert facts["frames"] == truth["frames"]
    assert facts["rate"] == "25"
    assert facts["colours"] == {(1, 1, 1, 1)}
    assert facts["sample_rate"] == 48000
    assert facts["samples"] == pytest.approx(truth["frames"] * 1920, abs=1024)
    assert np.abs(facts["sound"]).max() < 0.95
    assert path.stat().st_size < (1_500_000 if path.stem == "film" else 300_000)


@pytest.mark.parametrize("path", FILMS, ids=lambda path: path.stem)
def test_the_truth_is_complete_and_in_order(path: Path) -> None:
    truth = json.loads(path.with_suffix(".truth.json").read_text())
    face = truth["face"]
    shots = truth["shots"]
    assert [shot["first"] for shot in shots] == [0, *(shot["stop"] for shot in shots[:-1])]
    assert shots[-1]["stop"] == truth["frames"]
    assert any(shot["person"] is None for shot in shots)
    assert all(len(face[key]) == len(face["frames"]) for key in ("opening", "width", "lips"))
    for line in truth["lines"]:
        assert line["words"] == sorted(line["words"], key=lambda word: word[1])
        assert " ".join(word for word, _, _ in line["words"]).strip(",.") == line["text"].replace(",", "").strip(".")


@pytest.mark.weights
def test_the_face_finder_finds_her_and_follows_her_lips() -> None:
    from dubsync.backends.face_mediapipe import MediaPipeFaceFinder
    from dubsync.face import geometry

    path = SAMPLES / "tiny.mp4"
    face = json.loads(path.with_suffix(".truth.json").read_text())["face"]
    with av.open(str(path)) as film_file:
        frames = [frame.to_ndarray(format="rgb24") for frame in film_file.decode(video=0)]
    found = list(MediaPipeFaceFinder(threads=1).find(frames))
    assert [number for number, faces in enumerate(found) if faces] == face["frames"]
    landmarks = np.stack([found[number][0].landmarks for number in face["frames"]])
    opening = geometry.mouth_opening(landmarks)
    width = geometry.mouth_width(landmarks)
    assert np.corrcoef(opening, face["opening"])[0, 1] > 0.8
    assert np.corrcoef(width, face["width"])[0, 1] > 0.8


@pytest.mark.weights
@pytest.mark.parametrize("path", FILMS, ids=lambda path: path.stem)
def test_all_words_of_the_film_are_heard(path: Path, tmp_path: Path) -> None:
    import soundfile
    import soxr

    from dubsync.backends.asr_whisper import WhisperTranscriber
    from dubsync.text.words import word_errors

    said = " ".join(line["text"] for line in json.loads(path.with_suffix(".truth.json").read_text())["lines"])
    sound = soxr.resample(examine(path)["sound"].mean(axis=0), 48000, 16000)
    soundfile.write(tmp_path / "speech.wav", sound, 16000, subtype="FLOAT")
    heard = WhisperTranscriber(threads=1).transcribe(tmp_path / "speech.wav", language="en", progress=lambda _: None)
    assert word_errors(said, " ".join(line.text for line in heard.utterances)).rate < 0.05


def test_the_sample_has_a_consent_record_for_voice_and_face() -> None:
    from dubsync.rights import consent

    (person,) = consent.load(SAMPLES / "consent.toml")
    assert person.voice
    assert person.face
    assert set(person.titles) >= {"film", "tiny"}


def test_opening_is_measured_over_the_distance_of_the_eyes() -> None:
    landmarks = np.zeros((1, 468, 2), np.float32)
    landmarks[0, [362, 263], 0] = 100
    landmarks[0, [87, 14, 317], 1] = 20
    assert film.opening(landmarks) == pytest.approx([0.2])
