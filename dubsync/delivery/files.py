"""The form "file": for each language one MP4 with its index in front."""

from __future__ import annotations

from dubsync.delivery.checks import Checked, Made, same_sound
from dubsync.delivery.dubs import FinishedDub
from dubsync.delivery.order import Built, Order
from dubsync.delivery.specs import File
from dubsync.errors import Flag, IntegrityError, Severity
from dubsync.media import playback
from dubsync.media.probe import Film, examine
from dubsync.media.remux import remux
from dubsync.media.sound import sound


def build(params: File, order: Order) -> Built:
    """Write one file for each dub, and play it back."""
    files: dict[str, dict[str, str]] = {}
    checked: list[Checked] = []
    flags: list[Flag] = []
    for dub in order.dubs:
        order.saying(f"{dub.language}: file")
        name = file_of(order.title, dub.language)
        sounds, subtitles = _wanted(params, dub)
        made = order.place / name
        flags += remux(dub.film, made, sounds=sounds, subtitles=subtitles, copied=params.copied_sound)
        for number in sounds:
            track = dub.film.source.audio[number]
            if track.codec not in params.copied_sound and track.bits is None:
                what = f"sound track {number + 1} ({track.codec}) was coded again as AAC"
                flags.append(Flag(Severity.INFO, "sound-recoded", name, what))
        order.saying(f"{dub.language}: file, played back")
        for found, raised in _played(dub.film, Film(made, *examine(made)), sounds, params):
            checked.append(found)
            flags += raised
        files[dub.language] = {"mp4": name}
    return Built(files, tuple(checked), tuple(flags))


def file_of(title: str, language: str) -> str:
    """Return what a dub's file is called."""
    return f"{title}.{language}.mp4"


def _wanted(params: File, dub: FinishedDub) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the numbers of the sound and subtitle tracks that are kept; the dub's own come first in its film."""
    source = dub.film.source
    if params.tracks == "all":
        return tuple(range(len(source.audio))), tuple(range(len(source.subtitles)))
    return (0,), (0,) if dub.has_subtitles else ()


def _played(film: Film, made: Film, sounds: tuple[int, ...], params: File) -> list[tuple[Checked, tuple[Flag, ...]]]:
    name = made.path.name
    if not playback.has_index_in_front(made.path):
        raise IntegrityError(f"{name}: its index is not in front", hint="report it: it should not happen")
    if len(made.source.audio) != len(sounds):
        raise IntegrityError(f"{name}: has {len(made.source.audio)} sound tracks, not {len(sounds)}")
    playback.film_picture(made.path, film.table, made.table.start)
    rows: list[tuple[Checked, tuple[Flag, ...]]] = [
        (Checked(name, float(made.table.duration), frames=len(made.table)), ())
    ]
    for track, number in enumerate(sounds):
        heard = sound(made.path, made.table, track=track)
        is_coded = film.source.audio[number].codec not in params.copied_sound
        rows.append(same_sound(film, number, Made(f"{name}: sound {track + 1}", heard, is_coded, params.ceiling_dbtp)))
    return rows
