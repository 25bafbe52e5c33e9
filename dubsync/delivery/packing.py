"""Pictures, sounds and subtitles packaged into one folder, each once and each played back before it counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import langcodes

from dubsync.delivery.catalogue import Picture, Sound, Subtitles
from dubsync.delivery.checks import Checked, Made, same_sound
from dubsync.delivery.dubs import FinishedDub
from dubsync.delivery.specs import Segments
from dubsync.errors import Flag, IntegrityError, Severity, UnsupportedStream
from dubsync.media import package, playback
from dubsync.media.package import Cuts, Track
from dubsync.media.probe import Film
from dubsync.media.table import opened
from dubsync.rights.mark import DISCLOSURE_TAG
from dubsync.text import subtitles as subtitle_files
from dubsync.text.cue import Cue
from dubsync.title import AudioTrack

_RANGES = {16: "PQ", 18: "HLG"}
_KEYS = "code the film again with a key picture every two seconds, and localize that"


@dataclass
class Packer:
    """What is in the package so far. `place`: its folder; `saying` is told each step."""

    place: Path
    params: Segments
    saying: Callable[[str], None]
    pictures: dict[str, Picture] = field(default_factory=dict)
    sounds: list[Sound] = field(default_factory=list)
    subtitles: list[Subtitles] = field(default_factory=list)
    checked: list[Checked] = field(default_factory=list)
    flags: list[Flag] = field(default_factory=list)

    @property
    def target(self) -> Fraction:
        """Wished seconds of a segment."""
        return Fraction(self.params.segment_seconds).limit_denominator(1000)

    def picture(self, film: Film, language: str) -> str:
        """Package a film's picture, if no equal one is packaged already; return its id.

        Raises:
            UnsupportedStream: it cannot be streamed as it is coded.
        """
        self.saying(f"{language}: picture")
        cuts = package.survey(film, self.target)
        known = self.pictures.get(cuts.digest)
        if known is None:
            self._insist_on_keys(film, cuts, language)
            known = self._packaged(film, cuts, language)
        self.pictures[cuts.digest] = replace(known, languages=(*known.languages, language))
        return known.id

    def _insist_on_keys(self, film: Film, cuts: Cuts, language: str) -> None:
        time = film.table.time
        longest = max(time(stop) - time(start) for start, stop in zip(cuts.places, cuts.places[1:], strict=False))
        if longest > Fraction(self.params.longest_seconds).limit_denominator(1000):
            what = f"its key pictures lie {float(longest):.1f} s apart, and a segment may last"
            raise UnsupportedStream(f"{film.path.name}: {what} {self.params.longest_seconds:g} s", hint=_KEYS)
        if longest > self.target:
            what = f"the longest segment has {float(longest):.1f} s, {float(self.target):g} s were wished for"
            self.flags.append(Flag(Severity.INFO, "segments-long", f"video/{language}", what, _KEYS))

    def _packaged(self, film: Film, cuts: Cuts, language: str) -> Picture:
        name = free(language, (each.id for each in self.pictures.values()))
        track = package.picture(film, cuts, self.place / "video" / name, tags=tags(film))
        self.saying(f"{language}: picture, played back")
        playback.borders(track, is_picture=True)
        playback.picture(track, film.table)
        self.checked.append(Checked(f"video/{name}", float(track.seconds), frames=len(film.table)))
        video = film.source.video
        width, height = round(video.width * video.sample_aspect), video.height
        if video.rotation % 180:
            width, height = height, width
        return Picture(name, track, width, height, video.rate, _RANGES.get(video.color_transfer, "SDR"), ())

    def sound(self, film: Film, number: int, language: str, picture: str, dub: FinishedDub | None = None) -> None:
        """Package a sound track. `picture`: id of the picture whose mouths speak it, "" for none.

        `dub`: it is the dub's own.
        """
        self.saying(f"{language}: sound")
        name = free(language, (each.id for each in self.sounds))
        place, code = self.place / "audio" / name, langcodes.Language.get(language).to_alpha3()
        track = package.sound_track(film, number, place, self.target, tags=tags(film), language=code)
        playback.borders(track, is_picture=False)
        made = Made(f"audio/{name}", playback.sound(track), track.coded, self.params.ceiling_dbtp)
        found, flags = same_sound(film, number, made)
        if abs(track.seconds - film.table.duration) > track.unit:
            raise IntegrityError(f"audio/{name}: lasts {float(track.seconds):.3f} s, the picture does not")
        source = film.source.audio[number]
        self.checked.append(found)
        self.flags += [*flags, *_recoded(track, source, f"audio/{name}")]
        title = free(_title(language, "" if dub else source.name or ""), (each.name for each in self.sounds), " ")
        is_machine = dub is not None and dub.is_spoken_anew
        self.sounds.append(
            Sound(
                name,
                track,
                language,
                title,
                source.channels,
                source.layout,
                picture,
                dub is not None,
                is_machine,
                number == 0,
            )
        )

    def subtitle(
        self,
        language: str,
        cues: Sequence[Cue],
        seconds: Fraction,
        *,
        name: str = "",
        described: bool = False,
        is_machine: bool = False,
    ) -> None:
        """Write subtitles as WebVTT. `seconds`: of the film; `name`: what the film calls them."""
        if not cues:
            return
        label = free(f"{language}-sdh" if described else language, (each.id for each in self.subtitles))
        path = self.place / "subtitles" / label / f"{label}.vtt"
        path.parent.mkdir(parents=True)
        path.write_text(subtitle_files.write(cues, "vtt", language=language), encoding="utf-8")
        if (found := len(subtitle_files.read(path))) != len(cues):
            raise IntegrityError(f"subtitles/{label}: {found} of {len(cues)} cues can be read back")
        self.checked.append(Checked(f"subtitles/{label}", float(seconds), cues=len(cues)))
        title = free(_title(language, "SDH" if described else name), (each.name for each in self.subtitles), " ")
        self.subtitles.append(Subtitles(label, path, language, title, seconds, described, is_machine))


def _recoded(track: Track, source: AudioTrack, name: str) -> tuple[Flag, ...]:
    """Say that sound which had lost something in coding before was coded once more."""
    if not track.coded or source.bits is not None:
        return ()
    why = (
        "it has holes or is shorter than the picture"
        if source.codec == "aac"
        else f"streams do not hold {source.codec}"
    )
    return (Flag(Severity.INFO, "sound-recoded", name, f"coded again as AAC: {why}"),)


def _title(language: str, addition: str) -> str:
    """Return what a player shows: the language in itself, with what the film calls the track."""
    own = langcodes.Language.get(language).autonym()
    own = own[:1].upper() + own[1:]
    return f"{own} ({addition})" if addition and addition != own else own


def free(wished: str, taken: Iterator[str], between: str = "-") -> str:
    """Return a name that is not taken: the wished one, or with a number behind it."""
    known = set(taken)
    number, name = 1, wished
    while name in known:
        number += 1
        name = f"{wished}{between}{number}"
    return name


def tags(film: Film) -> dict[str, str]:
    """Return what the film's file discloses, which each of its tracks repeats."""
    with opened(film.path) as container:
        said = [text for key, text in container.metadata.items() if key.lower() == DISCLOSURE_TAG]  # Matroska shouts
    return {DISCLOSURE_TAG: said[0]} if said else {}
