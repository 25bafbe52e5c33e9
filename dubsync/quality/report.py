"""report.json (schema dubsync.report/1): every key is always there; what could not be measured is null, with a flag."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dubsync.documents import to_json
from dubsync.errors import Flag, Severity
from dubsync.quality.limits import beyond

SCHEMA = "dubsync.report/1"
SECTIONS: Mapping[str, tuple[str, ...]] = {
    "media": ("duration_s", "frames", "fps", "av_offset_ms"),
    "timing": ("speech_overlap", "speech_rate_max", "lines"),
    "subtitles": ("count", "reading_speed_max", "too_fast"),
    "sync": ("confidence", "offset_frames", "articulation_error"),
    "closures": ("count", "closed_share"),
    "mouth": ("painter",),
    "picture": ("psnr_untouched_db", "faces_changed_s", "flicker"),
    "voice": ("speaker_similarity", "wer_back"),
    "sound": ("integrated_lufs", "true_peak_dbtp"),
    "translation": ("backend", "draft"),
    "rights": ("consent", "watermark", "c2pa"),
}
_RANK = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}


@dataclass
class Sheet:
    """Collects measurements by "section.key". A None needs a reason, which becomes a flag.

    `earlier`: flags of the stages before; `own`: those that measuring raises.
    """

    title: str
    language: str
    earlier: tuple[Flag, ...] = ()
    own: list[Flag] = field(default_factory=list)
    _values: dict[str, Any] = field(default_factory=dict)

    def put(self, key: str, value: Any, *, why_not: str = "") -> None:
        """Enter a value; when it is None, say why it could not be measured."""
        section, _, name = key.partition(".")
        if name not in SECTIONS[section]:
            raise ValueError(f"the report has no place for {key!r}")
        if value is None and not why_not:
            raise ValueError(f"{key} is unknown, and nobody says why")
        self._values[key] = round(value, 4) + 0.0 if isinstance(value, float) else value
        if value is None:
            self.own.append(not_measured(key, why_not))

    def report(self) -> dict[str, Any]:
        """Return the whole report, and flag what leaves its range; raises when a key was never entered."""
        keys = {f"{section}.{name}" for section, names in SECTIONS.items() for name in names}
        if missing := sorted(keys - set(self._values)):
            raise ValueError(f"the report lacks {', '.join(missing)}")
        body = {
            section: {name: self._values[f"{section}.{name}"] for name in names} for section, names in SECTIONS.items()
        }
        self.own += beyond(self._values)
        flags = to_json(in_order([*self.earlier, *self.own]))
        return {"schema": SCHEMA, "title": self.title, "language": self.language, **body, "flags": flags}


def not_measured(key: str, reason: str) -> Flag:
    """Return the flag of a measurement that could not be made."""
    return Flag(Severity.INFO, "not-measured", where=key, what=f"{key} was not measured: {reason}")


def partly_measured(key: str, share: float) -> Flag:
    """Return the flag of a measurement that covers only a part; `share`: 0 to 1."""
    what = f"{key}: measured on {100 * share:.0f} % of the new mouths"
    return Flag(Severity.INFO, "measured-in-part", where=key, what=what, hint="raise mouth_seconds of the check stage")


def in_order(flags: Iterable[Flag]) -> tuple[Flag, ...]:
    """Return each flag once, the gravest first."""
    return tuple(sorted(dict.fromkeys(flags), key=lambda flag: _RANK[flag.severity]))
