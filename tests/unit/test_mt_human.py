"""A script that somebody brings is a translator: every format, every way to find a line, and nothing lost."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from words_stand import Stand, silence, spoken, utterance

from dubsync import pipeline, scripts
from dubsync.backends import registry
from dubsync.backends.fakes import FakeTranslator
from dubsync.backends.mt_human import HumanTranslator
from dubsync.backends.protocols import SourceLine, TranslatedLine, Translator
from dubsync.errors import BadPipeline, InputError, UsageError
from dubsync.stages.translation import TranslationParams, line_id, translation
from dubsync.text import exchange
from dubsync.text.exchange import Entry, Languages
from dubsync.timing import Span, seconds

SAID = (
    utterance("I have never seen", 1, 2, speaker="a"),
    utterance("such a thing. Really.", 2.4, 4, speaker="a"),
    utterance("Oh?", 6, 6.5, speaker="b"),
)
TEXTS = ("Nunca he visto", "cosa igual. De veras.", "¿Oh?")


def span(start: float, end: float) -> Span:
    return Span(seconds(start), seconds(end))


def translate(engine: Translator, lines: list[SourceLine]) -> tuple[TranslatedLine, ...]:
    return engine.translate(lines, source="en", target="es", glossary={}, progress=lambda share: None)


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    made = Stand(tmp_path)
    made.film(silence(20))
    spoken(made, SAID)
    return made


def run(stand: Stand, engine: Any) -> list[str]:
    value = stand.run(translation, TranslationParams(), language="es", mt=lambda: engine)
    return [line["candidates"][0]["text"] for line in value["lines"]]


def bring(stand: Stand, name: str, text: str) -> None:
    (stand.folder / name).write_text(text, encoding="utf-8")
    scripts.bring_script(stand.folder, "es", stand.folder / name)


@pytest.mark.parametrize("kind", exchange.FORMATS)
def test_a_script_of_every_format_is_the_translation(stand: Stand, kind: str) -> None:
    entries = [Entry(text, one.span, line_id(one), None, "", one.text) for one, text in zip(SAID, TEXTS, strict=True)]
    bring(stand, f"film.es.{kind}", exchange.write(entries, kind, Languages("en", "es")))
    assert run(stand, HumanTranslator()) == list(TEXTS)
    assert not stand.flags


def test_without_ids_cues_find_their_lines_by_time_and_parts_are_joined(stand: Stand) -> None:
    bring(
        stand,
        "film.srt",
        "1\n00:00:01,100 --> 00:00:02,000\nNunca he visto\n\n2\n00:00:02,400 --> 00:00:03,200\ncosa igual.\n\n"
        "3\n00:00:03,200 --> 00:00:04,000\nDe veras.\n\n4\n00:00:06,000 --> 00:00:06,900\n¿Oh?\n",
    )
    assert run(stand, HumanTranslator()) == list(TEXTS)


def test_a_table_without_ids_and_times_finds_its_lines_by_the_original(stand: Stand) -> None:
    bring(stand, "film.csv", "source,text\nOh?,¿Oh?\ni have never  seen,Nunca he visto\nsuch a thing. Really.,Eso.\n")
    assert run(stand, HumanTranslator()) == ["Nunca he visto", "Eso.", "¿Oh?"]


def test_a_cue_over_two_lines_is_dealt_out_and_no_word_is_lost(stand: Stand) -> None:
    bring(
        stand,
        "film.srt",
        "1\n00:00:01,000 --> 00:00:04,000\nNunca he visto cosa igual. De veras.\n\n"
        "2\n00:00:06,000 --> 00:00:06,900\nOh\n",
    )
    first, second, third = run(stand, HumanTranslator())
    assert f"{first} {second}" == "Nunca he visto cosa igual. De veras."
    assert third == "Oh"
    assert not stand.flags


HALF = (
    '{"lines": [{"start": "1", "end": "2", "text": "Nunca he visto"}, {"start": "15", "end": "16", "text": "Adiós."}]}'
)


def test_lines_that_the_script_lacks_keep_their_text_and_are_flagged(stand: Stand) -> None:
    bring(stand, "film.json", HALF)
    assert run(stand, HumanTranslator()) == ["Nunca he visto", SAID[1].text, SAID[2].text]
    lacking = [flag.where for flag in stand.flags if flag.code == "untranslated"]
    assert lacking == [line_id(one) for one in SAID[1:]]


def test_what_belongs_to_no_line_is_reported_with_its_words(stand: Stand) -> None:
    bring(stand, "film.json", HALF)
    run(stand, HumanTranslator())
    (stray,) = [flag for flag in stand.flags if flag.code == "script-unplaced"]
    assert "Adiós." in stray.what
    assert stray.where == "0:00:15.000"


def test_an_empty_text_is_no_line(stand: Stand) -> None:
    bring(stand, "film.csv", f"id,text\n{line_id(SAID[2])},\n{line_id(SAID[0])},Nunca\n{line_id(SAID[1])},Eso\n")
    assert run(stand, HumanTranslator()) == ["Nunca", "Eso", "Oh?"]
    assert stand.codes() == ["untranslated"]


def test_a_named_fallback_translates_only_what_the_script_lacks(stand: Stand) -> None:
    bring(stand, "film.json", HALF)
    texts = run(stand, HumanTranslator(fallback=FakeTranslator()))
    assert texts[0] == "Nunca he visto"
    assert all(text not in {one.text for one in SAID} for text in texts)
    assert [flag.where for flag in stand.flags if flag.code == "not-in-script"] == [line_id(one) for one in SAID[1:]]
    assert "untranslated" not in stand.codes()
    (draft,) = [flag for flag in stand.flags if flag.code == "draft-translation"]
    assert "script" in draft.what


def test_without_a_script_it_says_how_to_bring_one(stand: Stand) -> None:
    with pytest.raises(UsageError, match=r"script\.es\.json") as caught:
        run(stand, HumanTranslator())
    assert "--script" in (caught.value.hint or "")


def test_a_broken_script_never_enters_the_folder(stand: Stand) -> None:
    with pytest.raises(InputError, match=r"film\.srt"):
        bring(stand, "film.srt", "1\n00:00:0x --> 00:00:02,000\nHola\n")
    assert not (stand.folder / "script.es.json").exists()


def test_order_ids_and_count_stay_whatever_the_script_is_like() -> None:
    lines = [SourceLine(f"line-{n:08x}", f"Words {n}.", 1.0, None, span(n, n + 1)) for n in range(5)]
    entries = [Entry(f"T{n}", span(n, n + 0.9)) for n in (4, 2, 2, 0)] + [Entry("lost")]
    found = translate(HumanTranslator(entries=entries), lines)
    assert [line.id for line in found] == [line.id for line in lines]
    assert [line.candidates[0].text for line in found] == ["T0", "Words 1.", "T2 T2", "Words 3.", "T4"]
    assert translate(HumanTranslator(), []) == ()


def test_a_pipeline_names_it_with_a_fallback_that_is_checked_and_keyed(tmp_path: Path) -> None:
    named = 'schema = "dubsync.pipeline/1"\nstages = ["source", "stems", "transcript", "speakers", "translation"]\n'
    engines = '[engines]\nstems = "fake.stems"\nasr = "fake.asr"\nspeaker = "fake.speaker"\n'
    keys = set()
    for number, mt in enumerate(('"mt.human"', '{ name = "mt.human", fallback = "fake.mt" }')):
        path = tmp_path / f"{number}.toml"
        path.write_text(f"{named}{engines}mt = {mt}\n")
        loaded = pipeline.load(str(path))
        (engine,) = [one for one in loaded.engines() if one.name == "mt.human"]
        assert isinstance(registry.open_engine(engine), HumanTranslator)
        keys.add(str(engine.identity))
    assert "fake.mt" in {one.name for one in loaded.engines()}
    assert len(keys) == 2
    path.write_text(f'{named}{engines}mt = {{ name = "fake.mt", fallback = "mt.human" }}\n')
    with pytest.raises(BadPipeline, match="fallback"):
        pipeline.load(str(path))


def test_the_packaged_pipeline_translates_with_people_only() -> None:
    names = {engine.name for engine in pipeline.load("human").engines()}
    assert {name for name in names if name.startswith("mt.")} == {"mt.human"}


def test_a_line_found_by_id_needs_no_time() -> None:
    line = SourceLine("line-0000000a", "Hello.", 1.0, None, Span(Fraction(1), Fraction(2)))
    (found,) = translate(HumanTranslator(entries=[Entry("Hola.", span(40, 41), "line-0000000a")]), [line])
    assert found.candidates[0].text == "Hola."
