"""Make the sample film: `python samples/make_sample.py` writes film.mp4 and film.truth.json beside this file.

`--film tiny` makes the small one that tests run on, `--film two-voices` one with two invented people.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from film.film import Cue, Plan, make  # noqa: E402 - the folder must be on the path first
from film.hair import Hairdo  # noqa: E402
from film.head import Character  # noqa: E402
from film.portrait import Person  # noqa: E402
from film.surface import Paint  # noqa: E402

MARA = Person()
ELIAS = Person(
    shape=Character(
        width=0.99, jaw_width=1.02, eyes=0.06, nose_width=0.95, nose_length=0.35, soft_brow=-0.05, lips=0.0,
        chin=0.15, chin_taper=0.02, brow_height=-0.15,
    ),
    hairdo=Hairdo(length=13.0, part=-2.2, volume=0.5, wave=0.35, seed=9),
    paint=Paint(
        skin=(0.44, 0.235, 0.150), lip=(0.34, 0.155, 0.125), blush=(1.0, 0.90, 0.88), iris=(0.13, 0.085, 0.04),
        hair=(0.030, 0.020, 0.014), brow=(0.010, 0.007, 0.005), stubble=0.75, liner=0.25, wool=(0.11, 0.045, 0.03),
    ),
    brows=1.35,
    lashes=0.5,
)  # fmt: skip

MAIN = Plan(
    cues=(
        Cue("The lights went out a little after nine.", 0, "af_heart", 0.45),
        Cue("All night I waited by the radio, and nobody called.", 0, "af_heart", 0.25),
        Cue("Then I heard a voice I knew.", 0, "af_heart", 0.30),
        Cue("It was mine.", 0, "af_heart", 0.35),
    ),
    people=(MARA,),
    quality=27,
    looks=((3.0, -0.16, -0.04), (3.45, 0, 0), (6.0, 0.20, -0.08), (7.4, 0.03, 0), (9.5, -0.14, 0.05), (10.4, 0, 0)),
    brows=((9.5, 0, 0), (10.0, 0.35, 0.25), (11.3, 0.2, 0.35), (11.9, 0, 0.45)),
)
TINY = Plan(
    cues=(Cue("Then I heard a voice I knew.", 0, "af_heart", 0.1),),
    people=(MARA,),
    width=320, height=240, opening=0.64, closing=0.2, quality=25,
)  # fmt: skip
TWO_VOICES = Plan(
    cues=(
        Cue("You were on the radio last night.", 0, "af_heart", 0.3),
        Cue("That is impossible. I was at sea.", 1, "am_michael", 0.5),
        Cue("Then who gave me your name?", 0, "af_heart", 0.5),
        Cue("Tell me every word you heard.", 1, "am_michael", 0.6),
    ),
    people=(MARA, ELIAS),
    width=640, height=360, opening=1.0, quality=25,
    poses=((-9.0, 2.0, 2.0), (10.0, 1.0, -2.0)),
)  # fmt: skip
FILMS = {"film": MAIN, "tiny": TINY, "two-voices": TWO_VOICES}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--film", choices=sorted(FILMS), default="film", help="which film to make")
    parser.add_argument("--out", type=Path, help="where to write it (default: beside this script)")
    chosen = parser.parse_args()
    path = chosen.out or HERE / f"{chosen.film}.mp4"
    make(FILMS[chosen.film], path)
    print(f"wrote {path} ({path.stat().st_size} bytes) and {path.with_suffix('.truth.json').name}")


if __name__ == "__main__":
    main()
