"""Marks for people who do not hear: who speaks where it is not seen, music where it plays, on request only."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from words_stand import RATE, Stand, silence, utterance

from dubsync.audio import music, wav
from dubsync.engine.stage import Made
from dubsync.stages import _subtitles
from dubsync.stages.deliver import DeliverParams, deliver
from dubsync.testing.sounds import band, chords, noise, vowel
from dubsync.text import sdh, subtitles
from dubsync.text.cue import Cue
from dubsync.timing import Span
from dubsync.title import FaceTrack, Line, Shot, Speaker


def cue(text: str, start: int, speaker: str) -> Cue:
    return Cue(Span(Fraction(start), Fraction(start + 1)), text, f"line-{start}", speaker)


def texts(cues: tuple[Cue, ...]) -> list[str]:
    return [one.text for one in cues]


NAMES = {"a": "Ana", "b": "Voz 2"}


def test_a_speaker_is_named_when_another_one_spoke_before() -> None:
    talk = [cue("Hola.", 1, "a"), cue("¿Qué tal?", 2, "a"), cue("Bien.", 3, "b"), cue("Yo no.", 4, "a")]
    assert texts(sdh.labelled(talk, NAMES, ())) == ["[Ana] Hola.", "¿Qué tal?", "[Voz 2] Bien.", "[Ana] Yo no."]


def test_a_voice_alone_is_named_only_where_it_is_not_seen() -> None:
    talk = [cue("Uno.", 1, "a"), cue("Dos.", 2, "a"), cue("Tres.", 3, "a"), cue("Cuatro.", 4, "a")]
    assert texts(sdh.labelled(talk, NAMES, {"line-2", "line-3"})) == ["Uno.", "[Ana] Dos.", "Tres.", "Cuatro."]


def test_gaps_are_the_long_stretches_without_speech() -> None:
    assert sdh.gaps([span(5, 7), span(6, 8), span(9, 10)], Fraction(20)) == (span(0, 5), span(10, 20))
    assert sdh.gaps([], Fraction(1)) == ()


def heard(sound: NDArray[np.float32]) -> list[tuple[float, float]]:
    return spans(music.stretches((sound[at : at + 2 * RATE] for at in range(0, len(sound), 2 * RATE)), RATE))


def spans(found: Iterable[Span]) -> list[tuple[float, float]]:
    return [(float(span.start), float(span.end)) for span in found]


def test_chords_and_a_band_are_music_and_noise_of_any_colour_speech_and_silence_are_not() -> None:
    for sound in (chords(4, RATE), band(4, RATE), chords(4, RATE) + noise(4, RATE) / 4):
        ((start, end),) = heard(sound)
        assert start < 0.3
        assert end > 3.7
    for sound in (
        *(noise(4, RATE, colour=c) for c in (0, 0.5, 1)),
        silence(4),
        chords(4, RATE) * 1e-3,
        chords(1, RATE),
    ):
        assert heard(sound) == []


def test_two_pieces_are_two_and_a_short_rest_parts_none() -> None:
    parts = [chords(5, RATE), silence(1), band(4, RATE), silence(3), chords(3, RATE)]
    found = heard(np.concatenate(parts))
    assert np.allclose(found, [(0, 10), (13, 16)], atol=0.3)


def test_a_burst_of_tone_in_noise_is_not_music() -> None:
    sound = noise(4, RATE)
    sound[:RATE] += chords(1, RATE)
    assert heard(sound) == []


def test_music_is_told_once_where_nobody_speaks_over_it() -> None:
    playing = [span(0, 1), span(4, 30), span(40, 44), span(50, 60)]
    silent = [span(0, 5), span(9, 12), span(20, 24), span(43, 49)]
    told = sdh.music(playing, silent, "fr")
    assert [(cue.span, cue.text) for cue in told] == [(span(9, 12), "[musique]")]


def span(start: int, end: int) -> Span:
    return Span(Fraction(start), Fraction(end))


SAID = (utterance("One.", 1, 2, speaker="a"), utterance("Two.", 8, 9, speaker="b"))


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    """A film of 20 s that cuts at 5: Ana is seen before the cut, the other voice never; music plays from 2 to 8."""
    made = Stand(tmp_path)
    made.film(silence(20))
    lines = [Line(f"line-{n:08x}", one.id, f"Texto {n}.", one.span, one.speaker) for n, one in enumerate(SAID)]
    people = (Speaker("a", "Ana", 9.0), Speaker("b", "Speaker 2", 9.0))
    made.put("speakers", {"speakers": people, "utterances": SAID, "faces": {"t1": "a"}})
    made.put("script", {"lines": lines})
    made.put("mix", {"placements": []})
    parts = [span(0, 5), span(5, 20)]
    shots = [Shot(f"s{n}", int(part.start * 25), int(part.end * 25), part) for n, part in enumerate(parts)]
    made.put("shots", {"shots": shots})
    made.put("faces", {"tracks": [FaceTrack("t1", "s0", 0, 125, 60.0, 0.0, 1.0)]}, key="s0")
    made.put("faces", {"tracks": []}, key="s1")
    bed = np.concatenate([silence(2), chords(6, RATE), silence(12)])
    wav.write(made.put("stems", {"separator": "test"}) / "bed.wav", bed, RATE)
    wav.write(made.products["stems"][0].file("dialogue.wav"), silence(20), RATE)
    return made


def described(stand: Stand) -> dict[str, Fraction]:
    return {one.text: one.span.start for one in _subtitles.described(made_of(stand), "es")}


def made_of(stand: Stand) -> Made:
    return Made(stand.products)


def test_who_is_not_seen_is_named_and_music_is_marked_where_nobody_speaks(stand: Stand) -> None:
    assert described(stand) == {"[Ana] Texto 0.": 1, "[música]": 2, "[Voz 2] Texto 1.": 8}


def test_cuts_come_from_the_shots_and_pieces_of_a_long_shot_are_none(stand: Stand) -> None:
    assert _subtitles.picture(made_of(stand)).cuts == (Fraction(5),)
    shots = stand.products["shots"][0].value["shots"]
    shots[1]["continues"] = True
    assert _subtitles.picture(made_of(stand)).cuts == ()


def test_they_are_delivered_on_request_beside_the_others_and_flagged_as_a_guess(stand: Stand) -> None:
    finished(stand)

    plain = stand.run(deliver, DeliverParams(), language="es")["files"]
    assert not stand.flags
    wanted = stand.run(deliver, DeliverParams(sdh=True), language="es")["files"]

    assert sorted(set(wanted) - set(plain)) == ["es.sdh.srt", "es.sdh.vtt"]
    assert stand.codes() == ["sdh-draft"]
    assert "[música]" in texts(subtitles.read(stand.folder / "out" / "es" / "es.sdh.srt"))


def test_a_subtitle_that_nobody_can_read_in_its_time_is_flagged(stand: Stand) -> None:
    lines = [line["id"] for line in stand.products["script"][0].value["lines"]]
    times = (("1", "1.2"), ("1.3", "4"))
    places = [{"line": line, "start": a, "end": b} for line, (a, b) in zip(lines, times, strict=True)]
    stand.products["mix"][0].value["placements"].extend(places)
    finished(stand)

    stand.run(deliver, DeliverParams(sdh=True), language="es")

    (flag,) = [one for one in stand.flags if one.code == "subtitle-too-fast"]
    assert flag.where == lines[0]
    assert "[Ana] Texto 0." in flag.what
    assert "readers take 17" in flag.what
    assert "shorten the line" in flag.hint


def test_where_the_name_alone_makes_it_too_fast_that_is_said(stand: Stand) -> None:
    lines = [line["id"] for line in stand.products["script"][0].value["lines"]]
    times = (("1", "1.6"), ("1.7", "4"))
    places = [{"line": line, "start": a, "end": b} for line, (a, b) in zip(lines, times, strict=True)]
    stand.products["mix"][0].value["placements"].extend(places)
    finished(stand)

    stand.run(deliver, DeliverParams(sdh=True), language="es")

    (flag,) = [one for one in stand.flags if one.code == "subtitle-too-fast"]
    assert "[Ana] Texto 0." in flag.what
    assert "the name before it makes it so" in flag.hint


def finished(stand: Stand) -> None:
    """Put there what the stages after the mix leave."""
    render = stand.put("render", {"video": "video.mp4", "subtitles": ["es.srt"], "frames": 1})
    check = stand.put("check", {})
    for place in (render / "video.mp4", render / "es.srt", check / "report.json", check / "report.html"):
        place.write_text("x")
    (stand.products["mix"][0].folder / "dub.wav").write_text("x")


def test_without_faces_nobody_is_said_to_be_out_of_sight(stand: Stand) -> None:
    one_person_says_all(stand)
    del stand.products["faces"]
    assert [text for text in described(stand) if "Texto" in text] == ["Texto 0.", "Texto 1."]


def one_person_says_all(stand: Stand) -> None:
    lines = [{**line, "speaker": "a"} for line in stand.products.pop("script")[0].value["lines"]]
    stand.put("script", {"lines": lines}, key="alone")


def test_one_person_is_named_where_the_face_is_not_seen(stand: Stand) -> None:
    one_person_says_all(stand)
    assert [text for text in described(stand) if "Texto" in text] == ["Texto 0.", "[Ana] Texto 1."]


def test_a_voice_whose_pitch_moves_is_not_music() -> None:
    rng = np.random.default_rng(0)
    said = [
        vowel(0.3, hertz, glide, rng, RATE) for hertz, glide in ((180, 0.8), (220, 0.7), (150, 1.3), (200, 0.85)) * 4
    ]
    sound = np.concatenate(said).astype(np.float32)
    assert heard(sound / 10 / sound.std()) == []
