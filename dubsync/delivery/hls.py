"""HLS playlists (RFC 8216 and its second edition), written and read back for the files they name.

Each spoken language has a multivariant playlist of its own: a dub has another picture, and players take the variants
of one playlist for the same picture at another bit rate.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from dubsync.delivery.catalogue import Presentation, Sound, Subtitles, bits_a_second
from dubsync.media.package import INIT, Track

PLAYLIST = "index.m3u8"
_VERSION = 7
_MACHINE, _ORIGINAL = "public.machine-generated", "public.original-content"
_DESCRIBED = "public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound"
_URI = re.compile(r'URI="([^"]*)"')


def track(of: Track, target: int) -> str:
    """Return the media playlist of a packaged track. `target`: seconds, the same in all playlists of a presentation."""
    rows = [*_head(target), "#EXT-X-INDEPENDENT-SEGMENTS", f'#EXT-X-MAP:URI="{INIT}"']
    for piece in of.pieces:
        rows += [f"#EXTINF:{float(piece.shown):.6f},", piece.name]
    return _text([*rows, "#EXT-X-ENDLIST"])


def subtitles(of: Subtitles) -> str:
    """Return the media playlist of subtitles: one file, as long as the film. Theirs alone may have another target."""
    seconds = f"{float(of.seconds):.6f}"
    return _text([*_head(-int(-of.seconds // 1)), f"#EXTINF:{seconds},", of.path.name, "#EXT-X-ENDLIST"])


def multivariant(of: Presentation, places: dict[str, str]) -> str:
    """Return the playlist a player begins with. `places`: each track's playlist, by "kind/id"."""
    rows = ["#EXTM3U", f"#EXT-X-VERSION:{_VERSION}", "#EXT-X-INDEPENDENT-SEGMENTS"]
    if of.disclosure:
        rows.append(f'#EXT-X-SESSION-DATA:DATA-ID="dubsync.disclosure",VALUE="{_quoted(of.disclosure)}"')
    rows += [_sound(sound, of, places[f"audio/{sound.id}"]) for sound in of.sounds]
    for number, each in enumerate(of.subtitles):
        is_first = all(
            (known.language, known.described) != (each.language, each.described) for known in of.subtitles[:number]
        )
        rows.append(_subtitles(each, places[f"subtitles/{each.id}"], is_first=is_first))
    rows += [_variant(of), places[f"video/{of.picture.id}"]]
    return _text(rows)


def _head(target: int) -> list[str]:
    return [
        "#EXTM3U", f"#EXT-X-VERSION:{_VERSION}", f"#EXT-X-TARGETDURATION:{target}", "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-PLAYLIST-TYPE:VOD",
    ]  # fmt: skip


def _sound(of: Sound, shown: Presentation, place: str) -> str:
    """Only sounds that fit the mouths are chosen by a player on its own, and of a language only the first."""
    is_default = of.id == shown.sound.id
    fits = of.picture == shown.picture.id and of.is_first
    facts = {
        "TYPE": "AUDIO",
        "GROUP-ID": '"audio"',
        "LANGUAGE": f'"{of.language}"',
        "NAME": f'"{_quoted(of.name)}"',
        "DEFAULT": _yes(is_default),
        "AUTOSELECT": _yes(is_default or fits),
        "CHANNELS": f'"{of.channels}"',
    }
    if of.is_machine or (of.is_first and not of.is_dub):
        facts["CHARACTERISTICS"] = f'"{_MACHINE if of.is_machine else _ORIGINAL}"'
    return _row("EXT-X-MEDIA", {**facts, "URI": f'"{place}"'})


def _subtitles(of: Subtitles, place: str, *, is_first: bool) -> str:
    """Players choose among those of which the language and kind are not there twice."""
    facts = {
        "TYPE": "SUBTITLES",
        "GROUP-ID": '"subtitles"',
        "LANGUAGE": f'"{of.language}"',
        "NAME": f'"{_quoted(of.name)}"',
        "DEFAULT": "NO",
        "AUTOSELECT": _yes(is_first),
        "FORCED": "NO",
    }
    marks = [*([_DESCRIBED] if of.described else []), *([_MACHINE] if of.is_machine else [])]
    if marks:
        facts["CHARACTERISTICS"] = f'"{",".join(marks)}"'
    return _row("EXT-X-MEDIA", {**facts, "URI": f'"{place}"'})


def _variant(of: Presentation) -> str:
    picture = of.picture
    peak, mean = bits_a_second(picture.track)
    sounds = [bits_a_second(sound.track) for sound in of.sounds]
    codecs = dict.fromkeys([picture.track.codec, *(sound.track.codec for sound in of.sounds)])
    facts = {
        "BANDWIDTH": str(peak + max(rate for rate, _ in sounds)),
        "AVERAGE-BANDWIDTH": str(mean + max(rate for _, rate in sounds)),
        "CODECS": f'"{",".join(codecs)}"',
        "RESOLUTION": f"{picture.width}x{picture.height}",
        "FRAME-RATE": f"{float(picture.rate):.3f}",
        "VIDEO-RANGE": picture.range,
        "AUDIO": '"audio"',
    }
    if of.subtitles:
        facts["SUBTITLES"] = '"subtitles"'
    return _row("EXT-X-STREAM-INF", facts)


def _row(tag: str, facts: dict[str, str]) -> str:
    return f"#{tag}:" + ",".join(f"{key}={value}" for key, value in facts.items())


def _yes(value: bool) -> str:
    return "YES" if value else "NO"


def _quoted(text: str) -> str:
    """A quoted string holds neither quotes nor line ends."""
    return " ".join(text.replace('"', "'").split())


def _text(rows: list[str]) -> str:
    return "\n".join(rows) + "\n"


def named(playlist: Path) -> Iterator[Path]:
    """Yield the playlist and every file that it and the playlists it names ask for."""
    yield playlist
    for row in playlist.read_text(encoding="utf-8").splitlines():
        found = _URI.findall(row) if row.startswith("#") else [row] if row else []
        for name in found:
            path = playlist.parent / name
            if path.suffix == ".m3u8":
                yield from named(path)
            else:
                yield path
