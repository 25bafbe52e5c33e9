"""People who would come out with one voice get two, as far apart as they are themselves; others keep theirs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from dubsync.audio import features, wav
from dubsync.backends.fakes import FakeTranscriber, FakeVoice
from dubsync.backends.protocols import Enrolled, Progress, Take, Transcript, Voice
from dubsync.errors import Flag, Severity
from dubsync.stages import _distinct, casting
from dubsync.stages._intelligible import Ways
from dubsync.timing import Span, seconds
from dubsync.title import Utterance, Word

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
    """Has a variant of each voice, `step` degrees nearer to its person; is asked for those of some angles."""

    step: float
    asked: list[int] = field(default_factory=list)
    listened: list[int] = field(default_factory=list)

    def known(self, voice: Voice, language: str) -> Take:
        angle = float(voice["pitch"][0]) - 100
        self.listened.append(round(angle))
        return replace(take(angle, 0), voice=voice, person=np.zeros(2, np.float32))

    def further(self, take_: Take) -> Take:
        """Return what is heard in one sentence: in the next it is heard the same."""
        return replace(take_, sentences=take_.sentences + 1)

    def away(self, take_: Take, other: Take) -> Iterator[Take]:
        return iter(())

    def refined(self, take_: Take) -> Take | None:
        return None

    def variants(self, take_: Take) -> Iterator[Take]:
        self.asked.append(_angle(take_))
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
    assert engine.asked == [10, 10], "both are asked to give way"
    assert second.voice is second.takes[0].voice
    assert second.similarity == pytest.approx(np.cos(np.radians(30)), abs=1e-4)
    assert (second.notes["too_alike"], second.flags) == (0, ())
    assert not list(tmp_path.iterdir())


class Pushing(Stepping):
    """Moves voices by twenty degrees away from another; a published one is not moved."""

    def away(self, take_: Take, other: Take) -> Iterator[Take]:
        if take_.person.any():
            person = float(np.degrees(np.arctan2(take_.person[1], take_.person[0])))
            yield take(_angle(take_) + 20 * np.sign(_angle(take_) - _angle(other)), person)


def test_two_voices_are_pushed_apart_before_variants_are_made(tmp_path: Path) -> None:
    engine = Pushing(step=90)
    first, second = cast(tmp_path, enrolled(0, 20), enrolled(80, 45), engine=engine)

    assert [_angle(one.takes[0]) for one in (first, second)] == [0, 65]
    assert engine.asked == []


def test_a_fitted_voice_is_pushed_away_from_a_chosen_one_alone(tmp_path: Path) -> None:
    by_hand = Enrolled({"pitch": np.array([110], np.float32)})
    found = cast(tmp_path, by_hand, enrolled(80, 60), engine=Pushing(step=0))

    assert _angle(found[1].takes[0]) == 80
    assert found[0] is by_hand


@dataclass
class Mumbling(Pushing):
    """Whose pushed voices say two sentences, of which the second is understood with a native share alone."""

    shares: list[float] = field(default_factory=list)

    def further(self, take_: Take) -> Take:
        lost = _angle(take_) in (0, 65) and not self.shares
        return replace(
            take_,
            sentences=take_.sentences + 1,
            more=(
                *take_.more,
                (WORDS + (" diez once" if lost else ""), take_.said),
            ),
        )

    def tempered(self, take_: Take, share: float) -> Take:
        self.shares.append(share)
        return replace(take_, voice=dict(take_.voice), more=((WORDS, take_.said),))


def test_who_gave_way_and_loses_words_by_it_gets_a_share_of_the_native_timbre(tmp_path: Path) -> None:
    engine = Mumbling(step=0)
    first, second = cast(tmp_path, enrolled(0, 20), enrolled(80, 45), engine=engine)

    moved = [one for one in (first, second) if one.notes.get("native_share")]
    assert set(engine.shares) == {_distinct.SHARE}
    assert moved
    assert all(one.notes["native_share"] == _distinct.SHARE and one.notes["words_lost"] == 0 for one in moved)
    assert all([flag.code for flag in one.flags] == ["voice-tempered"] for one in moved)


class Unsure(Mumbling):
    """Says the second sentence so quietly that ears are not sure of it, until a native share helps."""

    def further(self, take_: Take) -> Take:
        level = 0.1 if self.shares or _angle(take_) not in (0, 65) else 0.01
        return replace(
            take_,
            sentences=take_.sentences + 1,
            more=(
                *take_.more,
                (WORDS + "." * take_.sentences, np.full(2400, level, np.float32)),
            ),
        )


class UnsureEars(Ears):
    """Understands all words, but is less sure of quiet ones."""

    def transcribe(self, speech: Path, *, language: str | None, progress: Progress) -> Transcript:
        span = Span(seconds(0), seconds(1))
        sure = 0.95 if features.level_db(wav.read(speech)[:, 0]) > -30 else 0.6
        words = tuple(Word(word, span, sure) for word in WORDS.split())
        return Transcript("es", 1.0, (Utterance("u", WORDS, span, words),))


def test_who_gave_way_and_is_understood_less_surely_by_it_gets_a_share_too(tmp_path: Path) -> None:
    ways = Ways(Unsure(step=0), UnsureEars(), "es", tmp_path)
    found = _distinct.apart({"a": enrolled(0, 20), "b": enrolled(80, 45)}, ways)

    shares = [one.notes.get("native_share", 0.0) for one in found.values()]
    assert max(shares) == _distinct.SHARE


class Refining(Stepping):
    """Brings voices ten degrees nearer to their persons."""

    def refined(self, take_: Take) -> Take | None:
        person = float(np.degrees(np.arctan2(take_.person[1], take_.person[0])))
        return take(_angle(take_) + 10 * np.sign(person - _angle(take_)), person)


def test_who_had_to_give_way_is_brought_nearer_and_nobody_else(tmp_path: Path) -> None:
    room: list[int] = []
    ways = Ways(Refining(step=40), Ears(), "es", tmp_path, lambda: room.append(1))
    people = {"a": enrolled(0, 10), "b": enrolled(80, 10), "c": enrolled(180, 170)}
    found = _distinct.apart(people, ways)

    assert [_angle(one.takes[0]) for one in found.values()] == [-20, 60, 170]
    assert room == [1], "once, before the work that takes memory"


def test_no_room_is_made_where_nobody_gives_way(tmp_path: Path) -> None:
    room: list[int] = []
    ways = Ways(Refining(step=40), Ears(), "es", tmp_path, lambda: room.append(1))
    _distinct.apart({"a": enrolled(0, 10), "b": enrolled(100, 90)}, ways)

    assert room == []


class Misheard(Stepping):
    """Whose voices come out elsewhere in a further sentence if they are from 0 to 15 degrees."""

    def further(self, take_: Take) -> Take:
        angle = _angle(take_)
        return replace(take_, sentences=take_.sentences + 1, heard=_at(angle + 90 * (0 <= angle <= 15)))


def test_voices_that_seem_alike_in_one_sentence_and_are_not_in_two_stay(tmp_path: Path) -> None:
    engine = Misheard(step=40)
    people = enrolled(0, 10), enrolled(80, 20)
    first, second = cast(tmp_path, *people, engine=engine)

    assert (first.voice, second.voice) == (people[0].voice, people[1].voice)
    assert engine.asked == []


@pytest.mark.parametrize(("sentences", "is_alike"), [(1, True), (2, False)])
def test_what_was_heard_for_longer_needs_less_margin(sentences: int, is_alike: bool) -> None:
    one, other = (replace(take(angle, angle), sentences=sentences) for angle in (0, 63.6))  # a cosine of .445
    other = replace(other, person=_at(90))

    assert (_distinct.excess(one, other) > 0) is is_alike


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


@pytest.mark.parametrize(("other", "angle"), [(91, 91), (105, 66)])
def test_being_told_apart_is_worth_twice_the_likeness(tmp_path: Path, other: float, angle: float) -> None:
    """At 66 degrees the voice is 0.109 too near, worth 0.218; 91 degrees cost 0.137 of likeness, 105 cost 0.287."""
    engine = Stepping(step=0)
    _, second = cast(tmp_path, enrolled(0, 10), enrolled(60, 66, other), engine=engine)

    assert _angle(second.takes[0]) == angle


def test_a_voice_that_somebody_chose_stays_and_the_others_keep_away_from_it(tmp_path: Path) -> None:
    by_hand = Enrolled({"pitch": np.array([110], np.float32)})
    engine = Stepping(step=40)
    found = cast(tmp_path, by_hand, enrolled(80, 10), by_hand, engine=engine)

    assert found[0] is by_hand
    assert found[2] is by_hand
    assert engine.listened == [10, 10]
    assert engine.asked == [10], "the fitted one alone"
    assert _angle(found[1].takes[0]) == 50


def test_beside_a_chosen_voice_that_cannot_be_left_somebody_is_told(tmp_path: Path) -> None:
    by_hand = Enrolled({"pitch": np.array([110], np.float32)})
    first, second = cast(tmp_path, enrolled(20, 10), by_hand, engine=Stepping(step=0))

    assert [flag.code for flag in first.flags] == ["voices-alike"]
    assert second.flags == ()


def test_nobody_listens_to_chosen_voices_alone(tmp_path: Path) -> None:
    by_hand = Enrolled({"pitch": np.array([110], np.float32)})
    engine = Stepping(step=40)

    assert cast(tmp_path, by_hand, by_hand, engine=engine) == [by_hand, by_hand]
    assert engine.listened == []


class Strangers(Stepping):
    """Has further stock voices at 70 and 120 degrees."""

    def variants(self, take_: Take) -> Iterator[Take]:
        for angle in (70, 120):
            yield replace(take(angle, 0), person=take_.person)


def test_two_of_whom_too_little_is_known_get_two_stock_voices(tmp_path: Path) -> None:
    nobody = replace(take(0, 0), person=np.zeros(2, np.float32))
    flags = (Flag(Severity.WARNING, "little-speech", "", "", ""),)
    extra = Enrolled(nobody.voice, None, flags, stock=nobody)
    first, second = cast(tmp_path, extra, extra, engine=Strangers(step=0))

    assert sorted(float(one.voice["pitch"][0]) for one in (first, second)) == [100, 170]
    assert [one.similarity for one in (first, second)] == [None, None]
    assert [one.flags for one in (first, second)] == [flags, flags]


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
