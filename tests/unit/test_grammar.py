"""A cheap look at French grammar, by which shorter ways to say a line are chosen."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from dubsync.backends.mt_marian import MarianTranslator, _is_gain
from dubsync.backends.protocols import SourceLine
from dubsync.text.grammar import broken, misfits
from dubsync.text.marian.beam import Way
from dubsync.text.marian.choice import likeliest
from dubsync.text.marian.corpus import read_pairs
from dubsync.text.mt_bench import ARCHIVES, FOLDER
from dubsync.title import Candidate

NOTHING: Mapping[str, str] = {}


@pytest.mark.parametrize(
    ("text", "is_right"),
    [
        ("Ils s'assit sur un banc.", False),
        ("Ils voudrais rester.", False),
        ("Tu ne le sait pas.", False),
        ("Je ne savent rien.", False),
        ("Il nous avons vus.", False),
        ("Il a manger ici.", False),
        ("Je vais à l'ville.", False),
        ("Donne-moi le mon livre.", False),
        ("Ils ne nous l'ont pas dit, elles non plus.", True),
        ("Il faut que tu t'en ailles. On y va.", True),
        ("C'est une des choses que j'ai vues hier.", True),
        ("Ce sont elles qui viennent. Sont-ils là ?", True),
        ("Je veux, tu peux, j'ai, j'y vais, il peut.", True),
    ],
)
def test_subject_and_verb_must_go_together(text: str, *, is_right: bool) -> None:
    assert (misfits(text, "fr") == ()) is is_right


def test_a_way_that_loses_the_not_is_broken() -> None:
    assert broken("I don't want to go there.", "Je veux y aller.", "fr")
    assert not broken("I don't want to go there.", "Je ne veux pas y aller.", "fr")
    assert not broken("I don't want to go there.", "Quiero ir.", "es")


def test_a_way_whose_verb_does_not_agree_counts_for_less() -> None:
    ways = (Way("Ils voudrais rester.", -0.30), Way("Ils voudraient rester.", -0.45))
    assert likeliest(ways, "fr") == "Ils voudraient rester."


def test_what_is_read_is_not_shortened_to_what_the_model_finds_unlikely_or_half_of_it() -> None:
    line = SourceLine("line-1", "Tell him I'll be there as soon as I can.", 2.0, characters=20)
    text = "Dis-lui que je serai là aussitôt que je peux."
    ways = (Candidate("Dis-lui que je serai là bientôt.", -0.4), Candidate("Dis-lui que je viens léger.", -0.7))
    assert [_is_gain(way, text, line) for way in (*ways, Candidate("Dis-lui que je peux.", -0.3))] == [
        True,
        False,
        False,
    ]
    spoken = replace(line, characters=None)
    assert all(_is_gain(way, text, spoken) for way in ways)


def test_no_shorter_way_breaks_what_the_longer_one_keeps() -> None:
    texts = (
        "They sat on a bench in the park.",
        "They would like to stay at home.",
        "I don't really care what you think.",
    )
    lines = [SourceLine(f"line-{number}", text, 2.0, characters=12) for number, text in enumerate(texts)]
    made = MarianTranslator().translate(lines, source="en", target="fr", glossary=NOTHING, progress=lambda share: None)
    for text, line in zip(texts, made, strict=True):
        assert [way.text for way in line.candidates[1:] if broken(text, way.text, "fr")] == []


@pytest.mark.skipif(not os.environ.get(FOLDER), reason=f"{FOLDER} names no folder of sentence pairs")
def test_what_people_wrote_hardly_ever_breaks_a_rule() -> None:
    texts = [target for _, target in read_pairs(Path(os.environ[FOLDER]) / ARCHIVES["fr"])][::10]
    assert sum(bool(misfits(text, "fr")) for text in texts) <= len(texts) / 1000
