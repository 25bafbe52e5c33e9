"""shots: where the film cuts. Long shots are handed on in pieces, so that no later stage holds much at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

from dubsync.documents import from_json, to_json
from dubsync.engine.stage import Axis, Context, Made, Unit, stage
from dubsync.media.colour import RgbReader
from dubsync.media.read import frames
from dubsync.media.table import FrameTable
from dubsync.timing import Span
from dubsync.title import Shot, Source, content_id

_LOOK_WIDTH = 320
"""Width at which frames are compared; cuts show as well as at full size, for a fraction of the work."""


@dataclass(frozen=True, slots=True)
class ShotsParams:
    """`threshold`: mean HSV difference that makes a cut. `min_seconds`: cuts nearer together count as one.

    `max_seconds`: longer shots are handed on in pieces.
    """

    threshold: float = 27.0
    min_seconds: float = 0.25
    max_seconds: float = 10.0


@stage(over=Axis.TITLE, needs=("source",), params=ShotsParams, version=1)
def shots(unit: Unit, made: Made, ctx: Context, params: ShotsParams) -> Mapping[str, Any]:
    film = from_json(Source, made.one("source").value, where="source")
    table = FrameTable.load(made.one("source").file("frames.npz"))
    cuts = {cut for cut in _cuts(ctx, film, table, params) if 0 < cut < len(table)}
    pieces = _pieces([0, *sorted(cuts), len(table)], table, Fraction(str(params.max_seconds)))
    return {"shots": to_json(list(pieces))}


def _cuts(ctx: Context, film: Source, table: FrameTable, params: ShotsParams) -> Iterator[int]:
    """Yield the first frame of each shot but the first."""
    from scenedetect import FrameTimecode  # slow to load, and planning has no use for it
    from scenedetect.detectors import ContentDetector

    shortest = max(1, round(params.min_seconds * film.video.rate))
    detector = ContentDetector(threshold=params.threshold, min_scene_len=shortest)
    scale = min(1.0, _LOOK_WIDTH / film.video.width)
    width, height = max(1, round(film.video.width * scale)), max(1, round(film.video.height * scale))
    to_rgb = RgbReader()
    for number, frame in frames(ctx.film, table=table):
        small = to_rgb(frame, width=width, height=height)[..., ::-1]
        yield from (cut.frame_num for cut in detector.process_frame(FrameTimecode(number, film.video.rate), small))
        if number % 100 == 0:
            ctx.progress(number / len(table))
    yield from (cut.frame_num for cut in detector.post_process(FrameTimecode(len(table), film.video.rate)))


def _pieces(edges: list[int], table: FrameTable, longest: Fraction) -> Iterator[Shot]:
    """Yield the shots between the edges; one that is too long comes in equal pieces."""
    for first, stop in pairwise(edges):
        seconds = table.time(stop) - table.time(first)
        count = min(max(1, -(-seconds // longest)), stop - first)
        marks = [first + (stop - first) * part // count for part in range(count + 1)]
        for index, (begin, end) in enumerate(pairwise(marks)):
            span = Span(table.time(begin), table.time(end))
            yield Shot(content_id("shot", begin, end), begin, end, span, continues=index > 0)
