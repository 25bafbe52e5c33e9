"""Chatterbox and XTTS themselves, with small weights drawn by chance: loading, cloning, speaking, the seam between.

They run where DUBSYNC_CHATTERBOX_PYTHON or DUBSYNC_XTTS_PYTHON names an interpreter that has the engine
(docs/voice.md). What such weights say is noise: everything but the quality of the speech is tested.
"""

from __future__ import annotations

import json
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w

from dubsync import weights
from dubsync.backends.protocols import Samples
from dubsync.backends.voice_chatterbox import _NAMES, ChatterboxVoice
from dubsync.backends.voice_xtts import XttsVoice
from dubsync.errors import MissingExtra, PermanentError
from dubsync.testing import contract
from dubsync.weights import cache, registry

pytestmark = pytest.mark.long
TINY = Path(__file__).parent / "engines_tiny"
MAKERS = {"chatterbox": ("chatterbox_weights.py", "small"), "xtts": ("xtts_weights.py",)}
ENGINES: dict[str, type[Any]] = {"chatterbox": ChatterboxVoice, "xtts": XttsVoice}
TAKES = {"chatterbox": 1, "xtts": 3}
"""The small Chatterbox takes as long whatever the seed, so one take tells as much as several."""
PUBLISHED = {"chatterbox": "chatterbox-multilingual", "xtts": "xtts-v2"}
TEXT = "Buenos días, doctora."


def run(python: str, *arguments: str) -> str:
    done = subprocess.run([python, *arguments], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def an_interpreter(name: str, folder: Path) -> Path:
    """Return one that has the engine, and makes its nets small; skip the tests where there is none."""
    needs = ENGINES[name].needs
    if needs.variable not in os.environ:
        pytest.skip(f"{needs.variable} names no interpreter with {needs.package}")
    try:
        needs.check()
    except MissingExtra as error:
        pytest.skip(error.message)
    python = folder / "python"
    settings = f'PYTHONDONTWRITEBYTECODE=1 OMP_NUM_THREADS=1 PYTHONPATH="{TINY}"'
    python.write_text(f'#!/bin/sh\n{settings} exec "{needs.python}" "$@"\n')
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    return python


def put_on_record(name: str, made: Path, where: Path) -> None:
    rows = [
        {
            "name": file.name,
            "size": file.stat().st_size,
            "sha256": cache.sha256(file),
            "sources": [f"file:{file}"],
        }
        for file in sorted(made.iterdir())
    ]
    facts = {"summary": "by chance", "upstream": "this test", "licence": "Apache-2.0", "commercial_use": True}
    text = tomli_w.dumps({"schema": registry.SCHEMA, f"tiny-{name}": {**facts, "files": rows}})
    (where / "added.toml").write_text(text, encoding="utf-8")


@pytest.fixture(scope="module", params=sorted(ENGINES))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def engine(name: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The engine on weights that came into the cache by their checksums."""
    place = tmp_path_factory.mktemp(name)
    python = an_interpreter(name, place)
    made, kept = place / "made", place / "cache"
    made.mkdir()
    kept.mkdir()
    maker, *size = MAKERS[name]
    run(str(python), str(TINY / maker), *size, str(made))
    put_on_record(name, made, kept)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DUBSYNC_CACHE", str(kept))
        patch.setenv(ENGINES[name].needs.variable, str(python))
        yield ENGINES[name](weights.resolve(f"tiny-{name}"), takes=TAKES[name])


@pytest.fixture(scope="module")
def voice(engine: Any) -> Any:
    return enrolled(engine, contract.speech_like(1.6, 48000))


def enrolled(engine: Any, reference: Samples) -> Any:
    return engine.enroll(reference, 48000, language="es-419", progress=lambda share: None).voice


def level_db(samples: Samples) -> float:
    return float(10 * np.log10(np.mean(np.square(samples, dtype=np.float64)) + 1e-12))


def test_the_small_weights_are_files_of_the_same_names_as_the_published_ones(name: str, engine: Any) -> None:
    published = {file.name for file in weights.entry(PUBLISHED[name]).files}
    assert {file.name for file in weights.entry(f"tiny-{name}").files} == published


def test_a_reference_is_cloned_and_speaks_a_line(engine: Any, voice: Any) -> None:
    spoken = engine.speak(TEXT, voice=voice, language="es-419", seconds=None, seed=3)
    assert spoken.sample_rate == 24000
    assert 0.5 < len(spoken.samples) / 24000 < 8
    assert level_db(spoken.samples) > -60
    assert np.abs(spoken.samples).max() <= 0.98
    assert [word.text for word in spoken.words] == ["Buenos", "días,", "doctora."]


def test_the_seed_and_the_reference_decide_what_is_heard(engine: Any, voice: Any) -> None:
    def sound(voice: Any, seed: int) -> Samples:
        return np.asarray(engine.speak(TEXT, voice=voice, language="es", seconds=None, seed=seed).samples)

    first = sound(voice, 3)
    other = enrolled(engine, contract.speech_like(1.6, 48000)[::-1].copy() ** 3)
    assert not np.array_equal(sound(other, 3), first)
    assert not np.array_equal(sound(voice, 4), first)
    assert np.array_equal(sound(voice, 3), first)


def test_a_line_is_fitted_within_15_percent(engine: Any, voice: Any) -> None:
    natural = engine.speak(TEXT, voice=voice, language="es", seconds=None, seed=3).natural_seconds
    for factor in (0.9, 1.1):
        spoken = engine.speak(TEXT, voice=voice, language="es", seconds=natural * factor, seed=3)
        assert len(spoken.samples) == round(natural * factor * 24000)
    far = engine.speak(TEXT, voice=voice, language="es", seconds=0.3, seed=3)
    assert len(far.samples) == pytest.approx(0.85 * far.natural_seconds * 24000, abs=1)
    assert "line-too-long" in [flag.code for flag in far.flags]


def test_half_a_second_is_a_reference_too(engine: Any) -> None:
    known = enrolled(engine, contract.speech_like(0.6, 48000))
    assert len(engine.speak(TEXT, voice=known, language="es", seconds=None, seed=1).samples) > 0


def test_its_own_voice_speaks_where_there_is_nothing_to_learn_from(engine: Any) -> None:
    known = enrolled(engine, np.zeros(48000, np.float32))
    assert len(engine.speak(TEXT, voice=known, language="es", seconds=None, seed=1).samples) > 0


def test_a_language_it_does_not_know_is_refused_and_it_speaks_on(engine: Any, voice: Any) -> None:
    with pytest.raises(PermanentError, match=r"[Uu]nsupported|not supported"):
        engine.speak("Ahoj.", voice=voice, language="sk", seconds=None, seed=1)
    assert len(engine.speak(TEXT, voice=voice, language="es", seconds=None, seed=1).samples) > 0


def test_the_longest_piece_fits(name: str, engine: Any, voice: Any) -> None:
    if name != "xtts":
        pytest.skip("the small Chatterbox does not know where a long line ends")
    text = ("Una frase bastante larga, con algo más. " * 6)[:199].strip()
    assert len(engine.speak(text, voice=voice, language="es", seconds=None, seed=1).samples) > 0


def test_the_weights_are_the_files_on_record_after_all_that(name: str, engine: Any, voice: Any) -> None:
    weights.verify(f"tiny-{name}")


def test_what_it_says_is_marked(name: str, engine: Any, voice: Any, tmp_path: Path) -> None:
    if name != "chatterbox":
        pytest.skip("XTTS marks nothing")
    spoken = engine.speak(TEXT, voice=voice, language="es", seconds=None, seed=3)
    np.save(tmp_path / "said.npy", spoken.samples)
    code = (
        "import sys, numpy, perth; judge = perth.PerthImplicitWatermarker(); "
        "print(float(judge.get_watermark(numpy.load(sys.argv[1]), sample_rate=24000).mean()))"
    )
    found = run(ENGINES[name].needs.python, "-c", code, str(tmp_path / "said.npy"))
    assert float(found.splitlines()[-1]) > 0.9


def test_the_languages_are_those_of_the_engine(name: str, engine: Any) -> None:
    code = {
        "chatterbox": "from chatterbox.mtl_tts import SUPPORTED_LANGUAGES as known",
        "xtts": "from TTS.tts.configs.xtts_config import XttsConfig; known = XttsConfig().languages",
    }[name]
    answer = run(engine.needs.python, "-c", f"import json; {code}; print(json.dumps(list(known)))")
    known = {tag.split("-")[0] for tag in json.loads(answer.splitlines()[-1])}
    assert {_NAMES.get(tag, tag) for tag in engine.capabilities.languages} == known
