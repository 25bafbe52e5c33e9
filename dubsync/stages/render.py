"""render: the film with its new mouths, its new sound and its new subtitles, in one streaming pass.

What a pipeline does not make stays the film's own: without a mix its sound, without mouths its picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from dubsync.documents import from_json, write_whole
from dubsync.engine.stage import Axis, Context, Made, Unit, stage
from dubsync.media.mux import Additions, mux, suffix_for
from dubsync.media.patches import PatchBook
from dubsync.media.probe import Film
from dubsync.media.table import FrameTable
from dubsync.media.write import PictureParams
from dubsync.rights.mark import disclosure_tags, synthetic
from dubsync.stages import _subtitles
from dubsync.stages.rights import needs_consent
from dubsync.text.subtitles import write
from dubsync.title import Source


@dataclass(frozen=True, slots=True)
class RenderParams:
    """How the picture is coded where it changes (`dubsync.media.write.PictureParams`)."""

    codec: Literal["auto", "h264", "hevc"] = "auto"
    crf: float = 17.0
    preset: str = "veryfast"
    threads: int = 4
    untouched: Literal["copy", "recode"] = "copy"


@stage(
    over=Axis.LANGUAGE,
    needs=("source", "script"),
    optional=("mix", "mouth", "shots"),
    params=RenderParams,
    backends=("voice",),
    version=10,
)
def render(unit: Unit, made: Made, ctx: Context, params: RenderParams) -> Mapping[str, Any]:
    language = unit.language or ""
    film = from_json(Source, made.one("source").value, where="source")
    table = FrameTable.load(made.one("source").file("frames.npz"))
    suffix, flags = suffix_for(film)
    cues = _subtitles.laid_out(_subtitles.cues(made), made, ctx, language)
    patches = _patches(made)
    mixed = made.one("mix").file("dub.wav") if made.has("mix") else None
    what = synthetic(voice=mixed is not None and needs_consent(ctx), mouth=bool(patches))
    additions = Additions(
        language=language,
        sound=mixed,
        cues=cues,
        patches=patches,
        picture=PictureParams(params.codec, params.crf, params.preset, params.threads, params.untouched),
        tags=disclosure_tags(language, what),
    )
    video = ctx.out / f"video{suffix}"
    for flag in (*flags, *mux(Film(ctx.film, film, table), additions, video, progress=ctx.progress)):
        ctx.flag(flag)
    subtitles = [f"{language}.{kind}" for kind in ("srt", "vtt")]
    for name in subtitles:
        write_whole(ctx.out / name, write(cues, name.rsplit(".", 1)[1], language=language).encode())
    return {"video": video.name, "subtitles": subtitles, "frames": len(table), "synthetic": list(what)}


def _patches(made: Made) -> PatchBook | None:
    """Open the new mouths of all takes; None if this pipeline moves no mouths."""
    if not made.has("mouth"):
        return None
    return PatchBook(path for take in made.all("mouth") for path in sorted(take.folder.glob("patches-*.npz")))
