"""mt.apertium: the rule-based translator Apertium, if it is installed, run as a program of its own (GPL).

[engines]
mt = { use = "mt.apertium" }
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from dubsync.backends.protocols import Capabilities, Progress, SourceLine, TranslatedLine
from dubsync.errors import MissingExtra, PermanentError, TransientError, UnknownLanguage
from dubsync.text.drafting import drafts, unread
from dubsync.text.language import base, name
from dubsync.text.punctuation import dressed
from dubsync.title import Candidate

if TYPE_CHECKING:
    from collections.abc import Mapping

_UNKNOWN_MARKS = re.compile(r"(?<!\w)[*@#](?=\w)")
_GAP = re.compile(r"(?<=\S) {2,}")
_PARAGRAPH = "\n\n"


class ApertiumTranslator:
    """Asks `apertium` for whole batches. `program`: its name or path. `timeout`: seconds for a batch."""

    capabilities = Capabilities(name="mt.apertium", version="3", licence="GPL-3.0, as its own program")
    is_draft = True

    def __init__(self, *, program: str = "apertium", timeout: float = 300.0) -> None:
        found = shutil.which(program)
        if found is None:
            raise MissingExtra(
                f"the program {program!r} is not installed",
                hint="install it with a language pair, for example `apt-get install apertium-eng-spa`",
            )
        self.program, self.timeout = found, timeout

    def translate(
        self, lines: Sequence[SourceLine], *, source: str, target: str, glossary: Mapping[str, str], progress: Progress
    ) -> tuple[TranslatedLine, ...]:
        """Return one TranslatedLine for each line.

        Raises:
            UnknownLanguage: Apertium has no such pair here. TransientError, PermanentError: it failed.
        """
        mode = self._mode(source, target)
        texts = [line.text for line in lines]
        found = drafts(
            texts, base(source), glossary, lambda parts: self._sentences(parts, mode, target), target=base(target)
        )
        progress(1.0)
        made = [
            TranslatedLine(line.id, (Candidate(text or "…"),), tried[0].flags(line.id) if tried else ())
            for line, (text, tried) in zip(lines, found, strict=True)
        ]
        if made:
            made[0] = replace(made[0], flags=(unread(target, "rough drafts made by rules"), *made[0].flags))
        return tuple(made)

    @cached_property
    def modes(self) -> tuple[str, ...]:
        """The pairs that are installed, as Apertium names them ("eng-spa")."""
        return tuple(self._call(["-l"], "").split())

    def _mode(self, source: str, target: str) -> str:
        import langcodes

        short = (base(source), base(target))
        long = tuple(langcodes.Language.get(tag).to_alpha3() for tag in short)
        for pair in (long, short):
            if "-".join(pair) in self.modes:
                return "-".join(pair)
        raise UnknownLanguage(
            f"Apertium has no pair from {name(source)} to {name(target)} here",
            hint=f"it has {', '.join(self.modes) or 'none'}; install apertium-{'-'.join(long)}",
        )

    def _sentences(self, parts: Sequence[str], mode: str, target: str) -> list[str]:
        """Translate sentences; without Apertium's marks of unknown words, and with the target's own marks."""
        return [_clean(part, made, target) for part, made in zip(parts, self._run(parts, mode), strict=True)]

    def _run(self, parts: Sequence[str], mode: str) -> list[str]:
        """Translate sentences, a paragraph each; one by one if Apertium does not keep their count."""
        answer = self._call(["-u", mode], _PARAGRAPH.join(parts) + "\n")
        found = [part.strip() for part in answer.strip("\n").split(_PARAGRAPH)]
        if len(found) == len(parts):
            return found
        if len(parts) == 1:
            return [" ".join(found)]
        return [self._run([part], mode)[0] for part in parts]

    def _call(self, arguments: Sequence[str], text: str) -> str:
        command = [self.program, *arguments]
        try:
            done = subprocess.run(
                command, input=text, capture_output=True, text=True, timeout=self.timeout, check=False
            )
        except subprocess.TimeoutExpired as cause:
            raise TransientError(f"apertium gave no answer in {self.timeout:.0f} s") from cause
        if done.returncode:
            raise PermanentError(f"apertium failed: {done.stderr.strip()[-300:] or done.returncode}")
        return done.stdout


def _clean(source: str, made: str, target: str) -> str:
    """Take out the marks that Apertium put in, not those of the source, and the gaps it left."""
    bare = made if _UNKNOWN_MARKS.search(source) else _UNKNOWN_MARKS.sub("", made)
    return dressed(source, _GAP.sub(" ", bare), target) if bare.strip() else ""
