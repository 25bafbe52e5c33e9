"""faces: every face of a shot, followed from frame to frame, with dense landmarks in pixels of the coded picture."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dubsync.backends.protocols import Face, FaceFinder, Picture
from dubsync.documents import from_json, to_json
from dubsync.engine.stage import Axis, Context, Made, Unit, stage
from dubsync.errors import Flag, Severity
from dubsync.face import geometry
from dubsync.face.occlusion import appearance
from dubsync.face.track import Doubt, Linker, Sighting, Track, judge, runs, smooth, usable
from dubsync.media.read import Upright, pictures
from dubsync.media.table import FrameTable
from dubsync.timing import clock
from dubsync.title import FaceTrack, Shot, Source, VideoTrack, content_id

_MARGIN = 8
"""Frames read beyond a piece where its shot goes on, so that pieces meet without a jump."""
_WORTH_SAYING_S = 0.3
_SENTENCES = {
    Doubt.PROFILE: "the face is turned too far away for its mouth to be redrawn",
    Doubt.SMALL: "the face is too small for its mouth to be redrawn",
    Doubt.CUT_OFF: "the mouth or chin is beyond the edge of the picture",
    Doubt.LOST: "the face was not found; its place is taken from the frames around",
    Doubt.COVERED: "something is in front of the mouth",
}


@stage(over=Axis.SHOT, needs=("source", "shots"), backends=("face",), version=2)
def faces(unit: Unit, made: Made, ctx: Context, params: None) -> Mapping[str, Any]:
    """Write tracks.npz and return the shot's FaceTracks."""
    film = from_json(Source, made.one("source").value, where="source").video
    shot = from_json(Shot, unit.item, where="shot")
    table = FrameTable.load(made.one("source").file("frames.npz"))
    first, stop = _stretch(shot, made)
    finder: FaceFinder = ctx.backend("face")
    linker = _linked(finder, ctx, film, table, first, stop)
    arrays: dict[str, NDArray[Any]] = {}
    tracks = []
    for whole in linker.tracks():
        track = smooth(whole, float(film.rate)).part(shot.first, shot.stop)
        if not track.score.any():
            continue
        noun = _noun(track, shot)
        doubts = judge(track, film.width, film.height)
        arrays |= _arrays(noun.id, track, usable(doubts))
        tracks.append(noun)
        for flag in _flags(noun, track, doubts, table.times):
            ctx.flag(flag)
    np.savez(ctx.out / "tracks.npz", **arrays)  # type: ignore[arg-type]
    return {"tracks": to_json(tracks)}


def _stretch(shot: Shot, made: Made) -> tuple[int, int]:
    """Return the frames to read: the shot's, and some more on the sides where it is only a piece of one."""
    first, stop = shot.first, shot.stop
    for before, after in pairwise(from_json(tuple[Shot, ...], made.one("shots").value["shots"], where="shots")):
        if after.continues and after.first == shot.first:
            first = max(before.first, first - _MARGIN)
        if after.continues and before.first == shot.first:
            stop = min(after.stop, stop + _MARGIN)
    return first, stop


def _linked(finder: FaceFinder, ctx: Context, film: VideoTrack, table: FrameTable, first: int, stop: int) -> Linker:
    """Find and follow the faces of the frames [first, stop), one picture in memory at a time."""
    upright = Upright(film.rotation, film.width, film.height)
    ahead: deque[Picture] = deque()  # what the finder has taken and not yet answered for; mostly one picture

    def turned() -> Iterator[Picture]:
        for number, picture in pictures(ctx.film, first, stop, table=table):
            ctx.progress((number - first) / (stop - first))
            ahead.append(upright.turn(picture))
            yield ahead[-1]

    linker = Linker()
    for number, found in enumerate(finder.find(turned()), first):
        picture = ahead.popleft()
        linker.add(number, [_sighting(face, picture, upright) for face in found])
    return linker


def _sighting(face: Face, picture: Picture, upright: Upright) -> Sighting:
    """Return the face in coded pixels; depth is the same however the picture is turned."""
    coded = np.concatenate([upright.to_coded(face.landmarks[:, :2]), face.landmarks[:, 2:]], axis=1)
    return Sighting(coded, face.score, appearance(picture, face.landmarks))


def _noun(track: Track, shot: Shot) -> FaceTrack:
    first, stop = int(track.numbers[0]), int(track.numbers[-1]) + 1
    where = np.round(track.landmarks[0, geometry.NOSE_TIP, :2]).astype(int).tolist()
    return FaceTrack(
        id=content_id("face", shot.id, first, stop, *where),
        shot=shot.id,
        first=first,
        stop=stop,
        size=round(float(np.median(geometry.eye_distance(track.landmarks))), 2),
        yaw=round(float(np.median(geometry.pose(track.landmarks).yaw)), 1),
        found=round(float((track.score > 0).sum()) / (shot.stop - shot.first), 4),
    )


def _arrays(name: str, track: Track, fit: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
    return {
        f"{name}.numbers": track.numbers,
        f"{name}.landmarks": track.landmarks,
        f"{name}.score": track.score,
        f"{name}.yaw": geometry.pose(track.landmarks).yaw.astype(np.float32),
        f"{name}.usable": fit,
    }


def _flags(
    noun: FaceTrack, track: Track, doubts: Mapping[Doubt, NDArray[np.bool_]], times: NDArray[np.float64]
) -> Iterator[Flag]:
    """Say why a face cannot be redrawn for longer than a moment, and when."""
    step = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    for doubt, frames in doubts.items():
        if frames.sum() * step < _WORTH_SAYING_S:
            continue
        stretches = [(track.numbers[start], track.numbers[stop - 1]) for start, stop in runs(frames)]
        when = ", ".join(f"{clock(times[a])} to {clock(times[b] + step)}" for a, b in stretches[:5])
        more = f" and {len(stretches) - 5} times more" if len(stretches) > 5 else ""
        is_mostly = frames.mean() > 0.5 and doubt is not Doubt.SMALL
        yield Flag(
            Severity.WARNING if is_mostly else Severity.INFO,
            doubt.value,
            f"{noun.shot}, {noun.id}",
            f"{_SENTENCES[doubt]}: {when}{more}",
            "these frames keep their original mouth",
        )
