"""The bench of translation measures what it says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dubsync.backends.mt_marian import MarianTranslator
from dubsync.errors import MissingWeights
from dubsync.text.marian.corpus import Heldout
from dubsync.text.mt_bench import heldout, measure, scores

HELD = (
    Heldout("I met Maria at 10:45.", ("Encontré a Maria a las 10:45.", "A las 10:45 encontré a Maria.")),
    Heldout("We went to London by train.", ("Fuimos a Londres en tren.",)),
    Heldout("The dog of my uncle is old.", ("El perro de mi tío es viejo.",)),
)


def test_a_perfect_translation_has_full_marks_whichever_reference_it_is() -> None:
    found = scores([HELD[0].references[1], HELD[1].references[0], HELD[2].references[0]], HELD)
    assert found == {"bleu": 100.0, "chrf2": 100.0, "loops": 0, "kept_names": 1.0, "lines": 3}


def test_a_lost_name_counts_and_one_that_is_translated_does_not() -> None:
    texts = ["Encontré a María a las 10:45.", "Fuimos a Londres en tren.", "El perro de mi tío es viejo."]
    assert scores(texts, HELD)["kept_names"] == 0.0
    texts[0] = "Vi a Maria a las 10:45."
    assert scores(texts, HELD)["kept_names"] == 1.0


def test_a_loop_is_counted() -> None:
    texts = ["no sé no sé no sé no sé no sé", "Fuimos a Londres en tren.", "El perro."]
    found = scores(texts, HELD)
    assert found["loops"] == 1
    assert 0 < found["bleu"] < 100


def test_without_the_sentences_the_error_says_where_they_go(tmp_path: Path) -> None:
    with pytest.raises(MissingWeights) as raised:
        heldout("es", tmp_path)
    assert "DUBSYNC_TEST_TEXT" in raised.value.hint


@pytest.mark.parametrize(("language", "bleu", "chrf2"), [("es", 42, 62)])
def test_the_shipped_model_is_as_good_as_its_card_says(language: str, bleu: float, chrf2: float) -> None:
    if "DUBSYNC_TEST_TEXT" not in os.environ:
        pytest.skip("DUBSYNC_TEST_TEXT does not name the folder with the Tatoeba archives")
    found = measure(MarianTranslator(), language)
    assert found["bleu"] >= bleu
    assert found["chrf2"] >= chrf2
    assert found["empty"] == found["loops"] == 0
    assert found["kept_names"] >= 0.97
