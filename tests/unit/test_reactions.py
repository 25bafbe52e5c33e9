"""Reactions are kept where no word is near, none is heard in them, and nobody speaks over them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import talking_head
from test_mix import RATE, Film, MixParams, facts, mix, speak, voiced, words

from dubsync.audio import reactions as sounds
from dubsync.audio import timeline, wav
from dubsync.audio.timeline import Region
from dubsync.backends.protocols import Transcript
from dubsync.documents import to_json
from dubsync.stages.mouth import as_filmed
from dubsync.stages.reactions import ReactionsParams, reactions
from dubsync.timing import Span
from dubsync.title import Speaker, Utterance, Word

SECONDS = 9
LAUGH, CLOSE, NEXT = (3.5, 4.1), (2.55, 2.9), (4.7, 5.2)
"""A sound apart from all words, one that begins 50 ms after a word, and one that is a word to the recogniser."""


class Ears:
    """Hears the given words in the sounds of these numbers, as they are strung one second apart."""

    def __init__(self, *said: tuple[int, str]) -> None:
        self.said, self.seconds = said, 0.0

    def transcribe(self, speech: Path, *, language: str | None, progress: Any) -> Transcript:
        facts = wav.facts(speech)
        assert (facts.sample_rate, facts.channels, language) == (16000, 1, "en")
        sound = wav.read(speech)[:, 0]
        (loud,) = np.nonzero(np.abs(sound) > 0.02)
        cuts = [0, *(np.flatnonzero(np.diff(loud) > 8000) + 1).tolist(), len(loud)]
        places = [Span(Fraction(int(loud[a]), 16000), Fraction(int(loud[b - 1]), 16000)) for a, b in pairwise(cuts)]
        heard = [Utterance(f"u{n}", text, places[n], (Word(text, places[n]),)) for n, text in self.said]
        return Transcript("en", 1.0, tuple(heard))


def utterance(name: str, *spans: tuple[float, float]) -> Utterance:
    found = [Span(Fraction(str(start)), Fraction(str(end))) for start, end in spans]
    spoken = tuple(Word("word", span) for span in found)
    return Utterance(name, "word", Span(found[0].start, found[-1].end), spoken, speaker="speaker-1")


@pytest.fixture
def film(tmp_path: Path) -> Film:
    """Words at 2 to 2.5 s and at 6 to 6.6 s of one utterance, three other sounds in the pause, music under all."""
    made = Film(tmp_path)
    music = np.random.default_rng(0).standard_normal((RATE * SECONDS, 2)).astype(np.float32) * 0.003
    speech = np.zeros((RATE * SECONDS, 2), np.float32)
    for start, stop in ((2.0, 2.5), (6.0, 6.6), LAUGH, CLOSE, NEXT):
        sound = voiced(stop - start + 0.01, 160)[: round(stop * RATE) - round(start * RATE)]
        speech[round(start * RATE) : round(stop * RATE)] = sound[:, None]
    made.put("source", facts(2), audio=music + speech)
    made.put("stems", {}, dialogue=speech, bed=music)
    one = utterance("utterance-1", (2.0, 2.5), (6.0, 6.6))
    made.put("transcript", {"language": "en", "utterances": to_json((one,))})
    made.put("speakers", {"speakers": to_json((Speaker("speaker-1", "Anna", 2.0),)), "utterances": to_json((one,))})
    made.put("rights", {"consent": []})
    return made


class Even:
    """Says that sounds of these lengths (seconds) change as words do."""

    def __init__(self, *wordy: float) -> None:
        self.wordy = wordy

    def variety(self, samples: np.ndarray, sample_rate: int) -> float:
        return 1.2 if round(len(samples) / sample_rate, 1) in self.wordy else 0.8


def found(film: Film, *said: tuple[int, str], keep: bool = True, wordy: float = 0) -> list[tuple[float, float]]:
    film.more["asr"] = lambda: Ears(*said)
    film.more["wordless"] = lambda: Even(wordy)
    product = film.run(reactions, ReactionsParams(keep))
    assert not product.file("alone.wav").exists()
    return [(float(Fraction(row["start"])), float(Fraction(row["end"]))) for row in product.value["reactions"]]


def test_a_sound_apart_from_words_is_kept_and_one_beside_a_word_is_not(film: Film) -> None:
    assert found(film) == [pytest.approx(LAUGH, abs=0.02), pytest.approx(NEXT, abs=0.02)]


def test_a_sound_in_which_a_word_is_heard_is_not_kept_and_laughing_is_no_word(film: Film) -> None:
    assert found(film, (1, "Wait!")) == [pytest.approx(LAUGH, abs=0.02)]
    assert len(found(film, (0, "Haha"), (1, "[sighs]"))) == 2


def test_a_sound_that_changes_as_words_do_is_not_kept_though_no_word_was_heard(film: Film) -> None:
    assert found(film, wordy=0.5) == [pytest.approx(LAUGH, abs=0.02)]


def test_without_an_engine_that_tells_words_nothing_is_kept_and_a_flag_says_so(film: Film) -> None:
    film.more.pop("wordless", None)
    film.more["asr"] = lambda: Ears()
    product = film.run(reactions, ReactionsParams())
    assert product.value["reactions"] == []
    assert film.flags == ["reactions-not-kept"]


def test_where_it_is_not_wanted_nothing_is_looked_at(film: Film) -> None:
    assert found(film, keep=False) == []


def test_what_lies_under_louder_music_is_not_kept(film: Film) -> None:
    bed = wav.read(film.folder / "stems-0" / "bed.wav")
    wav.write(film.folder / "stems-0" / "bed.wav", bed * 200, RATE)
    assert found(film) == []


@pytest.mark.parametrize(("seconds", "count"), [(0.08, 0), (0.3, 0), (0.45, 1), (4.5, 0)])
def test_clicks_short_words_and_long_sounds_are_no_reactions(seconds: float, count: int) -> None:
    levels = np.full(2000, -90, np.float32)
    levels[500 : 500 + round(seconds * 100)] = -20
    heard = sounds.Levels(levels, np.full(2000, -90, np.float32), 480, RATE)
    assert len(sounds.candidates(heard, Span(Fraction(0), Fraction(20)), ())) == count


def test_a_sound_that_runs_into_a_word_is_part_of_it_whatever_the_times_say() -> None:
    levels = np.full(1000, -90, np.float32)
    levels[300:420] = -20
    levels[430:445] = -25
    heard = sounds.Levels(levels, np.full(1000, -90, np.float32), 480, RATE)
    word = Span(Fraction(3), Fraction(7, 2))
    assert sounds.candidates(heard, Span(Fraction(0), Fraction(10)), (word,)) == []


def mixed(film: Film, *said: tuple[int, str], text: str = words(5)) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The mix, the original and the bed, with the line spoken at 2 s for a second at most."""
    found(film, *said)
    speak(film, text, Span(Fraction(2), Fraction(7)))
    product = film.run(mix, MixParams())
    return wav.read(product.file("dub.wav")), *(
        wav.read(film.folder / name) for name in ("source-0/audio.wav", "stems-0/bed.wav")
    )


def inside(span: Sequence[float], edge: float = 0.03) -> slice:
    return slice(round((span[0] + edge) * RATE), round((span[1] - edge) * RATE))


def test_a_kept_reaction_is_the_original_bit_for_bit_and_no_word_comes_with_it(film: Film) -> None:
    dub, original, bed = mixed(film, (1, "Wait!"))
    np.testing.assert_array_equal(dub[inside(LAUGH)], original[inside(LAUGH)])
    for span in (CLOSE, NEXT, (6.0, 6.6)):
        left, music = dub[inside(span)] - bed[inside(span)], bed[inside(span)]
        assert np.sqrt(np.mean(left**2) / np.mean(music**2)) < 0.12, "the bed with its watermark, and nothing else"
    assert np.abs(np.diff(dub[round(3.3 * RATE) : round(4.3 * RATE), 0])).max() < 0.1


def test_under_a_kept_laugh_the_mouth_stays_as_filmed(film: Film) -> None:
    mixed(film, (1, "Wait!"))
    (kept,) = film.products["mix"][0].value["kept"]
    laugh = [float(Fraction(edge)) for edge in kept]
    assert laugh == pytest.approx(LAUGH, abs=0.02)

    shot = talking_head.footage(np.zeros(200), np.zeros(1), speaking=np.zeros(200, bool))
    times = shot.times
    shot = replace(shot, was_speaking=(times >= 2) & (times < 7))
    left = as_filmed(shot, [laugh]).was_speaking

    assert left is not None
    assert not left[(times >= laugh[0]) & (times < laugh[1])].any()
    assert left[((times >= 2) & (times < laugh[0])) | ((times >= laugh[1]) & (times < 7))].all()
    assert not left[(times < 2) | (times >= 7)].any()


def test_a_reaction_under_the_dub_is_not_kept(film: Film) -> None:
    dub, original, bed = mixed(film, text=words(40))
    line = (dub - bed)[inside(LAUGH)]
    reaction = (original - bed)[inside(LAUGH)]
    assert abs(float((line * reaction).sum()) / float((reaction * reaction).sum())) < 0.3
    assert np.abs(line).max() > 0.01


def test_holes_are_cut_out_of_regions() -> None:
    regions = (Region(0, 100), Region(200, 300))
    assert timeline.without(regions, [Region(20, 30), Region(90, 210), Region(400, 500)]) == (
        Region(0, 20),
        Region(30, 90),
        Region(210, 300),
    )
    assert timeline.without(regions, [Region(0, 300)]) == ()


def test_the_pipelines_know_the_stage(tmp_path: Path) -> None:
    from dubsync import pipeline

    for name in ("film", "draft", "adr", "voice-only"):
        chosen = pipeline.load(name, settings={"reactions": {"keep": True}})
        (step,) = [step for step in chosen.steps if step.name == "reactions"]
        assert step.params == ReactionsParams(keep=True)
    assert json.dumps(to_json(ReactionsParams()))
