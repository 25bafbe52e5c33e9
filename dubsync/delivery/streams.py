"""The form "segments": everything packaged once, and a manifest of each kind for each spoken language.

A dub's mouths are part of its picture, so each language has a picture of its own; equal ones, as when only the voice
is dubbed, are packaged once.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from dubsync.delivery import dash, hls
from dubsync.delivery.catalogue import Presentation, target_seconds
from dubsync.delivery.dubs import FinishedDub
from dubsync.delivery.order import Built, Order
from dubsync.delivery.packing import Packer, free, tags
from dubsync.delivery.specs import Segments
from dubsync.errors import Flag, IntegrityError, Severity, UnsupportedStream
from dubsync.media import package, playback
from dubsync.media.package import Track
from dubsync.media.probe import Film, examine
from dubsync.media.remux import remux
from dubsync.media.texts import shown_texts
from dubsync.rights.mark import DISCLOSURE_TAG
from dubsync.text import subtitles as subtitle_files
from dubsync.text.cue import Cue
from dubsync.text.language import normal_tag


def build(params: Segments, order: Order) -> Built:
    """Package dubs and the film they were made from, and play everything back.

    Raises:
        UnsupportedStream: a dub cannot be streamed as it is coded.
        IntegrityError: what was packaged does not play as the dub.
    """
    packer = Packer(order.place, params, order.saying)
    source, before = _original(packer, order.original, order.spoken, order.spare)
    shown = [(dub, packer.picture(dub.film, dub.language)) for dub in order.dubs]
    for dub, picture in shown:
        packer.sound(dub.film, 0, dub.language, picture, dub)
    for number, track in enumerate(source.source.audio):
        language = order.spoken if number == 0 else _tag(track.language)
        packer.sound(source, number, language, before)
    for dub in order.dubs:
        _subtitles(packer, dub, order.original.table.duration)
    _own_subtitles(packer, order.original)
    presentations = [_presentation(packer, dub.language, picture, dub) for dub, picture in shown]
    if before:
        presentations.append(_presentation(packer, order.spoken, before, None))
    written = _written(packer, presentations, len(order.original.table))
    return Built(written, tuple(packer.checked), tuple(packer.flags))


def manifests_of(params: Segments, language: str) -> dict[str, str]:
    """Return the manifests of a language by their kind."""
    endings = {"hls": "m3u8", "dash": "mpd"}
    return {kind: f"{language}.{ending}" for kind, ending in endings.items() if kind in params.manifests}


def _original(packer: Packer, film: Film, spoken: str, spare: Path) -> tuple[Film, str]:
    """Package the film as it was; return it as it is read from now on, and its picture's id, "" where there is none."""
    if not packer.params.original:
        return film, ""
    try:
        if film.source.video.codec in ("h264", "hevc") and not package.is_plain(film):
            copy = spare / "original.mp4"  # a broadcast's packets cannot be put into segments as they are
            packer.flags += remux(film, copy, sounds=range(len(film.source.audio)), subtitles=(), copied=("aac",))
            film = Film(copy, *examine(copy))
        return film, packer.picture(film, spoken)
    except UnsupportedStream as error:
        what = f"the film as it was is left out, and its sound is offered with the dubs: {error.message}"
        packer.flags.append(Flag(Severity.WARNING, "original-left-out", spoken, what, error.hint))
        return film, ""


def _subtitles(packer: Packer, dub: FinishedDub, seconds: Fraction) -> None:
    if dub.has_subtitles:
        packer.subtitle(dub.language, subtitle_files.read(dub.vtt), seconds, is_machine=dub.is_draft)
    if dub.described_vtt:
        cues = subtitle_files.read(dub.described_vtt)
        packer.subtitle(dub.language, cues, seconds, described=True, is_machine=True)


def _own_subtitles(packer: Packer, film: Film) -> None:
    for number, track in enumerate(film.source.subtitles):
        texts = shown_texts(film, number)
        if texts is None:
            what = f"the film's subtitles {number + 1} ({track.codec}) are left out"
            packer.flags.append(Flag(Severity.WARNING, "track-left-out", "subtitles", what, "WebVTT holds text only"))
            continue
        cues = [Cue(span, subtitle_files.plain(text)) for span, text in texts]
        packer.subtitle(_tag(track.language), cues, film.table.duration, name=track.name or "")


def _tag(language: str | None) -> str:
    return normal_tag(language) if language else "und"


def _presentation(packer: Packer, language: str, picture: str, dub: FinishedDub | None) -> Presentation:
    shown = next(each for each in packer.pictures.values() if each.id == picture)
    own = next(each for each in packer.sounds if each.language == language and each.is_dub == (dub is not None))
    others = [each for each in packer.sounds if each is not own]
    if packer.params.sounds == "fitting":
        others = [each for each in others if each.picture == picture]
    disclosure = tags(dub.film).get(DISCLOSURE_TAG, "") if dub else ""
    return Presentation(language, shown, own, tuple(others), tuple(packer.subtitles), disclosure)


def _written(packer: Packer, presentations: Sequence[Presentation], frames: int) -> dict[str, dict[str, str]]:
    """Write the manifests; insist that players can read them, and that they name what lies there and nothing else."""
    tracks = [*(each.track for each in packer.pictures.values()), *(each.track for each in packer.sounds)]
    target = target_seconds(tracks)
    places = _playlists(packer, tracks, target) if "hls" in packer.params.manifests else {}
    found: dict[str, dict[str, str]] = {}
    named: set[Path] = set()
    for each in presentations:
        packer.saying(f"{each.language}: manifest")
        name = free(each.language, iter(found))
        found[name] = {}
        names = manifests_of(packer.params, name)
        if "hls" in names:
            path = packer.place / names["hls"]
            path.write_text(hls.multivariant(each, places), encoding="utf-8")
            _insist_on_playing(path, each, frames)
            named.update(hls.named(path))
            found[name]["hls"] = path.name
        if "dash" in names:
            path = packer.place / names["dash"]
            path.write_text(dash.manifest(each, target), encoding="utf-8")
            named.update(dash.named(path))
            found[name]["dash"] = path.name
    there = {path for path in packer.place.rglob("*") if path.is_file()}
    if odd := sorted(path.relative_to(packer.place).as_posix() for path in there ^ named):
        raise IntegrityError(f"{odd[0]}: is named and not there, or there and not named; {len(odd)} such files")
    return found


def _playlists(packer: Packer, tracks: Sequence[Track], target: int) -> dict[str, str]:
    """Write each track's playlist; return where they lie, by "kind/id"."""
    texts = {track.folder: hls.track(track, target) for track in tracks}
    texts |= {each.path.parent: hls.subtitles(each) for each in packer.subtitles}
    places = {}
    for folder, text in texts.items():
        (folder / hls.PLAYLIST).write_text(text, encoding="utf-8")
        name = folder.relative_to(packer.place).as_posix()
        places[name] = f"{name}/{hls.PLAYLIST}"
    return places


def _insist_on_playing(path: Path, each: Presentation, frames: int) -> None:
    heard = playback.playlist(path)
    wanted = playback.Heard(1, len(each.sounds), frames)
    if heard != wanted:
        raise IntegrityError(
            f"{path.name}: a player finds {heard}, not {wanted}", hint="report it: it should not happen"
        )
