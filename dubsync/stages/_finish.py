"""The mix finished: brought to its loudness profile as it will be heard, marked, coded and decoded, and written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dubsync.audio import loudness, wav
from dubsync.audio.mastering import TOLERANCE_LU, Mastered, Mastering, Mix, Profile, master
from dubsync.audio.timeline import Region
from dubsync.documents import from_json
from dubsync.engine.stage import Context, Product
from dubsync.errors import Flag, Severity
from dubsync.media import coding
from dubsync.media.ahead import ahead
from dubsync.media.mux import suffix_for
from dubsync.rights import watermark
from dubsync.rights.markcode import Payload
from dubsync.stages import _deliverables as deliverables
from dubsync.stages._deliverables import Form
from dubsync.title import Source

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Synthetic:
    """What of a mix is synthetic speech, and what its watermark says."""

    payload: Payload
    regions: tuple[Region, ...]
    channels: tuple[int, ...]

    def marked(self, blocks: Iterable[Samples], sample_rate: int) -> Iterator[Samples]:
        """Yield the mix with the watermark where it is synthetic; elsewhere it stays as it is, bit for bit."""
        if not self.regions:
            return iter(blocks)
        return watermark.mark(blocks, sample_rate, self.payload, watermark.Place(self.regions, self.channels))


def master_mix(
    mixed: Mix,
    source: Product,
    profile: Profile,
    lines: Sequence[tuple[int, int]],
    synthetic: Synthetic,
    ctx: Context,
) -> tuple[Mastering, dict[str, Any]]:
    """Write `dub.wav` at the profile's loudness; return how, and what a viewer will hear of it.

    `lines`: first sample and length of each dubbed line.
    """
    film, original = from_json(Source, source.value, where="source"), source.file("audio.wav")
    facts = wav.facts(original)
    before = loudness.measure(wav.blocks(original), facts.sample_rate, facts.channels)
    coded = coding.coding_for(film.audio[0], suffix_for(film)[0])
    delivery = partial(_delivered, coded=coded, synthetic=synthetic)
    done = master(mixed, facts, profile, before, _spoken(lines, facts), delivery)
    ctx.progress(0.8)
    full = synthetic.marked(done.how.render(mixed, facts.sample_rate), facts.sample_rate)
    deliverables.write(ctx.out / "dub.wav", full, facts.channels, Form.of(film))
    ctx.flags += _misses(done, profile)
    return done.how, {
        "integrated_lufs": round(done.heard.integrated(), 2),
        "source_lufs": round(before.integrated(), 2),
        "loudness_error_lu": round(-done.missed_lu, 2),
        "true_peak_dbtp": round(done.heard.true_peak, 2),
        "ceiling_dbtp": round(done.ceiling_db, 2),
        "gain_db": round(done.how.gain_db, 2),
        "line_gain_db": round(done.how.line_db, 2),
    }


def _delivered(blocks: Iterable[Samples], *, coded: coding.Coding, synthetic: Synthetic) -> Iterator[Samples]:
    """Yield the mix as a viewer hears it, mixed and coded side by side; what fails in one ends the other at once."""
    with closing(ahead(synthetic.marked(blocks, coded.rate))) as marked:
        yield from ahead(coding.heard(marked, coded))


def _spoken(lines: Sequence[tuple[int, int]], facts: wav.WavFacts) -> NDArray[np.bool_]:
    """Return which tenths of a second hold dialogue, for a dialogue gate."""
    tenth = facts.sample_rate // 10
    spoken = np.zeros(facts.frames // tenth + 1, bool)
    for start, frames in lines:
        spoken[start // tenth : (start + frames) // tenth + 1] = True
    return spoken


def _misses(done: Mastered, profile: Profile) -> Iterator[Flag]:
    """Yield what the delivery does not keep of its profile."""
    if abs(done.missed_lu) > TOLERANCE_LU:
        what = f"the mix misses the loudness of profile {profile.name} by {done.missed_lu:.1f} LU under its true peak"
        hint = "choose another profile, or have it mastered by hand"
        yield Flag(Severity.WARNING, "loudness", "film", what, hint)
    if done.is_too_loud:
        what = f"the coded sound reaches {done.heard.true_peak:.1f} dBTP, profile {profile.name} allows "
        hint = "have it mastered by hand, with lower peaks"
        yield Flag(Severity.WARNING, "true-peak", "film", what + f"{done.ceiling_db:.1f} dBTP", hint)
