"""What the report measures of sound and picture, on sounds and films whose truth is known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from heads import faces

from dubsync.audio import wav
from dubsync.backends.protocols import Capabilities, Face, Picture
from dubsync.media.patches import PatchBook
from dubsync.media.read import Upright
from dubsync.quality import closures, voices
from dubsync.quality.filmstrip import Filmstrip
from dubsync.quality.look import ShotFaces, look
from dubsync.quality.mouths import Flicker, Watched, sample, stretches
from dubsync.quality.sync import agreement
from dubsync.testing.media import FilmSpec, make_film
from dubsync.timing import Span, seconds
from dubsync.title import FaceTrack, Phone, Utterance, Word

RATE = 16000


def span(start: float, end: float) -> Span:
    return Span(Fraction(start), Fraction(end))


def said(text: str, start: float, end: float) -> Utterance:
    words = text.split()
    step = Fraction(end - start) / len(words)
    spans = [Span(Fraction(start) + step * n, Fraction(start) + step * (n + 1)) for n in range(len(words))]
    return Utterance("u", text, span(start, end), tuple(Word(w, s) for w, s in zip(words, spans, strict=True)))


def test_words_count_for_the_line_in_which_their_middle_lies() -> None:
    heard = [said("uno dos tres cuatro", 0, 4)]
    assert voices.heard_in(heard, span(0.9, 3.2)) == "dos tres"


def test_what_is_heard_in_an_original_line_is_not_held_against_the_dub() -> None:
    heard = [said("hello there", 0, 2), said("hola", 3, 4), said("and so on", 4, 6)]
    assert voices.outside(heard, [span(0, 2), span(5, 7)]) == (heard[1],)
    assert voices.outside(heard, []) == tuple(heard)


def test_wer_back_counts_what_is_misheard_and_forgives_figures() -> None:
    heard = [said("tengo dos gatos", 0, 2), said("negro", 2, 3)]
    assert voices.wer_back(["Tengo 2 gatos,", "negros."], heard, "es") == pytest.approx(0.25)
    assert voices.wer_back([], heard, "es") is None
    assert voices.wer_back(["कल रात हम नदी के किनारे खाना खाएंगे।"], heard, "hi") is None


class PitchEncoder:
    """Tells sounds apart by their zero crossings: enough to know which spans were cut."""

    capabilities = Capabilities(name="speaker.test", version="1")

    def embed(self, samples: np.ndarray, sample_rate: int) -> np.ndarray:
        high = np.mean(np.abs(np.diff(np.sign(samples)))) > 0.1
        return np.array([high, not high], np.float32)


def test_each_speaker_is_compared_with_itself_and_silence_is_unknown(tmp_path: Path) -> None:
    time = np.arange(3 * RATE) / RATE
    low, high = (0.3 * np.sin(2 * np.pi * pitch * time) for pitch in (100, 2000))
    wav.write(tmp_path / "before.wav", np.concatenate([low, high, 0 * low]), RATE)
    wav.write(tmp_path / "after.wav", np.concatenate([high, high, low]), RATE)
    before = {"a": [span(0, 3)], "b": [span(3, 6)], "c": [span(6, 9)]}
    after = {"a": [span(0, 3)], "b": [span(3, 6)], "c": [span(6, 9)], "d": [span(0, 3)]}
    found = voices.speaker_similarity(
        (tmp_path / "before.wav", before), (tmp_path / "after.wav", after), PitchEncoder()
    )
    assert found == {"a": 0.0, "b": 1.0, "c": None, "d": None}


def test_energy_rises_where_the_voice_is_loud_and_stays_flat_in_silence(tmp_path: Path) -> None:
    loud = np.random.default_rng(0).normal(0, 0.2, RATE)
    wav.write(tmp_path / "a.wav", np.concatenate([loud * 0.001, loud]), RATE)
    level = voices.energy(tmp_path / "a.wav", 0.0, 2.0)
    assert len(level) == 50
    assert level[:24].max() < 0.1
    assert level[26:].min() > 0.8
    assert voices.energy(tmp_path / "a.wav", 100.0, 101.0).max() == 0


def test_frames_are_watched_in_runs() -> None:
    frames = np.array([1, 2, 3, 10, 11], np.int32)
    assert stretches(frames) == (range(1, 4), range(10, 12))
    assert stretches(frames[:0]) == ()


def test_of_a_long_film_pieces_from_beginning_to_end_are_watched() -> None:
    frames = np.arange(50_000, dtype=np.int32)
    chosen = sample(frames, most=3000)
    assert len(chosen) == 3000
    assert chosen[0] == 0
    assert chosen[-1] == 49_999
    assert np.diff(chosen).max() < 2000
    assert len(sample(frames[:2999], most=3000)) == 2999


SPEC = FilmSpec(width=600, height=400, frames=12)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_film(tmp_path_factory.mktemp("film") / "film.mp4", SPEC)


def patch_file(folder: Path, count: int) -> Path:
    path = folder / "patches-0000.npz"
    affine = np.tile(np.array([[1, 0, 200], [0, 1, 150]], np.float32), (count, 1, 1))
    frames = np.arange(count, dtype=np.int32)
    pixels, mask = np.zeros((count, 200, 200, 3), np.uint8), np.full((count, 200, 200), 255, np.uint8)
    np.savez(path, frame=frames, pixels=pixels, mask=mask, affine=affine)
    return path


class OneFace:
    """Finds the same head in every frame, its lips open wider from frame to frame."""

    capabilities = Capabilities(name="face.test", version="1")

    def find(self, frames: Iterable[Picture]) -> Iterator[tuple[Face, ...]]:
        for number, _ in enumerate(frames):
            yield (Face((0, 0, 1, 1), 1.0, faces([0.02 * number])[0]),)


def test_new_mouths_are_found_again_and_set_beside_the_original(film: Path, tmp_path: Path) -> None:
    tracks = tmp_path / "tracks.npz"
    numbers = np.arange(12, dtype=np.int32)
    elsewhere = faces([0.0] * 12) + np.float32([200, 100, 0])
    np.savez(tracks, **{
        "face-1.numbers": numbers, "face-1.landmarks": faces([0.1] * 12),
        "face-2.numbers": numbers, "face-2.landmarks": elsewhere,
    })  # fmt: skip
    shot = ShotFaces(tuple(FaceTrack(f"face-{n}", "shot-1", 0, 12, 100.0, 0.0, 1.0) for n in (1, 2)), tracks)
    book = PatchBook([patch_file(tmp_path, 8)])
    owners = {"face-1": "speaker-a", "face-2": "speaker-b"}
    upright = Upright(0, 600, 400)
    strip = Filmstrip(upright, 25.0)
    seen = look((film, film), [shot], owners, book, OneFace(), filmstrip=strip, upright=upright, most=6)
    (found,) = seen.watched
    assert found.track == "face-1"
    assert list(found.numbers) == [0, 1, 2, 3, 4, 5]
    assert found.openings()[0] == pytest.approx([0.1] * 6, abs=0.02)
    assert found.openings()[1] == pytest.approx([0.02 * n for n in range(6)], abs=0.02)
    assert [pair.frame for pair in strip.close_ups()] == [0]
    assert seen.share == pytest.approx(6 / 8)


@pytest.mark.parametrize(("tremble", "least", "most"), [(0, 0.99, 1.01), (6, 1.5, 10)])
def test_flicker_compares_how_the_skin_beside_the_mouth_trembles(
    tmp_path: Path, tremble: float, least: float, most: float
) -> None:
    random = np.random.default_rng(0)
    lips = faces([0.1])[0]
    lips[[61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185], :2] = (300, 265)
    flicker = Flicker(PatchBook([patch_file(tmp_path, 10)]), {number: [lips] for number in range(10)})
    for number in range(10):
        before = random.normal(128, 3, (400, 600, 3))
        after = before + random.normal(0, tremble, before.shape)
        flicker.see(number, tuple(np.clip(each, 0, 255).astype(np.uint8) for each in (before, after)))
    assert least < flicker.moved[1] / flicker.moved[0] < most


def lips_course(seconds: float, seed: int) -> np.ndarray:
    """Return an opening at 25 frames a second that moves like speech: nothing above 6 Hz."""
    random = np.random.default_rng(seed).normal(0, 1, round(25 * seconds) + 12)
    return np.convolve(random, np.hanning(7), mode="same").astype(np.float32)


@pytest.mark.parametrize("late", [-3, 0, 4])
def test_a_mouth_that_is_late_is_told_by_how_many_frames(late: int) -> None:
    course = lips_course(8, seed=1)
    measured = 0.2 + 0.5 * np.roll(course, late)
    found = agreement([(measured, course)], 25)
    assert found is not None
    assert found.offset_frames == pytest.approx(late, abs=0.3)
    assert found.confidence > 0.95
    assert found.articulation_error < 0.05


def test_lags_of_the_same_length_are_tried_at_every_rate() -> None:
    course = np.repeat(lips_course(8, seed=1), 2)  # 50 frames a second
    found = agreement([(np.roll(course, 20), course)], 50)
    assert found is not None
    assert found.offset_frames == pytest.approx(20, abs=0.6)


def test_a_mouth_that_says_something_else_has_little_confidence() -> None:
    measured, wanted = lips_course(20, seed=1), lips_course(20, seed=2)
    matched, other = agreement([(measured, measured)], 25), agreement([(measured, wanted)], 25)
    assert matched is not None
    assert other is not None
    assert other.confidence < 0.4 < matched.confidence


def test_stretches_count_together_and_short_ones_not_at_all() -> None:
    one, two = lips_course(4, seed=1), lips_course(4, seed=2)
    found = agreement([(np.roll(one, 2), one), (np.roll(two, 2), two), (one[:10], two[:10])], 25)
    assert found is not None
    assert found.offset_frames == pytest.approx(2, abs=0.3)
    assert agreement([(one[:10], one[:10])], 25) is None


def test_a_mouth_at_rest_agrees_with_nothing() -> None:
    still = np.zeros(100, np.float32)
    assert agreement([(still, lips_course(4, seed=1)[:100])], 25) is None


def test_a_p_is_seen_closed_in_the_new_picture_and_only_by_its_own_speaker() -> None:
    course = np.where(np.arange(60) % 20 < 10, 0.3, 0.02)
    heads = faces(course.tolist())
    watched = Watched("face", "mara", np.arange(100, 160, dtype=np.int32), heads, heads)
    times = np.arange(200) / 25
    shut = Phone("p", Span(seconds((100 + 15) / 25), seconds((100 + 16) / 25)))
    wide = Phone("m", Span(seconds((100 + 25) / 25), seconds((100 + 26) / 25)))
    assert closures.seen([watched], times, {"mara": {shut, wide}}).tolist() == [True, False]
    assert closures.seen([watched], times, {"jo": {shut, wide}}).tolist() == []
    assert closures.seen([], times, {"mara": {shut}}).tolist() == []
