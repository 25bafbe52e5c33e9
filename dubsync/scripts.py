"""A language's script out of a title folder and into it again; transcripts and scripts that somebody brings.

Import writes edits and nothing else: lines are found by id, else by time; what belongs to no line is kept among the
edits and reported.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

from dubsync import edits
from dubsync.documents import from_json, to_json, write_whole
from dubsync.engine.stage import Product, Unit
from dubsync.engine.store import Store, digest_of
from dubsync.errors import EditConflict, Flag, InputError
from dubsync.text import exchange, subtitles
from dubsync.text.exchange import Entry, Languages
from dubsync.text.language import normal_tag
from dubsync.text.placing import Place, joined, placed
from dubsync.timing import Span
from dubsync.title import Line, Speaker, Utterance


@dataclass(frozen=True, slots=True)
class Script:
    """A language's lines. `unedited`: as the machine has them; `made`: with the edits that the newest run knew;
    `lines`: with all there are.

    `records`: all edits; `placed`: the ids of those that stand, by line id; `flags`: edits that meet others.
    """

    unedited: tuple[Line, ...]
    made: tuple[Line, ...]
    lines: tuple[Line, ...]
    records: tuple[edits.Edit, ...]
    placed: Mapping[str, tuple[str, ...]]
    flags: tuple[Flag, ...]

    def changed(self) -> tuple[Line, ...]:
        """Return the lines that the next run makes anew, because edits changed them since the newest run."""
        return tuple(line for line, made in zip(self.lines, self.made, strict=True) if is_changed(line, made))


TRANSCRIPT = "transcript.srt"
MOST_EXPORTS = 100
_SAME_TIME = Fraction(1, 500)
"""Files hold milliseconds; a smaller change of time is rounding."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What came of an import. Ids of lines, but `unplaced` and `empty`: the entries as the file has them.

    `pending`: entries kept for the first run, which makes the lines. `untouched`: lines the file does not speak of.
    """

    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    untouched: tuple[str, ...]
    unplaced: tuple[Entry, ...]
    empty: tuple[Entry, ...]
    pending: int


def read_script(folder: Path, language: str) -> Script:
    """Return a language's lines as they are now.

    Raises:
        InputError: the language has no script yet, or a row of its edits is damaged.
    """
    product = newest(folder, "script", Unit(language, language))
    if product is None:
        raise InputError(
            f"{folder.name} has no {language} script yet", hint=f"run `dubsync localize --lang {language}` first"
        )
    return _script(folder, language, product)


def _script(folder: Path, language: str, product: Product) -> Script:
    unedited, made = _machine_lines(product.folder, product.digest)
    records = edits.read(edits.path_of(folder, language))
    applied = edits.apply(unedited, records)
    return Script(unedited, made, applied.lines, records, applied.placed, applied.flags)


@lru_cache(maxsize=16)
def _machine_lines(product: Path, _digest: str) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
    """Return a script's lines before any edit, and with those that its run knew."""
    value = json.loads((product / "product.json").read_text(encoding="utf-8"))
    made = from_json(tuple[Line, ...], value["lines"])
    before = {line.id: line for line in from_json(tuple[Line, ...], value.get("unedited", []))}
    return tuple(before.get(line.id, line) for line in made), made


def is_changed(line: Line, other: Line) -> bool:
    """Tell whether two states of a line differ in what people can change."""
    return any(getattr(line, name) != getattr(other, name) for name in edits.FIELDS)


def version(line: Line) -> str:
    """Return a digest of what people can change in a line, to tell whether somebody has."""
    return digest_of({name: to_json(getattr(line, name)) for name in edits.FIELDS})


def change_line(
    folder: Path, language: str, line_id: str, *, based_on: str, who: str, after: Mapping[str, Any]
) -> tuple[edits.Edit, ...]:
    """Change fields of a line that is still as the editor saw it; return the record, none where nothing differs.

    `based_on`: the `version` that the editor saw. Raises:
        EditConflict: somebody changed the line meanwhile.
        InputError: there is no such line.
        UsageError: a field is unknown, or the text would be empty.
    """

    def decide(line: Line, _: Sequence[edits.Edit]) -> Sequence[edits.Edit]:
        change = _still_new(line, after)
        return (edits.edit(line, who=who, **change),) if change else ()

    return _amend_line(folder, language, line_id, based_on, decide)


def undo_on_line(
    folder: Path, language: str, line_id: str, edit_id: str, *, based_on: str, who: str
) -> tuple[edits.Edit, ...]:
    """Take back an edit of a line that is still as the editor saw it; raises what `change_line` does."""
    name = edits.path_of(folder, language).name

    def decide(_: Line, records: Sequence[edits.Edit]) -> Sequence[edits.Edit]:
        return (edits.undoing(records, edit_id, who=who, file=name),)

    return _amend_line(folder, language, line_id, based_on, decide)


def _amend_line(
    folder: Path,
    language: str,
    line_id: str,
    based_on: str,
    decide: Callable[[Line, Sequence[edits.Edit]], Sequence[edits.Edit]],
) -> tuple[edits.Edit, ...]:
    """Add to the edits what `decide` says of the line, if it is still the version that was seen."""
    known = read_script(folder, language)

    def checked(records: tuple[edits.Edit, ...]) -> Sequence[edits.Edit]:
        lines = edits.apply(known.unedited, records).lines
        line = next((each for each in lines if each.id == line_id), None)
        if line is None:
            raise InputError(f"{folder.name} has no line {line_id} any more", hint="reload the page")
        if version(line) != based_on:
            raise EditConflict(f"{line_id} was changed meanwhile", hint="read both texts, and decide")
        return decide(line, records)

    return edits.amend(edits.path_of(folder, language), checked)


def export_script(folder: Path, language: str, kind: str, out: Path) -> Path:
    """Write a language's lines to `out` as one of `exchange.FORMATS`; return the file.

    Raises:
        InputError: the language has no script yet.
    """
    tag = normal_tag(language)
    lines = read_script(folder, tag).lines
    names = speaker_names(folder)
    spoken = _spoken(folder)
    entries = [_entry(line, names, spoken) for line in lines]
    transcript = newest(folder, "transcript", Unit("title"))
    languages = Languages(str(transcript.value["language"]) if transcript else "und", tag)
    write_whole(out, exchange.write(entries, kind, languages, title=folder.stem).encode())
    edits.append(
        _exports(folder, tag), [{"when": datetime.now(UTC).isoformat(), "lines": [_bare(line) for line in lines]}]
    )
    return out


def import_script(folder: Path, language: str, path: Path, *, who: str) -> ImportReport:
    """Take a script in: what differs from the lines becomes edits; nothing is thrown away.

    Before the first run there are no lines: the entries then wait among the edits until there are. What differs is
    told against the export that the file comes from, so that it takes back nobody else's work since; where two people
    changed one line, both texts are kept and the conflict is shown.
    """
    tag = normal_tag(language)
    entries = exchange.read(path)
    full = [entry for entry in entries if entry.text.strip()]
    empty = tuple(entry for entry in entries if not entry.text.strip())
    lines = _lines(folder, tag)
    now = datetime.now(UTC)
    if lines is None:
        records = [_waiting(entry, who, now) for entry in full]
        edits.append(edits.path_of(folder, tag), records)
        return ImportReport((), (), (), (), empty, len(records))
    spoken = _spoken(folder)
    places = [Place(line.id, line.span, spoken.get(line.utterance, "")) for line in lines]
    groups, unplaced = placed(full, places)
    names = {name: speaker for speaker, name in speaker_names(folder).items()}
    now_read = {line.id: joined(groups[line.id]) for line in lines if line.id in groups}
    seen = _seen(folder, tag, lines, now_read)
    changes = {
        line.id: _still_new(line, _differences(seen[line.id], now_read[line.id], names))
        for line in lines
        if line.id in groups
    }
    records = [edits.edit(seen[id_], who=who, when=now, **change) for id_, change in changes.items() if change]
    records += [_waiting(entry, who, now) for entry in unplaced]
    edits.append(edits.path_of(folder, tag), records)
    return ImportReport(
        changed=tuple(line for line, change in changes.items() if change),
        unchanged=tuple(line for line, change in changes.items() if not change),
        untouched=tuple(line.id for line in lines if line.id not in groups),
        unplaced=tuple(unplaced),
        empty=empty,
        pending=0,
    )


def bring_transcript(folder: Path, path: Path) -> Path:
    """Check a subtitle file of the original's words and put it into the title folder; recognition gives way to it."""
    cues = [cue for cue in subtitles.read(path) if cue.text.strip()]
    if not cues:
        raise InputError(f"{path.name}: no cue has a text", hint="bring a subtitle file of what is said in the film")
    target = folder / TRANSCRIPT
    write_whole(target, subtitles.write(cues, "srt").encode())
    return target


def bring_script(folder: Path, language: str, path: Path) -> Path:
    """Check a script in the target language and put it into the title folder, where `mt.human` finds its lines."""
    tag = normal_tag(language)
    target = folder / exchange.BROUGHT.format(language=tag)
    text = exchange.write(exchange.read(path), "json", Languages("und", tag), title=folder.stem)
    write_whole(target, text.encode())
    return target


def _entry(line: Line, names: Mapping[str, str], spoken: Mapping[str, str]) -> Entry:
    speaker = names.get(line.speaker or "", line.speaker)
    return Entry(line.text, line.span, line.id, speaker, line.note, spoken.get(line.utterance, ""))


def _differences(line: Line, entry: Entry, speakers: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields in which the entry, which may know less, differs from the line."""
    found: dict[str, Any] = {}
    if entry.text.strip() != line.text.strip():
        found["text"] = entry.text.strip()
    if entry.note and entry.note != line.note:
        found["note"] = entry.note
    speaker = speakers.get(entry.speaker or "", entry.speaker)
    if speaker in speakers.values() and speaker != line.speaker:
        found["speaker"] = speaker
    if entry.id == line.id and entry.span is not None and _is_moved(entry.span, line.span):
        found["span"] = entry.span
    return found


def _still_new(line: Line, change: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what somebody has changed to the same already."""
    return {name: value for name, value in change.items() if getattr(line, name) != value}


def _exports(folder: Path, language: str) -> Path:
    """Return the file that remembers what was exported, one row a time, to tell later what an editor saw."""
    return folder / "exports" / f"{language}.jsonl"


def _bare(line: Line) -> Line:
    return replace(line, candidates=())


def _seen(folder: Path, language: str, lines: Sequence[Line], read: Mapping[str, Entry]) -> dict[str, Line]:
    """Return the lines as the editor saw them: as they were exported when most of the file's texts were theirs."""
    current = {line.id: line for line in lines}
    path = _exports(folder, language)
    rows = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    best, most = current, 0
    for row in rows[-MOST_EXPORTS:]:
        try:
            known = {line.id: line for line in from_json(tuple[Line, ...], json.loads(row)["lines"])}
        except ValueError:
            continue  # cut short by a crash; the next row is whole
        alike = sum(known[id_].text == entry.text.strip() for id_, entry in read.items() if id_ in known)
        if alike and alike >= most:
            best, most = known, alike
    return current | {id_: line for id_, line in best.items() if id_ in current}


def _is_moved(one: Span, other: Span) -> bool:
    return abs(one.start - other.start) > _SAME_TIME or abs(one.end - other.end) > _SAME_TIME


def _waiting(entry: Entry, who: str, when: datetime) -> edits.Edit:
    after = {"text": entry.text.strip()} | ({"note": entry.note} if entry.note else {})
    return edits.new(line=entry.id, at=entry.span, who=who, before={}, after=to_json(after), when=when)


def _lines(folder: Path, language: str) -> tuple[Line, ...] | None:
    """Return the newest lines with the edits made since; None before the first run."""
    product = newest(folder, "script", Unit(language, language))
    return None if product is None else _script(folder, language, product).lines


def line_ids(folder: Path, language: str) -> tuple[str, ...] | None:
    """Return the ids of the newest lines in the order of the film; None before the first run."""
    lines = _lines(folder, normal_tag(language))
    return tuple(line.id for line in sorted(lines, key=lambda line: line.span)) if lines is not None else None


def speaker_names(folder: Path) -> dict[str, str]:
    """Return the names of the film's speakers by id."""
    product = newest(folder, "speakers", Unit("title"))
    people = from_json(tuple[Speaker, ...], product.value["speakers"]) if product else ()
    return {person.id: person.name for person in people}


def utterances_of(folder: Path) -> Mapping[str, Utterance]:
    """Return what is said in the film, by id, without its words; parted by speaker where that is known."""
    product = newest(folder, "speakers", Unit("title")) or newest(folder, "transcript", Unit("title"))
    return _utterances(product.folder, product.digest) if product else {}


@lru_cache(maxsize=16)
def _utterances(product: Path, _digest: str) -> Mapping[str, Utterance]:
    value = json.loads((product / "product.json").read_text(encoding="utf-8"))
    bare = [{**utterance, "words": []} for utterance in value["utterances"]]
    return {utterance.id: utterance for utterance in from_json(tuple[Utterance, ...], bare)}


def _spoken(folder: Path) -> dict[str, str]:
    return {utterance.id: utterance.text for utterance in utterances_of(folder).values()}


def newest(folder: Path, stage: str, unit: Unit) -> Product | None:
    """Return a unit's newest product."""
    store = Store(folder / "store")
    last = store.last(stage, unit)
    return store.get(last["fingerprint"], unit) if last else None
