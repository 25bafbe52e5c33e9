"""Translation and script: ids and count are kept, sentences travel whole, slots hold, people have the last word."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from words_stand import Stand, silence, spoken, utterance

from dubsync import edits
from dubsync.backends.fakes import FakeTranslator, FakeVoice
from dubsync.backends.protocols import Capabilities, Progress, SourceLine, TranslatedLine
from dubsync.documents import from_json, to_json
from dubsync.errors import InputError, PermanentError
from dubsync.stages.script import ScriptParams, script, slots
from dubsync.stages.translation import TranslationParams, translation
from dubsync.text.duration import natural_seconds
from dubsync.text.memory import Memory
from dubsync.timing import Span
from dubsync.title import Candidate, Line


class Engine:
    """Answers with `say(text)`, candidates best first."""

    capabilities = Capabilities(name="mt.test", version="1")

    def __init__(self, say: Callable[[str], Sequence[str]]) -> None:
        self.say = say
        self.step = 1.0
        self.asked: list[SourceLine] = []

    def _ranked(self, text: str) -> tuple[Candidate, ...]:
        return tuple(Candidate(said, -self.step * n) for n, said in enumerate(self.say(text)))

    def translate(
        self, lines: Sequence[SourceLine], *, source: str, target: str, glossary: Mapping[str, str], progress: Progress
    ) -> tuple[TranslatedLine, ...]:
        self.asked += lines
        return tuple(TranslatedLine(line.id, self._ranked(line.text)) for line in lines)


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    made = Stand(tmp_path)
    made.film(silence(20))
    spoken(made, SAID)
    return made


SAID = (
    utterance("I have never seen", 1, 2, speaker="a"),
    utterance("such a thing. Really.", 2.4, 4, speaker="a"),
    utterance("Oh?", 6, 6.5, speaker="b"),
)


def translate(stand: Stand, engine: Any) -> list[Any]:
    value = stand.run(translation, TranslationParams(), language="es", mt=lambda: engine)
    lines: list[Any] = value["lines"]
    return lines


def test_every_utterance_gets_one_line_in_order(stand: Stand) -> None:
    lines = translate(stand, FakeTranslator())
    assert [line["utterance"] for line in lines] == [one.id for one in SAID]
    assert all(line["candidates"] for line in lines)
    assert stand.codes() == ["draft-translation"]


def test_a_sentence_cut_by_a_breath_is_translated_whole_and_dealt_back(stand: Stand) -> None:
    engine = Engine(lambda text: ["Nunca he visto cosa igual."] if "never" in text else [text])
    lines = translate(stand, engine)
    assert [line.text for line in engine.asked] == ["I have never seen such a thing.", "Really.", "Oh?"]
    first, second = (line["candidates"][0]["text"] for line in lines[:2])
    assert f"{first} {second}" == "Nunca he visto cosa igual. Really."
    assert first.split()
    assert second.split()[0] != "Really."


def test_a_translation_with_too_few_words_to_deal_is_made_piece_by_piece(stand: Stand) -> None:
    engine = Engine(lambda text: ["Jamás"])
    lines = translate(stand, engine)
    assert [line["candidates"][0]["text"] for line in lines] == ["Jamás", "Jamás Jamás", "Jamás"]


def test_candidates_of_several_sentences_are_combined_best_first(tmp_path: Path) -> None:
    stand = Stand(tmp_path)
    stand.film(silence(9))
    spoken(stand, [utterance("One. Two.", 1, 3)])
    (line,) = translate(stand, Engine(lambda text: [f"{text}a", f"{text}b"]))
    assert [one["text"] for one in line["candidates"]] == ["One.a Two.a", "One.b Two.a", "One.a Two.b", "One.b Two.b"]


@pytest.mark.parametrize(
    "answer",
    [
        lambda lines: (),
        lambda lines: tuple(TranslatedLine(line.id, ()) for line in lines),
        lambda lines: tuple(TranslatedLine(line.id, (Candidate(" "),)) for line in lines),
        lambda lines: tuple(TranslatedLine(line.id, (Candidate("x"),)) for line in reversed(lines)),
    ],
)
def test_an_engine_that_loses_empties_or_swaps_lines_is_stopped(stand: Stand, answer: Callable[[Any], Any]) -> None:
    engine = Engine(lambda text: [text])
    engine.translate = lambda lines, **_: answer(lines)  # type: ignore[assignment, method-assign, misc]
    with pytest.raises(PermanentError, match=r"mt\.test"):
        translate(stand, engine)


def test_a_candidate_that_keeps_the_glossary_goes_first(stand: Stand, tmp_path: Path) -> None:
    (tmp_path / "glossary.csv").write_text("source,target\nOh,Vaya\n")
    lines = translate(stand, Engine(lambda text: ["¿Oh?", "¿Vaya?"] if text == "Oh?" else [f"{text} ya"]))
    assert [one["text"] for one in lines[2]["candidates"]] == ["¿Vaya?"]
    assert not stand.flags


def test_a_missed_term_and_a_loop_are_flagged_with_their_line(stand: Stand, tmp_path: Path) -> None:
    (tmp_path / "glossary.csv").write_text("source,target,language\nOh,Vaya,es\nOh,Ah,fr\n")
    lines = translate(stand, Engine(lambda text: ["no sé " * 9] if text == "Really." else [f"{text} ya"]))
    assert {flag.code: flag.where for flag in stand.flags} == {
        "translation-loops": lines[1]["id"],
        "glossary-missed": lines[2]["id"],
    }
    assert all(line["candidates"] for line in lines)


@pytest.mark.parametrize("text", ["word,meaning\na,b\n", "source,target\na,b\na,c\n", "source\na\n"])
def test_a_broken_glossary_is_refused(stand: Stand, tmp_path: Path, text: str) -> None:
    (tmp_path / "glossary.csv").write_text(text)
    with pytest.raises(InputError, match=r"glossary\.csv"):
        translate(stand, FakeTranslator())


def lines_of(stand: Stand, answers: Mapping[str, Sequence[str]] | None = None) -> tuple[Line, ...]:
    engine = Engine(lambda text: (answers or {}).get(text, [text]))
    stand.put(
        "translation",
        stand.run(translation, TranslationParams(), language="es", mt=lambda: engine),
        key=str(len(stand.products)),
    )
    value = stand.run(script, ScriptParams(), language="es")
    return from_json(tuple[Line, ...], value["lines"])


def test_lines_carry_speaker_slot_and_candidates_with_durations(stand: Stand) -> None:
    lines = lines_of(stand)
    assert [line.speaker for line in lines] == ["a", "a", "b"]
    assert [line.utterance for line in lines] == [one.id for one in SAID]
    assert all(one.seconds and one.seconds > 0 for line in lines for one in line.candidates)


def test_slots_reach_into_silence_but_not_into_the_next_line_nor_past_the_film() -> None:
    spans = [Span(Fraction(1), Fraction(2)), Span(Fraction(5, 2), Fraction(4)), Span(Fraction(9), Fraction(19, 2))]
    found = slots(spans, Fraction(10), reach=Fraction(3, 2))
    assert [span.end for span in found] == [Fraction(24, 10), Fraction(11, 2), Fraction(10)]
    assert [span.start for span in found] == [span.start for span in spans]


def test_people_who_speak_at_once_keep_their_own_time() -> None:
    spans = [Span(Fraction(1), Fraction(3)), Span(Fraction(2), Fraction(4))]
    assert slots(spans, Fraction(10), reach=Fraction(1))[0] == spans[0]


def test_a_line_that_cannot_be_said_in_time_takes_the_shortest_and_is_flagged(stand: Stand) -> None:
    long, longer = "una cosa verdaderamente larguísima de decir", "una cosa verdaderamente larguísima de decir deprisa"
    lines = lines_of(stand, {"Oh?": [longer, long]})
    assert lines[2].text == long
    assert stand.codes() == ["line-too-long"]
    assert "syllables" in stand.flags[0].hint


def test_lines_that_are_read_keep_the_originals_time_and_the_best_that_can_be_read_is_taken(stand: Stand) -> None:
    read, unread = "una cosa que decir", "una cosa que desde hace tiempo tenía muchas ganas de decirte"
    engine = Engine(lambda text: [unread, read] if text == "Oh?" else [text])
    stand.put("translation", stand.run(translation, TranslationParams(), language="es", mt=lambda: engine))
    value = stand.run(script, ScriptParams(subtitles=True), language="es")
    lines = from_json(tuple[Line, ...], value["lines"])
    assert [line.span for line in lines] == [one.span for one in SAID]
    assert lines[2].text == read
    assert [one.seconds for one in lines[2].candidates] == [round(len(text) / 17, 3) for text in (unread, read)]
    assert not stand.flags, "nobody says them: how long that would take does not matter"


def test_where_nothing_can_be_read_in_time_the_favourite_is_shown_and_not_a_worse_one(stand: Stand) -> None:
    favourite = "Esto no lo puede leer nadie en el tiempo que tiene esta línea."
    engine = Engine(lambda text: [favourite, favourite[:-10]] if text == "Oh?" else [text])
    stand.put("translation", stand.run(translation, TranslationParams(), language="es", mt=lambda: engine))
    lines = stand.run(script, ScriptParams(subtitles=True), language="es")["lines"]
    assert lines[2]["text"] == favourite


def shown(stand: Stand, engine: Any) -> list[Any]:
    """Translate lines that are read and not spoken."""
    value = stand.run(translation, TranslationParams(subtitles=True), language="es", mt=lambda: engine)
    lines: list[Any] = value["lines"]
    return lines


def test_an_engine_is_told_what_can_be_read_until_the_next_line_of_lines_that_are_shown(stand: Stand) -> None:
    engine = Engine(lambda text: [text])
    translate(stand, engine)
    assert {line.characters for line in engine.asked} == {None}
    engine.asked.clear()
    shown(stand, engine)
    told = {line.text: line.characters for line in engine.asked}
    assert told["Oh?"] == 34, "its own half second, and 1.5 s of the silence after it"
    assert told["Really."] == 54 * 7 // 21, "its share of 3.1 s"
    assert told["I have never seen such a thing."] == 23 + 54 * 13 // 21, "1.32 s, and its share of 3.1 s"


def test_of_ways_to_deal_a_sentence_the_one_whose_lines_can_be_read_is_taken(stand: Stand) -> None:
    long, short = "Yo no he visto nunca jamás en mi vida una cosa que fuera igual.", "Nunca he visto cosa igual."
    engine = Engine(lambda text: [long, short] if "never" in text else [text])
    spoken_lines = translate(stand, engine)
    assert "jamás" in spoken_lines[0]["candidates"][0]["text"] + spoken_lines[1]["candidates"][0]["text"]
    first, second, _ = (line["candidates"][0]["text"] for line in shown(stand, engine))
    assert f"{first} {second}" == f"{short} Really."


def test_the_shortest_of_several_sentences_is_a_candidate_of_a_line_that_is_shown(tmp_path: Path) -> None:
    stand = Stand(tmp_path)
    stand.film(silence(9))
    spoken(stand, [utterance("One. Two.", 1, 3)])
    engine = Engine(lambda text: [f"{text}{'o' * (9 - n)}" for n in range(10)])
    (line,) = translate(stand, engine)
    assert "One. Two." not in [one["text"] for one in line["candidates"]]
    (line,) = shown(stand, engine)
    assert "One. Two." in [one["text"] for one in line["candidates"]]


def test_an_edit_has_the_last_word_and_touches_no_other_line(stand: Stand, tmp_path: Path) -> None:
    before = lines_of(stand)
    edits.append(edits.path_of(tmp_path, "es"), [edits.edit(before[2], who="Ana", text="¿Cómo?")])
    after = from_json(tuple[Line, ...], stand.run(script, ScriptParams(), language="es")["lines"])
    assert after[2].text == "¿Cómo?"
    assert after[:2] == before[:2]
    assert not stand.flags


def test_a_film_of_three_lines_never_becomes_two(stand: Stand) -> None:
    assert len(lines_of(stand, {"Oh?": ["   x"]})) == 3


def test_where_a_voice_was_cast_the_voice_says_how_long_a_text_takes(stand: Stand) -> None:
    folder = stand.put("casting", {"voices": {"b": {}}})
    np.savez(folder / "b.npz", pitch=np.array([120.0], np.float32))
    stand.put(
        "translation",
        stand.run(translation, TranslationParams(), language="es", mt=lambda: Engine(lambda text: [text])),
    )
    value = stand.run(script, ScriptParams(), language="es", voice=FakeVoice)
    lines = from_json(tuple[Line, ...], value["lines"])
    assert lines[2].candidates[0].seconds == FakeVoice().duration("Oh?", voice={}, language="es")
    assert lines[0].candidates[0].seconds == round(natural_seconds(SAID[0].text, "es"), 3)


def test_of_texts_that_fit_the_one_that_moves_the_lips_as_the_actor_does_is_taken(tmp_path: Path) -> None:
    near = {"Papa!": ["Nítido", "¡Papá!"]}
    for seen, text in ({"face": "b"}, "¡Papá!"), ({}, "Nítido"):
        stand = Stand(tmp_path / str(len(seen)))
        stand.film(silence(9))
        value = {"utterances": to_json((utterance("Papa!", 1, 1.5, speaker="b"),)), "speakers": [], "faces": seen}
        stand.put("transcript", {"language": "en", "confidence": 1.0, "utterances": value["utterances"]})
        stand.put("speakers", value)
        engine = Engine(lambda text: near[text])
        engine.step = 0.05
        stand.put(
            "translation", stand.run(translation, TranslationParams(), language="es", mt=lambda engine=engine: engine)
        )
        (line,) = from_json(tuple[Line, ...], stand.run(script, ScriptParams(), language="es")["lines"])
        assert line.text == text


TMX = (
    '<?xml version="1.0"?><!DOCTYPE tmx SYSTEM "tmx14.dtd"><tmx version="1.4"><header/><body>'
    '<tu><tuv xml:lang="en-US"><seg>Oh?</seg></tuv>'
    '<tuv xml:lang="ES"><seg>¿<ph>{1}</ph>Y <hi>eso</hi>?</seg></tuv></tu>'
    '<tu><tuv xml:lang="en"><seg>Only English</seg></tuv></tu></body></tmx>'
)


def test_a_remembered_line_wins_over_the_engine(stand: Stand, tmp_path: Path) -> None:
    (tmp_path / "memory.tmx").write_text(TMX, encoding="utf-8")
    lines = translate(stand, Engine(lambda text: ["otra cosa distinta"]))
    assert [one["text"] for one in lines[2]["candidates"]] == ["¿Y eso?"]
    assert lines[0]["candidates"][0]["text"] != "¿Y eso?"


BOMB = '<!DOCTYPE tmx [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><tmx><body><tu>&b;</tu></body></tmx>'


@pytest.mark.parametrize("text", [BOMB, "<tmx>", "<xliff/>", "not xml"])
def test_a_bad_or_hostile_memory_is_refused(stand: Stand, tmp_path: Path, text: str) -> None:
    (tmp_path / "memory.tmx").write_text(text)
    with pytest.raises(InputError, match=r"memory\.tmx"):
        translate(stand, FakeTranslator())


def test_a_near_line_is_offered_and_not_used() -> None:
    memory = Memory([("Where have you been?", "¿Dónde has estado?")])
    (match,) = memory.nearest("Where had you been?")
    assert match.target == "¿Dónde has estado?"
    assert match.likeness < 1
    assert memory.exact("Where had you been?") is None
