"""Who speaks in a picture of two: by the real sync engine, with the sample film's voice and its mouth's opening."""

from __future__ import annotations

import json
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import talking_head
from numpy.typing import NDArray
from words_stand import Stand, utterance

from dubsync.audio import wav
from dubsync.audio.features import mono, resample
from dubsync.backends.protocols import Footage, Patch
from dubsync.backends.sync_articulation import ArticulationScorer
from dubsync.documents import to_json
from dubsync.engine.stage import Context, Made, Unit
from dubsync.errors import Severity
from dubsync.media.probe import examine
from dubsync.media.sound import sound
from dubsync.stages._owners import Sighting, decide, unsaid
from dubsync.stages._ties import Ties, tie
from dubsync.stages.mouth import mouth
from dubsync.timing import Span
from dubsync.title import FaceTrack, Flag, Shot, Utterance

FILM = Path(__file__).parents[2] / "samples" / "film.mp4"
FPS, RATE, SETTLING = 25, 16000, 5
Curve = NDArray[np.float64]


def test_one_voice_has_at_most_one_face_at_a_time() -> None:
    def seen(track: str, line: str, start: float, score: float, length: float = 3) -> Sighting:
        return Sighting(track, "shot-1", line, "a", length, score, start)

    first_then_second = [
        seen("left", "one", 0, 0.6), seen("right", "one", 0, 0.1),
        seen("left", "two", 5, 0.1, 2), seen("right", "two", 5, 0.6, 2),
    ]  # fmt: skip
    assert decide(first_then_second, []) == {"left": "a"}
    assert decide([seen("left", "one", 0, 0.5), seen("right", "one", 0, 0.45)], []) == {}
    lost_and_found = [seen("left", "one", 0, 0.5), seen("left-again", "one", 3.2, 0.5)]
    assert decide(lost_and_found, []) == {"left": "a", "left-again": "a"}


def test_a_mouth_that_moves_to_something_else_is_nobodys() -> None:
    flags: list[Flag] = []
    assert decide([Sighting("face", "shot-1", "one", "a", 3, 0.18)], flags) == {}
    assert [flag.code for flag in flags] == ["face-unclear"]


@pytest.mark.parametrize(("score", "severity"), [(0.0, Severity.INFO), (0.05, Severity.WARNING)])
def test_a_tied_face_does_not_say_what_its_mouth_does_not_and_a_moving_one_is_a_warning(
    score: float, severity: Severity
) -> None:
    said = Sighting("face", "shot-1", "aloud", "a", 4, 0.6)
    thought = Sighting("face", "shot-1", "thought", "a", 2, score, 6.0)
    flags: list[Flag] = []

    tied = decide([said, thought], flags)

    assert unsaid([said, thought], tied, flags) == {"face": ["thought"]}
    assert [(flag.code, flag.severity) for flag in flags] == [("voice-off-screen", severity)]


class Scene:
    """The sample film's shot of Mara, with faces put in by hand whose mouths do what they are told."""

    def __init__(self, folder: Path) -> None:
        truth = json.loads(FILM.with_suffix(".truth.json").read_text(encoding="utf-8"))
        self.first, self.stop = truth["shots"][1]["first"], truth["shots"][1]["stop"]
        self.opening = np.array(truth["face"]["opening"])
        self.lines = [(line["start"], line["end"]) for line in truth["lines"]]
        self.stand = Stand(folder)
        source, table = examine(FILM)
        heard = mono(np.concatenate(list(sound(FILM, table))))
        self.stand.film(resample(heard, source.audio[0].sample_rate, RATE), fps=FPS)

    def rows(self, line: int) -> slice:
        start, end = self.lines[line]
        return slice(round(start * FPS) - self.first, round(end * FPS) - self.first)

    def saying(self, lines: set[int], *, else_: str = "moves") -> Curve:
        """Return an opening that says these lines, and else moves to nothing that is heard, or rests."""
        opening = self.opening.copy()
        for line in {0, 1, 2, 3} - lines:
            rows = self.rows(line)
            if else_ == "moves":
                opening[rows] = opening[rows][::-1]
            else:  # lips come to rest some frames after the last sound
                opening[max(0, rows.start - SETTLING) : rows.stop + SETTLING] = opening[rows].mean()
        return opening

    def _track(self, name: str) -> FaceTrack:
        return FaceTrack(name, "shot", self.first, self.stop, 60, 0, 1)

    def tied(self, faces: dict[str, Curve], owners: str = "aaaa") -> Ties:
        """Return what is decided when line k is said by the voice `owners[k]`."""
        numbers = np.arange(self.first, self.stop, dtype=np.int32)
        folder = self.stand.put("faces", {"tracks": [self._track(name) for name in faces]})
        arrays: dict[str, NDArray[np.generic]] = {}
        for name, opening in faces.items():
            steps = (opening - self.opening.mean()) / self.opening.std()
            arrays |= {f"{name}.numbers": numbers, f"{name}.usable": np.ones(len(numbers), bool)}
            arrays[f"{name}.landmarks"] = talking_head.landmarks(steps)
        np.savez(folder / "tracks.npz", **arrays)  # type: ignore[arg-type]
        spoken: list[Utterance] = [
            utterance(f"line {number}", *times, speaker=owners[number]) for number, times in enumerate(self.lines)
        ]
        ctx = Context(self.stand.folder, FILM, self.stand.folder, 1, None, {"sync": scorer})
        found = tie(Made(self.stand.products), spoken, ctx)
        self.stand.flags = ctx.flags
        return found


@cache
def scorer() -> ArticulationScorer:
    """Return one engine for all scenes: to load it takes longer than to ask it."""
    return ArticulationScorer()


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


@pytest.mark.weights
def test_of_two_mouths_that_both_move_the_speakers_is_found(scene: Scene) -> None:
    found = scene.tied({"left": scene.saying(set()), "right": scene.saying({0, 1, 2, 3})})

    assert found.faces == {"right": "a"}
    assert "face-unclear" in scene.stand.codes()


@pytest.mark.weights
@pytest.mark.parametrize("meanwhile", ["moves", "rests"])
def test_two_who_take_turns_each_get_their_own_voice(scene: Scene, meanwhile: str) -> None:
    left, right = scene.saying({0, 1}, else_=meanwhile), scene.saying({2, 3}, else_=meanwhile)

    found = scene.tied({"left": left, "right": right}, owners="aabb")

    assert found.faces == {"left": "a", "right": "b"}


@pytest.mark.weights
def test_nobody_is_tied_to_a_voice_off_screen(scene: Scene) -> None:
    found = scene.tied({"left": scene.saying(set()), "right": scene.saying(set(), else_="rests")})

    assert found == Ties()
    assert sorted(code for code in scene.stand.codes() if code != "more-faces-than-speakers") == [
        "face-silent", "face-unclear",
    ]  # fmt: skip


@pytest.mark.weights
def test_lines_heard_over_the_speakers_closed_mouth_are_left_to_the_film(scene: Scene) -> None:
    found = scene.tied({"face": scene.saying({0, 2, 3}, else_="rests")})

    assert found.faces == {"face": "a"}
    assert found.unsaid == {"face": [utterance("line 1", *scene.lines[1]).id]}


class Listener:
    """A mouth engine that keeps what it was asked to perform."""

    def __init__(self) -> None:
        self.asked: dict[Path, Footage] = {}

    def perform(self, actor: Path, footage: Footage, *, progress: object) -> list[Patch]:
        self.asked[actor] = footage
        return []


def test_a_mouth_hears_its_own_voice_alone_and_keeps_still_for_what_it_does_not_say(tmp_path: Path) -> None:
    stand = Stand(tmp_path)
    examine(FILM)[1].save(stand.put("source", {}) / "frames.npz")
    shot = Shot("shot-1", 0, 200, Span(Fraction(0), Fraction(8)))
    said = [
        utterance(text, start, end, speaker=owner)
        for text, start, end, owner in (("one", 0, 2, "a"), ("two", 1.5, 4, "b"), ("three", 5, 7, "a"))
    ]
    stand.put("speakers", {"utterances": said, "faces": {"left": "a"}, "unsaid": {"left": [said[2].id]}})
    stand.put("rights", {"consent": [{"speaker": "a", "face": True}, {"speaker": "b", "face": True}]})
    (stand.put("actor", {}) / "a").mkdir()
    drive = stand.put(
        "drive", {"start": -1.0, "speaking": {"a": [[0.0, 1.4], [5.1, 6.8]], "b": [[1.5, 3.9]]}, "kept": []}
    )
    wav.write(drive / "speech.wav", np.full(10 * RATE, 0.1, np.float32), RATE)
    faces = stand.put("faces", {"tracks": []})
    both = {}
    for track in ("left", "right"):
        both |= {f"{track}.numbers": np.arange(200), f"{track}.usable": np.ones(200, bool)}
        both[f"{track}.landmarks"] = np.zeros((200, 468, 3), np.float32)
    np.savez(faces / "tracks.npz", **both)  # type: ignore[arg-type]
    engine = Listener()
    ctx = Context(tmp_path, FILM, tmp_path, 1, "es", {"mouth": lambda: engine})

    mouth.function(Unit("es", "es", item=to_json(shot)), Made(stand.products), ctx, None)

    (shown,) = engine.asked.values()
    heard = np.flatnonzero(shown.speech) / RATE - 1
    assert (heard.min(), heard.max()) == (pytest.approx(0, abs=0.01), pytest.approx(1.4, abs=0.01))
    assert np.array_equal(np.flatnonzero(shown.speaking), np.arange(35))
    assert shown.was_speaking is not None
    assert np.array_equal(np.flatnonzero(shown.was_speaking), np.arange(50))
