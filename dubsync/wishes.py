"""What is asked for: a wish, checked, and kept with the title so that it can be looked at or gone on with later."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dubsync import documents, pipeline, weights
from dubsync.backends import registry
from dubsync.engine.stage import Checked
from dubsync.errors import UnknownLanguage, UsageError
from dubsync.pipeline import Pipeline
from dubsync.text.language import base, is_same, normal_tag


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for, beyond film and languages. `settings`: stage parameters that override the pipeline's.

    `transcript`: subtitles of what is said, instead of recognition. `script`: lines of the one language asked for,
    instead of translation: `mt.human` translates with them, over any other engine's lines they are laid as edits.
    `me`: the film's music and effects without speech, instead of separation. `recorded`: the lines as people spoke
    them, a WAV on the film's clock or a folder (`recordings`), for pipelines with `voice.recorded`.
    `bank`: the voices of the series.
    """

    pipeline: str = "film"
    out: Path | None = None
    folder: Path | None = None
    consent: Path | None = None
    offline: bool = False
    slots: int | None = None
    transcript: Path | None = None
    script: Path | None = None
    me: Path | None = None
    recorded: Path | None = None
    bank: Path | None = None
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is asked for, checked: a pipeline that there is, and tags of languages that it speaks."""

    pipeline: Pipeline
    languages: tuple[str, ...]

    def deliveries(self, wish: Wish) -> dict[str, Path]:
        """Return the folder each language goes to: `--out` itself, or a folder in it for each of several."""
        if wish.out is None:
            return {}
        several = len(self.languages) > 1
        return {tag: wish.out.absolute() / tag if several else wish.out.absolute() for tag in self.languages}


def choose(languages: Sequence[str], wish: Wish) -> Chosen:
    """Check pipeline and languages; raise UsageError where there is no such thing."""
    tags = tuple(dict.fromkeys(normal_tag(language) for language in languages))
    if not tags:
        raise UsageError("no language was asked for", hint="say for example --lang es")
    chosen = pipeline.load(wish.pipeline, settings=wish.settings)
    check_languages(chosen, tags)
    return Chosen(chosen, tags)


def prepare(languages: Sequence[str], wish: Wish, fetching: Callable[[str, int, int], None]) -> Chosen:
    """Check all that can be checked before work begins, and have the weights at hand."""
    chosen = choose(languages, wish)
    have_at_hand(chosen.pipeline, wish, fetching)
    return chosen


def have_at_hand(chosen: Pipeline, wish: Wish, fetching: Callable[[str, int, int], None]) -> None:
    """Check what the steps of a pipeline ask of this machine, and fetch the weights that are not there."""
    if wish.offline:
        os.environ["DUBSYNC_OFFLINE"] = "1"  # the workers inherit it
    for engine in chosen.engines():
        registry.check(engine.name)
    for step in chosen.steps:
        if isinstance(step.params, Checked):
            step.params.check()
    needed = (name for engine in chosen.engines() for name in registry.capabilities(engine.name).weights)
    missing = [name for name in dict.fromkeys(needed) if not weights.is_present(name)]
    if missing:
        weights.pull(missing, fetching, offline=wish.offline or bool(os.environ.get("DUBSYNC_OFFLINE")))


def check_languages(chosen: Pipeline, tags: Sequence[str]) -> None:
    """Raise UnknownLanguage where an engine of the pipeline does not speak one of these."""
    for engine in chosen.engines():
        spoken = registry.capabilities(engine.name).languages
        targets = {pair.split("-", 1)[1] if engine.kind == "mt" else pair for pair in spoken}
        for tag in tags:
            if engine.kind in ("mt", "voice") and targets and not any(is_same(tag, each) for each in targets):
                known = ", ".join(sorted({base(each) for each in targets}))
                raise UnknownLanguage(f"{engine.name} has no {tag}", hint=f"it has: {known}")


def noted(chosen: Chosen, wish: Wish) -> dict[str, Any]:
    """Return what of a wish decides which units there are, as it is kept with the run."""
    pipeline = Path(wish.pipeline)
    return {
        "languages": list(chosen.languages),
        "pipeline": str(pipeline.absolute()) if pipeline.suffix == ".toml" else wish.pipeline,
        "consent": str(wish.consent.absolute()) if wish.consent else None,
        "bank": str(wish.bank.absolute()) if wish.bank else None,
        "settings": {stage: dict(values) for stage, values in wish.settings.items()},
    }


def note(home: Path, chosen: Chosen, wish: Wish) -> None:
    """Keep what is asked for with the title, unless it was asked for last: `status` and `deliver` go by it."""
    asked = noted(chosen, wish)
    if any({**_last_noted(home, tag), "languages": asked["languages"]} != asked for tag in chosen.languages):
        documents.save(run_folder(home) / "wish.json", asked)


def _last_noted(home: Path, language: str) -> dict[str, Any]:
    """Return what was noted when the language was last worked on; nothing if that is not known."""
    for file in sorted(home.glob("runs/*/wish.json"), reverse=True):
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        if language in found["languages"]:
            return found
    return {}


def last_wish(home: Path, language: str) -> Wish:
    """Return what was asked for when the language was last worked on; an empty wish if that is not known."""
    found = _last_noted(home, language)
    if not found:
        return Wish()
    consent, bank = (Path(found[name]) if found.get(name) else None for name in ("consent", "bank"))
    return Wish(found["pipeline"], consent=consent, bank=bank, settings=found["settings"])


def run_folder(home: Path) -> Path:
    """Make the folder of a run that begins now."""
    made = home / "runs" / datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    made.mkdir(parents=True, exist_ok=True)
    return made
