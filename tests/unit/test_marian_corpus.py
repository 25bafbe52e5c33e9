"""Sentence pairs: how they are read, divided and varied."""

from __future__ import annotations

import random
import zipfile
from pathlib import Path

import pytest

from dubsync.errors import UnreadableMedia
from dubsync.text.marian import corpus, variation


def archive(folder: Path, lines: list[str]) -> Path:
    with zipfile.ZipFile(folder / "pairs.zip", "w") as packed:
        packed.writestr("_about.txt", "a note")
        packed.writestr("pairs.txt", "\n".join(lines))
    return folder / "pairs.zip"


def test_pairs_are_read_with_their_accents_composed_and_without_what_is_half(tmp_path: Path) -> None:
    lines = ["Go.\tVe.\tCC-BY", "He ate.\tComio\u0301.", "no tab", "\tnada", "Stop!\t¡Alto!"]
    found = corpus.read_pairs(archive(tmp_path, lines))
    assert found == [("Go.", "Ve."), ("He ate.", "Comió."), ("Stop!", "¡Alto!")]


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_text("no archive")
    with pytest.raises(UnreadableMedia, match=r"x\.zip is not an archive"):
        corpus.read_pairs(tmp_path / "x.zip")


def test_no_english_sentence_is_on_two_sides_of_the_split_whatever_its_stops_and_case() -> None:
    pairs = [(f"Say {n}{stop}", f"Di {n} {t}") for n in range(200) for t, stop in enumerate((".", "!", " ", "..."))]
    found = corpus.split(pairs, test=40, watch=20)
    key = corpus._key
    sides = [
        {key(a) for a, _ in found.train},
        {key(h.source) for h in found.watch},
        {key(h.source) for h in found.test},
    ]
    assert [len(side) for side in sides] == [140, 20, 40]
    assert len(set.union(*sides)) == 200
    assert found == corpus.split(list(pairs), test=40, watch=20)


def test_a_held_out_sentence_keeps_all_its_translations() -> None:
    found = corpus.split([("Go.", "Ve."), ("Go.", "Vete."), ("Go.", "Ve.")], test=1, watch=0)
    assert found.test == (corpus.Heldout("Go.", ("Ve.", "Vete.")),)


def test_names_and_figures_change_alike_on_both_sides() -> None:
    pairs = [("Tom's bus left at 10:45.", "El autobús de Tom salió a las 10:45."), ("No names.", "Sin nombres.")]
    found = list(variation.varied(pairs, seed=3))
    assert len(found) == 3
    for source, target in found:
        assert source != pairs[0][0]
        name = source.removesuffix(".").partition("'s bus")[0]
        figure = source.removesuffix(".").rpartition(" ")[2]
        assert target == f"El autobús de {name} salió a las {figure}."


def test_a_pair_whose_sides_do_not_agree_is_not_varied() -> None:
    assert list(variation.varied([("Tom paid $1,000.", "Pagó mil dólares.")], seed=1)) == []


def test_made_up_names_can_be_said_and_are_many() -> None:
    names = {variation.made_up(random.Random(seed)) for seed in range(300)}
    assert len(names) > 250
    assert all(name.isalpha() and name[0].isupper() for name in names)
