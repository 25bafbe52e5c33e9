"""Subtitle files in and out: SRT, WebVTT, TTML, ASS, as tuples of `Cue`.

Reading is strict about what would lose a line (a damaged time, an end before its start) and lenient about what does
not (byte order marks, blank lines, missing numbers, old encodings). `marked=True` writes id, speaker and note as well,
where a format has a place for them; SRT and ASS carry them in a brace comment at the front of the text.
"""

from __future__ import annotations

import codecs
import html
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from urllib.parse import unquote

from dubsync.errors import InputError
from dubsync.text import timed_text
from dubsync.text.cue import Cue
from dubsync.timing import Span, nearest

FORMATS = ("srt", "vtt", "ttml", "ass")
LARGEST_BYTES = 32 * 1024 * 1024
"""A film's subtitles are a thousandth of this; larger is not a subtitle file."""

_STAMP = r"(?:(\d+):)?(\d{1,2}):(\d{1,2})[,.](\d{1,3})"
_TIMES = re.compile(rf"^\s*{_STAMP}\s*-->\s*{_STAMP}(?:\s.*)?$")
_MARK = re.compile(r"^\{(?P<id>[a-z]+-[0-9a-f]{8})?(?:\|(?P<speaker>[^|{}]*)(?:\|(?P<note>[^{}]*))?)?\}\s?")
_TAG = re.compile(r"</?(?:i|b|u|s|c|v|font|span|ruby|rt|lang)(?:[ .][^<>]*)?>|<\d{2}:[\d:.]+>", re.IGNORECASE)
_ASS_OVERRIDE = re.compile(r"\{\\[^}]*\}")


def read(path: Path) -> tuple[Cue, ...]:
    """Read a subtitle file by its ending.

    Raises:
        InputError: it cannot be read, holds no cue, or a cue is damaged; the sentence names the place.
    """
    text = decode(load_bytes(path), path.name)
    kind = path.suffix.lower().lstrip(".")
    reader = _readers().get(kind)
    if reader is None:
        raise InputError(
            f"{path.name}: {kind or 'no ending'} is not a subtitle format", hint=f"use {', '.join(FORMATS)}"
        )
    cues = reader(text, path.name)
    if not cues:
        raise InputError(f"{path.name}: no cue found", hint="open it in an editor: is it a subtitle file?")
    return cues


def write(cues: Sequence[Cue], kind: str, *, language: str = "und", marked: bool = False) -> str:
    """Return the file's text. `kind`: one of `FORMATS`."""
    if kind == "srt":
        blocks = (f"{number}\n{_times(cue.span, ',')}\n{_body(cue, marked)}\n" for number, cue in enumerate(cues, 1))
        return "\n".join(blocks)
    if kind == "vtt":
        return "\n".join([f"WEBVTT\nLanguage: {language}\n", *(_vtt_block(cue, marked) for cue in cues)])
    if kind == "ttml":
        return timed_text.write(cues, language=language, marked=marked)
    if kind == "ass":
        return _write_ass(cues, marked)
    raise InputError(f"{kind} is not a subtitle format", hint=f"use {', '.join(FORMATS)}")


def load_bytes(path: Path) -> bytes:
    """Return a text file's bytes, refusing what cannot be one."""
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise InputError(f"{path.name}: larger than {LARGEST_BYTES >> 20} MB, not a script")
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path.name}: cannot be read: {error.strerror}", hint="check the path") from error


def decode(raw: bytes, name: str) -> str:
    """Return text of UTF-8, UTF-16 with a byte order mark, else Windows-1252; line ends become newlines."""
    marks = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
    encoding = next((encoding for mark, encoding in marks if raw.startswith(mark)), None)
    for guess in (encoding,) if encoding else ("utf-8", "cp1252"):
        try:
            text = raw.decode(guess)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text.replace("\r\n", "\n").replace("\r", "\n")
    raise InputError(f"{name}: its characters cannot be read", hint="save it as UTF-8 and try again")


def _readers() -> dict[str, Callable[[str, str], tuple[Cue, ...]]]:
    return {
        "srt": _read_srt,
        "vtt": _read_vtt,
        "ttml": timed_text.read,
        "dfxp": timed_text.read,
        "ass": _read_ass,
        "ssa": _read_ass,
    }


def _read_srt(text: str, name: str) -> tuple[Cue, ...]:
    return tuple(_unmarked(cue) for cue in _cues(text.split("\n"), name))


def _cues(rows: Sequence[str], name: str) -> list[Cue]:
    """Return the cues of SRT or VTT rows: a row of times, then text until an empty row or the next times."""
    starts = [index for index, row in enumerate(rows) if "-->" in row]
    cues: list[Cue] = []
    for place, index in enumerate(starts):
        stop = starts[place + 1] if place + 1 < len(starts) else len(rows)
        body = rows[index + 1 : stop]
        label = rows[index - 1].strip() if index else ""
        if stop < len(rows) and body and (not body[-1].strip() or _is_label(body)):
            body = body[:-1]
        text = "\n".join(body).strip("\n ")
        cues.append(Cue(_span(rows[index], f"{name}: row {index + 1}"), plain(text), id=label or None))
    return cues


def _is_label(body: Sequence[str]) -> bool:
    """The last row before the next times is its number or name if an empty row stands before it, or it is a number."""
    return len(body) == 1 or not body[-2].strip() or body[-1].strip().isdigit()


def _span(row: str, where: str) -> Span:
    match = _TIMES.match(row)
    if match is None:
        raise InputError(
            f"{where}: times cannot be read: {row.strip()[:60]!r}", hint="write 00:00:01,000 --> 00:00:02,500"
        )
    start, end = _stamp(match.groups()[:4]), _stamp(match.groups()[4:])
    if end < start:
        raise InputError(f"{where}: the cue ends before it starts", hint="correct its times")
    return Span(start, end)


def _stamp(parts: Sequence[str | None]) -> Fraction:
    hours, minutes, secs, fraction = (part or "0" for part in parts)
    return int(hours) * 3600 + int(minutes) * 60 + int(secs) + Fraction(int(fraction), 10 ** len(fraction))


def plain(text: str) -> str:
    """Return a cue's text without markup."""
    return html.unescape(_TAG.sub("", _ASS_OVERRIDE.sub("", text)))


def _unmarked(cue: Cue) -> Cue:
    """Take id, speaker and note from the brace comment that `marked` writing put there."""
    match = _MARK.match(cue.text)
    if match is None:
        return replace(cue, id=None)
    return Cue(
        cue.span,
        cue.text[match.end() :],
        match["id"],
        unquote(match["speaker"] or "") or None,
        unquote(match["note"] or ""),
    )


def _body(cue: Cue, marked: bool) -> str:
    text = _without_gaps(cue.text)
    return _mark(cue) + _shielded(text) if marked else text


def _shielded(text: str) -> str:
    """Write as entities what reading would take for markup."""
    return text if plain(text) == text else html.escape(text, quote=False).replace("{", "&#123;")


def _mark(cue: Cue) -> str:
    parts = (cue.id or "", _tame(cue.speaker or ""), _tame(cue.note))
    return "{" + "|".join(parts).rstrip("|") + "} " if any(parts) else ""


def _tame(text: str) -> str:
    """Percent-encode what would end the comment."""
    return re.sub(r"[{}|%\n&<>]", lambda match: f"%{ord(match[0]):02X}", text)


def _without_gaps(text: str) -> str:
    """An empty row would end the cue, an arrow would begin one."""
    return re.sub(r"\n\s*\n+", "\n", text.strip()).replace("-->", "→")


def _times(span: Span, point: str) -> str:
    return f"{_clock(span.start, point)} --> {_clock(span.end, point)}"


def _clock(time: Fraction, point: str) -> str:
    rest, milliseconds = divmod(nearest(time * 1000), 1000)
    minutes, secs = divmod(rest, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{secs:02}{point}{milliseconds:03}"


def _vtt_block(cue: Cue, marked: bool) -> str:
    text = html.escape(_without_gaps(cue.text), quote=False)
    if not marked:
        return f"{_times(cue.span, '.')}\n{text}\n"
    text = text.replace("{\\", "&#123;\\")  # as braces with a backslash are styling to many players, and to `read`
    note = f"NOTE {_without_gaps(cue.note)}\n\n" if cue.note.strip() else ""
    speaker = " ".join((cue.speaker or "").split())
    voice = f"<v {html.escape(speaker, quote=False)}>" if speaker else ""
    label = f"{cue.id}\n" if cue.id else ""
    return f"{note}{label}{_times(cue.span, '.')}\n{voice}{text}\n"


def _read_vtt(text: str, name: str) -> tuple[Cue, ...]:
    if not text.lstrip("\ufeff").startswith("WEBVTT"):
        raise InputError(f"{name}: does not begin with WEBVTT", hint="is it an SRT file? then name it .srt")
    cues: list[Cue] = []
    note = ""
    for block in re.split(r"\n[ \t]*\n+", text):
        rows = block.strip("\n").split("\n")
        arrow = next((index for index, row in enumerate(rows) if "-->" in row), None)
        if rows[0].startswith("NOTE"):
            note = block.strip()[4:].strip()
        elif arrow is not None:
            body = "\n".join(rows[arrow + 1 :])
            voice = re.match(r"<v(?:\.\S+)?\s+([^>]*)>", body)
            label = rows[arrow - 1].strip() if arrow else None
            span = _span(rows[arrow], f"{name}: cue {len(cues) + 1}")
            speaker = html.unescape(voice[1]).strip() if voice else None
            cues.append(Cue(span, plain(body).strip(), _line_id(label), speaker, note))
            note = ""
    return tuple(cues)


def _line_id(label: str | None) -> str | None:
    return label if label and re.fullmatch(r"[a-z]+-[0-9a-f]{8}", label) else None


def _read_ass(text: str, name: str) -> tuple[Cue, ...]:
    import pysubs2

    try:
        file = pysubs2.SSAFile.from_string(text)
    except (pysubs2.exceptions.Pysubs2Error, ValueError) as error:
        raise InputError(f"{name}: cannot be read as ASS: {error}") from error
    cues = []
    for event in file:
        if event.is_comment:
            continue
        if event.end < event.start:
            raise InputError(f"{name}: a cue ends before it starts: {event.plaintext[:40]!r}", hint="correct its times")
        body = _ASS_OVERRIDE.sub("", event.text).replace("\\N", "\n").replace("\\n", "\n").replace("\\h", " ")
        cue = _unmarked(Cue(Span(Fraction(event.start, 1000), Fraction(event.end, 1000)), body.strip()))
        cues.append(replace(cue, speaker=cue.speaker or event.name or None))
    return tuple(sorted(cues, key=lambda cue: cue.span))


def _write_ass(cues: Sequence[Cue], marked: bool) -> str:
    import pysubs2

    file = pysubs2.SSAFile()
    for cue in cues:
        event = pysubs2.SSAEvent(start=nearest(cue.span.start * 1000), end=nearest(cue.span.end * 1000))
        event.name = (cue.speaker or "").replace(",", " ")
        event.text = _body(cue, marked).replace("\n", "\\N")
        file.append(event)
    return str(file.to_string("ass"))
