"""mt.human: a script that somebody brings is the translation; no machine writes a line unless a fallback is named.

    [engines]
    mt = { name = "mt.human", fallback = "mt.marian" }

Entries find their lines by id, by time, or by the words they translate; one that covers several lines is dealt out to
them. A line that the script has no words for goes to the fallback and is flagged; without one it keeps its source text
and is flagged as untranslated. Entries that belong to no line are flagged too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from dubsync.backends.protocols import MANNERS, Capabilities, Progress, SourceLine, TranslatedLine, Translator
from dubsync.errors import Flag, Severity, UsageError
from dubsync.text import exchange
from dubsync.text.drafting import Draft, unread
from dubsync.text.exchange import Entry
from dubsync.text.placing import Place, joined, placed
from dubsync.text.sentences import deal
from dubsync.timing import SAME_PLACE, clock
from dubsync.title import Candidate


class HumanTranslator:
    """Gives lines the texts of a script. `fallback`: translates the lines that are not in it."""

    capabilities = Capabilities(
        name="mt.human", version="1", licence="the script's own", honours=MANNERS, scripted=True
    )
    """What people wrote is taken to heed everything; a fallback heeds what it can."""

    def __init__(self, *, fallback: Translator | None = None, entries: Sequence[Entry] = ()) -> None:
        self._fallback = fallback
        self._entries = tuple(entry for entry in entries if entry.text.strip())
        if fallback:
            self.capabilities = replace(type(self).capabilities, honours=fallback.capabilities.honours)

    def of(self, script: Path) -> HumanTranslator:
        """Return the translator that has this script.

        Raises:
            UsageError: nobody brought one. InputError: it cannot be read.
        """
        if not script.is_file():
            raise UsageError(
                f"mt.human translates with a script, and there is no {script.name}",
                hint="bring one with --script (SRT, VTT, TTML, XLIFF, CSV or JSON), or name another engine",
            )
        return HumanTranslator(fallback=self._fallback, entries=exchange.read(script))

    def translate(
        self, lines: Sequence[SourceLine], *, source: str, target: str, glossary: Mapping[str, str], progress: Progress
    ) -> tuple[TranslatedLine, ...]:
        """Return one TranslatedLine for each line; the first also carries the flags of entries without a line."""
        groups, unplaced = placed(self._entries, [Place(line.id, line.span, line.text) for line in lines])
        texts = {line: joined(parts).text for line, parts in groups.items()}
        texts |= _shared(lines, groups, target)
        absent = [line for line in lines if line.id not in texts]
        others: dict[str, TranslatedLine] = {}
        if absent and self._fallback:
            made = self._fallback.translate(absent, source=source, target=target, glossary=glossary, progress=progress)
            others = {line.id: self._flagged(line, one, target) for line, one in zip(absent, made, strict=True)}
        found = [others.get(line.id) or _line(line, texts.get(line.id)) for line in lines]
        if found:
            strays = tuple(_stray(entry) for entry in unplaced)
            found[0] = replace(found[0], flags=(*found[0].flags, *strays))
        return tuple(found)

    def _flagged(self, line: SourceLine, made: TranslatedLine, target: str) -> TranslatedLine:
        name = self._fallback.capabilities.name if self._fallback else ""
        where = f" at {clock(line.span.start)}" if line.span else ""
        what = f"the script has no words for {line.text[:60]!r}{where}; {name} translated it"
        flag = Flag(Severity.WARNING, "not-in-script", line.id, what, "read the line, and add it to the script")
        draft = (unread(target, f"{name}'s"),) if getattr(self._fallback, "is_draft", False) else ()
        return replace(made, flags=(*made.flags, flag, *draft))


def _shared(lines: Sequence[SourceLine], groups: Mapping[str, Sequence[Entry]], target: str) -> dict[str, str]:
    """Deal out each entry that also covers lines which have none of their own, in proportion to what is said there."""
    found: dict[str, str] = {}
    for number, line in enumerate(lines):
        parts = groups.get(line.id, ())
        run = _run(lines, number, parts[0], groups) if len(parts) == 1 else []
        dealt = deal(parts[0].text, [max(1, len(one.text)) for one in run], target) if len(run) > 1 else None
        if dealt:
            found |= {one.id: text for one, text in zip(run, dealt, strict=True)}
    return found


def _run(
    lines: Sequence[SourceLine], number: int, entry: Entry, groups: Mapping[str, Sequence[Entry]]
) -> list[SourceLine]:
    """Return the line and its neighbours that the entry covers and that no entry is for."""
    first = last = number
    while first > 0 and _is_covered(lines[first - 1], entry, groups):
        first -= 1
    while last + 1 < len(lines) and _is_covered(lines[last + 1], entry, groups):
        last += 1
    return list(lines[first : last + 1])


def _is_covered(line: SourceLine, entry: Entry, groups: Mapping[str, Sequence[Entry]]) -> bool:
    if line.id in groups or line.span is None or entry.span is None or entry.id is not None:
        return False
    return line.span.overlap(entry.span) > SAME_PLACE * line.span.duration


def _line(line: SourceLine, text: str | None) -> TranslatedLine:
    if text is None and any(letter.isalpha() for letter in line.text):
        return TranslatedLine(line.id, (Candidate(line.text),), Draft(line.text, "", {}).flags(line.id))
    return TranslatedLine(line.id, (Candidate(" ".join((text or line.text).split()) or "…"),))


def _stray(entry: Entry) -> Flag:
    where = clock(entry.span.start) if entry.span else entry.id or entry.source[:40] or entry.text[:40]
    what = f"the script's {entry.text[:60]!r} belongs to no line of the film"
    return Flag(Severity.WARNING, "script-unplaced", where, what, "correct its time or its id")
