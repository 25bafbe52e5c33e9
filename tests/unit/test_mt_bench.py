"""The bench of translation measures what it says."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from dubsync.backends.mt_marian import MarianTranslator
from dubsync.backends.protocols import Capabilities, Progress, SourceLine, TranslatedLine
from dubsync.errors import Flag, MissingWeights, Severity
from dubsync.text.duration import FASTEST, SLOWEST, natural_seconds
from dubsync.text.marian.corpus import Heldout
from dubsync.text.mt_bench import ARCHIVES, heldout, measure, scores, table, timing
from dubsync.title import Candidate

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


def archive(folder: Path, language: str, pairs: int = 40) -> None:
    """Write sentences in the form in which Tatoeba's come, with names in half of them."""
    rows = [f"I told Maria about day {n + 10}.\tLe dije a Maria lo del {n + 10}.\tCC" for n in range(pairs)]
    with zipfile.ZipFile(folder / ARCHIVES[language], "w") as packed:
        packed.writestr("pairs.txt", "\n".join(rows))


class Speaks:
    """Gives what `say` makes of a sentence, candidates best first; counts what it was asked."""

    capabilities = Capabilities(name="mt.test", version="1")

    def __init__(self, say: Callable[[str], Sequence[str]]) -> None:
        self.say = say
        self.asked: list[tuple[str, SourceLine]] = []

    def translate(
        self, lines: Sequence[SourceLine], *, source: str, target: str, glossary: Mapping[str, str], progress: Progress
    ) -> tuple[TranslatedLine, ...]:
        self.asked += [(target, line) for line in lines]
        return tuple(TranslatedLine(line.id, tuple(Candidate(text) for text in self.say(line.text))) for line in lines)


def perfect(text: str) -> list[str]:
    return [f"Le dije a Maria lo del {text.rstrip('.').split()[-1]}."]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    for language in ARCHIVES:
        archive(tmp_path, language)
    return tmp_path


def test_the_table_holds_every_language_and_null_where_there_are_no_sentences(corpus: Path) -> None:
    engine = Speaks(perfect)
    found = table(engine, folder=corpus, most=20)
    assert found["bleu"] == {"es": 100.0, "fr": 100.0, "pt": None}
    assert found["chrf2"] == {"es": 100.0, "fr": 100.0, "pt": None}
    assert (found["empty"], found["loops"], found["kept_names"], found["in_time_share"]) == (0, 0, 1.0, 1.0)
    assert found["lines_per_s"] > 0
    assert {language for language, _ in engine.asked} == set(ARCHIVES)
    assert {row["lines"] for row in found["each"].values()} == {20}
    assert set(found["unmeasured"]) == {"pt"}
    assert "no sentence pairs" in found["unmeasured"]["pt"]
    assert found["measured_on"] == {"es": "Tatoeba", "fr": "Tatoeba"}


def test_pairs_that_somebody_brings_give_a_language_its_figure_and_the_others_a_second_one(corpus: Path) -> None:
    brought = {language: [Heldout("I told Maria about day 5.", ("Outra coisa.",))] * 3 for language in ("pt", "es")}
    found = table(Speaks(perfect), folder=corpus, most=20, pairs=brought)
    assert found["bleu"]["es"] == found["bleu"]["fr"] == 100.0
    assert found["bleu"]["pt"] == found["pairs"]["pt"]["bleu"] < 50
    assert found["pairs"]["es"]["bleu"] < 50
    assert (found["measured_on"]["es"], found["measured_on"]["pt"], found["unmeasured"]) == ("Tatoeba", "pairs", {})
    assert found["pairs"]["pt"]["lines"] == found["each"]["pt"]["lines"] == 3


def test_of_names_and_fit_the_table_gives_the_worst_language_and_sums_what_is_empty(corpus: Path) -> None:
    engine = Speaks(perfect)
    good = engine.translate

    def french_is_bad(lines: Sequence[SourceLine], **more: Any) -> tuple[TranslatedLine, ...]:
        if more["target"] != "fr":
            return good(lines, **more)
        lost = Flag(Severity.ERROR, "untranslated", "", "none")
        return tuple(TranslatedLine(line.id, (Candidate("no sé " * 12),), (lost,)) for line in lines)

    engine.translate = french_is_bad  # type: ignore[method-assign, assignment]
    found = table(engine, folder=corpus, most=20)
    assert (found["empty"], found["loops"], found["kept_names"], found["fit_share"]) == (20, 20, 0.0, 0.0)
    assert found["each"]["es"]["kept_names"] == 1.0


LONG = "una frase larguísima que nadie puede decir en tan poco tiempo por mucho que corra"


def test_of_a_lines_candidates_the_one_counts_that_is_spoken(corpus: Path) -> None:
    held = heldout("es", corpus)[:20]
    fitting = "Le dije a doña Maria lo de mañana."
    found = timing(Speaks(lambda text: [LONG, fitting]), "es", held)
    assert (found["fit_share"], found["in_time_share"]) == (1.0, 1.0)
    assert found["speech_overlap"] == 1.0


@pytest.mark.parametrize(("said", "in_time"), [("Sí.", 1.0), (LONG, 0.0)], ids=["over too soon", "too long"])
def test_a_line_that_does_not_fill_its_time_does_not_fit_it(said: str, in_time: float, corpus: Path) -> None:
    held = heldout("es", corpus)[:20]
    found = timing(Speaks(lambda text: [said]), "es", held)
    assert (found["fit_share"], found["in_time_share"]) == (0.0, in_time)
    slots = sum(natural_seconds(one.source, "en") for one in held)
    spoken = len(held) * natural_seconds(said, "es") / (SLOWEST if in_time else FASTEST)
    assert found["speech_overlap"] == pytest.approx(2 * min(slots, spoken) / (slots + spoken), abs=1e-3)


def test_each_line_is_asked_for_with_the_time_its_english_takes(corpus: Path) -> None:
    engine = Speaks(perfect)
    timing(engine, "es", heldout("es", corpus)[:5])
    assert all(line.seconds == natural_seconds(line.text, "en") for _, line in engine.asked)


@pytest.mark.parametrize(("language", "bleu", "chrf2"), [("es", 42, 62), ("fr", 40, 60)])
def test_the_shipped_model_is_as_good_as_its_card_says(language: str, bleu: float, chrf2: float) -> None:
    if "DUBSYNC_TEST_TEXT" not in os.environ:
        pytest.skip("DUBSYNC_TEST_TEXT does not name the folder with the Tatoeba archives")
    found = measure(MarianTranslator(), language, heldout(language))
    assert found["bleu"] >= bleu
    assert found["chrf2"] >= chrf2
    assert found["empty"] == found["loops"] == 0
    assert found["kept_names"] >= 0.97
