"""`dubsync bench voice`: how the dub's voices and sound measure, on lines of ours and, for likeness, on real speakers.

Speech is made in every language and heard back; English lines stand for the original and are dubbed, separated,
mixed and mastered by the stages' own tools; real speakers come from a folder of clips, outside the project.
"""

from __future__ import annotations

import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dubsync.audio import (
    bench_feeling,
    bench_likeness,
    bench_rivals,
    bench_rooms,
    bench_stems,
    features,
    loudness,
    match,
    opinion,
    timeline,
    wav,
)
from dubsync.audio.bench_likeness import RATE, stock
from dubsync.audio.bench_lines import LINES
from dubsync.audio.mastering import PROFILES, Profile, gain_for, master
from dubsync.audio.slots import FASTEST, SLOWEST, aim
from dubsync.backends.protocols import Separator, SpeakerEncoder, Transcriber, VoiceCloner
from dubsync.media import coding
from dubsync.title import AudioTrack

Samples = NDArray[np.float32]

Casting = Callable[[VoiceCloner, Transcriber, Path], bench_likeness.Cast]
"""Says how voices are cast with an engine and a recogniser; the folder is for what is heard."""
LANGUAGES = ("es", "fr", "pt", "it", "en")
FILM_RATE = 48000
CLIPS = "DUBSYNC_TEST_DATA"
_SILENCE = 0.5


@dataclass(frozen=True, slots=True)
class Engines:
    """What is measured and what it is measured with."""

    voice: VoiceCloner
    separator: Separator
    transcriber: Transcriber
    fit: SpeakerEncoder
    judge: SpeakerEncoder
    opinion: opinion.OpinionModel


def engines() -> Engines:
    """Return the packaged engines."""
    from dubsync.backends.asr_whisper import WhisperTranscriber
    from dubsync.backends.speaker_resemblyzer import ResemblyzerEncoder
    from dubsync.backends.speaker_voicefilter import VoicefilterEncoder
    from dubsync.backends.stems_spleeter import SpleeterSeparator
    from dubsync.backends.voice_kokoro import KokoroVoice
    from dubsync.weights import resolve

    return Engines(
        KokoroVoice(),
        SpleeterSeparator(),
        WhisperTranscriber(),
        ResemblyzerEncoder(),
        VoicefilterEncoder(),
        opinion.load(resolve(opinion.WEIGHTS)),
    )


def run(cast: Casting, *, clips: Path | None = None, made: Engines | None = None, lines: int = 10) -> dict[str, Any]:
    """Return the table of figures. `cast`: fits voices as the pipeline does. `clips`: films
    of one speaker each, else $DUBSYNC_TEST_DATA; null without.

    wer: share of words heard wrongly, by language. mos: median predicted opinion. similarity...: median cosine to the
    speaker's other speech, by the judge, of the default and the fitted voice. timing_fit: share of lines spoken at 0.85
    to 1.2 of their natural rate within their slot. true_peak_over_db: over the ceiling, in the worst profile. leak_db,
    bed..., dialogue...: see bench_stems. room..., spectral...: see bench_rooms. whisper..., shout...: bench_feeling.
    rtf: seconds per second, by the clock; rtf_cpu: of computing. peak_mb: while speaking. likeness: the whole table.
    compared: with other ways.
    """
    tools = made or engines()
    with tempfile.TemporaryDirectory(prefix="dubsync-voice-") as name:
        spoken, speed = _spoken(tools.voice, lines)
        peak = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        likeness = _likeness(cast, tools, clips, Path(name))
        return {
            "wer": {
                each: _word_error(tools.transcriber, spoken[each], LINES[each][:lines], each, Path(name))
                for each in LANGUAGES
            },
            "mos": _opinion(tools.opinion, spoken),
            **bench_likeness.headline(likeness),
            **_timing(tools.voice, spoken["en"], lines),
            **_sound(tools, spoken, Path(name)),
            **bench_rooms.figures(spoken["en"], spoken["es"], RATE),
            **bench_likeness.contours(tools.voice, spoken["en"], LINES["es"][:lines]),
            **_feeling(tools, spoken, clips, Path(name)),
            "rtf": round(speed.wall, 3),
            "rtf_cpu": round(speed.cpu, 3),
            "peak_mb": peak,
            "likeness": likeness,
            "compared": _rivals(tools, spoken, Path(name)),
        }


@dataclass(frozen=True, slots=True)
class _Speed:
    """Seconds by the clock, and of computing, for each second of speech."""

    wall: float
    cpu: float


def _spoken(voice: VoiceCloner, lines: int) -> tuple[dict[str, list[Samples]], _Speed]:
    """Speak the lines of every language, in its two voices in turn; return the sounds and how long it took."""
    spoken: dict[str, list[Samples]] = {}
    began = time.perf_counter(), time.process_time()
    for language in LANGUAGES:
        spoken[language] = [
            voice.speak(text, voice=stock(voice, language, number), language=language, seconds=None, seed=0).samples
            for number, text in enumerate(LINES[language][:lines])
        ]
    length = sum(len(sound) for sounds in spoken.values() for sound in sounds) / RATE
    return spoken, _Speed((time.perf_counter() - began[0]) / length, (time.process_time() - began[1]) / length)


def only_likeness(cast: Casting, *, clips: Path | None = None, made: Engines | None = None) -> dict[str, Any] | None:
    """Return the table of likeness that `run` has in it, in less than half of the time; None without clips."""
    with tempfile.TemporaryDirectory(prefix="dubsync-voice-") as name:
        return _likeness(cast, made or engines(), clips, Path(name))


def _likeness(cast: Casting, tools: Engines, clips: Path | None, scratch: Path) -> dict[str, Any] | None:
    folder = _clips(clips)
    if folder is None:
        return None
    judges = bench_likeness.Judges(
        tools.fit,
        tools.judge,
        lambda sounds, texts, language: _word_error(tools.transcriber, sounds, texts, language, scratch),
        lambda sound: tools.opinion.score(sound, RATE),
    )
    return bench_likeness.measure(tools.voice, cast(tools.voice, tools.transcriber, scratch), judges, folder)


def _clips(asked: Path | None) -> Path | None:
    return asked or (Path(os.environ[CLIPS]) if os.environ.get(CLIPS) else None)


def _feeling(
    tools: Engines, spoken: Mapping[str, Sequence[Samples]], clips: Path | None, scratch: Path
) -> dict[str, Any]:
    def word_error(sounds: Sequence[Samples], texts: Sequence[str], language: str) -> float:
        return _word_error(tools.transcriber, sounds, texts, language, scratch)

    return {
        **bench_feeling.whispers(spoken, word_error, lambda sound: tools.opinion.score(sound, RATE)),
        **bench_feeling.heard(spoken, _clips(clips)),
        **bench_feeling.shouts(spoken["en"]),
    }


def only_feeling(*, clips: Path | None = None, made: Engines | None = None, lines: int = 10) -> dict[str, Any]:
    """Return what `run` says of whispers and of how the original performance is followed."""
    tools = made or engines()
    with tempfile.TemporaryDirectory(prefix="dubsync-voice-") as name:
        spoken, _ = _spoken(tools.voice, lines)
        return {
            **bench_likeness.contours(tools.voice, spoken["en"], LINES["es"][:lines]),
            **_feeling(tools, spoken, clips, Path(name)),
        }


def _word_error(
    transcriber: Transcriber,
    sounds: Sequence[Samples],
    texts: Sequence[str],
    language: str,
    folder: Path,
    *,
    rate: int = RATE,
) -> float:
    """Return the word error rate of the lines, one after the other with pauses, heard by the transcriber."""
    from dubsync.text.words import word_errors

    joined = np.concatenate([part for sound in sounds for part in (np.zeros(rate // 2, np.float32), sound)])
    wav.write(folder / "heard.wav", features.resample(joined, rate, 16000), 16000)
    heard = transcriber.transcribe(folder / "heard.wav", language=language, progress=lambda share: None)
    text = " ".join(utterance.text for utterance in heard.utterances)
    return round(word_errors(" ".join(texts), text, language).rate, 4)


def _opinion(model: opinion.OpinionModel, spoken: Mapping[str, Sequence[Samples]]) -> float:
    scores = [model.score(sound, RATE) for sounds in spoken.values() for sound in sounds[::3]]
    return round(float(np.median(scores)), 2)


def _rivals(tools: Engines, spoken: Mapping[str, Sequence[Samples]], folder: Path) -> dict[str, dict[str, float]]:
    """Compare our Spanish lines with what open tools make of them: one preset voice stretched to the slot, 16 kHz."""
    texts = LINES["es"][: len(spoken["es"])]
    preset, ours, theirs, rates = stock(tools.voice, "es", 0), [], [], []
    for number, text in enumerate(texts):
        own = len(spoken["en"][number]) / RATE
        plain = tools.voice.speak(text, voice=preset, language="es", seconds=None, seed=0)
        wanted = aim(plain.natural_seconds, own=own, slot=own + _SILENCE)
        said = tools.voice.speak(text, voice=preset, language="es", seconds=wanted, seed=0)
        ours.append(said.samples)
        theirs.append(bench_rivals.their_line(plain.samples, RATE, own))
        rates.append((said.natural_seconds * RATE / len(said.samples), len(plain.samples) / RATE / own))
    rows = {"ours": (ours, RATE), "atempo, 16 kHz": (theirs, bench_rivals.MONO_RATE)}
    fastest, slowest = np.max(rates, axis=0), np.min(rates, axis=0)
    return {
        name: {
            "wer": _word_error(tools.transcriber, sounds, texts, "es", folder, rate=rate),
            "mos": round(float(np.median([tools.opinion.score(sound, rate) for sound in sounds])), 2),
            "rate_max": round(float(fastest[column]), 2),
            "rate_min": round(float(slowest[column]), 2),
        }
        for column, (name, (sounds, rate)) in enumerate(rows.items())
    }


def _timing(voice: VoiceCloner, original: Sequence[Samples], lines: int) -> dict[str, float]:
    """Dub the English lines into the other languages; each has half a second of silence after it to run into."""
    fits, overlaps = [], []
    for language in LANGUAGES[:-1]:
        for number, text in enumerate(LINES[language][:lines]):
            own = len(original[number]) / RATE
            natural = voice.duration(text, voice=stock(voice, language, number), language=language)
            length = float(np.clip(aim(natural, own=own, slot=own + _SILENCE), natural / FASTEST, natural / SLOWEST))
            fits.append(length <= own + _SILENCE + 1e-6)
            overlaps.append(2 * min(own, length) / (own + length))
    return {"timing_fit": round(float(np.mean(fits)), 3), "speech_overlap": round(float(np.mean(overlaps)), 3)}


def _sound(tools: Engines, spoken: Mapping[str, Sequence[Samples]], folder: Path) -> dict[str, float]:
    """Dub a made film (English speech over music) into Spanish; measure the stems, the loudness and the peak."""
    speech, starts = _film_speech(spoken["en"])
    music = _music(len(speech))
    wav.write(folder / "film.wav", speech + music, FILM_RATE)
    paths = folder / "film.wav", folder / "dialogue.wav", folder / "bed.wav"
    tools.separator.separate(*paths, progress=lambda share: None)
    said = partial(_words_heard, tools.transcriber, LINES["en"][: len(spoken["en"])])
    found = [_mastered(paths, spoken["es"], starts, profile) for profile in PROFILES.values()]
    return {
        "loudness_error_lu": round(max(each.error for each in found), 2),
        "true_peak_dbtp": round(max(each.peak for each in found), 2),
        "true_peak_over_db": round(max(each.over for each in found), 2),
        **bench_stems.figures(paths[1:], FILM_RATE, speech, music, said),
    }


def _words_heard(transcriber: Transcriber, texts: Sequence[str], sound: Path) -> float:
    """Return the share of English texts' words that are heard in a sound."""
    from dubsync.text.words import word_errors

    found = transcriber.transcribe(sound, language="en", progress=lambda share: None)
    wrong = word_errors(" ".join(texts), " ".join(utterance.text for utterance in found.utterances), "en")
    return round(1 - (wrong.substitutions + wrong.deletions) / wrong.words, 4)


def _film_speech(lines: Sequence[Samples]) -> tuple[Samples, list[int]]:
    """Return the lines as stereo at the film's rate, a second apart, and their first samples."""
    parts, starts, at = [], [], 0
    for line in lines:
        sound = np.pad(features.resample(line, RATE, FILM_RATE), (FILM_RATE // 2, FILM_RATE // 2))
        starts.append(at + FILM_RATE // 2)
        parts.append(sound)
        at += len(sound)
    mono = np.concatenate(parts)
    return np.stack([mono, mono], axis=1), starts


def _music(frames: int) -> Samples:
    """Return stereo music made by code: four chords of decaying tones with a noisy beat, at about -26 dB."""
    random, out = np.random.default_rng(0), np.zeros((frames, 2))
    beat, tail = FILM_RATE // 2, np.arange(FILM_RATE) / FILM_RATE
    for number, start in enumerate(range(0, frames - FILM_RATE, beat)):
        root = 220 * 2 ** ((0, 5, 7, 3)[number // 4 % 4] / 12)
        for voice, step in enumerate((0, 4, 7, 12)):
            hertz = root * 2 ** (step / 12)
            tone = sum(
                np.sin(2 * np.pi * hertz * part * tail) * np.exp(-tail * (2 + part)) / part for part in range(1, 6)
            )
            out[start : start + FILM_RATE, voice % 2] += tone * 0.2
            out[start : start + FILM_RATE, 1 - voice % 2] += tone * 0.1
        out[start : start + 4000] += (random.standard_normal(4000) * np.exp(-np.arange(4000) / 800) * 0.3)[:, None]
    music: Samples = (out * (0.05 / np.sqrt(np.mean(out**2)))).astype(np.float32)
    return music


@dataclass(frozen=True, slots=True)
class _Heard:
    """How a delivery was heard: LU off its loudness, true peak in dBTP, dB of that over the peak allowed."""

    error: float
    peak: float
    over: float


def _mastered(
    paths: tuple[Path, Path, Path], lines: Sequence[Samples], starts: Sequence[int], profile: Profile
) -> _Heard:
    """Lay the dubbed lines over the bed, master them, and code them into a file.

    Measured on what the file holds, by our meter and by FFmpeg's; what the two disagree by counts as error.
    """
    film, dialogue, bed = paths
    facts = wav.facts(film)
    source = loudness.measure(wav.blocks(film), facts.sample_rate, facts.channels)
    sounds = [_placed(dialogue, line, start) for line, start in zip(lines, starts, strict=True)]
    everywhere = [timeline.Region(0, facts.frames)]

    def mix(line_db: float) -> Iterator[Samples]:
        gain = np.float32(10 ** (line_db / 20))
        louder = [timeline.Placed(start, partial(np.multiply, sound, gain)) for start, sound in sounds]
        return timeline.lay(timeline.under(film, bed, everywhere), louder)

    spoken = np.ones(facts.frames * 10 // facts.sample_rate + 1, bool)
    coded = coding.coding_for(AudioTrack(0, "pcm", facts.sample_rate, facts.channels, "stereo"), ".mp4")
    done = master(mix, facts, profile, source, spoken, partial(coding.heard, coding=coded))
    finished = np.concatenate(list(done.how.render(mix, facts.sample_rate)))
    heard = bench_rivals.coded(finished, facts.sample_rate, film.parent, bits=coded.bits_a_second or 0)
    meter = loudness.measure([heard], facts.sample_rate, facts.channels)
    theirs, peak = bench_rivals.ebur128(heard, facts.sample_rate)
    missed = abs(gain_for(profile, meter, source, spoken))
    peak = max(peak, meter.true_peak)
    return _Heard(missed + abs(theirs - meter.integrated()), peak, peak - done.ceiling_db)


def _placed(dialogue: Path, line: Samples, start: int) -> tuple[int, Samples]:
    """Return a dubbed line, stereo, at the level and with the spectrum of the original in its place."""
    sound = features.resample(line, RATE, FILM_RATE)
    place = match.listen(wav.read(dialogue, start=start, stop=start + len(sound)), FILM_RATE)
    coloured = match.colour(sound, FILM_RATE, place)
    gain = 10 ** ((place.level - loudness.speech_level(coloured, FILM_RATE)) / 20)
    return start, (coloured[:, None] * place.gains[None, :] * gain).astype(np.float32)
