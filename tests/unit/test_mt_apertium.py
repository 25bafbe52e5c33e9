"""mt.apertium, with a small program in Apertium's place that keeps its manners."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from words_stand import Stand, silence, spoken, utterance

from dubsync.backends.mt_apertium import ApertiumTranslator
from dubsync.backends.protocols import SourceLine, TranslatedLine, Translator
from dubsync.errors import MissingExtra, PermanentError, TransientError, UnknownLanguage
from dubsync.stages.translation import TranslationParams, translation

STAND_IN = """#!{python}
import sys, time
if "-l" in sys.argv:
    print("  eng-spa\\n  en-gl")
    sys.exit()
text = sys.stdin.read()
if "crash" in text:
    sys.exit("no such mode")
if "sleep" in text:
    time.sleep(5)
if "merge" in text:
    text = text.replace("\\n\\n", " ")
sys.stdout.write(text.replace("dog", "perro").replace("Zork", "*Zork").replace("hush", ""))
"""


@pytest.fixture
def program(tmp_path: Path) -> str:
    path = tmp_path / "apertium"
    path.write_text(STAND_IN.format(python=sys.executable))
    path.chmod(0o755)
    return str(path)


def translated(program: str, *texts: str, target: str = "es", timeout: float = 20) -> tuple[TranslatedLine, ...]:
    engine = ApertiumTranslator(program=program, timeout=timeout)
    assert isinstance(engine, Translator)
    lines = [SourceLine(f"line-{n}", text, 3.0) for n, text in enumerate(texts)]
    return engine.translate(lines, source="en", target=target, glossary={}, progress=lambda share: None)


def test_lines_keep_their_order_and_lose_the_marks_of_unknown_words(program: str) -> None:
    found = translated(program, "A dog. Two dogs.", "♪", "Zork!")
    assert [line.candidates[0].text for line in found] == ["A perro. Two perros.", "♪", "¡Zork!"]
    assert [flag.code for line in found for flag in line.flags] == ["draft-translation"]


def test_sentences_that_come_back_in_one_are_asked_one_by_one(program: str) -> None:
    found = translated(program, "Please merge.", "A dog.")
    assert [line.candidates[0].text for line in found] == ["Please merge.", "A perro."]


def test_a_line_that_comes_back_empty_keeps_its_text_and_is_flagged(program: str) -> None:
    found = translated(program, "A dog.", "hush")
    assert found[1].candidates[0].text == "hush"
    assert [flag.code for flag in found[1].flags] == ["untranslated"]


def test_two_letter_modes_are_found_too_and_a_missing_pair_names_what_there_is(program: str) -> None:
    assert translated(program, "A dog.", target="gl")[0].candidates[0].text == "A perro."
    with pytest.raises(UnknownLanguage, match="English to French") as raised:
        translated(program, "A dog.", target="fr")
    assert "eng-spa" in raised.value.hint


def test_a_failure_is_an_error_and_a_standstill_a_passing_one(program: str) -> None:
    with pytest.raises(PermanentError, match="no such mode"):
        translated(program, "crash")
    with pytest.raises(TransientError, match=r"no answer in 0 s"):
        translated(program, "sleep", timeout=0.4)


def test_without_apertium_the_hint_says_how_to_get_it() -> None:
    with pytest.raises(MissingExtra) as raised:
        ApertiumTranslator(program="no-such-apertium")
    assert "apt-get install" in raised.value.hint


def test_marks_of_the_source_stay_and_a_question_opens_in_spanish(program: str) -> None:
    found = translated(program, "Is  @home a *star*?", "Where is Zork?")
    assert [line.candidates[0].text for line in found] == ["¿Is @home a *star*?", "¿Where is Zork?"]


@pytest.mark.skipif(shutil.which("apertium") is None, reason="apertium is not installed")
def test_the_real_program_translates_a_film_line_by_line(tmp_path: Path) -> None:
    engine = ApertiumTranslator()
    if "eng-spa" not in engine.modes:
        pytest.skip("apertium-eng-spa is not installed")
    stand = Stand(tmp_path)
    stand.film(silence(20))
    said = ("Where is the house?", "We're number #1 in Boston. I have 25 dogs!", "♪")
    spoken(stand, [utterance(text, 3 * at, 3 * at + 2) for at, text in enumerate(said)])
    value = stand.run(translation, TranslationParams(), language="es", mt=lambda: engine)
    question, figures, music = (line["candidates"][0]["text"] for line in value["lines"])
    assert question.startswith("¿Dónde")
    assert [kept for kept in ("#1", "Boston", "25 perros!") if kept not in figures] == []
    assert music == "♪"
    assert stand.codes() == ["draft-translation"]
