"""The report tells every figure or says why not, and its page stands alone."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from fractions import Fraction
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest
from heads import faces

from dubsync.errors import Flag, Severity
from dubsync.media.read import Upright
from dubsync.quality import chart, filmstrip
from dubsync.quality.mouths import Watched
from dubsync.quality.page import Pictures, Subject, render, stamp, tiles
from dubsync.quality.report import SECTIONS, Sheet, in_order
from dubsync.quality.timing import SpokenLine, speech_overlap, speech_rate_max
from dubsync.timing import Span, from_timecode
from dubsync.title import Source, VideoTrack

KEYS = [f"{section}.{name}" for section, names in SECTIONS.items() for name in names]


def span(start: float, end: float) -> Span:
    return Span(Fraction(start), Fraction(end))


def spoken_line(text: str = "hola", *, start: float = 1.0, seconds: float = 2.0, natural: float = 2.0) -> SpokenLine:
    spoken = span(start, start + seconds)
    return SpokenLine("line-1", "speaker-a", "hello", text, span(start, start + 2), spoken, natural, heard=text)


def full_sheet() -> Sheet:
    sheet = Sheet("my film", "es")
    for key in KEYS:
        sheet.put(key, None, why_not="nobody looked")
    sheet.put("media.duration_s", 10.0)
    sheet.put("media.frames", 250)
    sheet.put("media.fps", 25.0)
    sheet.put("timing.lines", [spoken_line().row()])
    sheet.put("voice.speaker_similarity", {"speaker-a": 0.7, "speaker-b": None})
    sheet.put("rights.consent", [])
    return sheet


def test_every_key_is_there_and_what_is_null_has_a_flag_that_says_why() -> None:
    report = full_sheet().report()
    assert report["schema"] == "dubsync.report/1"
    for section, names in SECTIONS.items():
        assert tuple(report[section]) == names
    told = {flag["where"] for flag in report["flags"]}
    for key in KEYS:
        section, name = key.split(".")
        assert report[section][name] is not None or key in told
    json.dumps(report)


def test_a_forgotten_key_is_an_error() -> None:
    with pytest.raises(ValueError, match="lacks"):
        Sheet("film", "es").report()


def test_a_null_without_a_reason_is_an_error() -> None:
    with pytest.raises(ValueError, match="nobody says why"):
        Sheet("film", "es").put("voice.wer_back", None)


def test_a_key_that_the_schema_does_not_know_is_an_error() -> None:
    with pytest.raises(ValueError, match="no place"):
        Sheet("film", "es").put("voice.beauty", 1.0)


def test_flags_come_once_and_the_gravest_first() -> None:
    minor, grave = Flag(Severity.INFO, "a", "", "x"), Flag(Severity.ERROR, "b", "", "y")
    assert in_order([minor, grave, minor]) == (grave, minor)


@pytest.mark.parametrize(
    ("key", "fine", "worse", "code"),
    [
        ("media.av_offset_ms", -9.0, -11.0, "sound-out-of-step"),
        ("voice.wer_back", 0.2, 0.3, "hard-to-understand"),
        ("voice.speaker_similarity", {"a": 0.5}, {"a": 0.4}, "voice-unlike"),
        ("sync.offset_frames", -2.0, 3.0, "mouth-out-of-step"),
        ("sync.confidence", 0.3, 0.1, "mouth-says-something-else"),
        ("picture.psnr_untouched_db", 40.0, 37.0, "picture-changed"),
        ("picture.flicker", 1.2, 2.0, "flicker"),
    ],
)
def test_a_measurement_beyond_its_limit_is_told_in_words(key: str, fine: object, worse: object, code: str) -> None:
    told = []
    for value in (fine, worse):
        sheet = full_sheet()
        sheet.put(key, value)
        sheet.report()
        told.append([flag.severity for flag in sheet.own if flag.code == code])
    assert told == [[], [Severity.WARNING]]


@pytest.mark.parametrize(("fps", "frames", "is_told"), [(50.0, 4.0, False), (50.0, 6.0, True), (24.0, 2.3, False)])
def test_a_mouth_is_out_of_step_by_time_and_not_by_frames(fps: float, frames: float, is_told: bool) -> None:
    sheet = full_sheet()
    sheet.put("media.fps", fps)
    sheet.put("sync.offset_frames", frames)
    sheet.report()
    told = [flag.what for flag in sheet.own if flag.code == "mouth-out-of-step"]
    assert told == (["the new mouths move 120 ms after the new voice"] if is_told else [])


@pytest.mark.parametrize(
    ("original", "dubbed", "expected"),
    [
        ([(0, 4)], [(0, 4)], 1.0),
        ([(0, 4)], [(4, 8)], 0.0),
        ([(0, 4)], [(2, 6)], 0.5),
        ([(0, 1), (2, 3)], [(0, 3)], 0.8),
        ([(0, 2), (1, 3)], [(0, 3)], 1.0),
    ],
)
def test_speech_overlap_is_what_two_speeches_share(
    original: list[tuple[int, int]], dubbed: list[tuple[int, int]], expected: float
) -> None:
    spans = ([span(*each) for each in side] for side in (original, dubbed))
    assert speech_overlap(*spans) == pytest.approx(expected)


def test_speech_overlap_of_silence_is_unknown() -> None:
    assert speech_overlap([], []) is None


def test_the_rate_says_how_much_faster_than_naturally_a_line_is_spoken() -> None:
    hurried, slack = spoken_line(natural=3.0), spoken_line(natural=1.5)
    assert hurried.rate == pytest.approx(1.5)
    assert speech_rate_max([slack, hurried]) == pytest.approx(1.5)
    assert speech_rate_max([]) is None


class Page(HTMLParser):
    """Reads a page strictly enough: every element that opens must close, in order."""

    VOID = ("meta", "br", "img", "line", "path", "rect")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.pictures_without_words = 0
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.addresses += [str(given[key]) for key in ("src", "href") if key in given]
        self.pictures_without_words += tag == "img" and not given.get("alt")
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def noise(height: int = 400, width: int = 600) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)


def shade(uri: str) -> float:
    """Return the mean brightness of a picture in a page."""
    content = np.frombuffer(base64.b64decode(uri.split(",", 1)[1]), np.uint8)
    return float(cv2.imdecode(content, cv2.IMREAD_COLOR).mean())


def full_page(sheet: Sheet | None = None, pictures: Pictures | None = None, *, is_synthetic: bool = True) -> str:
    report = (sheet or full_sheet()).report()
    return render(
        report,
        pictures or Pictures(),
        Subject("Spanish", {"speaker-a": "Mara"}, ("speech",) if is_synthetic else (), is_dub=True),
        at=lambda time: f"at {float(time):.2f}",
        shown=lambda frame: Fraction(frame, 25),
    )


def test_the_page_loads_nothing_from_elsewhere_and_runs_no_script() -> None:
    pair = filmstrip.Pair(7, filmstrip.data_uri(noise()), filmstrip.data_uri(noise()), 600, 400)
    text = full_page(pictures=Pictures(pair, (pair, pair)))
    page = Page(text)
    assert len(page.addresses) == 6
    assert all(address.startswith("data:image/jpeg;base64,") for address in page.addresses)
    assert page.pictures_without_words == 0
    assert "<script" not in text
    assert "http" not in text


def test_moments_are_named_as_an_editor_finds_them() -> None:
    pair = filmstrip.Pair(50, filmstrip.data_uri(noise()), filmstrip.data_uri(noise()), 600, 400)
    text = full_page(pictures=Pictures(pair, (pair,)))
    assert "original, at 2.00" in text
    assert '<td class="number">at 1.00</td>' in text


def test_a_moment_is_named_by_the_films_own_timecode_or_by_the_clock_where_its_rate_varies() -> None:
    video = VideoTrack(0, "h264", 160, 120, 150, Fraction(30000, 1001), Fraction(1, 30000), False, "yuv420p")
    film = Source("film.mov", "0", "mov", Fraction(5), video, (), timecode=from_timecode("01:00:00;00", video.rate))
    assert stamp(film, Fraction(3 * 1001, 30000)) == "01:00:00;03"
    assert stamp(film, 0.0999) == "01:00:00;03"
    assert stamp(replace(film, video=replace(video, is_variable_rate=True)), 62.5) == "0:01:02.500"


def test_every_flag_is_told_in_words_with_its_hint() -> None:
    sheet = full_sheet()
    sheet.own.append(Flag(Severity.WARNING, "no-face", "shot-3", "nobody is seen", "look at the shot"))
    text = full_page(sheet)
    for words in ("no-face", "shot-3", "nobody is seen", "look at the shot", "nobody looked"):
        assert words in text


def test_text_of_the_film_cannot_become_markup() -> None:
    sheet = full_sheet()
    sheet.put("timing.lines", [spoken_line("<script>alert(1)</script>").row()])
    text = full_page(sheet)
    assert "<script>" not in text
    assert "&lt;script&gt;" in text


def test_what_was_not_measured_is_said_so_among_the_headlines() -> None:
    found = {tile.name: tile.value for tile in tiles(full_sheet().report(), is_dub=True)}
    assert found["words understood"] is None
    assert found["voice likeness"] == "0.70"


def test_speakers_are_called_by_their_names_where_they_have_one() -> None:
    text = full_page()
    assert "<td>Mara</td>" in text
    assert "speaker-b: not measured" in text


def test_the_page_says_what_is_synthetic_and_that_nothing_is_where_people_recorded_the_lines() -> None:
    assert "says that this is synthetic: speech." in full_page()
    assert "Nothing in the film is synthetic." in full_page(is_synthetic=False)


def test_a_dub_without_new_mouths_says_that_the_picture_is_the_original() -> None:
    assert "the picture is the original" in full_page()


def test_a_picture_is_small_enough_and_looks_the_same() -> None:
    picture = cv2.GaussianBlur(noise(), (0, 0), 9)
    content = base64.b64decode(filmstrip.data_uri(picture).split(",", 1)[1])
    back = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]
    assert np.abs(back.astype(int) - picture).mean() < 3
    assert len(base64.b64decode(filmstrip.data_uri(noise(760, 760)).split(",", 1)[1])) <= 200_000


def watched(before: list[float], after: list[float], first: int = 0) -> Watched:
    numbers = np.arange(first, first + len(before), dtype=np.int32)
    return Watched("face-1", "speaker-a", numbers, faces(before), faces(after))


def test_moments_are_those_where_the_mouth_differs_most_and_lie_apart() -> None:
    strip = filmstrip.Filmstrip(Upright(0, 600, 400), 25.0, count=2)
    changes = {0: 0.05, 10: 0.3, 12: 0.29, 30: 0.1, 60: 0.2, 99: 0.0}
    for frame, change in changes.items():
        picture = np.full((400, 600, 3), frame, np.uint8)
        strip.consider(frame, faces([0.1])[0], change, (picture, 255 - picture))
    assert [pair.frame for pair in strip.close_ups()] == [10, 60]
    whole = strip.whole()
    assert whole is not None
    assert whole.frame == 10
    assert [shade(whole.before), shade(whole.after)] == pytest.approx([10, 245], abs=3)


def test_the_chart_draws_both_mouths_and_breaks_where_frames_are_missing() -> None:
    times = np.arange(200) / 25
    seen = [watched([0.1] * 20, [0.2] * 20), watched([0.1] * 20, [0.2] * 20, first=60)]
    (row,) = chart.rows(seen, times, lambda start, stop: np.zeros(300, np.float32), [spoken_line("hola <b>")])
    assert row.after.count("M") == 2
    assert row.before.count("M") == 2
    heights = [float(point.split(",")[1]) for point in row.after.replace("M", "").replace("L", "").split()]
    assert heights == pytest.approx([0.0] * 40, abs=3)
    lower = [float(point.split(",")[1]) for point in row.before.replace("M", "").replace("L", "").split()]
    assert lower == pytest.approx([50.0] * 40, abs=3)
    assert [bar.text for bar in row.bars] == ["hola <b>"]
    Page(full_page(pictures=Pictures(rows=(row,))))


def test_a_long_film_does_not_make_an_endless_chart() -> None:
    times = np.arange(100_000) / 25
    seen = [watched([0.1] * 5, [0.2] * 5, first=number) for number in range(0, 90_000, 1000)]
    drawn = chart.rows(seen, times, lambda start, stop: np.zeros(10, np.float32), [])
    assert len(drawn) == chart.MOST_ROWS
