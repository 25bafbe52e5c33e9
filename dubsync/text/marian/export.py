"""Scores a fine-tuned model and writes it as a Marian file that Firefox's engines load."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dubsync.text.marian import corpus as pairs_of
from dubsync.text.marian import file, model, vocabulary
from dubsync.text.marian.engine import open_engine, vocabularies
from dubsync.text.marian.lesson import Sources, file_digest


def rebuilt(weights: dict[str, Tensor]) -> model.Twin:
    """Return a model of default shape with these weights."""
    twin = model.Twin(len(weights["source_embedding"]), len(weights["target_embedding"]))
    twin.load_state_dict(weights)
    return twin.eval()


def translated(twin: model.Twin, source: Any, target: Any, sentences: Sequence[str], batch: int = 64) -> list[str]:
    """Translate sentences with the twin, greedily."""
    cut = [[*pieces, model.END] for pieces in source.encode(list(sentences))]
    order = sorted(range(len(cut)), key=lambda index: len(cut[index]))
    made = [""] * len(cut)
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        for index, pieces in zip(chosen, twin.greedy(*model.padded([cut[i] for i in chosen])), strict=True):
            made[index] = target.decode(pieces)
    return made


def score(weights: dict[str, Tensor], target: Any, source: Any, held: Sequence[pairs_of.Heldout]) -> dict[str, object]:
    """Return the figures of these weights over held-out sentences."""
    with torch.no_grad():
        made = translated(rebuilt(weights), source, target, [one.source for one in held])
    return figures(made, held)


def figures(made: Sequence[str], held: Sequence[pairs_of.Heldout]) -> dict[str, object]:
    """Return sacrebleu's BLEU (cased, 13a) and chrF2 against every reference, and the count of empty lines."""
    import sacrebleu

    most = max(len(one.references) for one in held)
    references = [[(one.references + one.references[:1] * most)[n] for one in held] for n in range(most)]
    return {
        "bleu": round(sacrebleu.corpus_bleu(list(made), references).score, 2),
        "chrf2": round(sacrebleu.corpus_chrf(list(made), references).score, 2),
        "empty": sum(not line.strip() for line in made),
    }


def calibrated(twin: model.Twin, source: Any, target: Any, held: Sequence[pairs_of.Heldout]) -> dict[str, float]:
    """Return how each matrix's input is scaled to int8: 127 over the largest number it meets on these sentences."""
    largest: dict[str, float] = {}

    def watch(name: str) -> Any:
        def hook(_: object, inputs: tuple[Tensor, ...]) -> None:
            largest[name] = max(largest.get(name, 0.0), float(inputs[0].abs().max()))

        return hook

    hooks = [linear.register_forward_pre_hook(watch(name)) for name, linear in model.linears(twin)]
    with torch.no_grad():
        for one in held:
            memory, mask = _encoded(twin, source, one.source)
            said, _ = model.padded([[*target.encode(one.references[0]), model.END]])
            state = twin.decode(memory, mask, said)
            largest["none"] = max(largest.get("none", 0.0), float(state.abs().max()))
    for hook in hooks:
        hook.remove()
    return {name: 127.0 / value for name, value in largest.items()}


def _encoded(twin: model.Twin, source: Any, sentence: str) -> tuple[Tensor, Tensor]:
    pieces, mask = model.padded([[*source.encode(sentence), model.END]])
    return twin.encode(pieces, mask), mask


def marian(twin: model.Twin, base: Mapping[str, file.Tensor], scales: Mapping[str, float]) -> list[file.Tensor]:
    """Return the tensors of the new file: the base's encoder as it is, the twin's decoder and target embeddings."""
    made: dict[str, file.Tensor] = {}
    embedding = base.get("encoder_Wemb") or base["Wemb"]
    made["encoder_Wemb"] = replace(embedding, name="encoder_Wemb")
    made["decoder_Wemb"] = file.int8_tensor("decoder_Wemb", twin.target_embedding.detach().numpy())
    made["decoder_ff_logit_out_b"] = file.float_tensor(
        "decoder_ff_logit_out_b", twin.output_bias.detach().numpy()[None]
    )
    for name, linear in model.linears(twin):
        if name.startswith("encoder"):
            continue
        made[name] = file.int8_tensor(name, linear.weight.detach().t().contiguous().numpy())
        made[f"{name}_QuantMultA"] = _number(f"{name}_QuantMultA", scales[name])
        if linear.bias is not None:
            made[model.bias_name(name)] = file.float_tensor(model.bias_name(name), linear.bias.detach().numpy()[None])
    for name, norm in model.norms(twin):
        if name.startswith("decoder"):
            made[f"{name}_scale"] = file.float_tensor(f"{name}_scale", norm.weight.detach().numpy()[None])
            made[f"{name}_bias"] = file.float_tensor(f"{name}_bias", norm.bias.detach().numpy()[None])
    made["none_QuantMultA"] = _number("none_QuantMultA", scales["none"])
    made["decoder_Wemb_QuantMultA"] = file.int8_tensor(
        "decoder_Wemb_QuantMultA", np.array([[scales["none"]]], np.float32)
    )
    sizes = len(twin.source_embedding), len(twin.target_embedding)
    made[file.CONFIGURATION] = _configured(base[file.CONFIGURATION], *sizes)
    kept = {name: tensor for name, tensor in base.items() if name not in made and not name.startswith("Wemb")}
    return [tensor for _, tensor in sorted({**kept, **made}.items())]


def _number(name: str, value: float) -> file.Tensor:
    return file.float_tensor(name, np.array([[value]], np.float32))


def _configured(tensor: file.Tensor, sources: int, targets: int) -> file.Tensor:
    text = tensor.raw.rstrip(b"\0").decode()
    text = re.sub(r"dim-vocabs:\n  - \d+\n  - \d+", f"dim-vocabs:\n  - {sources}\n  - {targets}", text)
    text = text.replace("tied-embeddings: false", "tied-embeddings: true")
    raw = text.replace("tied-embeddings-all: true", "tied-embeddings-all: false").encode() + b"\0"
    return file.Tensor(tensor.name, tensor.kind, (len(raw),), raw)


def export(recipe: Path, *, corpus: Path, run: Path, out: Path, base: Path | None = None) -> dict[str, object]:
    """Write what a run has learnt so far into the weights folder `out`; return the figures of the written file."""
    torch.set_num_threads(1)
    plan = Sources.of(recipe, corpus, base)
    state = torch.load(run / "state.pt", weights_only=True, mmap=True)
    model_file = next(plan.base.glob("model*.bin"))
    source_file, _ = vocabularies(plan.base)
    tensors = file.read(model_file)
    twin = learnt(model.load(tensors), state["average"])
    text = pairs_of.split(pairs_of.read_pairs(plan.archive))
    source, target = (vocabulary.open_vocabulary(path) for path in (source_file, run / "target.spm"))
    scales = calibrated(twin, source, target, text.watch)
    out.mkdir(parents=True, exist_ok=True)
    file.write(out / f"model.{plan.pair}.intgemm.alphas.bin", marian(twin, tensors, scales))
    (out / f"srcvocab.{plan.pair}.spm").write_bytes(source_file.read_bytes())
    (out / f"trgvocab.{plan.pair}.spm").write_bytes((run / "target.spm").read_bytes())
    trained = {"steps": state["step"], "epochs": state["epoch"], "cpu_minutes": round(state["cpu_seconds"] / 60, 1)}
    found = measured(out, text.test) | trained
    (out / "origin.toml").write_text(_origin(plan, out, found), "utf-8")
    return found


def learnt(twin: model.Twin, weights: Mapping[str, Tensor]) -> model.Twin:
    """Return the twin with these weights in place of its own, whatever the size of the target vocabulary."""
    twin.target_embedding = torch.nn.Parameter(weights["target_embedding"].clone())
    twin.output_bias = torch.nn.Parameter(weights["output_bias"].clone())
    twin.load_state_dict({**twin.state_dict(), **weights})
    return twin.eval()


def measured(folder: Path, held: Sequence[pairs_of.Heldout]) -> dict[str, object]:
    """Return the figures of the written file, run by the engine that users run."""
    engine = open_engine(folder)
    began = time.perf_counter()
    made = [engine.translate(one.source) for one in held]
    return figures(made, held) | {"lines_per_s": round(len(held) / (time.perf_counter() - began), 1)}


def _origin(plan: Sources, out: Path, found: Mapping[str, object]) -> str:
    """Return what the files are made from, and the rows for the weights registry."""
    rows = [
        f'    {{ name = "{path.name}", size = {path.stat().st_size}, sha256 = "{file_digest(path)}" }},'
        for path in sorted(out.iterdir())
        if path.suffix in (".bin", ".spm")
    ]
    lines = [
        "# Written by dubsync.text.marian.export: what these files are made from.",
        f'name = "{plan.name}"',
        f'base = "{plan.base_name}"',
        f'corpus = "{plan.archive.name}"',
        f'corpus_sha256 = "{file_digest(plan.archive)}"',
        *("files = [", *rows, "]"),
        "\n[heldout]  # sentences that were not trained on, translated by the engine with these files",
        *[f"{name} = {value}" for name, value in found.items()],
    ]
    return "\n".join(lines) + "\n"
