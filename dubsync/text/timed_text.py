"""TTML (W3C Timed Text Markup Language 1), the subset that subtitles need: paragraphs with times, agents, notes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from xml.sax.saxutils import escape, quoteattr

from dubsync.errors import InputError
from dubsync.text.cue import Cue
from dubsync.text.xml import Element, attribute, legal, local, parse
from dubsync.timing import Span, nearest

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttm="http://www.w3.org/ns/ttml#metadata" '
    'xmlns:ttp="http://www.w3.org/ns/ttml#parameter" ttp:timeBase="media" xml:lang={language}>\n'
)
_CLOCK = re.compile(r"(\d+):(\d{2}):(\d{2})(?:[.,](\d+)|:(\d{2}))?")
_OFFSET = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s|f|t)")


def read(text: str, name: str) -> tuple[Cue, ...]:
    """Return the paragraphs that have times, in order."""
    root = parse(text.lstrip("\ufeff"), name)
    if local(root) != "tt":
        raise InputError(f"{name}: the root element is {local(root)!r}, not tt", hint="is it TTML?")
    agents = {attribute(agent, "id"): _agent_name(agent) for agent in root.iter() if local(agent) == "agent"}
    rates = _rates(root)
    cues = []
    for number, paragraph in enumerate((one for one in root.iter() if local(one) == "p"), 1):
        span = _span(paragraph, rates, f"{name}: paragraph {number}")
        label = attribute(paragraph, "id")
        speaker = agents.get(attribute(paragraph, "agent"))
        note = "".join("".join(one.itertext()) for one in paragraph.iter() if local(one) == "desc").strip()
        cues.append(Cue(span, _content(paragraph).strip(), label, speaker, note))
    return tuple(cues)


def write(cues: Sequence[Cue], *, language: str, marked: bool) -> str:
    """Return a TTML document; `marked` adds ids, agents and descriptions."""
    speakers = sorted({cue.speaker for cue in cues if cue.speaker}) if marked else []
    agents = {speaker: f"agent{number}" for number, speaker in enumerate(speakers, 1)}
    named = "".join(
        f'<ttm:agent xml:id="{agent}" type="character">'
        f'<ttm:name type="full">{escape(legal(speaker))}</ttm:name></ttm:agent>\n'
        for speaker, agent in agents.items()
    )
    paragraphs = "".join(_paragraph(cue, agents, marked=marked) for cue in cues)
    head = f"<head><metadata>\n{named}</metadata></head>\n" if named else ""
    return f"{_HEAD.format(language=quoteattr(language))}{head}<body><div>\n{paragraphs}</div></body>\n</tt>\n"


def _paragraph(cue: Cue, agents: dict[str, str], *, marked: bool) -> str:
    times = f'begin="{_clock(cue.span.start)}" end="{_clock(cue.span.end)}"'
    text = "<br/>".join(escape(legal(row)) for row in cue.text.split("\n"))
    if not marked:
        return f"<p {times}>{text}</p>\n"
    label = f" xml:id={quoteattr(cue.id)}" if cue.id else ""
    agent = f' ttm:agent="{agents[cue.speaker]}"' if cue.speaker else ""
    note = f"<metadata><ttm:desc>{escape(legal(cue.note))}</ttm:desc></metadata>" if cue.note else ""
    return f"<p{label} {times}{agent}>{note}{text}</p>\n"


def _clock(time: Fraction) -> str:
    rest, milliseconds = divmod(nearest(time * 1000), 1000)
    minutes, secs = divmod(rest, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{secs:02}.{milliseconds:03}"


def _rates(root: Element) -> tuple[Fraction, Fraction]:
    """Return frames and ticks a second."""
    frames = Fraction(attribute(root, "frameRate") or 30)
    multiplier = (attribute(root, "frameRateMultiplier") or "1 1").split()
    if len(multiplier) == 2:
        frames *= Fraction(int(multiplier[0]), int(multiplier[1]))
    return frames, Fraction(attribute(root, "tickRate") or 1)


def _span(paragraph: Element, rates: tuple[Fraction, Fraction], where: str) -> Span:
    begin, end, length = (attribute(paragraph, name) for name in ("begin", "end", "dur"))
    if begin is None or (end is None and length is None):
        raise InputError(f"{where}: has no times", hint="give begin and end on each p")
    start = _time(begin, rates, where)
    stop = _time(end, rates, where) if end is not None else start + _time(length or "0s", rates, where)
    if stop < start:
        raise InputError(f"{where}: the cue ends before it starts", hint="correct its times")
    return Span(start, stop)


def _time(value: str, rates: tuple[Fraction, Fraction], where: str) -> Fraction:
    """Read a clock time or an offset time (TTML1 section 10.3.1)."""
    if clock := _CLOCK.fullmatch(value.strip()):
        hours, minutes, secs, fraction, frames = clock.groups()
        whole = int(hours) * 3600 + int(minutes) * 60 + int(secs)
        part = Fraction(int(fraction), 10 ** len(fraction)) if fraction else Fraction(int(frames or 0)) / rates[0]
        return whole + part
    if offset := _OFFSET.fullmatch(value.strip()):
        units = {"h": Fraction(3600), "m": Fraction(60), "s": Fraction(1), "ms": Fraction(1, 1000)}
        units |= {"f": 1 / rates[0], "t": 1 / rates[1]}
        return Fraction(offset[1]) * units[offset[2]]
    raise InputError(f"{where}: time cannot be read: {value[:40]!r}")


def _content(element: Element) -> str:
    """Return text with br as line breaks, metadata left out."""
    parts = [re.sub(r"\s+", " ", element.text or "")]
    for child in element:
        if local(child) == "br":
            parts.append("\n")
        elif local(child) != "metadata":
            parts.append(_content(child))
        parts.append(re.sub(r"\s+", " ", child.tail or ""))
    return "".join(parts)


def _agent_name(agent: Element) -> str:
    return "".join(agent.itertext()).strip()
