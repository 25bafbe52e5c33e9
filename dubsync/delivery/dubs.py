"""The dubs that are delivered: finished, current, and still allowed; everything else is refused with what to do."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from dubsync import folder, verbs
from dubsync.backends import registry
from dubsync.engine.plan import TITLE_KEY
from dubsync.engine.stage import Product
from dubsync.engine.store import sha256
from dubsync.errors import ConsentMissing, UsageError
from dubsync.media.probe import Film, examine
from dubsync.pipeline import Pipeline
from dubsync.rights import consent, signature
from dubsync.rights.signature import SIGNERS, Records
from dubsync.stages.rights import RECORDS
from dubsync.text.language import normal_tag
from dubsync.title import Title
from dubsync.wishes import Wish

_DELIVERED = ("render", "mix", "check", "deliver")


@dataclass(frozen=True, slots=True)
class FinishedDub:
    """A dub of a title. `products`: by stage, those of the title and of the language. `film`: the dubbed film.

    `records`: ids of the consent records it rests on. `command`: what makes it anew. `is_spoken_anew`: its voices were
    synthesised, not recorded.
    """

    language: str
    products: Mapping[str, Product]
    film: Film
    records: tuple[str, ...]
    command: tuple[str, ...]
    is_spoken_anew: bool

    @property
    def vtt(self) -> Path:
        return self.products["render"].file(f"{self.language}.vtt")

    @property
    def has_subtitles(self) -> bool:
        return "-->" in self.vtt.read_text(encoding="utf-8")

    @property
    def described_vtt(self) -> Path | None:
        """The subtitles for people who do not hear, where they were asked for."""
        path = self.products["deliver"].file(f"{self.language}.sdh.vtt")
        return path if path.is_file() else None

    @property
    def is_draft(self) -> bool:
        """Whether its lines were translated by a machine and not looked at."""
        made = self.products.get("translation")
        return bool(made and made.value["draft"])

    def facts(self) -> dict[str, Any]:
        """Return what identifies it in a receipt; no names of people."""
        return {
            "report_sha256": sha256(self.products["check"].file("report.json")),
            "consent": list(self.records),
            "products": {stage: self.products[stage].digest for stage in _DELIVERED},
        }


def gather(title: Title, languages: Sequence[str]) -> tuple[FinishedDub, ...]:
    """Return the dubs of a title; change nothing.

    Raises:
        UsageError: one was never made, or something would run if it were asked for again.
        ConsentMissing: what it shows is no longer allowed.
        SourceChanged, UnreadableMedia: the film is another one, or gone.
    """
    tags = tuple(dict.fromkeys(normal_tag(language) for language in languages))
    if not tags:
        raise UsageError("no language was asked for", hint="say for example --lang es")
    folder.insist_on_film(title)
    return tuple(_dub(title, tag) for tag in tags)


def _dub(title: Title, language: str) -> FinishedDub:
    if language not in title.languages:
        known = f"it was made in {', '.join(title.languages)}" if title.languages else "it was made in no language yet"
        command = _command(title, language, Wish())
        raise UsageError(f"{title.name} was never made in {language}: {known}", hint=_say(command))
    asked = verbs.as_last_asked(title, language)
    command = _command(title, language, asked.wish)
    spoken = replace(Wish(), consent=asked.wish.consent, bank=asked.wish.bank)
    insist_on_dub(asked.pipeline, hint=f"for a dub {_say(_command(title, language, spoken))}")
    if asked.waiting:
        first = asked.waiting[0]
        what = f"{first.stage} would run first, since {first.why}"
        raise UsageError(f"{title.name} in {language} is not finished or not current: {what}", hint=_say(command))
    made = asked.plan.products
    products = {stage: product for (stage, of, key), product in made.items() if key in (TITLE_KEY, of)}
    synthetic = _synthetic(asked.pipeline)
    human = asked.plan.setting.human
    records = signature.read(human(RECORDS), human(SIGNERS))
    _insist_on_consent(title, language, products, records, synthetic)
    video = products["render"].file(products["render"].value["video"])
    film = Film(video, *examine(video))
    return FinishedDub(language, products, film, _records(products["rights"]), command, "voice" in synthetic)


def insist_on_dub(made_by: Pipeline, *, hint: str) -> None:
    """Raise UsageError with a hint where a pipeline makes nothing that can be packaged."""
    if missing := [stage for stage in _DELIVERED if not made_by.has(stage)]:
        raise UsageError(
            f"{made_by.name}: this pipeline makes no dub: it has no {missing[0]} stage",
            hint=hint,
        )


def _say(command: Sequence[str]) -> str:
    return f"run `{shlex.join(command)}` first"


def _place(title: Title) -> str:
    """Return the title as a command names it: by its film, or by its folder where that is not the film's own."""
    is_own = folder.place_of(Path(title.film)).resolve() == Path(title.folder).resolve()
    return title.film if is_own else title.folder


def _command(title: Title, language: str, wish: Wish) -> tuple[str, ...]:
    """Return the command that asks for a language as it was asked for last."""
    words = ["dubsync", "localize", _place(title), "--lang", language]
    if wish.pipeline != Wish().pipeline:
        words += ["--pipeline", wish.pipeline]
    for option, value in (("--consent", wish.consent), ("--bank", wish.bank)):
        words += [option, str(value)] if value else []
    for stage, values in wish.settings.items():
        for name, value in values.items():
            words += ["--set", f"{stage}.{name}={value if isinstance(value, str) else json.dumps(value)}"]
    return tuple(words)


def _synthetic(made_by: Pipeline) -> tuple[str, ...]:
    """Return what of people a pipeline synthesises: "voice", "face"."""
    voices = [registry.capabilities(engine.name) for engine in made_by.engines() if engine.kind == "voice"]
    is_spoken = any(each.needs_consent for each in voices)
    return (*(("voice",) if is_spoken else ()), *(("face",) if made_by.has("mouth") else ()))


def _insist_on_consent(
    title: Title, language: str, products: Mapping[str, Product], records: Records, synthetic: Sequence[str]
) -> None:
    """Raise ConsentMissing where a right the dub was made under has ended since."""
    names = {speaker["id"]: speaker["name"] for speaker in products["speakers"].value["speakers"]}
    for row in products["rights"].value["consent"]:
        speaker = row["speaker"]
        use = consent.Use(speaker, names.get(speaker, speaker), Path(title.film).stem, language, date.today())
        grant = records.granted(use)
        for what in synthetic:
            if row[what] and not getattr(grant, what):
                why = "; ".join(grant.refusals) or "there is no record for this speaker"
                raise ConsentMissing(
                    f"the {what} of {use.speaker_name} in {language} is no longer allowed: {why}",
                    hint="with a new record (`dubsync consent new`) the dub can be made and delivered again",
                )


def _records(rights: Product) -> tuple[str, ...]:
    """Return the ids of the records: the digests that reports name them by, without the people's names."""
    found = [part.rsplit("sha256 ", 1)[1].rstrip(")") for row in rights.value["consent"] for part in _parts(row)]
    return tuple(sorted(set(found)))


def _parts(row: Mapping[str, Any]) -> list[str]:
    return [part for part in row["record"].split(", ") if "sha256 " in part]
