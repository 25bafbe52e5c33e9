"""Which line an entry of a script belongs to: the one of its id, else of its time, else of the words it translates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from dubsync.text.exchange import Entry
from dubsync.timing import Span, same_place


@dataclass(frozen=True, slots=True)
class Place:
    """A line as far as finding it goes. `source`: what is said in the original, "" if that is not known."""

    id: str
    span: Span | None = None
    source: str = ""


def placed(entries: Sequence[Entry], places: Sequence[Place]) -> tuple[dict[str, list[Entry]], list[Entry]]:
    """Return the entries by the id of their line, in order, and those that belong to none.

    Several entries in one line are its parts. An original text finds its line only where it is said once.
    """
    by_id = {place.id: place.id for place in places}
    by_source = _unique(places)
    timed = [(place.id, place.span) for place in places if place.span is not None]
    spans = [span for _, span in timed]
    groups: dict[str, list[Entry]] = {}
    unplaced = []
    for entry in entries:
        index = same_place(spans, entry.span) if entry.span is not None and entry.id not in by_id else None
        line = by_id.get(entry.id or "") or (timed[index][0] if index is not None else None)
        line = line or by_source.get(_bare(entry.source))
        if line is None:
            unplaced.append(entry)
        else:
            groups.setdefault(line, []).append(entry)
    return groups, unplaced


def joined(parts: Sequence[Entry]) -> Entry:
    """Return the one entry that parts of a line make; of several, the time is not that of the line."""
    if len(parts) == 1:
        return parts[0]
    notes = "\n".join(part.note for part in parts if part.note)
    return replace(parts[0], text=" ".join(part.text for part in parts), note=notes, span=None)


def _unique(places: Sequence[Place]) -> dict[str, str]:
    times = Counter(_bare(place.source) for place in places)
    return {text: place.id for place in places if (text := _bare(place.source)) and times[text] == 1}


def _bare(text: str) -> str:
    return " ".join(text.casefold().split())
