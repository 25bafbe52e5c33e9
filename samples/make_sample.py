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
from film.portrait import Person  # noqa: E402

MARA = Person()

MAIN = Plan(
    cues=(
        Cue("The lights went out a little after nine.", 0, "af_heart", 0.45),
        Cue("I stayed by the radio all night, and nobody called.", 0, "af_heart", 0.25),
        Cue("Then I heard a voice I knew.", 0, "af_heart", 0.30),
        Cue("It was mine.", 0, "af_heart", 0.35),
    ),
    people=(MARA,),
    looks=(
        (3.0, -0.16, -0.04),
        (3.5, 0.0, 0.0),
        (6.3, 0.20, -0.08),
        (7.4, 0.02, 0.0),
        (9.2, -0.14, 0.05),
        (10.1, 0, 0),
    ),
    brows=((0, 0, 0), (9.4, 0.0, 0.0), (9.9, 0.35, 0.25), (11.4, 0.25, 0.35), (12.0, 0.0, 0.5), (14, 0, 0.5)),
)
TINY = Plan(
    cues=(Cue("Then I heard a voice I knew.", 0, "af_heart", 0.1),),
    people=(MARA,),
    width=320, height=240, opening=0.64, closing=0.2, quality=25,
)  # fmt: skip
FILMS = {"film": MAIN, "tiny": TINY}


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
