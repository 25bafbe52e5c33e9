"""The stages of sound, on short sounds made by code whose truth is known."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from dubsync.audio import features, loudness, wav
from dubsync.audio.slots import Turn, in_turn
from dubsync.backends.protocols import Capabilities, Enrolled, Spoken
from dubsync.backends.voice_recorded import KeepVoice, RecordedVoice
from dubsync.documents import from_json, to_json
from dubsync.engine.stage import Context, Made, Product, Stage, Unit
from dubsync.errors import BadPipeline, InputError
from dubsync.media import coding
from dubsync.stages.casting import casting, clean_speech
from dubsync.stages.drive import DriveParams, drive
from dubsync.stages.mix import MixParams, mix
from dubsync.stages.stems import stems
from dubsync.stages.voice import VoiceParams, voice
from dubsync.timing import Span
from dubsync.title import AudioTrack, Line, Phone, Shot, Source, Speaker, Utterance, VideoTrack, Word

RATE = 48000
SECONDS = 6


def voiced(seconds: float, hertz: float, rate: int | None = None, level: float = 0.1) -> np.ndarray:
    """A buzz in syllables, loud enough to be speech to a meter."""
    rate = rate or RATE
    time = np.arange(int(seconds * rate)) / rate
    buzz = sum(np.sin(2 * np.pi * hertz * part * time) / part for part in range(1, 9))
    return (buzz * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * time)) * level).astype(np.float32)


class Parrot:
    """A voice backend that buzzes: 0.1 s a word, in any time it is asked for."""

    capabilities = Capabilities(name="voice.parrot", version="1")

    def enroll(self, samples: np.ndarray, sample_rate: int, *, language: str, progress: Any) -> Enrolled:
        return Enrolled({"length": np.array([len(samples) / sample_rate], np.float32)}, 0.5)

    def named(self, name: str, language: str) -> dict[str, np.ndarray]:
        return {"name": np.frombuffer(name.encode(), np.uint8).astype(np.float32)}

    def duration(self, text: str, *, voice: Mapping[str, np.ndarray], language: str) -> float:
        return 0.1 * len(text.split())

    def speak(
        self, text: str, *, voice: Mapping[str, np.ndarray], language: str, seconds: float | None, seed: int
    ) -> Spoken:
        natural = self.duration(text, voice=voice, language=language)
        length = natural if seconds is None else float(np.clip(seconds, natural / 1.2, natural / 0.85))
        words = (Word(text.split()[0], Span(Fraction(1, 20), Fraction(1, 10))),)
        return Spoken(voiced(length, 150, 24000), 24000, natural, words)


class Spelling(Parrot):
    """Knows when it makes which sound."""

    def speak(self, text: str, **how: Any) -> Spoken:
        phones = (
            Phone("p", Span(Fraction(1, 10), Fraction(3, 20))),
            Phone("a", Span(Fraction(3, 20), Fraction(1, 4))),
        )
        return replace(super().speak(text, **how), phones=phones)


class Film:
    """A title folder with products made by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.products = folder, dict[str, list[Product]]()
        self.flags: list[str] = []
        self.more: dict[str, Any] = {}
        self.capabilities: dict[str, Capabilities] = {}
        self.rooms = 0

    def put(self, name: str, value: Any, **sounds: np.ndarray) -> None:
        out = self.folder / f"{name}-{len(self.products.get(name, []))}"
        out.mkdir()
        for file, samples in sounds.items():
            wav.write(out / f"{file}.wav", samples, RATE)
        (out / "product.json").write_text(json.dumps(value))
        self.products.setdefault(name, []).append(Product(name, Unit(name), out, name))

    voice: Any = Parrot

    def run(self, stage: Stage, params: Any = None, item: Any = None) -> Product:
        out = self.folder / f"{stage.name}-{len(self.products.get(stage.name, []))}"
        out.mkdir()
        unit = Unit("unit", "es", item)
        backends = {"voice": self.voice, **self.more}
        ctx = Context(out, self.folder / "film.mp4", self.folder, seed=1, language="es", backends=backends)
        ctx.make_room, ctx.capabilities = self._room, self.capabilities
        value = stage.function(unit, Made({name: tuple(made) for name, made in self.products.items()}), ctx, params)
        (out / "product.json").write_text(json.dumps(value))
        self.flags += [flag.code for flag in ctx.flags]
        product = Product(stage.name, unit, out, "digest", tuple(ctx.flags))
        self.products.setdefault(stage.name, []).append(product)
        return product

    def _room(self) -> None:
        self.rooms += 1


def facts(channels: int, bits: int | None = None, **more: Any) -> Any:
    """What the source stage says of a film with such sound."""
    layout = {1: "mono", 2: "stereo", 6: "5.1"}[channels]
    track = AudioTrack(1, "pcm_f32le", RATE, channels, layout, bits=bits)
    picture = VideoTrack(0, "h264", 160, 120, 150, Fraction(25), Fraction(1, 25), False, "yuv420p")
    return to_json(Source("film.mp4", "0", "mov", Fraction(SECONDS), picture, (track,), **more))


OWN = Span(Fraction(2), Fraction(4))


@pytest.fixture
def film(tmp_path: Path) -> Film:
    return drawn(tmp_path)


def drawn(tmp_path: Path) -> Film:
    """Six seconds of stereo music; somebody speaks, on the left, from 2 to 4 s."""
    made = Film(tmp_path)
    rng = np.random.default_rng(0)
    music = rng.standard_normal((RATE * SECONDS, 2)).astype(np.float32) * 0.01
    speech = np.zeros_like(music)
    speech[2 * RATE : 4 * RATE, 0] = voiced(2, 120)
    speech[2 * RATE : 4 * RATE, 1] = voiced(2, 120) * 0.25
    made.put("source", facts(2), audio=music + speech)
    made.put("stems", {}, dialogue=speech, bed=music)
    utterance = Utterance("utterance-1", "hello there", OWN, speaker="speaker-1")
    people = (Speaker("speaker-1", "Anna", 2.0),)
    made.put("speakers", {"speakers": to_json(people), "utterances": to_json((utterance,))})
    made.put("rights", {"consent": []})
    return made


def speak(film: Film, text: str, slot: Span = OWN, params: VoiceParams | None = None) -> Product:
    if "casting" not in film.products:
        film.run(casting)
    line = Line("line-1", "utterance-1", text, slot, "speaker-1")
    return film.run(voice, params or VoiceParams(), to_json(line))


def words(count: int) -> str:
    return " ".join(["sol"] * count)


def test_the_first_word_falls_on_the_originals_first_word(film: Film) -> None:
    value = speak(film, words(20)).value
    assert value["start"] == pytest.approx(2 - 0.05)
    assert value["words"][0]["span"]["start"] == "2/1"
    assert value["seconds"] == pytest.approx(2.0, abs=0.001)


def test_a_line_that_needs_more_runs_into_the_silence_before_it_hurries(film: Film) -> None:
    value = speak(film, words(24), Span(Fraction(2), Fraction(5))).value
    assert value["seconds"] == pytest.approx(2.4 / 1.08, abs=0.01)
    assert film.flags == []


def test_a_line_that_cannot_fit_is_spoken_whole_and_flagged(film: Film) -> None:
    product = speak(film, words(40))
    assert product.value["seconds"] == pytest.approx(4.0 / 1.2, abs=0.01)
    assert film.flags == ["line-runs-over"]


def test_a_hurried_line_that_fits_is_told_without_warning(film: Film) -> None:
    speak(film, words(24))
    assert film.flags == ["line-rushed"]


class Reader(Parrot):
    """A parrot that says when each of its words falls: they share the time."""

    def speak(self, text: str, **wish: Any) -> Spoken:
        said = super().speak(text, **wish)
        written = text.split()
        share = Fraction(len(said.samples), 24000 * len(written))
        spans = [Span(n * share, (n + 1) * share) for n in range(len(written))]
        times = tuple(Word(word, span) for word, span in zip(written, spans, strict=True))
        return Spoken(said.samples, 24000, said.natural_seconds, times)


def paused(film: Film, text: str, *, on_screen: bool = True) -> Product:
    """Speak a line whose original, from 2 to 4 s, falls silent from 2.6 to 3.2 s."""
    film.voice = Reader
    folder = film.products["speakers"][0].folder
    people = json.loads((folder / "product.json").read_text())
    times = (Span(Fraction(2), Fraction(26, 10)), Span(Fraction(32, 10), Fraction(4)))
    people["utterances"][0]["words"] = to_json(tuple(Word("so", span) for span in times))
    people["faces"] = {"track": "speaker-1"} if on_screen else {}
    (folder / "product.json").write_text(json.dumps(people))
    return speak(film, text)


def silences(product: Product) -> list[float]:
    spans = [word["span"] for word in product.value["words"]]
    return [float(Fraction(after["start"]) - Fraction(before["end"])) for before, after in pairwise(spans)]


def test_the_pause_an_actor_makes_on_screen_is_kept_and_the_line_lasts_as_long(film: Film) -> None:
    product = paused(film, "sol sol sol sol sol sol, sol sol sol sol sol sol sol sol")
    assert silences(product)[5] == pytest.approx(0.6, abs=0.001)
    assert product.value["seconds"] == pytest.approx(2.0, abs=0.01)
    sound = wav.read(product.file("line.wav"))[:, 0]
    at = round(24000 * (float(Fraction(product.value["words"][5]["span"]["end"])) - product.value["start"]))
    assert features.level_db(sound[at + 600 : at + round(0.55 * 24000)]) < -90
    assert film.flags == []


def test_off_screen_no_pause_is_kept(film: Film) -> None:
    product = paused(film, "sol sol sol sol sol sol, sol sol sol sol sol sol sol sol", on_screen=False)
    assert max(silences(product)) < 0.01
    assert product.value["seconds"] == pytest.approx(1.4 / 0.85, abs=0.01)


def test_nobody_is_hurried_for_a_pause(film: Film) -> None:
    product = paused(film, " ".join(["sol"] * 9) + ", " + " ".join(["sol"] * 12))
    assert max(silences(product)) < 0.16
    assert product.value["natural_seconds"] / product.value["seconds"] <= 1.09


@pytest.mark.parametrize(("worth_s", "rooms"), [(1.5, 1), (60.0, 0)])
def test_casting_asks_for_room_where_somebody_speaks_enough_for_the_gradient(
    film: Film, worth_s: float, rooms: int
) -> None:
    class Patient(Parrot):
        def nearer(self, take: Any, seconds: float) -> tuple[Any, ...]:
            return ()

    Patient.worth_s = worth_s  # type: ignore[attr-defined]
    film.voice = Patient
    film.run(casting)
    assert film.rooms == rooms


def test_casting_learns_from_the_utterances_in_the_dialogue_stem(film: Film) -> None:
    product = film.run(casting)
    with np.load(product.file("speaker-1.npz")) as arrays:
        assert arrays["length"][0] == pytest.approx(2.0)
    assert product.value["voices"]["speaker-1"]["similarity"] == 0.5


def test_a_cast_list_by_hand_overrides(film: Film) -> None:
    (film.folder / "casting.toml").write_text('[voices]\n"Anna" = "em_alex"\n')
    product = film.run(casting)
    with np.load(product.file("speaker-1.npz")) as arrays:
        assert bytes(arrays["name"].astype(np.uint8)).decode() == "em_alex"
    assert product.value["voices"]["speaker-1"]["chosen"] == "em_alex"


def test_a_cast_list_that_names_nobody_is_an_error(film: Film) -> None:
    (film.folder / "casting.toml").write_text('[voices]\n"Bertha" = "em_alex"\n')
    with pytest.raises(InputError, match="Bertha"):
        film.run(casting)


def test_speech_over_somebody_else_is_not_learnt_from(film: Film) -> None:
    alone = Utterance("a", "one", Span(Fraction(0), Fraction(1)), speaker="x")
    over = Utterance("b", "two", Span(Fraction(2), Fraction(4)), speaker="x")
    other = Utterance("c", "three", Span(Fraction(3), Fraction(5)), speaker="y")
    samples, rate = clean_speech(film.products["stems"][0].file("dialogue.wav"), "x", (alone, over, other))
    assert len(samples) == rate


def mixed(film: Film, text: str = words(20), profile: str = "source") -> Product:
    speak(film, text)
    return film.run(mix, MixParams(profile))


def test_the_mix_keeps_rate_layout_and_length_to_the_sample(film: Film) -> None:
    product = mixed(film)
    assert wav.facts(product.file("dub.wav")) == wav.WavFacts(RATE, 2, RATE * SECONDS)
    assert wav.facts(product.file("dialogue.wav")) == wav.WavFacts(RATE, 1, RATE * SECONDS)
    assert not [path for path in product.folder.iterdir() if path.is_dir()]


def test_away_from_the_dub_the_film_is_the_original_bit_for_bit(film: Film) -> None:
    dub = wav.read(mixed(film).file("dub.wav"))
    original = wav.read(film.products["source"][0].file("audio.wav"))
    np.testing.assert_array_equal(dub[: int(1.7 * RATE)], original[: int(1.7 * RATE)])
    np.testing.assert_array_equal(dub[int(4.4 * RATE) :], original[int(4.4 * RATE) :])


def test_the_original_speech_is_not_heard_under_the_dub(film: Film) -> None:
    product = mixed(film)
    dub, bed = (wav.read(path) for path in (product.file("dub.wav"), film.products["stems"][0].file("bed.wav")))
    rest = (dub - bed)[2 * RATE : 4 * RATE, 0]
    speech = wav.read(film.products["stems"][0].file("dialogue.wav"))[2 * RATE : 4 * RATE, 0]
    left = abs(float(rest @ speech)) / float(speech @ speech)
    assert 20 * np.log10(left + 1e-9) < -30


def test_the_dub_is_as_loud_as_the_original_and_in_its_place_between_the_channels(film: Film) -> None:
    product = mixed(film)
    dub, bed = (wav.read(path) for path in (product.file("dub.wav"), film.products["stems"][0].file("bed.wav")))
    line = (dub - bed)[2 * RATE : 4 * RATE]
    left, right = (features.level_db(line[:, channel]) for channel in (0, 1))
    assert left - right == pytest.approx(12.0, abs=0.5)
    original = wav.read(film.products["source"][0].file("audio.wav"))
    levels = [loudness.measure([sound], RATE, 2).integrated() for sound in (dub, original)]
    assert levels[0] == pytest.approx(levels[1], abs=0.5)
    assert abs(product.value["loudness_error_lu"]) < 0.5


@pytest.mark.parametrize(("profile", "target"), [("ebu-r128", -23.0), ("streaming", -14.0)])
def test_a_profile_is_met_under_its_true_peak(film: Film, profile: str, target: float) -> None:
    product = mixed(film, profile=profile)
    heard = delivered(product)
    assert heard.integrated() == pytest.approx(target, abs=0.5)
    assert heard.true_peak <= -1.0
    assert product.value["integrated_lufs"] == pytest.approx(heard.integrated(), abs=0.01)
    assert product.value["true_peak_dbtp"] == pytest.approx(heard.true_peak, abs=0.01)


def delivered(product: Product) -> loudness.Meter:
    """A meter that has heard the mix as a viewer does, after AAC."""
    coded = coding.coding_for(AudioTrack(1, "", RATE, 2, "stereo"), ".mp4")
    return loudness.measure(coding.heard(wav.blocks(product.file("dub.wav")), coded), RATE, 2)


@pytest.mark.parametrize("rate", [8000, 11025, 192000])
def test_a_mix_is_made_at_any_sample_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rate: int) -> None:
    monkeypatch.setattr(sys.modules[__name__], "RATE", rate)
    product = mixed(drawn(tmp_path))
    assert wav.facts(product.file("dub.wav")) == wav.WavFacts(rate, 2, rate * SECONDS)
    assert abs(product.value["loudness_error_lu"]) < 0.5


def test_in_a_multichannel_film_the_dub_comes_from_the_centre_and_the_rest_stays(film: Film) -> None:
    stereo = {name: wav.read(film.folder / "stems-0" / f"{name}.wav") for name in ("dialogue", "bed")}
    wide = {name: np.zeros((RATE * SECONDS, 6), np.float32) for name in stereo}
    wide["dialogue"][:, 2] = stereo["dialogue"][:, 0]
    wide["bed"][:, :2], wide["bed"][:, 3] = stereo["bed"], 0.01
    for name, sound in (*wide.items(), ("audio", wide["dialogue"] + wide["bed"])):
        wav.write(film.folder / ("source-0" if name == "audio" else "stems-0") / f"{name}.wav", sound, RATE)
    (film.folder / "source-0" / "product.json").write_text(json.dumps(facts(6)))
    dub = wav.read(mixed(film).file("dub.wav"))
    np.testing.assert_array_equal(dub[:, [0, 1, 3, 4, 5]], wide["bed"][:, [0, 1, 3, 4, 5]])
    assert features.level_db(dub[2 * RATE : 4 * RATE, 2]) > -30


def test_the_stems_are_broadcast_waves_of_picture_length_that_add_up_to_the_mix(film: Film) -> None:
    (film.folder / "source-0" / "product.json").write_text(json.dumps(facts(2, timecode=Fraction(3600))))
    speak(film, words(20))
    product = film.run(mix, MixParams(stems=True))
    full, music, dialogue = (wav.read(product.file(name)) for name in ("dub.wav", "stems/me.wav", "stems/dialogue.wav"))
    assert len(full) == len(music) == len(dialogue) == RATE * SECONDS
    np.testing.assert_allclose(music + dialogue, full, atol=1e-6)
    np.testing.assert_array_equal(music, wav.read(film.products["stems"][0].file("bed.wav")))
    assert features.level_db(dialogue[: int(1.7 * RATE)]) < -90
    assert time_reference(product.file("dub.wav")) == time_reference(product.file("stems/me.wav")) == 3600 * RATE


@pytest.mark.parametrize(("bits", "subtype"), [(16, "PCM_16"), (24, "PCM_24"), (32, "FLOAT"), (None, "FLOAT")])
def test_what_is_handed_over_has_the_bit_depth_of_the_source(film: Film, bits: int | None, subtype: str) -> None:
    (film.folder / "source-0" / "product.json").write_text(json.dumps(facts(2, bits)))
    audio = film.folder / "source-0" / "audio.wav"
    original = np.rint(wav.read(audio) * 32768) / 32768
    wav.write(audio, original, RATE)
    speak(film, words(20))
    product = film.run(mix, MixParams(stems=True))
    files = [product.file(name) for name in ("dub.wav", *product.value["stems"])]
    assert {soundfile.info(file).subtype for file in files} == {subtype}
    full, music, dialogue = (wav.read(product.file(name)) for name in ("dub.wav", "stems/me.wav", "stems/dialogue.wav"))
    np.testing.assert_allclose(music + dialogue, full, atol=1e-6)
    np.testing.assert_array_equal(full[: int(1.5 * RATE)], original[: int(1.5 * RATE)])


@pytest.mark.parametrize(("bits", "flags"), [(16, ["stem-clipped"]), (32, [])])
def test_a_dialogue_stem_beyond_full_scale_is_told(film: Film, bits: int, flags: list[str]) -> None:
    (film.folder / "source-0" / "product.json").write_text(json.dumps(facts(2, bits)))
    level = np.full((RATE * SECONDS, 2), 0.75, np.float32)
    wav.write(film.folder / "source-0" / "audio.wav", level, RATE)
    wav.write(film.folder / "stems-0" / "bed.wav", -level, RATE)  # what the mix has beyond it is 1.5
    speak(film, words(20))
    film.run(mix, MixParams(stems=True))
    assert [flag for flag in film.flags if flag == "stem-clipped"] == flags


@pytest.mark.parametrize(("count", "flags"), [(40, []), (60, ["line-cut"])])
def test_a_line_that_the_films_end_cuts_is_told(film: Film, count: int, flags: list[str]) -> None:
    mixed(film, words(count))  # 3.3 s and 5 s from the second on, in a film of six
    assert [flag for flag in film.flags if flag == "line-cut"] == flags


def follow(film: Film, speaker: str, begin: float, text: str) -> Product:
    """Speak a second line, whose original begins `begin` seconds into the film and lasts half a second."""
    own = Span(Fraction(begin), Fraction(begin) + Fraction(1, 2))
    folder = film.products["speakers"][0].folder
    people = json.loads((folder / "product.json").read_text())
    people["utterances"] += to_json((Utterance("utterance-2", "and so", own, speaker=speaker),))
    people["speakers"] += to_json((Speaker("speaker-2", "Ben", 2.0),))
    (folder / "product.json").write_text(json.dumps(people))
    film.run(casting)
    speak(film, words(32))  # at most 1.2 times as fast: 2.67 s from 1.95 on
    return film.run(voice, VoiceParams(), to_json(Line("line-2", "utterance-2", text, own, speaker)))


@pytest.mark.parametrize(("speaker", "begin", "late"), [("speaker-1", 4.1, True), ("speaker-2", 4.1, False)])
def test_nobody_begins_a_line_before_they_said_the_one_before(
    film: Film, speaker: str, begin: float, late: bool
) -> None:
    follow(film, speaker, begin, words(4))
    product = film.run(mix, MixParams())
    first, second = product.value["placements"]
    gap = float(Fraction(second["start"]) - Fraction(first["end"]))
    assert (gap == 0) if late else (gap < -0.4)
    assert ("line-late" in film.flags) is late
    shot = Shot("shot-1", 0, 150, Span(Fraction(0), Fraction(SECONDS)))
    speaking = film.run(drive, DriveParams(), to_json(shot)).value["speaking"][speaker]
    assert speaking[-1][0] == pytest.approx(float(Fraction(second["start"])), abs=1e-5), "the mouth waits as well"


def test_a_line_waits_so_long_and_no_further_than_the_film_lasts() -> None:
    lines = [Turn("a", 0, 50), Turn("a", 40, 20), Turn("b", 40, 20), Turn("a", 62, 9), Turn("a", 69, 3)]
    assert placed(lines, most=30, end=100) == [(0, 0), (50, 0), (40, 0), (70, 0), (79, 0)]
    assert placed(lines, most=4, end=100) == [(0, 0), (44, 6), (40, 0), (62, 0), (69, 0)]
    cut = [(0, 0), (45, 0), (40, 0), (62, 0)]
    assert placed(lines[:4], most=30, end=65) == cut, "what the film's end cuts does not begin later"
    assert placed([lines[0], replace(lines[1], is_fixed=True)], most=30, end=100) == [(0, 0), (40, 0)]
    assert placed([lines[0], Turn("a", 46, 20)], most=30, end=100) == [(0, 0), (46, 0)]


def placed(lines: list[Turn], *, most: int, end: int) -> list[tuple[int, int]]:
    return in_turn(lines, tolerated=5, most=most, end=end)


def test_every_line_is_handed_over_alone_at_its_own_timecode(film: Film) -> None:
    (film.folder / "source-0" / "product.json").write_text(json.dumps(facts(2, timecode=Fraction(3600))))
    speak(film, words(20))
    product = film.run(mix, MixParams(stems=True))
    (name,) = [name for name in product.value["stems"] if "lines/" in name]
    assert time_reference(product.file(name)) == round((3600 + 1.95) * RATE)
    line, together = wav.read(product.file(name))[:, 0], wav.read(product.file("dialogue.wav"))[:, 0]
    np.testing.assert_allclose(line, together[round(1.95 * RATE) :][: len(line)], atol=0.02)
    assert not np.array_equal(line, together[round(1.95 * RATE) :][: len(line)]), "the line alone is marked too"


def time_reference(path: Path) -> int:
    """The sample since midnight that a Broadcast Wave says it begins at, read as EBU Tech 3285 lays it out."""
    content = path.read_bytes()
    at = content.index(b"bext") + 8
    return int.from_bytes(content[at + 338 : at + 346], "little")


def test_what_people_recorded_is_not_marked_as_synthetic(film: Film) -> None:
    assert mixed(film).value["mark"]["seconds"] > 2
    film.capabilities["voice"] = RecordedVoice.capabilities
    assert film.run(mix, MixParams()).value["mark"] is None


def test_an_unknown_profile_is_refused_with_those_there_are(film: Film) -> None:
    speak(film, words(20))
    with pytest.raises(BadPipeline, match="cinema") as error:
        film.run(mix, MixParams("cinema"))
    assert "ebu-r128" in error.value.hint


def test_placements_say_where_the_line_lies_in_exact_fractions(film: Film) -> None:
    (placement,) = mixed(film).value["placements"]
    assert Fraction(placement["start"]) == Fraction(round(1.95 * RATE), RATE)
    assert Fraction(placement["end"]) - Fraction(placement["start"]) == pytest.approx(2.0, abs=1e-4)


def drive_of(film: Film, start: int, end: int) -> Product:
    shot = Shot("shot", 0, 50, Span(Fraction(start), Fraction(end)))
    return film.run(drive, DriveParams(), to_json(shot))


def test_the_drive_is_the_line_at_its_place_and_nothing_else(film: Film) -> None:
    mixed(film)
    product = drive_of(film, 1, 5)
    speech = wav.read(product.file("speech.wav"))[:, 0]
    assert product.value["start"] == 0
    assert len(speech) == 6 * 16000
    (loud,) = np.nonzero(np.abs(speech) > 1e-3)
    assert loud[0] / 16000 == pytest.approx(1.95, abs=0.01)
    assert loud[-1] / 16000 == pytest.approx(3.95, abs=0.01)
    assert product.value["speaking"] == {"speaker-1": [[1.95, 3.95]]}


def test_the_drive_names_the_phones_of_the_lines_it_holds_where_they_were_placed(film: Film) -> None:
    film.voice = Spelling
    (placement,) = mixed(film).value["placements"]
    start = Fraction(placement["start"])
    near, far = drive_of(film, 1, 5).value, drive_of(film, 20, 21).value
    phones = from_json(dict[str, tuple[Phone, ...]], near["phones"])["speaker-1"]
    assert [phone.symbol for phone in phones] == ["p", "a"]
    assert [float(phone.span.start - start) for phone in phones] == pytest.approx([0.1, 0.15], abs=1e-4)
    assert far["phones"] == {}


def test_a_voice_that_knows_no_phones_names_none(film: Film) -> None:
    mixed(film)
    assert drive_of(film, 1, 5).value["phones"] == {}


def test_mastering_moves_no_mouth(film: Film) -> None:
    speak(film, words(20))
    drives = []
    for profile in ("source", "streaming"):
        film.products.pop("mix", None)
        film.folder.joinpath("mix-0").rename(film.folder / "mix-old") if drives else None
        film.run(mix, MixParams(profile))
        drives.append(drive_of(film, 1, 5).file("speech.wav").read_bytes())
    assert drives[0] == drives[1]


def test_a_brought_me_track_is_the_bed_and_the_rest_is_dialogue(film: Film) -> None:
    film.products.pop("stems")
    bed = film.folder / "stems-0" / "bed.wav"
    (film.folder / "me.wav").write_bytes(bed.read_bytes())
    (film.folder / "stems-0").rename(film.folder / "old")
    product = film.run(stems)
    np.testing.assert_array_equal(wav.read(product.file("bed.wav")), wav.read(film.folder / "old" / "bed.wav"))
    total = wav.read(product.file("bed.wav")) + wav.read(product.file("dialogue.wav"))
    np.testing.assert_allclose(total, wav.read(film.products["source"][0].file("audio.wav")), atol=1e-7)


def test_an_me_track_of_another_rate_is_resampled_in_place(film: Film) -> None:
    bed = wav.read(film.folder / "stems-0" / "bed.wav")
    wav.write(film.folder / "me.wav", features.resample(bed[:, 0], RATE, 44100), 44100)
    (film.folder / "stems-0").rename(film.folder / "old")
    film.products.pop("stems")
    found = wav.read(film.run(stems).file("bed.wav"))
    assert found.shape == bed.shape
    assert np.corrcoef(found[:, 1], bed[:, 0])[0, 1] > 0.9


def test_an_me_track_of_another_cut_is_refused(film: Film) -> None:
    wav.write(film.folder / "me.wav", np.zeros((RATE * 2, 2), np.float32), RATE)
    (film.folder / "stems-0").rename(film.folder / "old")
    film.products.pop("stems")
    with pytest.raises(InputError, match=r"lasts 2\.00 s"):
        film.run(stems)


def test_a_recorded_line_is_cut_from_the_recording_where_it_sounds(film: Film) -> None:
    recording = np.zeros(RATE * SECONDS, np.float32)
    recording[int(2.2 * RATE) : int(3.9 * RATE)] = voiced(1.7, 180)
    wav.write(film.folder / "recorded.es.wav", recording, RATE)
    film.voice = RecordedVoice
    product = speak(film, "hola amigo")
    assert product.value["start"] == pytest.approx(2.2, abs=0.02)
    assert product.value["seconds"] == pytest.approx(1.7, abs=0.03)
    assert [word["text"] for word in product.value["words"]] == ["hola", "amigo"]
    assert film.flags == []


def test_a_line_that_nobody_recorded_is_silent_and_flagged(film: Film) -> None:
    wav.write(film.folder / "recorded.es.wav", np.zeros(RATE * SECONDS, np.float32), RATE)
    film.voice = RecordedVoice
    product = mixed(film, "hola")
    assert film.flags[0] == "nothing-recorded"
    assert np.abs(wav.read(product.file("dialogue.wav"))).max() == 0


def alone(film: Film, seconds: float, rate: int = RATE, hertz: float = 180.0) -> None:
    """Record line-1 by itself, half a second of silence before and after it."""
    pause = np.zeros(rate // 2, np.float32)
    (film.folder / "recorded.es").mkdir(exist_ok=True)
    sound = np.concatenate([pause, voiced(seconds, hertz, rate), pause])
    wav.write(film.folder / "recorded.es" / "line-1.wav", sound, rate)
    film.voice = RecordedVoice


@pytest.mark.parametrize("rate", [8000, 44100, 96000])
def test_a_line_recorded_by_itself_begins_with_the_original_at_any_rate(film: Film, rate: int) -> None:
    alone(film, 1.5, rate)
    product = speak(film, "hola amigo")
    assert product.value["start"] == 2.0
    assert product.value["seconds"] == pytest.approx(1.5, abs=0.03)
    assert film.flags == []
    dialogue = wav.read(film.run(mix, MixParams()).file("dialogue.wav"))[:, 0]
    (loud,) = np.nonzero(np.abs(dialogue) > 1e-3)
    assert loud[0] / RATE == pytest.approx(2.0, abs=0.02)
    assert loud[-1] / RATE == pytest.approx(3.5, abs=0.2)
    spectrum = np.abs(np.fft.rfft(dialogue[int(2.2 * RATE) : int(3.2 * RATE)]))
    assert spectrum[178:183].max() > 3 * spectrum[118:123].max()


def test_a_line_of_its_own_comes_before_the_one_on_the_films_clock(film: Film) -> None:
    wav.write(film.folder / "recorded.es.wav", voiced(SECONDS, 300), RATE)
    alone(film, 1.0)
    assert speak(film, "hola").value["seconds"] == pytest.approx(1.0, abs=0.03)


def test_a_recorded_line_that_is_too_long_is_whole_and_flagged(film: Film) -> None:
    alone(film, 3.0)
    assert speak(film, "hola").value["seconds"] == pytest.approx(3.0, abs=0.03)
    assert film.flags == ["line-runs-over"]


@pytest.mark.parametrize(("unrecorded", "heard"), [("silence", False), ("original", True)])
def test_a_line_that_others_were_recorded_without_is_flagged_and_as_was_asked_for(
    film: Film, unrecorded: Any, heard: bool
) -> None:
    (film.folder / "recorded.es").mkdir()
    film.voice = RecordedVoice
    product = speak(film, "hola", params=VoiceParams(unrecorded=unrecorded))
    assert film.flags == ["nothing-recorded"]
    assert "line-1.wav" in product.flags[0].what
    assert (np.abs(wav.read(product.file("line.wav"))).max() > 0.05) == heard
    assert product.value["says"] == ("original" if heard else "nothing")


def test_without_the_recording_it_says_which_file_is_missing(film: Film) -> None:
    film.voice = RecordedVoice
    with pytest.raises(InputError, match=r"recorded\.es\.wav"):
        speak(film, "hola")


def test_kept_voices_come_out_as_they_were(film: Film) -> None:
    film.voice = KeepVoice
    product = mixed(film, "hello there")
    dub, original = (wav.read(path) for path in (product.file("dub.wav"), film.products["source"][0].file("audio.wav")))
    inside = slice(int(2.1 * RATE), int(3.9 * RATE))
    left = features.level_db((dub - original)[inside, 0]) - features.level_db(original[inside, 0])
    assert left < -12
