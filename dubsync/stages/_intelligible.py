"""Whether the words of a fitted voice are understood; where they are not, it is brought nearer to a native speaker.

A voice may be most like a person where a recogniser no longer understands it: what makes the timbre of an English
speaker colours the vowels of another language too. So the voice says a sentence, a recogniser hears it, and while more
than one word in eight is lost, a larger share of a native voice's timbre is mixed in.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol, runtime_checkable

from dubsync.audio import features, wav
from dubsync.backends.protocols import Enrolled, Transcriber, Voice, VoiceCloner
from dubsync.engine.stage import Context
from dubsync.errors import Flag, Severity
from dubsync.text import language as tags
from dubsync.text.words import word_errors

RATE = 16_000
SHARES = (0.35, 0.5, 0.65)
"""Of the native timbre, tried in turn."""
LOST = 0.12
"""Share of words that may be misheard: one of a sentence of ten may be the recogniser's own fault."""


@runtime_checkable
class Temperable(Protocol):
    """A voice backend whose fitted voices can be brought nearer to a native speaker of their language."""

    def probe(self, language: str) -> str:
        """Return a sentence to try a voice with."""

    def tempered(self, voice: Voice, share: float) -> Voice:
        """Return the voice with a share (0 to 1) of the native timbre in it."""


def understood(enrolled: Enrolled, language: str, ctx: Context) -> Enrolled:
    """Return the voice, or, if words are lost in it, the nearest to it in which they are not, with a flag.

    Voices that an engine cannot temper, stock voices, and pipelines without a recogniser are left as they are.
    """
    engine: VoiceCloner = ctx.backend("voice")
    if not isinstance(engine, Temperable) or "asr" not in ctx.backends or enrolled.flags:
        return enrolled
    tried: list[tuple[float, float, Voice]] = []
    for share in (0.0, *SHARES):
        voice = engine.tempered(enrolled.voice, share) if share else enrolled.voice
        tried.append((_lost(engine, voice, language, ctx), share, voice))
        if tried[-1][0] <= LOST:
            break
    lost, share, voice = min(tried, key=lambda one: one[:2])
    notes = {**enrolled.notes, "words_lost": lost, "native_share": share}
    flags = (_flag(tried[0][0], lost, share),) if share or lost > LOST else ()
    return replace(enrolled, voice=voice, flags=flags, notes=notes)


def _lost(engine: Temperable, voice: Voice, language: str, ctx: Context) -> float:
    """Let the voice say the engine's sentence; return the share of its words that the recogniser misses."""
    assert isinstance(engine, VoiceCloner)
    sentence = engine.probe(language)
    said = engine.speak(sentence, voice=voice, language=language, seconds=None, seed=0)
    path = ctx.out / "probe.wav"
    wav.write(path, features.resample(said.samples, said.sample_rate, RATE), RATE)
    ears: Transcriber = ctx.backend("asr")
    heard = ears.transcribe(path, language=tags.base(language), progress=lambda share: None)
    path.unlink()
    return word_errors(sentence, " ".join(one.text for one in heard.utterances), language).rate


def _flag(before: float, after: float, share: float) -> Flag:
    what = f"of a sentence in the fitted voice {before:.0%} of the words were misheard"
    if share:
        what += f"; {share:.0%} of a native voice is mixed in, which leaves {after:.0%}"
    return Flag(
        Severity.WARNING if after > LOST else Severity.INFO, "voice-tempered" if share else "voice-unclear", "", what,
        "listen to it; a voice can be cast by hand in casting.toml",
    )  # fmt: skip
