"""`dubsync train` for mouths: what the recipes of kind mouth.articulation and mouth.painter say, carried out.

Both learn from clean clips in the corpus folder; articulation also from sentences that the packaged voices speak. What
was read, heard and spoken is kept in the run folder, so a run that was stopped goes on.
"""

from __future__ import annotations

import tomllib
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from dubsync.backends import mouth_clips, mouth_corpus
from dubsync.documents import write_whole
from dubsync.errors import InputError
from dubsync.mouth import articulation, learning, performance, shape, sync, train_articulation
from dubsync.mouth.hearing import Ear, log_mel, loudness
from dubsync.mouth.rehearsal import Rehearsal, rehearse, thirds
from dubsync.mouth.train_articulation import Filmed, FitConfig, Spoken

_CHECKPOINT_STEPS = 100


def train(recipe: Path, *, corpus: Path, run: Path, threads: int = 1) -> Path:
    """Carry out a recipe; return the folder with the weights."""
    wanted = tomllib.loads(recipe.read_text(encoding="utf-8"))
    run.mkdir(parents=True, exist_ok=True)
    out = run / str(wanted["name"])
    out.mkdir(exist_ok=True)
    clips = list(_clips(wanted["clips"], corpus))
    if wanted["kind"] == "mouth.articulation":
        _articulation(wanted, clips, corpus, run, out, threads=threads)
    else:
        _painter(wanted, clips, run, out, threads=threads)
    return out


def _clips(wanted: Mapping[str, Any], corpus: Path) -> Iterator[mouth_clips.Clip]:
    from dubsync.backends.face_mediapipe import MediaPipeFaceFinder

    files = [file for file in sorted(corpus.glob(wanted["pattern"])) if file.stem not in wanted.get("left_out", ())]
    if not files:
        raise InputError(f"{corpus}: no clip is called {wanted['pattern']}", hint="point --corpus at the clips' folder")
    for file in files:
        shift = wanted.get("shift_ms", {}).get(file.stem, wanted.get("usual_shift_ms", 0))
        yield mouth_clips.read(file, MediaPipeFaceFinder(), lag=shift / 1000)


def _articulation(
    wanted: Mapping[str, Any], clips: Sequence[mouth_clips.Clip], corpus: Path, run: Path, out: Path, *, threads: int
) -> None:
    from dubsync.weights import resolve

    sentences = [one for part in wanted["spoken"] for one in _spoken(part, corpus, run)]
    ear = Ear(resolve("whisper-tiny-en"), threads=threads)
    fitted = train_articulation.fit(list(_heard(sentences, ear)), _filmed(clips, ear), FitConfig(**wanted["fit"]))
    articulation.save(fitted, out / articulation.FILE)
    judge = train_articulation.fit_judge(
        [_spoken_as(one, log_mel(_samples(one))) for one in sentences],
        [Filmed(log_mel(clip.samples), shape.moving(clip.landmarks), clip.shown - clip.lag) for clip in clips],
        FitConfig(**wanted["judge"]),
    )
    sync.save_judge(judge, out / sync.JUDGE)


def _filmed(clips: Sequence[mouth_clips.Clip], ear: Ear) -> list[Filmed]:
    """Return each clip three times: heard alone, and among the others in either order; what is around changes it."""
    shown = [(shape.moving(clip.landmarks), clip.shown - clip.lag) for clip in clips]
    found = [Filmed(ear.hear(clip.samples), *one) for clip, one in zip(clips, shown, strict=True)]
    for order in (range(len(clips)), range(len(clips) - 1, -1, -1)):
        together = _together([clips[place].samples for place in order], ear)
        found += [Filmed(features, *shown[place]) for features, place in zip(together, order, strict=True)]
    return found


def _spoken(part: Mapping[str, Any], corpus: Path, run: Path) -> list[mouth_corpus.Sentence]:
    """Return the spoken sentences of one language, said once and kept."""
    from dubsync.weights import resolve

    with zipfile.ZipFile(corpus / part["archive"]) as archive:
        text = archive.read(part["member"]).decode("utf-8")
    chosen = list(islice(mouth_corpus.sentences_of(text, part["column"], seed=1), part["sentences"]))

    def speaker() -> mouth_corpus.PhoneSpeaker:
        return mouth_corpus.PhoneSpeaker(resolve("kokoro"))

    pieces = mouth_corpus.pieces(chosen, part["language"], part["voices"], run, speaker)
    return [sentence for piece in pieces for sentence in mouth_corpus.read(piece)]


def _samples(sentence: mouth_corpus.Sentence) -> Any:
    return sentence.samples.astype(np.float32) / 32767


def _heard(sentences: Sequence[mouth_corpus.Sentence], ear: Ear) -> Iterator[Spoken]:
    """Yield sentences with features, clean and roughened, heard in windows full of speech as films are."""
    chance = np.random.default_rng(0)
    for start in range(0, len(sentences), 60):
        part = sentences[start : start + 60]
        clean = [_samples(one) for one in part]
        for sounds in (clean, [mouth_corpus.roughened(samples, chance) for samples in clean]):
            for one, features in zip(part, _together(sounds, ear), strict=True):
                yield _spoken_as(one, features)


def _spoken_as(sentence: mouth_corpus.Sentence, features: Any) -> Spoken:
    """Return a sentence with its features; it is as loud as it was said, whatever the room."""
    return Spoken(features, sentence.symbols, sentence.edges, loudness(_samples(sentence), len(features)))


def _together(sounds: Sequence[Any], ear: Ear) -> list[Any]:
    """Return the features of each of several sounds, heard one after the other."""
    lengths = [len(samples) // 320 for samples in sounds]
    features = ear.hear(np.concatenate([samples[: n * 320] for samples, n in zip(sounds, lengths, strict=True)]))
    return np.split(features[: sum(lengths)], np.cumsum(lengths)[:-1])


def _painter(
    wanted: Mapping[str, Any], clips: Sequence[mouth_clips.Clip], run: Path, out: Path, *, threads: int
) -> None:
    import torch

    from dubsync.mouth.generator import Generator, GeneratorConfig
    from dubsync.mouth.training import TrainConfig, Trainer

    torch.set_num_threads(threads)
    painter, train = dict(wanted["painter"]), dict(wanted["train"])
    seed = int(train.pop("seed"))
    rehearsals = [third for clip in clips for third in _rehearsals(clip, 2 * int(painter["window"]))]
    torch.manual_seed(seed)
    generator = Generator(GeneratorConfig(tuple(painter["widths"]), int(painter["blocks"])))
    trainer = Trainer(generator, TrainConfig(**train), seed=seed, device=_device())
    checkpoint = run / "checkpoint.pt"
    if checkpoint.exists():
        trainer.restore(checkpoint)
    while trainer.step < trainer.config.steps:
        trainer.run(rehearsals, lambda share: None, until=trainer.step + _CHECKPOINT_STEPS)
        trainer.save(checkpoint)
    learning.save_generator(trainer.average.cpu(), out / learning.BASE)
    rows = [(step, *map(float, errors)) for step, errors in trainer.curve]
    card = _card(wanted, clips, rows, trainer.precision)
    write_whole(run / f"{wanted['name']}.md", card.encode())


def _card(
    wanted: Mapping[str, Any],
    clips: Sequence[mouth_clips.Clip],
    curve: Sequence[tuple[float, ...]],
    precision: str,
) -> str:
    """Return the card: what it learnt from and how, and how its error fell. `curve`: step, error, collage's error."""
    seconds = sum(clip.seconds for clip in clips)
    settings = ", ".join(f"{name} {value}" for part in ("painter", "train") for name, value in wanted[part].items())
    rows = "\n".join(f"| {int(step)} | {painted:.4f} | {given:.4f} |" for step, painted, given in curve)
    return f"""# {wanted["name"]}

- Data: {len(clips)} clips, {seconds:.0f} s: {", ".join(clip.name for clip in clips)}
- Rights: {wanted["clips"].get("rights", "those of the clips; not stated in the recipe")}
- Settings: {settings}; computed in {precision}
- Limits: what these clips do not show. `dubsync bench mouth FOLDER` measures it on clips of your own.

Mean absolute error around the mouth (0 to 1) over the steps before, beside that of the collage it started from:

| step | painted | collage |
|---|---|---|
{rows}
"""


def _device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _rehearsals(clip: mouth_clips.Clip, size: int) -> Iterator[Rehearsal]:
    """Prepare each third of a clip to be painted from the other two, of which alone the look is learnt.

    A look that knew the frame would be trusted more than it deserves on frames that nobody has filmed.
    """
    whole = mouth_clips.library_of(clip, size)
    for fold in range(3):
        hidden = thirds(len(whole), fold)
        yield rehearse(performance.stock_of(whole, hidden), np.flatnonzero(hidden), hidden=hidden)
