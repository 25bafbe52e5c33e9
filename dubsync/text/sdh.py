"""Marks for people who do not hear: [who speaks] where the picture does not show it, [music] where nobody speaks."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from dubsync.text.cue import Cue
from dubsync.text.language import base
from dubsync.timing import Span, union

SHORTEST_GAP = Fraction(2)
"""Seconds without speech from which on it is said what is heard instead."""
SHOWN = Fraction(3)
"""Seconds a mark is shown."""
LEAST_HEARD = Fraction(3, 2)
"""Seconds of music in a gap from which on it is told."""

_MUSIC = {"en": "music", "es": "música", "fr": "musique", "pt": "música", "it": "musica", "de": "Musik"}
_VOICE = {"en": "Voice", "es": "Voz", "fr": "Voix", "pt": "Voz", "it": "Voce", "de": "Stimme"}


def name_of(name: str, language: str) -> str:
    """Return how a speaker is called in a label; one whom nobody named is a numbered voice.

    >>> name_of("Speaker 2", "fr"), name_of("Anna", "fr"), name_of("Speaker 2", "ko")
    ('Voix 2', 'Anna', '2')
    """
    nameless = re.fullmatch(r"Speaker (\d+)", name)
    return f"{_VOICE.get(base(language), '')} {nameless[1]}".strip() if nameless else name


def labelled(cues: Sequence[Cue], names: Mapping[str, str], unseen: Collection[str]) -> tuple[Cue, ...]:
    """Put the speaker's name before a text where the speaker changes, or is not seen any more.

    `cues` are in order; `unseen`: the ids of those whose speaker is not in the picture. A voice that is alone in the
    film is named only where it is not seen.
    """
    is_alone = len({cue.speaker for cue in cues}) < 2
    found: list[Cue] = []
    before: tuple[str | None, bool] = (cues[0].speaker if cues and is_alone else None, False)
    for cue in cues:
        now = (cue.speaker, cue.id in unseen)
        is_told = cue.speaker in names and now != before and (now[0] != before[0] or now[1])
        found.append(replace(cue, text=f"[{names[cue.speaker or '']}] {cue.text}") if is_told else cue)
        before = now
    return tuple(found)


def unlabelled(text: str) -> str:
    """Return a text without the mark before it.

    >>> unlabelled("[Anna] Yes."), unlabelled("Yes.")
    ('Yes.', 'Yes.')
    """
    return re.sub(r"^\[[^]]*\]\s*", "", text)


def gaps(spans: Sequence[Span], end: Fraction) -> tuple[Span, ...]:
    """Return the stretches of the film in which nobody speaks for long."""
    edges = [Fraction(0), *(edge for span in union(spans) for edge in (span.start, span.end)), end]
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return tuple(Span(start, stop) for start, stop in pairs if stop - start >= SHORTEST_GAP)


def music(playing: Sequence[Span], silent: Sequence[Span], language: str) -> tuple[Cue, ...]:
    """Return a mark for each stretch of music: where it begins, or where nobody speaks over it any more.

    `playing`: where music is; `silent`: the gaps without speech. Music that is spoken over all the time has no mark.
    """
    text = f"[{_MUSIC.get(base(language), '♪')}]"
    heard = ((_shared(music, gap) for gap in silent) for music in playing)
    firsts = (next((span for span in spans if span and span.duration >= LEAST_HEARD), None) for spans in heard)
    return tuple(Cue(Span(span.start, min(span.end, span.start + SHOWN)), text) for span in firsts if span)


def _shared(one: Span, other: Span) -> Span | None:
    start, end = max(one.start, other.start), min(one.end, other.end)
    return Span(start, end) if start < end else None
