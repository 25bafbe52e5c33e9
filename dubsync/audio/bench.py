"""`dubsync bench voice`: how the dub's voices and sound measure, on lines of ours and, for likeness, on real speakers.

Speech is made in every language and heard back; English lines stand for the original and are dubbed, separated,
mixed and mastered by the stages' own tools; real speakers come from a folder of clips, outside the project.
"""

from __future__ import annotations

import os
import resource
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dubsync.audio import features, loudness, match, opinion, timeline, wav
from dubsync.audio.bench_lines import LINES
from dubsync.audio.mastering import PROFILES, Profile, gain_for, master
from dubsync.audio.slots import FASTEST, SLOWEST, aim
from dubsync.backends.protocols import Separator, SpeakerEncoder, Transcriber, Voice, VoiceCloner

Samples = NDArray[np.float32]

LANGUAGES = ("es", "fr", "pt", "it", "en")
RATE = 24000
FILM_RATE = 48000
CLIPS = "DUBSYNC_TEST_DATA"
_QUIET = np.zeros(RATE // 2, np.float32)
_LIKENESS = ("similarity_default", "similarity", "similarity_gain")
_FILMS = {".mp4", ".mov", ".mkv", ".avi", ".mpg", ".wav", ".flac"}
_SILENCE = 0.5
_LEAST_REFERENCE_S = 8.0
_MOST_SPEAKERS = 10


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


def run(*, clips: Path | None = None, made: Engines | None = None, lines: int = 10) -> dict[str, Any]:
    """Return the table of figures. `clips`: films of one speaker each, else $DUBSYNC_TEST_DATA; null without.

    wer: share of words heard wrongly, by language. mos: median predicted opinion. similarity...: median cosine to the
    speaker's other speech, by the judge, of the default and the fitted voice. timing_fit: share of lines spoken at 0.85
    to 1.2 of their natural rate within their slot. leak_db: original speech left in the bed. rtf: seconds per second.
    """
    tools = made or engines()
    folder = clips or (Path(os.environ[CLIPS]) if os.environ.get(CLIPS) else None)
    with tempfile.TemporaryDirectory(prefix="dubsync-voice-") as name:
        spoken, speed = _spoken(tools.voice, lines)
        return {
            "wer": {each: _heard_back(tools.transcriber, spoken[each], each, Path(name)) for each in LANGUAGES},
            "mos": _opinion(tools.opinion, spoken),
            **(_likeness(tools, folder) if folder else dict.fromkeys(_LIKENESS)),
            **_timing(tools.voice, spoken["en"], lines),
            **_sound(tools.separator, spoken, Path(name)),
            "rtf": round(speed, 3),
            "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        }


def _stock(voice: Any, language: str, number: int) -> Voice:
    """Return the language's female or male voice in turn."""
    from dubsync.backends.kokoro.languages import speech_of

    speech = speech_of(language)
    stock: Voice = voice.named((speech.female, speech.male)[number % 2], language)
    return stock


def _spoken(voice: VoiceCloner, lines: int) -> tuple[dict[str, list[Samples]], float]:
    """Speak the lines of every language, in its two voices in turn; return the sounds and the real-time factor."""
    spoken: dict[str, list[Samples]] = {}
    began = time.perf_counter()
    for language in LANGUAGES:
        spoken[language] = [
            voice.speak(text, voice=_stock(voice, language, number), language=language, seconds=None, seed=0).samples
            for number, text in enumerate(LINES[language][:lines])
        ]
    length = sum(len(sound) for sounds in spoken.values() for sound in sounds) / RATE
    return spoken, (time.perf_counter() - began) / length


def _heard_back(transcriber: Transcriber, sounds: Sequence[Samples], language: str, folder: Path) -> float:
    """Return the word error rate of the lines, one after the other with pauses, heard by the transcriber."""
    from dubsync.text.words import word_errors

    joined = np.concatenate([part for sound in sounds for part in (_QUIET, sound)])
    wav.write(folder / "heard.wav", features.resample(joined, RATE, 16000), 16000)
    heard = transcriber.transcribe(folder / "heard.wav", language=language, progress=lambda share: None)
    text = " ".join(utterance.text for utterance in heard.utterances)
    return round(word_errors(" ".join(LINES[language][: len(sounds)]), text, language).rate, 4)


def _opinion(model: opinion.OpinionModel, spoken: Mapping[str, Sequence[Samples]]) -> float:
    scores = [model.score(sound, RATE) for sounds in spoken.values() for sound in sounds[::3]]
    return round(float(np.median(scores)), 2)


def _likeness(tools: Engines, folder: Path) -> dict[str, float | None]:
    """Fit a Spanish voice to the first half of each speaker's speech and judge it by the second."""
    rows = []
    for sound in islice(_speakers(folder), _MOST_SPEAKERS):
        half = len(sound) // 2
        held = tools.judge.embed(sound[half:], RATE)
        fitted = tools.voice.enroll(sound[:half], RATE, language="es", progress=lambda share: None).voice
        stock = _nearer_stock(tools.voice, sound[:half])
        rows.append([float(_said(tools, voice) @ held) for voice in (stock, fitted)])
    if not rows:
        return dict.fromkeys(_LIKENESS)
    table = np.array(rows)
    figures = (np.median(table[:, 0]), np.median(table[:, 1]), np.median(table[:, 1] - table[:, 0]))
    return {name: round(float(figure), 3) for name, figure in zip(_LIKENESS, figures, strict=True)}


def _said(tools: Engines, voice: Voice) -> Samples:
    """Return the judge's vector of a voice saying lines that were not used to fit it."""
    text = " ".join(LINES["es"][2:4])
    sound = tools.voice.speak(text, voice=voice, language="es", seconds=None, seed=0).samples
    vector: Samples = tools.judge.embed(sound, RATE)
    return vector


def _nearer_stock(voice: Any, speech: Samples) -> Voice:
    """Return the stock voice somebody would choose by ear: of the two, the one of the speaker's sex."""
    pitch = features.pitch(speech, RATE)
    heard = pitch[pitch > 0]
    return _stock(voice, "es", 1 if len(heard) and float(np.median(heard)) < 160 else 0)


def _speakers(folder: Path) -> Iterator[Samples]:
    """Yield mono speech at 24 kHz of each film or sound in the folder that is long enough."""
    import av

    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in _FILMS:
            continue
        with av.open(str(path)) as container:
            if not container.streams.audio:
                continue
            resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
            parts = [
                piece.to_ndarray().ravel()
                for frame in islice(container.decode(audio=0), 4000)
                for piece in resampler.resample(frame)
            ]
        sound = np.concatenate(parts).astype(np.float32)[: 40 * RATE]
        if len(features.trim_silence(sound, RATE)) >= _LEAST_REFERENCE_S * RATE:
            yield sound


def _timing(voice: VoiceCloner, original: Sequence[Samples], lines: int) -> dict[str, float]:
    """Dub the English lines into the other languages; each has half a second of silence after it to run into."""
    fits, overlaps = [], []
    for language in LANGUAGES[:-1]:
        for number, text in enumerate(LINES[language][:lines]):
            own = len(original[number]) / RATE
            natural = voice.duration(text, voice=_stock(voice, language, number), language=language)
            length = float(np.clip(aim(natural, own=own, slot=own + _SILENCE), natural / FASTEST, natural / SLOWEST))
            fits.append(length <= own + _SILENCE + 1e-6)
            overlaps.append(2 * min(own, length) / (own + length))
    return {"timing_fit": round(float(np.mean(fits)), 3), "speech_overlap": round(float(np.mean(overlaps)), 3)}


def _sound(separator: Separator, spoken: Mapping[str, Sequence[Samples]], folder: Path) -> dict[str, float]:
    """Dub a made film (English speech over music) into Spanish; measure the bed, the loudness and the peak."""
    speech, starts = _film_speech(spoken["en"])
    music = _music(len(speech))
    wav.write(folder / "film.wav", speech + music, FILM_RATE)
    paths = folder / "film.wav", folder / "dialogue.wav", folder / "bed.wav"
    separator.separate(*paths, progress=lambda share: None)
    left = abs(float(np.vdot(wav.read(paths[2]), speech))) / float(np.vdot(speech, speech))
    errors, peaks = [], []
    for name in ("source", "ebu-r128", "streaming"):
        error, peak = _mastered(paths, spoken["es"], starts, PROFILES[name])
        errors.append(abs(error))
        peaks.append(peak)
    return {
        "loudness_error_lu": round(max(errors), 2),
        "true_peak_dbtp": round(max(peaks), 2),
        "leak_db": round(20 * float(np.log10(left + 1e-9)), 1),
    }


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


def _mastered(
    paths: tuple[Path, Path, Path], lines: Sequence[Samples], starts: Sequence[int], profile: Profile
) -> tuple[float, float]:
    """Lay the dubbed lines over the bed and master them; return the error in LU and the true peak in dBTP."""
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
    found = master(mix, facts, profile, source, spoken)
    heard = loudness.measure(found.render(mix, facts.sample_rate), facts.sample_rate, facts.channels)
    return gain_for(profile, heard, source, spoken), heard.true_peak


def _placed(dialogue: Path, line: Samples, start: int) -> tuple[int, Samples]:
    """Return a dubbed line, stereo, at the level and with the spectrum of the original in its place."""
    sound = features.resample(line, RATE, FILM_RATE)
    place = match.listen(wav.read(dialogue, start=start, stop=start + len(sound)), FILM_RATE)
    coloured = match.colour(sound, FILM_RATE, place)
    gain = 10 ** ((place.level - loudness.speech_level(coloured, FILM_RATE)) / 20)
    return start, (coloured[:, None] * place.gains[None, :] * gain).astype(np.float32)
