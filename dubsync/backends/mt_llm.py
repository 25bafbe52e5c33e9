"""mt.llm: a language model behind any OpenAI-compatible endpoint translates, scene by scene.

    [engines]
    mt = { use = "mt.llm", endpoint = "http://localhost:11434/v1", model = "qwen3:14b" }

Lines go in batches with the lines before them, who speaks, the glossary and how many syllables there is time for. The
answer must be JSON with every id once. An answer that is not is asked for again with the reason, then in halves; a
line that never comes back is flagged and keeps its source text.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from dubsync.backends.llm_endpoint import Endpoint, Message
from dubsync.backends.protocols import MANNERS, Capabilities, Progress, SourceLine, TranslatedLine
from dubsync.errors import PermanentError
from dubsync.text import glossary as terms
from dubsync.text.drafting import Draft, unread
from dubsync.text.duration import syllables_in
from dubsync.text.language import name
from dubsync.title import Candidate

GIVE_UP_AFTER = 3
"""Lines in a row without a usable answer, after which the endpoint is not asked any further."""

LATER = 0.05
"""What a place further down the model's list costs a text; lips that agree much better with the actor's outweigh it."""

_TASK = """You translate film dialogue from {source} to {target} for dubbing. An actor will speak your lines.
Translate the meaning as people speak, in the manner of the speaker and the scene. Keep names. Obey the glossary.
For each line give 2 or 3 texts, best first; the later ones shorter. Stay near the syllables there is time for.
{manner}Answer with JSON only, every id once, in this form: {{"lines": [{{"id": "...", "texts": ["...", "..."]}}]}}"""

_SHOWN = """You translate film dialogue from {source} to {target} for subtitles. People will read your lines.
Translate the meaning as people speak, in the manner of the speaker and the scene. Keep names. Obey the glossary.
For each line give 2 or 3 texts, best first; the later ones shorter. Stay within the characters there is time to read.
{manner}Answer with JSON only, every id once, in this form: {{"lines": [{{"id": "...", "texts": ["...", "..."]}}]}}"""

_MANNERS = """Where a line says "address", its speaker is formal (usted, vous, Sie) or informal (tú, tu, du).
Where it says "gender", what the speaker says of herself or himself agrees with it; neutral: avoid forms that tell."""

Texts = dict[str, tuple[str, ...]]


class BadAnswer(ValueError):
    """The model's answer cannot be used; the message says why, for the model to read."""


class LlmTranslator:
    """Translates through a chat endpoint. `manner`: more to tell the model, such as "Use usted."."""

    capabilities = Capabilities(
        name="mt.llm",
        version="1",
        network=True,
        licence="the model's own",
        deterministic=False,
        extra="llm",
        honours=MANNERS,
    )
    is_draft = True

    def __init__(  # noqa: PLR0913 - the options of a pipeline file
        self,
        *,
        endpoint: str,
        model: str,
        manner: str = "",
        batch: int = 20,
        context: int = 6,
        tries: int = 5,
        timeout: float = 120.0,
        pause: float = 1.0,
        json_mode: bool = True,
        key_variable: str = "DUBSYNC_LLM_KEY",
    ) -> None:
        self.endpoint = Endpoint(
            endpoint, model, key_variable, timeout=timeout, tries=tries, pause=pause, json_mode=json_mode
        )
        self.manner, self.batch, self.context = manner, max(1, batch), context

    def translate(
        self, lines: Sequence[SourceLine], *, source: str, target: str, glossary: Mapping[str, str], progress: Progress
    ) -> tuple[TranslatedLine, ...]:
        """Return one TranslatedLine for each line.

        Raises:
            TransientError: the endpoint does not answer. PermanentError: it refuses, or answers nothing usable.
        """
        work = _Conversation(self, source, target, glossary)
        made: list[TranslatedLine] = []
        for start in range(0, len(lines), self.batch):
            made += work.batch(lines[start : start + self.batch])
            progress(len(made) / len(lines))
        if made:
            made[0] = replace(made[0], flags=(unread(target, "a language model's"), *made[0].flags))
        return tuple(made)


class _Conversation:
    """One scene after another, with what was said before."""

    def __init__(self, engine: LlmTranslator, source: str, target: str, glossary: Mapping[str, str]) -> None:
        self.engine, self.target, self.glossary = engine, target, glossary
        manner = f"{engine.manner}\n" if engine.manner else ""
        told = {"source": name(source), "target": name(target), "manner": manner}
        self.spoken, self.shown = _TASK.format(**told), _SHOWN.format(**told)
        self.before: deque[dict[str, str]] = deque(maxlen=engine.context)
        self.failed_in_a_row = 0

    def batch(self, lines: Sequence[SourceLine]) -> list[TranslatedLine]:
        """Translate lines that belong together; halves are asked where the whole gets no usable answer."""
        texts = self._asked(lines)
        if texts is None and len(lines) > 1:
            middle = len(lines) // 2
            return [*self.batch(lines[:middle]), *self.batch(lines[middle:])]
        self.failed_in_a_row = self.failed_in_a_row + 1 if texts is None else 0
        if self.failed_in_a_row >= GIVE_UP_AFTER:
            raise PermanentError(
                f"{self.engine.endpoint.model} gave no usable answer for {GIVE_UP_AFTER} lines in a row",
                hint="take a larger model, or smaller batches",
            )
        return [self._line(line, texts[line.id] if texts else ()) for line in lines]

    def _asked(self, lines: Sequence[SourceLine]) -> Texts | None:
        """Ask, and once more with the reason when the answer cannot be used."""
        is_told = any(line.address or line.gender for line in lines)
        task = self.spoken if lines[0].characters is None else self.shown
        messages: list[Message] = [
            {"role": "system", "content": f"{task}\n{_MANNERS}" if is_told else task},
            {"role": "user", "content": json.dumps(self._question(lines), ensure_ascii=False)},
        ]
        for seed in range(2):
            answer = self.engine.endpoint.ask(messages, seed=seed)
            try:
                return parse(answer, [line.id for line in lines])
            except BadAnswer as reason:
                messages += [
                    {"role": "assistant", "content": answer},
                    {"role": "user", "content": f"This cannot be used: {reason}. Answer again, with all lines."},
                ]
        return None

    def _question(self, lines: Sequence[SourceLine]) -> dict[str, Any]:
        expected: dict[str, str] = {}
        for line in lines:
            expected |= terms.expected(line.text, self.glossary)
        asked = [
            {
                "id": line.id,
                "text": line.text,
                **self._room(line),
                **{key: said for key in ("speaker", *MANNERS) if (said := getattr(line, key))},
            }
            for line in lines
        ]
        return {"said_before": list(self.before), "glossary": expected, "lines": asked}

    def _room(self, line: SourceLine) -> dict[str, int]:
        """Return how long a line may be, in what the task counts in."""
        if line.characters is not None:
            return {"characters": line.characters}
        return {"syllables": syllables_in(line.seconds, self.target)}

    def _line(self, line: SourceLine, texts: Sequence[str]) -> TranslatedLine:
        """Check a line's texts; sound ones first, in the model's order."""
        expected = terms.expected(line.text, self.glossary)
        drafts = sorted((Draft(line.text, text, expected) for text in texts), key=lambda one: one.faults)
        usable = [one for one in drafts if not one.is_lost]
        if not usable and any(letter.isalpha() for letter in line.text):
            flags = Draft(line.text, "", expected).flags(line.id)
            return TranslatedLine(line.id, (Candidate(line.text),), flags)
        ranked = tuple(Candidate(one.text, -LATER * rank) for rank, one in enumerate(usable))
        found = ranked or (Candidate(line.text.strip() or "…"),)
        self.before.append({"text": line.text, "translation": found[0].text})
        return TranslatedLine(line.id, found, usable[0].flags(line.id) if usable else ())


def parse(answer: str, ids: Sequence[str]) -> Texts:
    """Return the texts by id of an answer that holds every id once.

    Raises:
        BadAnswer: it does not.
    """
    first, last = answer.find("{"), answer.rfind("}")
    if first < 0 or last < first:
        raise BadAnswer("there is no JSON object in it")
    try:
        rows = json.loads(answer[first : last + 1])["lines"]
        found = [(str(row["id"]), _texts(row["texts"])) for row in rows]
    except json.JSONDecodeError as cause:
        raise BadAnswer(f"it is not whole JSON ({cause.msg} at character {cause.pos})") from cause
    except (KeyError, TypeError) as cause:
        raise BadAnswer('it is not of the form {"lines": [{"id": ..., "texts": [...]}]}') from cause
    got = [key for key, _ in found]
    missing, extra = sorted(set(ids) - set(got)), sorted(set(got) - set(ids))
    if missing or extra or len(got) != len(ids):
        raise BadAnswer(f"{len(ids)} lines were asked for and {len(got)} came; missing {missing}, unknown {extra}")
    empty = [key for key, texts in found if not texts]
    if empty:
        raise BadAnswer(f"no text for {empty}")
    return dict(found)


def _texts(value: object) -> tuple[str, ...]:
    rows = value if isinstance(value, list) else [value]
    stripped = [" ".join(row.split()) for row in rows if isinstance(row, str)]
    return tuple(dict.fromkeys(text for text in stripped if text))
