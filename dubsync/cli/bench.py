"""`dubsync bench`: figures about speed, mouth, voice and text; every number in the documents comes from here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from dubsync.backends.protocols import Transcriber, VoiceCloner
from dubsync.cli.inspect import AsJson
from dubsync.errors import InputError

if TYPE_CHECKING:
    from dubsync.mouth.bench import Asked

_out = Console()
bench_app = typer.Typer(help="Measure speed, memory, the mouth, the voice and the words.", no_args_is_help=True)


Clip = Annotated[Path | None, typer.Option(help="A clip with speech (default: the sample film).")]
Record = Annotated[Path | None, typer.Option(help="Its consent record (default: beside it).")]
Training = Annotated[float, typer.Option(help="Seconds of training for each speaker.")]


def mount(app: typer.Typer) -> None:
    """Add this family's verbs."""
    app.add_typer(bench_app, name="bench")


@bench_app.command()
def speed(
    clip: Clip = None,
    *,
    consent: Record = None,
    training: Training = 120.0,
    long: Annotated[bool, typer.Option(help="Also run a film ten times as long.")] = True,
    voice: Annotated[bool, typer.Option("--voice", help="Time nothing but new voices, by warm workers.")] = False,
    as_json: AsJson = False,
) -> None:
    """Time whole runs: full, second language, re-run, voice only; peak memory, also of a film ten times as long."""
    from dubsync import bench

    film, record = _film(clip, consent)
    asked = bench.Speed(film, record, training_s=training, is_long=long)
    _show(bench.voice_speed(asked) if voice else bench.speed(asked), as_json=as_json)


@bench_app.command()
def edit(
    clip: Clip = None,
    *,
    consent: Record = None,
    training: Training = 120.0,
    as_json: AsJson = False,
) -> None:
    """Time what one changed line costs: the whole film is made, a line edited, the film made again."""
    from dubsync import bench

    film, record = _film(clip, consent)
    _show(bench.edit(bench.Speed(film, record, training_s=training)), as_json=as_json)


@bench_app.command()
def memory(
    clip: Clip = None,
    *,
    consent: Record = None,
    training: Training = 120.0,
    as_json: AsJson = False,
) -> None:
    """Measure the peak memory of a clip and of a film ten times as long; the machine may be busy meanwhile."""
    from dubsync import bench

    film, record = _film(clip, consent)
    _show(bench.memory(bench.Speed(film, record, training_s=training)), as_json=as_json)


def _film(clip: Path | None, consent: Path | None) -> tuple[Path, Path]:
    """Return the film to run and its consent record; raise InputError where one is missing."""
    film = clip or Path("samples/film.mp4")
    record = consent or film.with_name("consent.toml")
    for path in (film, record):
        if not path.is_file():
            raise InputError(f"{path}: no such file", hint="give --clip and --consent, or run it in a checkout")
    return film, record


@bench_app.command()
def voice(
    clips: Annotated[Path | None, typer.Option(help="Films of one speaker each ($DUBSYNC_TEST_DATA).")] = None,
    *,
    lines: Annotated[int, typer.Option(help="Lines for each language.", min=1)] = 10,
    likeness: Annotated[bool, typer.Option("--likeness", help="Measure nothing but likeness.")] = False,
    feeling: Annotated[bool, typer.Option("--feeling", help="Measure nothing but whispers and contours.")] = False,
    as_json: AsJson = False,
) -> None:
    """Measure the voice and the sound: word error, opinion, likeness, timing, loudness, leak, speed, memory."""
    from dubsync.audio import bench
    from dubsync.audio.bench_likeness import RATE, Cast
    from dubsync.stages import casting
    from dubsync.stages._intelligible import Ways

    def cast(engine: VoiceCloner, ears: Transcriber, folder: Path) -> Cast:
        ways = Ways(engine, ears, "es", folder)
        return Cast(
            lambda sound, said: casting.fitted(sound, RATE, ways, len(sound) / RATE if said is None else said),
            lambda fitted: casting.together(fitted, ways),
        )

    if feeling:
        _show(bench.only_feeling(clips=clips, lines=lines), as_json=as_json)
        return
    found = (
        {"likeness": bench.only_likeness(cast, clips=clips)} if likeness else bench.run(cast, clips=clips, lines=lines)
    )
    _show(found, as_json=as_json)


@bench_app.command()
def mouth(
    data: Annotated[Path, typer.Argument(help="A folder with clips.tsv and clips/.")],
    *,
    only: Annotated[list[str] | None, typer.Option(help="Only these clips, by name without ending.")] = None,
    steps: Annotated[int, typer.Option(help="Steps of training on each clip; 0: the base painter.", min=0)] = 240,
    quick: Annotated[bool, typer.Option(help="Leave out only the last third, and train nothing.")] = False,
    fold: Annotated[list[int] | None, typer.Option(help="Leave out only this third, 0 to 2.", min=0, max=2)] = None,
    kept: Annotated[
        Path | None, typer.Option(help="A folder for each clip's figures: a run goes on from them.")
    ] = None,
    pictures: Annotated[Path | None, typer.Option(help="Write strips: filmed, warped, painted, difference.")] = None,
    paints: Annotated[
        bool, typer.Option("--paint/--no-paint", help="Paint too, or measure only what sound does.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Measure the mouth: painting by true landmarks, speaking by sound, sync, silence, speed."""
    from dubsync.engine.threads import alone
    from dubsync.mouth.bench import ALL_FOLDS, QUICK_FOLDS, Asked

    asked = Asked(0 if quick else steps, tuple(fold or (QUICK_FOLDS if quick else ALL_FOLDS)), paints)
    found = alone(partial(_mouth, data, asked, tuple(only or ()), pictures, kept, is_quiet=as_json))
    _show({name: value for name, value in found.items() if name != "each" or as_json}, as_json=as_json)


def _mouth(
    data: Path, asked: Asked, only: Sequence[str], pictures: Path | None, kept: Path | None, *, is_quiet: bool
) -> dict[str, Any]:
    """Measure the mouth by one thread, as a worker does, whatever the environment of the command says."""
    import cv2

    from dubsync.backends.face_mediapipe import MediaPipeFaceFinder
    from dubsync.backends.mouth_gan import MouthGan
    from dubsync.face.identity import Recogniser
    from dubsync.mouth import bench
    from dubsync.weights import resolve

    cv2.setNumThreads(1)
    return bench.run(
        data,
        asked,
        bench.Means(MediaPipeFaceFinder, lambda: MouthGan(threads=1), Recogniser(resolve("face-recogniser")).embed),
        only=only,
        pictures=pictures,
        kept=kept,
        progress=lambda line: None if is_quiet else _out.print(line, highlight=False),
    )


@bench_app.command()
def training(
    data: Annotated[Path, typer.Argument(help="A folder with clips.tsv and clips/.")],
    clip: Annotated[str, typer.Argument(help="The clip, by name without ending.")],
    *,
    minutes: Annotated[list[float] | None, typer.Option(help="Of training on two idle cores.", min=0)] = None,
    as_json: AsJson = False,
) -> None:
    """Measure what training on an actor is worth: dB, SSIM and sharpness on the last third, by minutes of training.

    The fourth number is the step whose painter was kept, 0 the base; the fifth, the steps after which training ended.
    """
    from dubsync.backends import mouth_clips
    from dubsync.backends.face_mediapipe import MediaPipeFaceFinder
    from dubsync.backends.mouth_gan import STEPS_PER_SECOND
    from dubsync.mouth import bench, bench_paint
    from dubsync.weights.cache import cache_folder

    found = list(bench.listed(data, [clip]))
    if not found:
        raise InputError(f"{data}: no clip {clip}", hint="name a clip that clips.tsv lists, without its ending")
    ((file, lag),) = found
    budgets = {round(60 * STEPS_PER_SECOND * each): each for each in minutes or (0.0, 1.0, 10.0)}
    footage = mouth_clips.read(file, MediaPipeFaceFinder(), lag=lag, kept=cache_folder() / "bench")
    rows = bench_paint.curve(footage, list(budgets))
    _show({f"{budgets[steps]:g} min": row for steps, row in rows.items()}, as_json=as_json)


@bench_app.command()
def owners(
    data: Annotated[Path, typer.Argument(help="A folder with clips.tsv and clips/.")],
    *,
    only: Annotated[list[str] | None, typer.Option(help="Only these clips, by name without ending.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure who is taken for the speaker: of two mouths that both move for 3 s, and of a foreign one alone."""
    from dubsync.backends import mouth_clips
    from dubsync.backends.face_mediapipe import MediaPipeFaceFinder
    from dubsync.backends.sync_articulation import ArticulationScorer
    from dubsync.mouth import bench, bench_owners
    from dubsync.stages._owners import Sighting, decide
    from dubsync.weights.cache import cache_folder

    def tied(scores: Mapping[str, float], seconds: float) -> str | None:
        sightings = [Sighting(face, "shot", "line", "voice", seconds, score) for face, score in scores.items()]
        return next(iter(decide(sightings, [])), None)

    finder, kept = MediaPipeFaceFinder(), cache_folder() / "bench"
    clips = (mouth_clips.read(file, finder, lag=lag, kept=kept) for file, lag in bench.listed(data, only or ()))
    cut = [stretch for clip in clips for stretch in bench_owners.stretches(clip)]
    if len({stretch.clip for stretch in cut}) < 2:
        raise InputError(f"{data}: no two clips in which a face speaks for 3 s", hint="give a folder with more clips")
    _show(bench_owners.measured(cut, ArticulationScorer(), tied), as_json=as_json)


@bench_app.command()
def mark(
    clips: Annotated[Path | None, typer.Option(help="A folder of films whose sound is tried, unmarked.")] = None,
    *,
    patterns: Annotated[int, typer.Option(help="Foreign patterns to try on each unmarked sound.", min=0)] = 100,
    only_chance: Annotated[bool, typer.Option("--chance", help="Measure nothing but what chance finds.")] = False,
    as_json: AsJson = False,
) -> None:
    """Measure the watermark: read after coding and cutting, found by chance, inaudible, quick."""
    from dubsync.rights import bench
    from dubsync.testing import sounds

    unmarked = [*(bench.of_folder(clips) if clips else ())]
    unmarked += [made(60, bench.RATE) for made in (sounds.band, sounds.chords)]
    unmarked += [sounds.noise(60, bench.RATE, colour=colour) for colour in (0.0, 0.5, 1.0)]
    found = {} if only_chance else _marks_read()
    _show({**found, "chance": bench.by_chance(unmarked, patterns)}, as_json=as_json)


def _marks_read() -> dict[str, Any]:
    from dubsync.audio import opinion
    from dubsync.audio.features import resample
    from dubsync.backends.voice_kokoro import KokoroVoice
    from dubsync.rights import bench
    from dubsync.testing import sounds
    from dubsync.text.bench import RATE, read_all
    from dubsync.weights import resolve

    speech = resample(read_all(KokoroVoice()), RATE, bench.RATE)
    music = sounds.band(len(speech) / bench.RATE + 1, bench.RATE)
    return bench.figures(speech, music, opinion.load(resolve(opinion.WEIGHTS)))


@bench_app.command()
def text(
    corpus: Annotated[Path | None, typer.Option(help="The folder with Tatoeba archives ($DUBSYNC_TEST_TEXT).")] = None,
    *,
    pairs: Annotated[
        list[str] | None, typer.Option(help="More sentences, LANGUAGE=FILE (.mo, .tmx, .tsv); may be repeated.")
    ] = None,
    most: Annotated[int, typer.Option(help="Held-out sentences for each language.", min=1)] = 1000,
    clips: Annotated[Path | None, typer.Option(help="Films of people who speak, for word onsets.")] = None,
    only_onsets: Annotated[bool, typer.Option("--onsets", help="Measure nothing but word onsets.")] = False,
    as_json: AsJson = False,
) -> None:
    """Measure the words: translation on held-out sentences, hearing, word onsets, speakers told apart."""
    from dubsync.backends.mt_marian import MarianTranslator
    from dubsync.text import mt_bench
    from dubsync.text import pairs as reader

    if only_onsets:
        _show(_onsets(clips), as_json=as_json)
        return
    brought = {tag: reader.read(files, tag) for tag, files in _by_language(pairs or ()).items()}
    figures = mt_bench.table(MarianTranslator(), folder=corpus, most=most, pairs=brought)
    _show({**figures, "apertium_es": _apertium(corpus, most), **_heard(), **_onsets(clips)}, as_json=as_json)


def _by_language(named: Sequence[str]) -> dict[str, list[Path]]:
    """Return the files of each language that "pt=FILE" names; raise InputError where one is not of that form."""
    from dubsync.text.language import base, normal_tag

    files: dict[str, list[Path]] = {}
    for each in named:
        tag, mark, file = each.partition("=")
        if not mark or not file:
            raise InputError(f"--pairs {each}: no language", hint="write --pairs pt=FILE")
        files.setdefault(base(normal_tag(tag)), []).append(Path(file))
    return files


def _apertium(corpus: Path | None, most: int) -> dict[str, Any] | None:
    """Return the same figures of Apertium, for Spanish; None where it is not installed."""
    from dubsync.backends.mt_apertium import ApertiumTranslator
    from dubsync.errors import MissingExtra
    from dubsync.text import mt_bench

    try:
        return dict(mt_bench.measure(ApertiumTranslator(), "es", mt_bench.heldout("es", corpus)[:most]))
    except MissingExtra:
        return None


def _heard() -> dict[str, Any]:
    """Return what reading passages aloud and hearing them back gives."""
    import tempfile

    from dubsync.backends.align_kokoro import KokoroAligner
    from dubsync.backends.asr_whisper import WhisperTranscriber
    from dubsync.backends.phones_kokoro import KokoroPhones
    from dubsync.backends.speaker_voicefilter import VoicefilterEncoder
    from dubsync.backends.voice_kokoro import KokoroVoice
    from dubsync.text import bench, bench_formant, bench_phones

    with tempfile.TemporaryDirectory(prefix="dubsync-bench-") as folder:
        voice = KokoroVoice()
        aligner, place = KokoroAligner(), Path(folder)
        return {
            **bench.figures(voice, WhisperTranscriber(), aligner, VoicefilterEncoder(), place),
            "formant_onsets": bench_formant.figures(aligner, place),
            "phones": bench_phones.figures(voice, KokoroPhones()),
        }


def _onsets(clips: Path | None) -> dict[str, Any]:
    """Return how near word starts come on espeak-ng's speech, and on the clips of a folder if there is one."""
    import tempfile

    from dubsync.backends.align_kokoro import KokoroAligner
    from dubsync.backends.asr_whisper import WhisperTranscriber
    from dubsync.text import bench_clips, bench_formant

    with tempfile.TemporaryDirectory(prefix="dubsync-bench-") as name:
        aligner, folder = KokoroAligner(), Path(name)
        real = clips and bench_clips.figures(bench_clips.sounds(clips), WhisperTranscriber(), aligner, folder)
        return {"formant_onsets": bench_formant.figures(aligner, folder), "real_onsets": real}


def _show(figures: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(figures))
        return
    for key, value in figures.items():
        _out.print(f"{key:<18} {value}", highlight=False)
