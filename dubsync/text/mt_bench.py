"""How well an engine translates sentences that nothing here was trained on: Tatoeba's, and pairs that somebody brings.

BLEU is sacrebleu's (cased, 13a tokens, every reference), chrF2 likewise. `kept_names`: of the sentences with a name or
a figure that some reference keeps as it is, the share whose translation keeps it too.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dubsync.backends.protocols import SourceLine, TranslatedLine, Translator
from dubsync.errors import MissingExtra, MissingWeights
from dubsync.text.duration import FASTEST, SLOWEST, choose, natural_seconds
from dubsync.text.marian.corpus import Heldout, read_pairs, split
from dubsync.text.repetition import is_loop

FOLDER = "DUBSYNC_TEST_TEXT"
ARCHIVES = {"es": "tatoeba-eng-spa-2018.zip", "fr": "tatoeba-eng-fra-2019.zip"}
_KEPT = re.compile(r"(?<=[a-z,] )[A-Z][a-z]+\b|\b\d[\d:.,]*\d\b")
WHY_NOT = "no sentence pairs to measure it by; name some with --pairs pt=FILE"
MEASURED = ("es", "fr", "pt")
_ROOMY = 60.0
FITTED = 200
"""Lines whose time is looked at."""
LEAST = ("kept_names", "lines_per_s", "fit_share", "in_time_share", "speech_overlap")

Figures = dict[str, float | int]


def heldout(language: str, folder: Path | None = None) -> tuple[Heldout, ...]:
    """Return the 1,000 English sentences that no recipe learns from, with their translations.

    Raises:
        MissingWeights: the archive is not in `folder`, nor in the one that DUBSYNC_TEST_TEXT names.
    """
    where = folder or Path(os.environ.get(FOLDER, "."))
    archive = where / ARCHIVES.get(language, f"tatoeba-eng-{language}.zip")
    if not archive.is_file():
        hint = f"put {archive.name} of www.manythings.org/anki into a folder and name that in {FOLDER}"
        raise MissingWeights(f"no sentences to measure {language} by: {archive} is not here", hint=hint)
    return split(read_pairs(archive)).test


def measure(engine: Translator, language: str, held: Sequence[Heldout]) -> Figures:
    """Return {bleu, chrf2, empty, loops, kept_names, lines_per_s, lines} of an engine, English into `language`.

    `made_up`: lines flagged for a word that no dictionary knows; `said_otherwise`: lines that were cured of one.
    """
    lines = [SourceLine(f"held-{number}", one.source, _ROOMY) for number, one in enumerate(held)]
    warm = lines[:1]
    engine.translate(warm, source="en", target=language, glossary={}, progress=lambda share: None)
    began = time.perf_counter()
    made = engine.translate(lines, source="en", target=language, glossary={}, progress=lambda share: None)
    seconds = time.perf_counter() - began
    texts = [line.candidates[0].text for line in made]
    lost = {line.id for line in made for flag in line.flags if flag.code == "untranslated"}
    return scores(texts, held) | {
        "made_up": sum(any(flag.code == "word-unknown" for flag in line.flags) for line in made),
        "said_otherwise": sum(any(flag.code == "word-unsure" for flag in line.flags) for line in made),
        "empty": sum(not text.strip() or line.id in lost for text, line in zip(texts, made, strict=True)),
        "lines_per_s": round(len(lines) / seconds, 1),
    }


def timing(engine: Translator, language: str, held: Sequence[Heldout]) -> Figures:
    """Return {fit_share, in_time_share, speech_overlap} of lines that have as long as their English takes to say.

    `fit_share`: lines that fill their time at 0.85 to 1.2 of the natural rate. `in_time_share`: those, and lines that
    are over sooner: they are said at their own pace, and silence follows. `speech_overlap`: as in the report (Dice) of
    the English and the lines, spoken from the same moment on as near to its length as those rates allow. Durations are
    by syllables; of a line's candidates the one counts that a dub would take.
    """
    slots = [natural_seconds(one.source, "en") for one in held]
    lines = [SourceLine(f"held-{n}", one.source, slot) for n, (one, slot) in enumerate(zip(held, slots, strict=True))]
    made = engine.translate(lines, source="en", target=language, glossary={}, progress=lambda share: None)
    natural = np.array([_taken(line, language, slot) for line, slot in zip(made, slots, strict=True)])
    slot = np.array(slots)
    spoken = np.clip(slot, natural / FASTEST, natural / SLOWEST)
    return {
        "fit_share": round(float(np.mean(spoken == slot)), 4),
        "in_time_share": round(float(np.mean(natural <= FASTEST * slot)), 4),
        "speech_overlap": round(float(2 * np.minimum(spoken, slot).sum() / (spoken + slot).sum()), 4),
    }


def _taken(line: TranslatedLine, language: str, slot: float) -> float:
    """Return the natural seconds of the candidate that is spoken."""
    seconds = [natural_seconds(way.text, language) for way in line.candidates]
    return seconds[choose(seconds, [way.score for way in line.candidates], own=slot, slot=slot)]


def _row(engine: Translator, language: str, held: Sequence[Heldout]) -> Figures:
    return measure(engine, language, held) | timing(engine, language, held[:FITTED])


def table(
    engine: Translator,
    *,
    folder: Path | None = None,
    most: int = 1000,
    pairs: Mapping[str, Sequence[Heldout]] | None = None,
) -> dict[str, Any]:
    """Return the figures of an engine over the languages there are sentences for; null where there are none.

    A language that Tatoeba's sentences are not here for is measured by `pairs`, which are a second test for the others
    (`pairs` of the result). `measured_on` and `unmeasured` say what a figure rests on and why there is none. `empty`
    and `loops` are counted over all; of what LEAST names the least is given.
    """
    rows = {language: _row(engine, language, heldout(language, folder)[:most]) for language in ARCHIVES}
    beside = {language: _row(engine, language, held[:most]) for language, held in (pairs or {}).items()}
    each = beside | rows
    languages = sorted({*MEASURED, *each})
    return {
        **{key: {tag: each[tag][key] if tag in each else None for tag in languages} for key in ("bleu", "chrf2")},
        **{key: sum(row[key] for row in each.values()) for key in ("empty", "loops")},
        **{key: min(row[key] for row in each.values()) for key in LEAST},
        "measured_on": {tag: "Tatoeba" if tag in rows else "pairs" for tag in each},
        "unmeasured": {tag: WHY_NOT for tag in languages if tag not in each},
        "each": each,
        "pairs": beside,
    }


def scores(texts: Sequence[str], held: Sequence[Heldout]) -> Figures:
    """Return what can be told from the texts alone.

    Raises:
        MissingExtra: sacrebleu is not installed.
    """
    try:
        import sacrebleu
    except ImportError as cause:
        raise MissingExtra("BLEU needs sacrebleu", hint="pip install sacrebleu") from cause
    most = max(len(one.references) for one in held)
    references = [[(one.references + one.references[:1] * most)[n] for one in held] for n in range(most)]
    kept = [found for one, text in zip(held, texts, strict=True) if (found := _keeps(one, text)) is not None]
    return {
        "bleu": round(sacrebleu.corpus_bleu(list(texts), references).score, 2),
        "chrf2": round(sacrebleu.corpus_chrf(list(texts), references).score, 2),
        "loops": sum(is_loop(text) and not is_loop(one.source) for text, one in zip(texts, held, strict=True)),
        "kept_names": round(sum(kept) / len(kept), 4) if kept else 1.0,
        "lines": len(texts),
    }


def _keeps(one: Heldout, text: str) -> bool | None:
    """Tell whether the translation keeps the names and figures that every reference keeps; None if there are none."""
    names = [name for name in _KEPT.findall(one.source) if all(name in reference for reference in one.references)]
    return all(name in text for name in names) if names else None
