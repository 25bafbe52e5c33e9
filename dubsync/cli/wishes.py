"""Options turned into a wish, in one place for every verb that takes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dubsync.errors import UsageError
from dubsync.wishes import Wish


def wish_from(  # one place turns options into a wish
    *,
    pipeline: str,
    out: Path | None = None,
    folder: Path | None = None,
    consent: Path | None = None,
    offline: bool = False,
    slots: int | None = None,
    settings: list[str] | None = None,
) -> Wish:
    """Return the wish that the options state; `settings` are `stage.parameter=value`."""
    return Wish(pipeline, out, folder, consent, offline, slots, settings=_settings(settings or []))


def languages_from(text: str) -> list[str]:
    """Return the tags of a list such as "es, pt-BR"."""
    return [word.strip() for word in text.split(",") if word.strip()]


def _settings(words: list[str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for word in words:
        place, equals, text = word.partition("=")
        stage, dot, name = place.partition(".")
        if not (equals and dot and name):
            raise UsageError(f'--set "{word}" is not stage.parameter=value', hint="for example --set actor.seconds=60")
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        found.setdefault(stage, {})[name] = value
    return found
