"""Drawn films, examined, and the sound of a dub for them."""

from __future__ import annotations

from pathlib import Path

from dubsync.audio.wav import WavWriter
from dubsync.media.probe import Film, examine
from dubsync.testing.media import FilmSpec, click_track, make_film


def opened_film(folder: Path, name: str, spec: FilmSpec) -> Film:
    """Draw the film, if it is not there, and examine it."""
    path = folder / name
    if not path.exists():
        make_film(path, spec)
    source, table = examine(path)
    return Film(path, source, table)


def clicks(folder: Path, film: Film, spec: FilmSpec) -> Path:
    """Return a dub that clicks with the film's flashes, over another noise than its own sound."""
    path = folder / f"{film.path.name}.wav"
    track = film.source.audio[0]
    with WavWriter(path, track.sample_rate, track.channels) as file:
        for block in click_track(spec, seed=7):
            file.write(block)
    return path
