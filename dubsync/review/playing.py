"""What a page may play, by name and never by path; and whether browsers can be expected to play it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from dubsync import scripts
from dubsync.engine.stage import Product, Unit
from dubsync.errors import InputError, UnreadableMedia, UnsupportedStream
from dubsync.media.table import opened, picture_stream
from dubsync.title import Title

SOURCE = "source"
SOUND = "sound"
_TYPES = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/mp4",
    ".webm": "video/webm",
    ".mkv": "video/x-matroska",
    ".wav": "audio/wav",
    ".vtt": "text/vtt",
    ".html": "text/html",
}
_CONTAINERS = (".mp4", ".m4v", ".mov", ".webm")
_PICTURES = {"h264", "vp8", "vp9", "av1"}
_DEPTHS = {"yuv420p", "yuvj420p"}
_SOUNDS = {"aac", "mp3", "opus", "vorbis", "flac"}


@dataclass(frozen=True, slots=True)
class Playable:
    """Something that can be played. `name`: what its address ends with; `doubt`: why a browser may not play it."""

    name: str
    label: str
    doubt: str = ""


def playables(title: Title, language: str) -> tuple[Playable, ...]:
    """Return what there is to play of a language, the dub first."""
    found = []
    new, film = _video(title, language), Path(title.film)
    is_dubbed = _product(title, "mix", language) is not None
    if new is not None:
        found.append(Playable(language, "the dub" if is_dubbed else "with the new subtitles", doubt(new)))
    if film.is_file():
        found.append(Playable(SOURCE, "the source", doubt(film)))
    if is_dubbed:
        found.append(Playable(f"{language}.{SOUND}", "the new sound alone"))
    return tuple(found)


def media_file(title: Title, name: str) -> Path:
    """Return the file that a name stands for: "source", a language, or a language with ".sound" or ".vtt" behind.

    Raises:
        InputError: there is no such thing, or its file is gone.
    """
    language, _, part = name.partition(".")
    found = Path(title.film) if name == SOURCE else _made(title, language, part)
    if found is None or not found.is_file():
        what = "the film is not where it was" if name == SOURCE else f"there is no {name} of {title.name} to play"
        raise InputError(what, hint="put it back, or run `dubsync localize` again")
    return found


def media_type(path: Path) -> str:
    """Return what a browser is told that a file is."""
    return _TYPES.get(path.suffix.lower(), "application/octet-stream")


def report_page(title: Title, language: str) -> Path | None:
    """Return the newest report's page, if there is one."""
    product = _product(title, "check", language)
    page = product.file("report.html") if product else None
    return page if page is not None and page.is_file() else None


def _made(title: Title, language: str, part: str) -> Path | None:
    if language not in title.languages:
        return None
    if not part:
        return _video(title, language)
    stage, file = {SOUND: ("mix", "dub.wav"), "vtt": ("render", f"{language}.vtt")}.get(part, ("", ""))
    product = _product(title, stage, language) if stage else None
    return product.file(file) if product else None


def _video(title: Title, language: str) -> Path | None:
    product = _product(title, "render", language)
    path = product.file(product.value["video"]) if product else None
    return path if path is not None and path.is_file() else None


def _product(title: Title, stage: str, language: str) -> Product | None:
    return scripts.newest(Path(title.folder), stage, Unit(language, language))


def doubt(path: Path) -> str:
    """Return why browsers may not play a film, "" if they can be expected to."""
    facts = path.stat()
    return _doubt(path, facts.st_mtime_ns, facts.st_size)


@lru_cache(maxsize=64)
def _doubt(path: Path, _time: int, _size: int) -> str:
    try:
        with opened(path) as container:
            picture = picture_stream(container, path.name).codec_context
            sounds = [stream.codec_context.name for stream in container.streams.audio if stream.codec_context]
    except (UnreadableMedia, UnsupportedStream) as error:
        return error.message
    if picture.name not in _PICTURES:
        return f"its picture is coded as {picture.name}, which many browsers cannot play"
    if picture.pix_fmt not in _DEPTHS:
        return f"its picture has the pixel format {picture.pix_fmt}, which many browsers cannot play"
    if sounds and sounds[0] not in _SOUNDS:
        return f"its sound is coded as {sounds[0]}, which many browsers cannot play"
    if path.suffix.lower() not in _CONTAINERS:
        return f"many browsers do not open {path.suffix.lower().lstrip('.') or 'such'} files"
    return ""
