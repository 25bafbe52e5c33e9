"""Speakers: voices are told apart, faces are tied only when it is plain, everything else is said."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise, starmap
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from words_stand import RATE, Stand, silence, tone, utterance

from dubsync.audio.voices import cluster
from dubsync.backends.fakes import FakeSpeakerEncoder, FakeSyncScorer, schematic_face
from dubsync.errors import PermanentError
from dubsync.stages._owners import Sighting, decide
from dubsync.stages.speakers import SpeakersParams, speakers
from dubsync.text.sentences import utterance_of
from dubsync.timing import Span, seconds
from dubsync.title import FaceTrack, Flag, Utterance, Word

LOW, HIGH = 120.0, 400.0
FPS = 25


def conversation(tmp_path: Path, turns: list[tuple[float, float]]) -> Stand:
    """A film of hums (seconds, pitch), half a second apart, with its transcript."""
    stand = Stand(tmp_path)
    parts, said, at = [silence(0.5)], list[Utterance](), 0.5
    for number, (length, pitch) in enumerate(turns):
        parts += [tone(length, pitch), silence(0.5)]
        said.append(utterance(f"turn {number}", at, at + length))
        at += length + 0.5
    stand.film(np.concatenate(parts), fps=FPS)
    stand.put("transcript", {"language": "en", "confidence": 1.0, "utterances": said})
    return stand


def run(stand: Stand, **params: int) -> dict[str, object]:
    return dict(stand.run(speakers, SpeakersParams(**params), speaker=FakeSpeakerEncoder))


def who(value: dict[str, object]) -> list[int]:
    said = value["utterances"]
    assert isinstance(said, list)
    order: dict[str, int] = {}
    return [order.setdefault(one["speaker"], len(order)) for one in said]


def test_two_voices_are_told_apart_and_counted(tmp_path: Path) -> None:
    stand = conversation(tmp_path, [(2, LOW), (2, HIGH), (2, LOW), (2, HIGH)])
    value = run(stand)
    assert who(value) == [0, 1, 0, 1]
    assert [(one["name"], one["seconds"]) for one in value["speakers"]] == [("Speaker 1", 4.0), ("Speaker 2", 4.0)]  # type: ignore[attr-defined]
    with np.load(tmp_path / "out" / "speakers" / "voiceprints.npz") as prints:
        assert sorted(prints) == sorted(one["id"] for one in value["speakers"])  # type: ignore[attr-defined]
        assert all(np.linalg.norm(prints[name]) == pytest.approx(1, abs=1e-5) for name in prints)


def test_a_short_turn_joins_its_voice(tmp_path: Path) -> None:
    assert who(run(conversation(tmp_path, [(2, LOW), (2, HIGH), (0.5, LOW)]))) == [0, 1, 0]


def test_one_voice_is_one_speaker(tmp_path: Path) -> None:
    assert who(run(conversation(tmp_path, [(2, LOW)] * 4))) == [0, 0, 0, 0]


def test_a_given_count_is_kept_or_flagged(tmp_path: Path) -> None:
    stand = conversation(tmp_path, [(2, LOW), (2, HIGH)])
    assert who(run(stand, count=1)) == [0, 0]
    run(stand, count=3)
    assert stand.codes() == ["speaker-count"]


def test_ids_do_not_change_when_another_line_is_found(tmp_path: Path) -> None:
    first = run(conversation(tmp_path / "a", [(2, LOW), (2, HIGH)]))["speakers"]
    second = run(conversation(tmp_path / "b", [(2, LOW), (2, HIGH), (2, LOW)]))["speakers"]
    assert [one["id"] for one in first] == [one["id"] for one in second]  # type: ignore[attr-defined]


def test_stretches_without_a_voiceprint_join_their_neighbour() -> None:
    one, two = np.eye(2, dtype=np.float32)
    assert cluster([one, None, two, None], [3, 0.2, 3, 0.2]) == (0, 0, 1, 1)
    assert cluster([None, None], [0.2, 0.2]) == (0, 0)


class _Deaf:
    def embed(self, samples: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
        raise PermanentError("there is no speech to hear a speaker in")


def test_a_film_in_which_no_voiceprint_can_be_taken_has_one_speaker(tmp_path: Path) -> None:
    value = conversation(tmp_path, [(1, LOW), (1, HIGH)]).run(speakers, SpeakersParams(), speaker=_Deaf)
    assert len(value["speakers"]) == 1


def face(opening: NDArray[np.float64], x: float = 0) -> NDArray[np.float32]:
    return np.stack([schematic_face((x, 0, x + 100, 140), float(one)) for one in opening])


def add_faces(stand: Stand, shot: str, first: int, stop: int, openings: dict[str, NDArray[np.float64]]) -> None:
    tracks = [FaceTrack(name, shot, first, stop, 40, 0, 1) for name in openings]
    folder = stand.put("faces", {"tracks": tracks}, key=shot)
    numbers = np.arange(first, stop, dtype=np.int32)
    np.savez(
        folder / "tracks.npz",
        **{f"{name}.numbers": numbers for name in openings},
        **{f"{name}.landmarks": face(opening) for name, opening in openings.items()},
        **{f"{name}.usable": np.ones(len(numbers), bool) for name in openings},
    )  # type: ignore[arg-type]


def talking(frames: int) -> NDArray[np.float64]:
    """A mouth that opens and closes with `tone`."""
    return 0.08 * (0.55 - 0.45 * np.cos(2 * np.pi * 4 * np.arange(frames) / FPS))


def resting(frames: int) -> NDArray[np.float64]:
    return 0.01 + np.random.default_rng(0).normal(0, 0.0008, frames)


def test_a_moving_mouth_alone_in_its_shot_is_the_speakers(tmp_path: Path) -> None:
    stand = conversation(tmp_path, [(2, LOW)])
    add_faces(stand, "shot-1", 0, 75, {"face-1": talking(75)})
    value = run(stand)
    assert list(value["faces"]) == ["face-1"]  # type: ignore[call-overload]
    assert value["speakers"][0]["tracks"] == ["face-1"]  # type: ignore[index]
    assert not stand.flags


def test_a_mouth_at_rest_stays_untied_and_is_flagged(tmp_path: Path) -> None:
    stand = conversation(tmp_path, [(2, LOW)])
    add_faces(stand, "shot-1", 0, 75, {"face-1": resting(75)})
    assert run(stand)["faces"] == {}
    assert stand.codes() == ["face-silent"]


def test_of_two_faces_the_one_that_speaks_is_tied(tmp_path: Path) -> None:
    stand = conversation(tmp_path, [(2, LOW)])
    add_faces(stand, "shot-1", 0, 75, {"face-1": resting(75), "face-2": talking(75)})
    assert list(run(stand)["faces"]) == ["face-2"]  # type: ignore[call-overload]
    assert sorted(stand.codes()) == ["face-silent", "more-faces-than-speakers"]


def test_two_faces_that_both_move_are_left_alone_and_flagged(tmp_path: Path) -> None:
    stand = conversation(tmp_path, [(2, LOW)])
    add_faces(stand, "shot-1", 0, 75, {"face-1": talking(75), "face-2": talking(75)})
    assert run(stand)["faces"] == {}
    assert stand.codes().count("face-unclear") == 2


def test_a_film_without_faces_says_so(tmp_path: Path) -> None:
    stand = conversation(tmp_path, [(2, LOW)])
    stand.put("faces", {"tracks": []}, key="shot-1")
    assert run(stand)["faces"] == {}
    assert stand.codes() == ["no-face"]


def test_a_face_seen_with_two_voices_goes_to_the_one_with_clearly_more() -> None:
    def seen(speaker: str, length: float) -> Sighting:
        return Sighting("face-1", "shot-1", f"utterance-{speaker}-{length}", speaker, length, 0.8)

    flags: list[Flag] = []
    assert decide([seen("a", 4), seen("b", 1)], flags) == {"face-1": "a"}
    assert decide([seen("a", 2), seen("b", 2)], flags) == {}
    assert [flag.code for flag in flags] == ["face-unclear"]


def test_a_sync_engine_tells_two_moving_mouths_apart(tmp_path: Path) -> None:
    stand = conversation(tmp_path, [(2, LOW)])
    add_faces(stand, "shot-1", 0, 75, {"face-1": talking(75), "face-2": 0.5 * talking(75)})
    value = stand.run(speakers, SpeakersParams(), speaker=FakeSpeakerEncoder, sync=FakeSyncScorer)
    assert list(value["faces"]) == ["face-1"]


Turns = list[tuple[float, float]]


def running(tmp_path: Path, *said: Turns, confidence: float | None = 0.9) -> Stand:
    """A film of hums (seconds, pitch): each list without any pause, heard as one utterance of words of 0.3 s."""
    stand = Stand(tmp_path)
    sound, wholes = [silence(0.5)], []
    for turns in said:
        at = sum(len(part) for part in sound) / RATE
        sound += [*(tone(length, pitch) for length, pitch in turns), silence(0.8)]
        count = round(sum(length for length, _ in turns) / 0.3)
        edges = [seconds(round(at + 0.3 * number, 3)) for number in range(count + 1)]
        words = [Word(f"w{number}", span, confidence) for number, span in enumerate(starmap(Span, pairwise(edges)))]
        wholes.append(utterance_of(words, "en"))
        if confidence is None:
            wholes[-1] = replace(wholes[-1], confidence=None)
    stand.film(np.concatenate(sound), fps=FPS)
    stand.put("transcript", {"language": "en", "confidence": 1.0, "utterances": wholes})
    return stand


def said(value: dict[str, object]) -> list[tuple[str, str]]:
    """The first and last word of each utterance."""
    found = value["utterances"]
    assert isinstance(found, list)
    return [(one["text"].split()[0], one["text"].split()[-1]) for one in found]


def test_an_utterance_is_parted_where_another_known_voice_goes_on(tmp_path: Path) -> None:
    stand = running(tmp_path, [(2.4, LOW)], [(2.4, HIGH)], [(2.4, LOW), (1.8, HIGH), (2.1, LOW)])
    value = run(stand)
    assert said(value) == [("w0", "w7"), ("w0", "w7"), ("w0", "w7"), ("w8", "w13"), ("w14", "w20")]
    assert who(value) == [0, 1, 0, 1, 0]
    assert stand.codes() == ["voice-changes"]
    assert "0:00:09.300 and 0:00:11.100" in stand.flags[0].what


def test_an_utterance_of_one_voice_stays_whole_with_its_id(tmp_path: Path) -> None:
    stand = running(tmp_path, [(2.4, LOW)], [(2.4, HIGH)], [(6.0, LOW)])
    told = json.loads((stand.products["transcript"][0].folder / "product.json").read_text())["utterances"]
    value = run(stand)
    assert [one["id"] for one in value["utterances"]] == [one["id"] for one in told]  # type: ignore[attr-defined]
    assert stand.codes() == []


def test_a_voice_that_is_not_known_from_the_rest_of_the_film_parts_nothing(tmp_path: Path) -> None:
    stand = running(tmp_path, [(2.4, LOW)], [(2.4, LOW), (2.4, HIGH)])
    assert len(said(run(stand))) == 2
    assert stand.codes() == []


def test_a_stranger_among_known_voices_leaves_the_utterance_whole_and_that_is_said(tmp_path: Path) -> None:
    stand = running(tmp_path, [(2.4, LOW)], [(2.4, HIGH)], [(2.4, LOW), (2.4, 800.0)])
    value = run(stand)
    assert len(said(value)) == 3
    assert stand.codes() == ["voice-unsure"]


def test_the_cues_of_a_persons_transcript_stay_as_they_are(tmp_path: Path) -> None:
    turns = [(2.4, LOW)], [(2.4, HIGH)], [(2.4, LOW), (2.4, HIGH)]
    assert len(said(run(running(tmp_path, *turns, confidence=None)))) == 3
