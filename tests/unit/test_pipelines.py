"""The pipelines that come with dubsync are whole, and are what they say."""

from __future__ import annotations

import pytest

from dubsync import pipeline

SILENT = {"subtitles"}


def test_a_pipeline_without_a_voice_synthesises_nothing() -> None:
    for name in SILENT:
        loaded = pipeline.load(name)
        assert not any(loaded.has(stage) for stage in ("casting", "voice", "mix", "actor", "mouth"))
        assert not any(engine.capabilities.needs_consent for engine in loaded.engines() if engine.capabilities)


@pytest.mark.parametrize("name", sorted(set(pipeline.names()) - SILENT))
def test_every_pipeline_that_speaks_is_read_and_signs_what_it_delivers(name: str) -> None:
    order = [step.name for step in pipeline.load(name).steps]
    assert order.index("rights") < order.index("voice"), "nothing is synthesised before consent is looked for"
    assert order.index("render") < order.index("credentials") < order.index("deliver")


def test_studio_is_film_with_cloned_voices() -> None:
    film, studio = ([step.name for step in pipeline.load(name).steps] for name in ("film", "studio"))
    assert film == studio
    names = [{engine.name for engine in pipeline.load(name).engines()} for name in ("film", "studio")]
    assert names[0] - names[1] == {"voice.kokoro"}
    assert names[1] - names[0] == {"voice.chatterbox"}
