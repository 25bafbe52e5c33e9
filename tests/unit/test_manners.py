"""Formal or informal, and the speaker's gender: said per speaker in casting.toml, heeded by engines that can."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from words_stand import Stand, silence, utterance

from dubsync.backends.fakes import FakeTranslator
from dubsync.backends.mt_human import HumanTranslator
from dubsync.backends.protocols import MANNERS, Capabilities, Progress, SourceLine, TranslatedLine
from dubsync.engine.plan import Engine, Plan, Setting, Step
from dubsync.engine.stage import Product, Unit
from dubsync.errors import InputError
from dubsync.stages.casting import casting
from dubsync.stages.translation import TranslationParams, translation
from dubsync.title import Candidate, Speaker

ANNA, BEN = Speaker("speaker-1", "Anna", 9.0), Speaker("speaker-2", "Ben", 9.0)
SAID = (utterance("I am tired.", 1, 2, speaker=ANNA.id), utterance("Sit down.", 3, 4, speaker=BEN.id))


class Heeding:
    """A translator that notes what it was asked."""

    def __init__(self, *honours: str) -> None:
        self.capabilities = Capabilities(name="mt.heeding", version="1", honours=honours)
        self.asked: list[SourceLine] = []

    def translate(
        self, lines: Sequence[SourceLine], *, source: str, target: str, glossary: Mapping[str, str], progress: Progress
    ) -> tuple[TranslatedLine, ...]:
        self.asked += lines
        return tuple(TranslatedLine(line.id, (Candidate("Ya."),)) for line in lines)


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    made = Stand(tmp_path)
    made.film(silence(9))
    made.put("transcript", {"language": "en", "confidence": 1.0, "utterances": SAID})
    made.put("speakers", {"speakers": (ANNA, BEN), "utterances": SAID, "faces": {}})
    return made


def decide(stand: Stand, text: str) -> None:
    (stand.folder / "casting.toml").write_text(text, encoding="utf-8")


BOTH = '[address]\nAnna = "formal"\n[gender]\nAnna = "female"\n"speaker-2" = "neutral"\n'


def test_each_line_is_asked_for_in_its_speakers_manner(stand: Stand) -> None:
    decide(stand, BOTH)
    engine = Heeding(*MANNERS)
    stand.run(translation, TranslationParams(), language="es", mt=lambda: engine)
    assert [(line.address, line.gender) for line in engine.asked] == [("formal", "female"), (None, "neutral")]
    assert not stand.flags


def test_an_engine_that_cannot_heed_it_is_flagged_once_and_with_what(stand: Stand) -> None:
    decide(stand, BOTH)
    stand.run(translation, TranslationParams(), language="es", mt=lambda: Heeding("address"))
    (flag,) = stand.flags
    assert (flag.code, flag.where) == ("manner-ignored", "es")
    assert "gender" in flag.what
    assert "address" not in flag.what


def test_nothing_is_flagged_where_nobody_asked(stand: Stand) -> None:
    decide(stand, '[voices]\nAnna = "em_alex"\n')
    stand.run(translation, TranslationParams(), language="es", mt=Heeding)
    assert not stand.flags


def test_a_script_stands_as_people_wrote_it_and_its_fallback_answers_for_itself(stand: Stand) -> None:
    (stand.folder / "script.es.json").write_text('{"lines": [{"start": "1", "end": "2", "text": "Cansada."}]}')
    decide(stand, BOTH)
    stand.run(translation, TranslationParams(), language="es", mt=HumanTranslator)
    assert stand.codes() == ["untranslated"]
    stand.run(translation, TranslationParams(), language="es", mt=lambda: HumanTranslator(fallback=FakeTranslator()))
    assert "manner-ignored" in stand.codes()


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ('[address]\nAnna = "polite"\n', "polite"),
        ('[gender]\nClara = "female"\n', "Clara"),
        ('[adress]\nAnna = "formal"\n', "adress"),
        ('gender = "female"\n', "gender"),
        ("[address\n", "TOML"),
    ],
)
def test_what_cannot_be_meant_is_an_error_that_says_so(stand: Stand, text: str, wrong: str) -> None:
    decide(stand, text)
    with pytest.raises(InputError, match=wrong):
        stand.run(translation, TranslationParams(), language="es", mt=lambda: Heeding(*MANNERS))


def recipe(stand: Stand, text: str | None, stage_name: str = "translation") -> str:
    """Return the fingerprint of a stage with this casting.toml."""
    decide(stand, text) if text is not None else (stand.folder / "casting.toml").unlink(missing_ok=True)
    stage = {"translation": translation, "casting": casting}[stage_name]
    needs = [replace(translation, name=name, needs=(), optional=(), may_read=(), reads=()) for name in stage.needs]
    step = Step(stage, None, (Engine("mt", "mt.heeding", {"version": "1"}),))
    plan = Plan([*(Step(need) for need in needs), step], Setting(stand.folder, "0", stand.folder, ("es",), {}))
    for need in needs:
        plan.add(Step(need), Product(need.name, Unit("es", "es"), stand.folder, "digest"))
    job = plan.job(step, Unit("es", "es"))
    assert job is not None
    return job.fingerprint


def test_only_what_is_said_of_manners_changes_the_translations_fingerprint(stand: Stand) -> None:
    without = recipe(stand, None)
    assert recipe(stand, '[voices]\nAnna = "em_alex"\n') == without
    formal = recipe(stand, '[address]\nAnna = "formal"\n')
    assert formal != without
    assert recipe(stand, '[voices]\nBen = "em_alex"\n# later\n[address]\nAnna = "formal"\n') == formal


def test_manners_do_not_make_voices_be_fitted_again(stand: Stand) -> None:
    voices = '[voices]\nAnna = "em_alex"\n'
    assert recipe(stand, voices, "casting") == recipe(stand, f"{voices}{BOTH}", "casting")
    assert recipe(stand, voices.replace("Anna", "Ben"), "casting") != recipe(stand, voices, "casting")
