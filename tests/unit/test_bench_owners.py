"""The bench that counts who is taken for the speaker."""

from pathlib import Path

import numpy as np
import pytest
import talking_head

from dubsync.backends.mouth_clips import Clip
from dubsync.mouth import bench_owners
from dubsync.mouth.bench_owners import Stretch


class Ears:
    """Scores a face by the number that its landmarks and the speech carry: 0.6 for its own, 0.1 for another's."""

    def score(self, landmarks: np.ndarray, fps: float, speech: np.ndarray) -> float:
        return 0.6 if landmarks[0, 0, 0] == speech[0] else 0.1


def stretch(clip: str, number: float) -> Stretch:
    return Stretch(clip, np.full((75, 468, 3), number, np.float32), 25.0, np.full(48000, number, np.float32))


def test_shares_count_every_voice_with_every_face_of_another_clip() -> None:
    cut = [stretch("a", 1), stretch("a", 2), stretch("b", 3)]

    def likeliest(scores: dict[str, float], seconds: float) -> str | None:
        assert seconds == 3
        best = max(scores, key=lambda face: scores[face])
        return best if scores[best] > 0.2 else None

    found = bench_owners.measured(cut, Ears(), likeliest)  # type: ignore[arg-type]

    assert (found["own"], found["other"], found["neither"], found["alone"]) == (1, 0, 0, 0)
    assert (found["clips"], found["stretches"], found["pairs"]) == (2, 3, 4)
    none = bench_owners.measured(cut, Ears(), lambda scores, seconds: "other")  # type: ignore[arg-type]
    assert (none["own"], none["other"], none["alone"]) == (0, 1, 1)


@pytest.mark.weights
def test_stretches_are_three_seconds_of_a_moving_face_that_is_heard() -> None:
    speech, opening = talking_head.babble(10)
    opening[150:225] = 0  # a mouth at rest
    heads = talking_head.landmarks(opening)
    clip = Clip(Path("head.mp4"), np.arange(250, dtype=np.int32), heads, np.arange(250) / 25, speech)

    found = list(bench_owners.stretches(clip))

    assert [one.landmarks.shape for one in found] == [(75, 468, 3)] * 2
    assert np.array_equal(found[1].landmarks, heads[75:150])
    assert np.array_equal(found[1].speech, speech[48000:96000])
    late = Clip(clip.path, clip.numbers, heads, clip.times, speech, lag=-0.1)
    assert np.array_equal(next(bench_owners.stretches(late)).speech, speech[1600:49600])
    gap = np.delete(np.arange(250), 30)
    holed = Clip(clip.path, gap.astype(np.int32), heads[gap], clip.times, speech)
    assert len(list(bench_owners.stretches(holed))) == 1
    assert list(bench_owners.stretches(Clip(clip.path, clip.numbers, heads, clip.times, 0 * speech))) == []
