"""`dubsync bench speed`, `edit` and `memory`: whole runs, as ratios to the clip's length, with the machine described.

Each figure but `voice_x` is a run of the command line in a process of its own, in a folder of its own; nothing is
kept warm between them. Training the actor's mouth is counted apart: the product of the `actor` stage is carried from
the first run into the folder of the timed one. `voice_x` is taken as in a batch, by workers that have made one before.
Memory of a long film is held against the short film's first run: both learn the actor.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import psutil

from dubsync import scripts
from dubsync.errors import StageFailed
from dubsync.verbs import explain, local_runner, localize
from dubsync.wishes import Wish

_POLL_S = 0.5
TIMES_LONGER = 10


@dataclass(frozen=True, slots=True)
class Timed:
    """One run. `peak_mb`: of the whole process tree, memory that processes share counted once (PSS)."""

    seconds: float
    peak_mb: float
    printed: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Speed:
    """What to time: a clip with its consent record, into two languages."""

    clip: Path
    consent: Path
    languages: tuple[str, str] = ("es", "pt")
    training_s: float = 120.0
    is_long: bool = True


def speed(asked: Speed) -> dict[str, Any]:
    """Return full_x, voice_x, second_language, rerun_s, peak_mb, peak_ratio_long, clip, machine, and the details.

    `full_x`, `voice_x`: seconds for a second of film, without and with nothing but the voice. `second_language`: its
    time beside the first run's, training and all, since the actor is learnt once; `second_language_untrained`: beside
    the first without its training. `rerun_s`: median of three runs that change nothing.
    """
    with tempfile.TemporaryDirectory(prefix="dubsync-bench-") as name:
        return _speed(asked, _copied(asked.clip, Path(name)), Path(name))


def voice_speed(asked: Speed) -> dict[str, Any]:
    """Return what `speed` says of the voice alone, in a fraction of the time: voice_x and its seconds by stage."""
    with tempfile.TemporaryDirectory(prefix="dubsync-bench-") as name:
        clip = _copied(asked.clip, Path(name))
        return {**_voice(asked, clip, Path(name)), **_described(clip)}


def _copied(clip: Path, home: Path) -> Path:
    return Path(shutil.copy(clip, home / clip.name))


def _described(clip: Path) -> dict[str, Any]:
    length, rate = _length(clip)
    described = {"name": clip.name, "seconds": round(length, 2), "frames_per_s": float(rate)}
    return {"clip": described, "machine": machine()}


def _voice(asked: Speed, clip: Path, home: Path) -> dict[str, Any]:
    seconds = _warm_voice(asked, clip, home)
    by_stage = _by_stage(home / "voice-1.dubsync", asked.languages[0])
    return {"voice_x": round(seconds / _length(clip)[0], 3), "voice_stage_s": by_stage}


def _speed(asked: Speed, clip: Path, home: Path) -> dict[str, Any]:
    first, second = asked.languages
    length, rate = _length(clip)
    training = _run(asked, clip, home / "training.dubsync", first)
    spent = {row["stage"]: row["seconds"] for row in explain(home / "training.dubsync")}
    _carry_actor(home / "training.dubsync", home / "full.dubsync")
    full = _run(asked, clip, home / "full.dubsync", first)
    other = _run(asked, clip, home / "full.dubsync", second)
    again = [_run(asked, clip, home / "full.dubsync", first) for _ in range(3)]
    cold = _run(asked, clip, home / "voice-cold.dubsync", first, pipeline="voice-only")
    found = {
        "full_x": round(full.seconds / length, 3),
        **_voice(asked, clip, home),
        "second_language": round(other.seconds / training.seconds, 3),
        "rerun_s": round(statistics.median(each.seconds for each in again), 3),
        "peak_mb": round(max(training.peak_mb, full.peak_mb)),
        "peak_ratio_long": _long(asked, clip, home, training)["peak_ratio_long"] if asked.is_long else None,
        **_described(clip),
        "second_language_untrained": round(other.seconds / full.seconds, 3),
        "voice_x_cold": round(cold.seconds / length, 3),
        "full_fps": round(length * float(rate) / full.seconds, 2),
        "training_s": round(spent.get("actor", 0.0), 1),
        "first_run_s": round(training.seconds, 1),
        "stage_s": _by_stage(home / "full.dubsync", first),
    }
    assert all(each.printed["units"]["ran"] == 0 for each in again), "a re-run that changes nothing ran something"
    return found


def _warm_voice(asked: Speed, clip: Path, home: Path) -> float:
    """Return the seconds of a voice-only run by workers that have made one before, into an empty folder each time."""
    wish = Wish(pipeline="voice-only", consent=asked.consent, offline=True)
    with local_runner() as runner:
        made = [
            localize(clip, asked.languages[:1], replace(wish, folder=home / f"voice-{turn}.dubsync"), runner=runner)
            for turn in range(2)
        ]
    return made[1].summary.seconds


def edit(asked: Speed) -> dict[str, Any]:
    """Return first_s, edited_s, edit_share, made_first and made_again: what one changed line costs.

    The whole film is made, a word is added to its middle line as a translator would, and it is made again.
    `made_first`, `made_again`: units by stage, those that are asked each time left out.
    """
    with tempfile.TemporaryDirectory(prefix="dubsync-bench-") as name:
        home = Path(name)
        clip, folder, language = _copied(asked.clip, home), home / "edit.dubsync", asked.languages[0]
        first = _run(asked, clip, folder, language)
        known = {row["fingerprint"]: row["stage"] for row in explain(folder)}
        _add_word(folder, language, home / "script.json")
        again = _run(asked, clip, folder, language)
        new = [row["stage"] for row in explain(folder) if row["fingerprint"] not in known]
        return {
            "first_s": round(first.seconds, 1),
            "edited_s": round(again.seconds, 1),
            "edit_share": round(again.seconds / first.seconds, 3),
            "made_first": dict(Counter(known.values())),
            "made_again": dict(Counter(new)),
            **_described(clip),
        }


def _add_word(folder: Path, language: str, script: Path) -> None:
    """Export the script, say the last word of its middle line twice, import it."""
    scripts.export_script(folder, language, "json", script)
    written = json.loads(script.read_text(encoding="utf-8"))
    line = written["lines"][len(written["lines"]) // 2]
    line["text"] = f"{line['text']} {line['text'].split()[-1]}"
    script.write_text(json.dumps(written), encoding="utf-8")
    scripts.import_script(folder, language, script, who="bench")


def memory(asked: Speed) -> dict[str, Any]:
    """Return peak_mb, peak_long_mb and peak_ratio_long of the clip and of `TIMES_LONGER` of it, with their seconds."""
    with tempfile.TemporaryDirectory(prefix="dubsync-bench-") as name:
        home = Path(name)
        clip = home / asked.clip.name
        shutil.copy(asked.clip, clip)
        short = _run(asked, clip, home / "short.dubsync", asked.languages[0])
        return {"peak_mb": round(short.peak_mb), **_long(asked, clip, home, short), "machine": machine()}


def _long(asked: Speed, clip: Path, home: Path, short: Timed) -> dict[str, Any]:
    from dubsync.testing.media import loop_film

    (home / "long").mkdir()
    film = loop_film(clip, TIMES_LONGER, home / "long" / clip.name)  # the record is for a film of this name
    long = _run(asked, film, home / "long.dubsync", asked.languages[0])
    return {
        "peak_long_mb": round(long.peak_mb),
        "peak_ratio_long": round(long.peak_mb / short.peak_mb, 3),
        "long_film_s": round(_length(film)[0], 1),
        "long_run_s": round(long.seconds, 1),
    }


def _run(asked: Speed, film: Path, folder: Path, language: str, *, pipeline: str = "film") -> Timed:
    code = "from dubsync.cli import main; main()"
    words = ["localize", str(film), "--lang", language, "--pipeline", pipeline, "--folder", str(folder)]
    training = ["--set", f"actor.seconds={asked.training_s}"] if pipeline == "film" else []
    return timed(
        [sys.executable, "-c", code, *words, "--consent", str(asked.consent), "--json", "--offline", *training]
    )


def timed(command: Sequence[str]) -> Timed:
    """Run a command that prints a JSON object last; raise StageFailed when it fails."""
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    watch = _Watch(process.pid)
    watch.start()
    printed, said = process.communicate()
    seconds = time.monotonic() - began
    watch.stop()
    if process.returncode:
        raise StageFailed(
            f"a timed run ended with {process.returncode}: {' '.join(said.split()[-60:])}",
            title="", stage="bench", unit=command[-1], attempts=1, cause=said,
        )  # fmt: skip
    return Timed(seconds, watch.peak / 1e6, json.loads(printed.splitlines()[-1]))


class _Watch(threading.Thread):
    """Notes the most memory a process and its children hold together."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._root = psutil.Process(pid)
        self._is_over = threading.Event()
        self.peak = 0

    def run(self) -> None:
        while not self._is_over.wait(_POLL_S):
            self.peak = max(self.peak, self._held())

    def _held(self) -> int:
        try:
            tree = [self._root, *self._root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return 0
        return sum(_pss(process) for process in tree)

    def stop(self) -> None:
        self._is_over.set()
        self.join()


def _pss(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0


def _carry_actor(origin: Path, target: Path) -> None:
    """Copy what was learnt of the actors, so that a run in `target` need not train."""
    for row in explain(origin, ["actor"]):
        place = Path("store") / row["fingerprint"][:2] / row["fingerprint"]
        shutil.copytree(origin / place, target / place)


def _by_stage(folder: Path, language: str) -> dict[str, float]:
    spent: dict[str, float] = {}
    for row in explain(folder):
        if row["recipe"]["unit"]["language"] in (None, language):
            spent[row["stage"]] = round(spent.get(row["stage"], 0.0) + row["seconds"], 2)
    return spent


def _length(clip: Path) -> tuple[float, Fraction]:
    from dubsync.media.probe import probe

    source = probe(clip)
    return float(source.duration), source.video.rate


def machine() -> dict[str, Any]:
    """Describe the machine that figures were taken on."""
    names = [line.split(":", 1)[1].strip() for line in _cpu_lines() if line.startswith("model name")]
    return {
        "processor": names[0] if names else platform.processor(),
        "processors": len(os.sched_getaffinity(0)),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def _cpu_lines() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
