"""dubsync: a film in another language, in the actors' voices, with mouths that move to the new words.

    from dubsync import localize
    made = localize("film.mp4", ["es"])

Importing this loads no engine; each is loaded when the first unit that needs it runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dubsync.errors import (
    BackendError,
    ConsentMissing,
    DubsyncError,
    Flag,
    InputError,
    IntegrityError,
    MissingWeights,
    Severity,
    StageFailed,
    UsageError,
)
from dubsync.timing import Span
from dubsync.title import Dub, Line, Shot, Speaker, Title, Utterance

if TYPE_CHECKING:
    from dubsync.farm import work
    from dubsync.folder import open_title
    from dubsync.verbs import Localized, localize, plan, status, verify
    from dubsync.wishes import Wish

__version__ = "0.11.0"

__all__ = [
    "BackendError",
    "ConsentMissing",
    "Dub",
    "DubsyncError",
    "Flag",
    "InputError",
    "IntegrityError",
    "Line",
    "Localized",
    "MissingWeights",
    "Severity",
    "Shot",
    "Span",
    "Speaker",
    "StageFailed",
    "Title",
    "UsageError",
    "Utterance",
    "Wish",
    "localize",
    "open_title",
    "plan",
    "status",
    "verify",
    "work",
]

_LATER = {
    "Localized": "dubsync.verbs",
    "Wish": "dubsync.wishes",
    "localize": "dubsync.verbs",
    "open_title": "dubsync.folder",
    "plan": "dubsync.verbs",
    "status": "dubsync.verbs",
    "verify": "dubsync.verbs",
    "work": "dubsync.farm",
}
"""Names whose modules are imported when they are first asked for: they reach the stages."""


def __getattr__(name: str) -> Any:
    if name in _LATER:
        from importlib import import_module

        value = getattr(import_module(_LATER[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'dubsync' has no attribute {name!r}")
