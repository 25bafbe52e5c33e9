"""The sounds of a line whose voice does not name them: found in its sound, where a mouth will move to it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from dubsync.backends.protocols import PhoneFinder, Spoken
from dubsync.engine.stage import Context, Made
from dubsync.text import language as tags
from dubsync.title import Line


@dataclass(frozen=True, slots=True)
class Said:
    """What is heard in a line, and in which language."""

    text: str
    language: str


def original(line: Line, made: Made) -> Said | None:
    """Return what was said in the film where this line is; None where nobody said anything that is known."""
    rows = made.one("speakers").value["utterances"]
    row = next((row for row in rows if row["id"] == line.utterance), None)
    if row is None or not made.has("transcript"):
        return None
    return Said(row["text"], made.one("transcript").value["language"])


def is_seen(line: Line, made: Made) -> bool:
    """Tell whether the line's speaker has a face in the film."""
    return line.speaker in set(made.one("speakers").value.get("faces", {}).values())


def named(spoken: Spoken, said: Said | None, line: Line, made: Made, ctx: Context) -> Spoken:
    """Return the line with the times of its words and sounds, as far as an engine of the pipeline finds them.

    Lines that name them come back as they are, and so do those of speakers who are not seen.
    """
    if spoken.phones or said is None or "phones" not in ctx.backends or not is_seen(line, made):
        return spoken
    finder: PhoneFinder = ctx.backend("phones")
    if tags.best_match(said.language, finder.capabilities.languages or (said.language,)) is None:
        return spoken
    found = finder.find(spoken.samples, spoken.sample_rate, text=said.text, language=said.language)
    return replace(spoken, words=found.words or spoken.words, phones=found.phones, flags=(*spoken.flags, *found.flags))
