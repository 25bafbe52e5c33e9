"""What subtitles are made of: each line while it is heard, the cuts of the picture, who is seen, where music plays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from dubsync.audio import features, music, wav
from dubsync.documents import from_json
from dubsync.engine.stage import Context, Made
from dubsync.errors import Flag, Severity
from dubsync.text import sdh
from dubsync.text.cue import Cue
from dubsync.text.layout import Picture, lay_out, reading, reading_speed, too_fast
from dubsync.timing import Span
from dubsync.title import FaceTrack, Line, Shot, Source, Speaker

_LISTEN_S = 8
"""Seconds of sound that are held in memory at once."""


def cues(made: Made) -> Iterator[Cue]:
    """Yield each line's text while it is heard: where the mix has laid it, else in its own time."""
    placed = {item["line"]: item for item in made.one("mix").value["placements"]} if made.has("mix") else {}
    for line in from_json(tuple[Line, ...], made.one("script").value["lines"], where="script"):
        place = placed.get(line.id)
        span = Span(Fraction(place["start"]), Fraction(place["end"])) if place else line.span
        if line.text.strip():
            yield Cue(span, line.text, id=line.id, speaker=line.speaker)


def picture(made: Made) -> Picture:
    """Return what of the picture subtitles heed; no cuts where the pipeline does not look for them."""
    film = from_json(Source, made.one("source").value, where="source")
    shots = from_json(tuple[Shot, ...], made.one("shots").value["shots"]) if made.has("shots") else ()
    cuts = tuple(shot.span.start for shot in shots if not shot.continues and shot.span.start > 0)
    return Picture(film.duration, cuts, film.video.rate)


def laid_out(cues: Iterable[Cue], made: Made, ctx: Context, language: str) -> tuple[Cue, ...]:
    """Return subtitles as they are delivered, and flag those that nobody can read in their time."""
    shown = lay_out(cues, picture(made), language=language)
    for cue in too_fast(shown, language):
        text = " ".join(cue.text.split())
        what = f"{reading_speed(cue):.0f} characters a second, and readers take {reading(language).speed}: {text!r}"
        hint = "shorten the line (dubsync script export)"
        if not too_fast([replace(cue, text=sdh.unlabelled(cue.text))], language):
            hint = "the name before it makes it so: give the speaker a shorter one, or shorten the line"
        ctx.flag(Flag(Severity.WARNING, "subtitle-too-fast", cue.id or language, what, hint))
    return shown


def described(made: Made, language: str) -> tuple[Cue, ...]:
    """Return the cues with marks for people who do not hear: who speaks, where that is not seen, and music."""
    people = from_json(tuple[Speaker, ...], made.one("speakers").value["speakers"])
    names = {person.id: sdh.name_of(person.name, language) for person in people}
    spoken = sorted(cues(made), key=lambda cue: cue.span)
    marked = sdh.labelled(spoken, names, _unseen(spoken, made))
    if not made.has("stems"):
        return marked
    film = from_json(Source, made.one("source").value, where="source")
    gaps = sdh.gaps([cue.span for cue in spoken], film.duration)
    told = sdh.music(_music(made), gaps, language)
    return tuple(sorted((*marked, *told), key=lambda cue: cue.span))


def _unseen(spoken: Sequence[Cue], made: Made) -> set[str]:
    """Return the ids of cues whose speaker's face is not in the picture; none where no face was tied to a voice."""
    tied: Mapping[str, str] = made.one("speakers").value.get("faces", {})
    if not (made.has("faces") and made.has("shots") and tied):
        return set()
    shots = {shot.id: shot for shot in from_json(tuple[Shot, ...], made.one("shots").value["shots"])}
    tracks = [track for shot in made.all("faces") for track in from_json(tuple[FaceTrack, ...], shot.value["tracks"])]
    seen = [(tied[track.id], _span(track, shots[track.shot])) for track in tracks if track.id in tied]
    return {
        cue.id
        for cue in spoken
        if cue.id and not any(who == cue.speaker and span.overlap(cue.span) > 0 for who, span in seen)
    }


def _span(track: FaceTrack, shot: Shot) -> Span:
    """Return when a face is seen; within a shot frames are taken to be evenly spaced."""
    step = shot.span.duration / max(1, shot.stop - shot.first)
    return Span(shot.span.start + (track.first - shot.first) * step, shot.span.start + (track.stop - shot.first) * step)


def _music(made: Made) -> tuple[Span, ...]:
    """Return where the film's own bed of music and effects is music, also under speech."""
    bed = made.one("stems").file("bed.wav")
    rate = wav.facts(bed).sample_rate
    return music.stretches((features.mono(block) for block in wav.blocks(bed, size=_LISTEN_S * rate)), rate)
