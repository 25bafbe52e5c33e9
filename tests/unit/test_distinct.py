"""People who would come out with one voice get two, as far apart as they are themselves; others keep theirs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from dubsync.backends.fakes import FakeTranscriber, FakeVoice
from dubsync.backends.protocols import Enrolled, Progress, Take, Transcript, Voice
from dubsync.errors import Flag, Severity
from dubsync.stages import _distinct, casting
from dubsync.stages._intelligible import Ways
from dubsync.timing import Span, seconds
from dubsync.title import Utterance

WORDS = "uno dos tres cuatro cinco seis siete ocho nueve"


def take(voice: float, person: float) -> Take:
    """Voices and persons are angles in degrees: how alike two are is the cosine of what lies between."""
    made: Voice = {"pitch": np.array([100 + voice], np.float32)}
    return Take(made, WORDS, np.ones(2400, np.float32) * 0.1, 24000, _at(voice), _at(person))


def _at(degrees: float) -> np.ndarray:
    return np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))], np.float32)


def _angle(of: Take) -> float:
    return round(float(np.degrees(np.arctan2(of.heard[1], of.heard[0]))))


def enrolled(person: float, *voices: float) -> Enrolled:
    takes = tuple(take(voice, person) for voice in voices)
    return Enrolled(takes[0].voice, takes[0].likeness, takes=takes)


@dataclass
class Stepping(FakeVoice):
    """Moves a voice away from the others, by `step` degrees towards its person."""

    step: float
    asked: list[tuple[int, list[int]]] = field(default_factory=list)

    def parted(self, take_: Take, others: Sequence[Take]) -> Iterator[Take]:
        self.asked.append((_angle(take_), [_angle(other) for other in others]))
        person = float(np.degrees(np.arctan2(take_.person[1], take_.person[0])))
        yield take(_angle(take_) + np.sign(person - _angle(take_)) * self.step, person)


class Ears(FakeTranscriber):
    """Understands everything, or what it is told that it does."""

    def __init__(self, words: str = WORDS) -> None:
        self.words = words

    def transcribe(self, speech: Path, *, language: str | None, progress: Progress) -> Transcript:
        return Transcript("es", 1.0, (Utterance("u", self.words, Span(seconds(0), seconds(1))),))


def cast(folder: Path, *people: Enrolled, engine: FakeVoice, words: str = WORDS) -> list[Enrolled]:
    ways = Ways(engine, Ears(words), "es", folder)
    return list(_distinct.apart({str(number): one for number, one in enumerate(people)}, ways).values())


def test_two_people_who_would_get_the_same_voice_get_two(tmp_path: Path) -> None:
    engine = Stepping(step=40)
    first, second = cast(tmp_path, enrolled(0, 10), enrolled(80, 10), engine=engine)

    assert [_angle(one.takes[0]) for one in (first, second)] == [-30, 50]
    assert engine.asked == [(10, [10]), (10, [10])], "both give way"
    assert second.voice is second.takes[0].voice
    assert second.similarity == pytest.approx(np.cos(np.radians(30)), abs=1e-4)
    assert (second.notes["too_alike"], second.flags) == (0, ())
    assert not list(tmp_path.iterdir())


class Wavering(Stepping):
    """First goes a little in the wrong direction, then to the person."""

    def parted(self, take_: Take, others: Sequence[Take]) -> Iterator[Take]:
        yield take(_angle(take_) - 5, float(np.degrees(np.arctan2(take_.person[1], take_.person[0]))))
        yield from super().parted(take_, others)


def test_further_takes_go_on_from_the_best_of_those_before(tmp_path: Path) -> None:
    engine = Wavering(step=10)
    first, second = cast(tmp_path, enrolled(0, 10), enrolled(80, 10), engine=engine)

    assert engine.asked == [(10, [10]), (10, [10]), (0, [20]), (20, [0])]
    assert [_angle(one.takes[0]) for one in (first, second)] == [-5, 30]


def test_another_take_that_is_there_is_used_before_one_is_made(tmp_path: Path) -> None:
    engine = Stepping(step=40)
    _, second = cast(tmp_path, enrolled(0, 10), enrolled(80, 10, 85), engine=engine)

    assert _angle(second.takes[0]) == 85
    assert engine.asked == []


def test_the_one_who_loses_less_gives_way(tmp_path: Path) -> None:
    first, second = cast(tmp_path, enrolled(0, 10, -20), enrolled(80, 55), engine=FakeVoice())

    assert [_angle(one.takes[0]) for one in (first, second)] == [-20, 55]
    assert (first.notes["too_alike"], first.flags, second.flags) == (0, (), ())


def test_what_was_said_of_a_take_that_gave_way_is_not_said_of_the_other(tmp_path: Path) -> None:
    flags = (Flag(Severity.INFO, "voice-tempered", "", "", ""), Flag(Severity.INFO, "little-speech", "", "", ""))
    tempered = replace(enrolled(80, 10, 90), flags=flags, notes={"native_share": 0.35, "words_lost": 0.1})

    _, second = cast(tmp_path, enrolled(0, 10), tempered, engine=Stepping(step=40))

    assert [flag.code for flag in second.flags] == ["little-speech"]
    assert (second.notes["native_share"], second.notes["words_lost"]) == (0.0, 0.0)


def test_people_who_are_alike_themselves_may_sound_alike(tmp_path: Path) -> None:
    people = enrolled(0, 5), enrolled(10, 15)
    engine = Stepping(step=40)

    assert cast(tmp_path, *people, engine=engine) == list(people)
    assert engine.asked == []


def test_a_voice_is_not_moved_where_its_person_would_lose_more_than_is_won(tmp_path: Path) -> None:
    first, second = cast(tmp_path, enrolled(0, 40), enrolled(70, 60, -10), engine=FakeVoice())

    assert _angle(second.takes[0]) == 60
    assert [flag.code for flag in second.flags] == ["voices-alike"]
    assert first.flags == ()


def test_a_voice_whose_words_are_lost_is_no_way_out(tmp_path: Path) -> None:
    _, second = cast(tmp_path, enrolled(0, 10), enrolled(80, 10), engine=Stepping(step=40), words="")

    assert _angle(second.takes[0]) == 10
    assert [flag.code for flag in second.flags] == ["voices-alike"]


@pytest.mark.parametrize(("before", "angle"), [(0.0, 10), (0.12, 50)])
def test_no_more_words_are_lost_than_before(tmp_path: Path, before: float, angle: float) -> None:
    understood = replace(enrolled(80, 10), notes={"words_lost": before})
    eight = WORDS.removesuffix(" nueve")

    _, second = cast(tmp_path, enrolled(0, 10), understood, engine=Stepping(step=40), words=eight)

    assert _angle(second.takes[0]) == angle


def test_voices_that_were_not_fitted_stay_and_nothing_is_compared_with_them(tmp_path: Path) -> None:
    stock = Enrolled({"pitch": np.array([110], np.float32)})
    engine = Stepping(step=40)
    found = cast(tmp_path, stock, enrolled(80, 10), stock, engine=engine)

    assert found[0] is stock
    assert found[2] is stock
    assert engine.asked == []


class Twins(Stepping):
    """Fits the same voice to everybody; who somebody is, is told by how loud they are."""

    def enroll(self, samples: np.ndarray, sample_rate: int, *, language: str, progress: Progress) -> Enrolled:
        return enrolled(float(np.max(samples)) * 100, 10)

    def tempered(self, take_: Take, share: float) -> Take:
        return take_


def test_casting_keeps_the_people_of_a_film_apart_and_those_alone_as_they_are(tmp_path: Path) -> None:
    sounds = [np.full(4800, level, np.float32) for level in (0.0, 0.8)]
    ways = Ways(Twins(step=40), Ears(), "es", tmp_path)

    alone = [casting.fitted(sound, 24000, ways, 0.2) for sound in sounds]
    cast_together = casting.together(alone, ways)

    assert [_angle(one.takes[0]) for one in alone] == [10, 10]
    assert [_angle(one.takes[0]) for one in cast_together] == [-30, 50]
    again = casting.together([casting.fitted(sound, 24000, ways, 0.2) for sound in sounds], ways)
    assert [_angle(one.takes[0]) for one in again] == [-30, 50], "the same people get the same voices"


class Patient(Stepping):
    """Brings whoever speaks for a minute and more to their own angle, and halfway there."""

    worth_s = 60.0

    def enroll(self, samples: np.ndarray, sample_rate: int, *, language: str, progress: Progress) -> Enrolled:
        return enrolled(80, 10)

    def tempered(self, take_: Take, share: float) -> Take:
        return take_

    def nearer(self, take_: Take, seconds: float) -> tuple[Take, ...]:
        return (take(45, 80), take(80, 80)) if seconds >= 60 else ()


def test_whoever_speaks_enough_is_brought_nearer_and_the_take_before_is_kept(tmp_path: Path) -> None:
    ways = Ways(Patient(step=40), Ears(), "es", tmp_path)
    little, much = (casting.fitted(np.zeros(4800, np.float32), 24000, ways, said) for said in (59, 60))

    assert [_angle(one) for one in little.takes] == [10]
    assert [_angle(one) for one in much.takes] == [80, 45, 10], "the most alike first"
    assert much.voice is much.takes[0].voice
    assert (much.similarity, much.notes["fitted"]) == (pytest.approx(1), pytest.approx(1))
