"""mt.ctranslate2: OPUS-MT and MADLAD-400 models that were converted for CTranslate2.

    [engines]
    mt = { use = "mt.ctranslate2", folder = "/models/opus-mt-en-de", pair = "en-de" }

A folder holds `model.bin` and either `source.spm` and `target.spm` (OPUS-MT) or one `spiece.model` or
`sentencepiece.model` (MADLAD-400, which is told the target language by a first piece such as <2de>).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dubsync.backends.protocols import Capabilities, Progress, SourceLine, TranslatedLine
from dubsync.errors import MissingWeights, PermanentError, UnknownLanguage
from dubsync.text.drafting import Draft, drafts, sentences, unread
from dubsync.text.language import base
from dubsync.title import Candidate

END = "</s>"
SHARED = ("spiece.model", "sentencepiece.model")


class CTranslate2Translator:
    """Translates in batches. `pair`: what an OPUS-MT model translates; `hypotheses`: candidates for a line."""

    capabilities = Capabilities(name="mt.ctranslate2", version="2", licence="the model's own", devices=("cpu", "cuda"))
    is_draft = True

    def __init__(
        self, *, folder: str, pair: str = "", device: str = "cpu", compute_type: str = "int8", hypotheses: int = 4
    ) -> None:
        import ctranslate2
        import sentencepiece

        where = Path(folder)
        if not (where / "model.bin").is_file():
            raise MissingWeights(
                f"{where} holds no model.bin", hint="convert the model with ct2-transformers-converter"
            )
        source, target, self.is_multilingual = _pieces(where)
        self.source = sentencepiece.SentencePieceProcessor(model_file=str(source))
        self.target = sentencepiece.SentencePieceProcessor(model_file=str(target))
        try:
            self.engine: Any = ctranslate2.Translator(str(where), device=device, compute_type=compute_type)
        except (RuntimeError, ValueError) as cause:
            raise PermanentError(f"CTranslate2 cannot load {where}: {cause}") from cause
        self.pair, self.hypotheses = pair, max(1, hypotheses)

    def translate(
        self, lines: Sequence[SourceLine], *, source: str, target: str, glossary: Mapping[str, str], progress: Progress
    ) -> tuple[TranslatedLine, ...]:
        """Return one TranslatedLine for each line; single sentences have several candidates.

        Raises:
            UnknownLanguage: the model is for another pair.
        """
        self._check(source, target)
        others: dict[str, list[Candidate]] = {}

        def batch(parts: Sequence[str]) -> list[str]:
            made = self._batch(parts, base(target))
            others.update(zip(parts, made, strict=True))
            return [ways[0].text for ways in made]

        texts = [line.text for line in lines]
        found = drafts(texts, base(source), glossary, batch, target=base(target))
        made = []
        for line, (text, tried) in zip(lines, found, strict=True):
            parts = sentences(" ".join(line.text.split()), base(source))
            ways = others.get(parts[0], []) if len(parts) == 1 and tried else []
            made.append(_line(line.id, text, tried, ways))
        progress(1.0)
        if made:
            made[0] = replace(made[0], flags=(unread(target, "a translation model's"), *made[0].flags))
        return tuple(made)

    def _check(self, source: str, target: str) -> None:
        wanted = f"{base(source)}-{base(target)}"
        if self.is_multilingual:
            if self.source.piece_to_id(f"<2{base(target)}>") == self.source.unk_id():
                raise UnknownLanguage(f"this model has no piece <2{base(target)}>", hint="choose another model")
        elif self.pair != wanted:
            raise UnknownLanguage(
                f"mt.ctranslate2 was asked for {wanted}, its model is for {self.pair or 'a pair that nobody named'}",
                hint=f'set pair = "{wanted}" and a folder with such a model',
            )

    def _batch(self, parts: Sequence[str], target: str) -> list[list[Candidate]]:
        first = [f"<2{target}>"] if self.is_multilingual else []
        cut = [[*first, *self.source.encode(part, out_type=str), END] for part in parts]
        results = self.engine.translate_batch(
            cut,
            beam_size=max(4, self.hypotheses),
            num_hypotheses=self.hypotheses,
            return_scores=True,
            max_batch_size=1024,
            batch_type="tokens",
            max_decoding_length=256,
            no_repeat_ngram_size=0,
        )
        return [
            [
                Candidate(self.target.decode([piece for piece in pieces if piece != END]).strip(), round(score, 4))
                for pieces, score in zip(result.hypotheses, result.scores, strict=True)
            ]
            for result in results
        ]


def _pieces(folder: Path) -> tuple[Path, Path, bool]:
    """Return the vocabularies of both sides, and whether the model has to be told its target."""
    if (folder / "source.spm").is_file() and (folder / "target.spm").is_file():
        return folder / "source.spm", folder / "target.spm", False
    for name in SHARED:
        if (folder / name).is_file():
            return folder / name, folder / name, True
    raise MissingWeights(
        f"{folder} holds no vocabulary", hint="copy source.spm and target.spm, or spiece.model, beside model.bin"
    )


def _line(key: str, text: str, tried: tuple[Draft, ...], ways: Sequence[Candidate]) -> TranslatedLine:
    """Put the model's other ways behind the draft, as far as they are sound."""
    best = Candidate(text or "…", next((way.score for way in ways if way.text == text), 0.0))
    sound = [way for way in ways if way.text != text and tried and not replace(tried[0], text=way.text).faults]
    unique = {way.text: way for way in reversed([best, *sound])}
    return TranslatedLine(key, tuple(reversed(unique.values())), tried[0].flags(key) if tried else ())
