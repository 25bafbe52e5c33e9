"""Title folders filled by hand: products put into the store, as a run would leave them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from dubsync.documents import save, to_json
from dubsync.engine.stage import Unit
from dubsync.engine.store import Store, digest_of, flags_json
from dubsync.errors import Flag
from dubsync.timing import Span
from dubsync.title import AudioTrack, Candidate, Line, Source, Speaker, Title, Utterance, VideoTrack


def put(
    folder: Path,
    stage: str,
    unit: Unit,
    value: Any,
    *,
    flags: Sequence[Flag] = (),
    params: Mapping[str, Any] | None = None,
) -> Path:
    """Put a product into a title folder's store as the newest of its unit; return its folder, which has no files."""
    store = Store(folder / "store")
    recipe = {"stage": stage, "unit": unit.key, "params": dict(params or {}), "value": digest_of(to_json(value))}
    with store.workspace() as work:
        (work / "product.json").write_text(json.dumps(to_json(value)), encoding="utf-8")
        facts = {"stage": stage, "unit": unit.key, "recipe": recipe, "seed": 0, "seconds": 0}
        store.commit(digest_of(recipe), work, {**facts, "flags": flags_json(list(flags))})
    store.remember(stage, unit, digest_of(recipe), recipe)
    return store.path(digest_of(recipe))


def span(start: float, end: float) -> Span:
    return Span(Fraction(start), Fraction(end))


SAID = (
    Utterance("utterance-1", "Hello.", span(1, 2), speaker="speaker-1"),
    Utterance("utterance-2", "Who is there?", span(3, 5), speaker="speaker-2"),
)
PEOPLE = (Speaker("speaker-1", "Mara", 1.0), Speaker("speaker-2", "Speaker 2", 2.0))
LINES = (
    Line(
        "line-00000001", "utterance-1", "Hola.", SAID[0].span, "speaker-1",
        candidates=(Candidate("Hola.", 0.0, 0.6), Candidate("Muy buenos días.", -0.2, 1.3)),
    ),
    Line("line-00000002", "utterance-2", "¿Quién es?", SAID[1].span, "speaker-2", (Candidate("¿Quién es?", 0.0, 0.9),)),
)  # fmt: skip
DROP = Fraction(30000, 1001)
FILM = Source(
    "film.mp4", "0" * 64, "mp4", Fraction(3600),
    VideoTrack(0, "h264", 64, 48, 107892, DROP, Fraction(1, 30000), False, "yuv420p"),
    (AudioTrack(1, "aac", 48000, 2, "stereo"),), timecode=Fraction(3600),
)  # fmt: skip


def make_title(
    folder: Path,
    language: str = "es",
    *,
    lines: Sequence[Line] = LINES,
    said: Sequence[Utterance] = SAID,
    flags: Sequence[Flag] = (),
    is_read: bool = False,
) -> Path:
    """Make a title folder with a script in one language and nothing to play; return it."""
    title = Title(folder.stem, str(folder.with_suffix(".mp4")), str(folder), (language,))
    save(folder / "title.json", {"schema": "dubsync.title/1", "title": title, "sha256": "0" * 64, "stamp": [0, 0, 0]})
    put(folder, "source", Unit("title"), FILM)
    put(folder, "transcript", Unit("title"), {"language": "en", "confidence": 1.0, "utterances": said})
    put(folder, "speakers", Unit("title"), {"speakers": PEOPLE, "utterances": said, "faces": {}})
    script(folder, lines, language, flags=flags, is_read=is_read)
    return folder


def script(
    folder: Path,
    lines: Sequence[Line],
    language: str = "es",
    *,
    unedited: Sequence[Line] = (),
    flags: Sequence[Flag] = (),
    is_read: bool = False,
) -> None:
    """Put a script into a title folder, as the newest run's."""
    value = {"lines": lines, "unedited": unedited}
    put(folder, "script", Unit(language, language), value, flags=flags, params={"subtitles": is_read})
