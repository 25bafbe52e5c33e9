"""Marks for people who do not hear on a film whose sounds are known: each kind at its time, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
import sounding_film
from fake_films import consent
from sounding_film import ANA, LINES, RATE, Sounding
from words_stand import Stand, silence, utterance

from dubsync import weights
from dubsync.audio import wav
from dubsync.backends import registry
from dubsync.engine.stage import Made
from dubsync.stages import _subtitles
from dubsync.text import subtitles
from dubsync.text.cue import Cue
from dubsync.text.layout import ROWS, lay_out, reading, too_fast
from dubsync.title import Line, Speaker
from dubsync.verbs import Wish, localize

NEEDED = ("kokoro", "kokoro-voices", "resemblyzer", "voicefilter-lite", "spleeter-2stems", "whisper-base", "mt-en-es")


def marks(cues: Sequence[Cue]) -> list[tuple[float, str]]:
    """Return what stands in brackets, and when."""
    found = [(cue, cue.text.replace("\n", " ")) for cue in cues]
    return [(float(cue.span.start), text[: text.index("]") + 1]) for cue, text in found if text.startswith("[")]


def wanted(truth: Sounding) -> list[tuple[float, str]]:
    """Return the marks that the film asks for: a name where the speaker changes, music where it is heard alone."""
    before, found = None, []
    for who, start, _ in truth.lines:
        if who != before:
            found.append((start, "[Voz 1]" if who == ANA else "[Voz 2]"))
        before = who
    for start, end in truth.music:
        spoken = [line for line in truth.lines if line[1] < start < line[2]]
        found.append((max([start, *(line[2] for line in spoken)]), "[música]"))
        assert end - found[-1][0] > 2
    return sorted(found)


def check(cues: Sequence[Cue], truth: Sounding, *, off_s: float, longer_s: float) -> None:
    """Find every mark within `off_s` of its time, no other, and cues that can be read.

    `longer_s`: how much longer than the original a line may be spoken, over which music is not told.
    """
    found, expected = marks(cues), wanted(truth)
    assert [text for _, text in found] == [text for _, text in expected]
    for (got, text), (true, _) in zip(found, expected, strict=True):
        assert -off_s < got - true < off_s + longer_s * (text == "[música]"), text
    for cue in cues:
        assert len(cue.text.split("\n")) <= ROWS
        assert all(len(row) <= reading("es").width for row in cue.text.split("\n"))
    for one, other in pairwise(cues):
        assert one.span.end < other.span.start


def test_marks_say_who_speaks_and_when_music_plays_and_neither_door_nor_wind_is_music(tmp_path: Path) -> None:
    sound, silent = sounding_film.bed()
    stand = Stand(tmp_path)
    stand.film(silence(sounding_film.LENGTH_S))
    said = [utterance(text, at, at + 2, speaker=who) for who, at, text in LINES]
    stand.put("speakers", {"speakers": (Speaker(ANA, "Speaker 1", 9.0), Speaker(sounding_film.BEN, "Speaker 2", 9.0))})
    lines = [Line(f"line-{n:08x}", one.id, f"Texto {n}.", one.span, one.speaker) for n, one in enumerate(said)]
    stand.put("script", {"lines": lines})
    stand.put("mix", {"placements": []})
    wav.write(stand.put("stems", {"separator": "none"}) / "bed.wav", sound, RATE)
    made = Made(stand.products)
    cues = lay_out(_subtitles.described(made, "es"), _subtitles.picture(made), language="es")
    truth = Sounding(silent.music, silent.other, tuple((who, at, at + 2) for who, at, _ in LINES))
    check(cues, truth, off_s=0.3, longer_s=0.0)
    assert too_fast(cues, "es") == ()


@pytest.mark.long
@pytest.mark.weights
def test_a_film_with_known_sounds_is_marked_right_from_its_sound_alone(tmp_path: Path) -> None:
    absent = [name for name in NEEDED if not weights.is_present(name)]
    if absent:
        pytest.skip(f"the weights {', '.join(absent)} are not in the cache: run `dubsync models pull`")
    truth = sounding_film.make(tmp_path / "film.mp4", registry._class("voice.kokoro")())
    consent(tmp_path, face=False)
    wish = Wish(pipeline="voice-only", out=tmp_path / "out", slots=1, settings={"deliver": {"sdh": True}})
    done = localize(tmp_path / "film.mp4", ["es"], wish)
    (file,) = (tmp_path / "out").rglob("es.sdh.srt")
    cues = subtitles.read(file)
    check(cues, truth, off_s=0.5, longer_s=1.5)
    flagged = [flag for flag in done.flags if flag.code == "subtitle-too-fast"]
    assert len(flagged) == len(too_fast(cues, "es"))
