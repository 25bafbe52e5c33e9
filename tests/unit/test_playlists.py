"""HLS and DASH manifests, held against the rules that players go by."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from dubsync.delivery import dash, hls, specs
from dubsync.delivery.catalogue import Picture, Presentation, Sound, Subtitles, bits_a_second, target_seconds
from dubsync.errors import BadPipeline
from dubsync.media.package import Piece, Track

NAMESPACE = {"": "urn:mpeg:dash:schema:mpd:2011"}


def track(folder: str, codec: str, unit: int, lengths: tuple[Fraction, ...], size: int = 1000) -> Track:
    """Return a track of segments of these lengths, `size` bytes each."""
    pieces, start = [], 0
    for number, length in enumerate(lengths, 1):
        ticks = int(length * unit)
        pieces.append(Piece(f"{number:05d}.m4s", start, ticks, length, size))
        start += ticks
    return Track(Path(folder), codec, Fraction(1, unit), tuple(pieces))


@pytest.fixture
def presentation(tmp_path: Path) -> Presentation:
    video = track("video/es", "avc1.640028", 24000, (Fraction(6006, 1000),) * 3 + (Fraction(1001, 1000),), 900_000)
    heard = track("audio/es", "mp4a.40.2", 48000, (Fraction(6),) * 3 + (Fraction(1019, 1000),), 144_000)
    shown = Picture("es", video, 1920, 800, Fraction(24000, 1001), "PQ", ("es",))
    dub = Sound("es", heard, "es", "Español", 6, "5.1", "es", True, True, True)
    others = (
        replace(dub, id="en", language="en", name='English "mix"', picture="en", is_dub=False, is_machine=False),
        replace(
            dub,
            id="en-2",
            language="en",
            name="English (Commentary)",
            picture="en",
            is_dub=False,
            is_machine=False,
            is_first=False,
        ),
    )
    (tmp_path / "es.vtt").write_text("WEBVTT\n")
    text = Subtitles("es", tmp_path / "es.vtt", "es", "Español", video.seconds, is_machine=True)
    twice = replace(text, id="es-2", name="Español 2", is_machine=False)
    sdh = replace(text, id="es-sdh", name="Español (SDH)", described=True)
    return Presentation("es", shown, dub, others, (text, twice, sdh), "Synthetic speech")


def attributes(row: str) -> dict[str, str]:
    return {key: value.strip('"') for key, value in re.findall(r'([A-Z-]+)=("[^"]*"|[^,]*)', row.split(":", 1)[1])}


def playlist(of: Presentation) -> list[str]:
    places = {f"audio/{each.id}": f"audio/{each.id}/index.m3u8" for each in of.sounds}
    places |= {f"subtitles/{each.id}": f"subtitles/{each.id}/index.m3u8" for each in of.subtitles}
    return hls.multivariant(of, {**places, "video/es": "video/es/index.m3u8"}).splitlines()


def test_renditions_of_a_group_are_told_apart_and_one_is_the_default(presentation: Presentation) -> None:
    rows = [attributes(row) for row in playlist(presentation) if row.startswith("#EXT-X-MEDIA:")]
    for kind in ("AUDIO", "SUBTITLES"):
        group = [row for row in rows if row["TYPE"] == kind]
        assert len({row["NAME"] for row in group}) == len(group) == 3
        chosen = [
            (row["LANGUAGE"], row.get("CHARACTERISTICS", "").replace("public.machine-generated", ""))
            for row in group
            if row["AUTOSELECT"] == "YES"
        ]
        assert len(set(chosen)) == len(chosen), "RFC 8216, 4.3.4.1.1"
    sounds = [row for row in rows if row["TYPE"] == "AUDIO"]
    assert [row["DEFAULT"] for row in sounds] == ["YES", "NO", "NO"]
    assert [row["AUTOSELECT"] for row in sounds] == ["YES", "NO", "NO"], "the others do not fit these mouths"
    assert {row["CHANNELS"] for row in sounds} == {"6"}
    assert sounds[0]["CHARACTERISTICS"] == "public.machine-generated"
    assert sounds[1]["CHARACTERISTICS"] == "public.original-content"
    assert "CHARACTERISTICS" not in sounds[2]
    assert "describes-music-and-sound" in rows[-1]["CHARACTERISTICS"]


def test_a_sound_that_fits_the_picture_may_be_chosen_by_the_player(presentation: Presentation) -> None:
    original = replace(presentation.others[0], picture="es")
    rows = [attributes(row) for row in playlist(replace(presentation, others=(original,))) if "TYPE=AUDIO" in row]
    assert [row["AUTOSELECT"] for row in rows] == ["YES", "YES"]


def test_the_variant_says_what_a_player_must_know_before_it_begins(presentation: Presentation) -> None:
    rows = playlist(presentation)
    variant = attributes(next(row for row in rows if row.startswith("#EXT-X-STREAM-INF:")))
    assert rows[-1] == "video/es/index.m3u8"
    assert variant["CODECS"] == "avc1.640028,mp4a.40.2"
    assert variant["RESOLUTION"] == "1920x800"
    assert variant["FRAME-RATE"] == "23.976"
    assert variant["VIDEO-RANGE"] == "PQ"
    peak, mean = int(variant["BANDWIDTH"]), int(variant["AVERAGE-BANDWIDTH"])
    assert peak >= mean > 4 * 900_000 * 8 / 20
    assert any("dubsync.disclosure" in row for row in rows)


def test_the_peak_is_that_of_the_worst_stretch_and_no_short_end_counts_alone() -> None:
    even = track("v", "avc1", 1000, (Fraction(6),) * 3 + (Fraction(1, 10),), 750_000)
    assert bits_a_second(even)[0] == pytest.approx(1_000_000 * 2 * 6 / 6.1, abs=1), "the end with the one before"
    pieces = (*even.pieces[:1], replace(even.pieces[1], size=1_500_000), *even.pieces[2:3])
    assert bits_a_second(replace(even, pieces=pieces))[0] == 2_000_000


def test_no_segment_is_longer_than_its_playlist_declares(presentation: Presentation) -> None:
    video, heard = presentation.picture.track, presentation.sound.track
    target = target_seconds([video, heard])
    for each in (video, heard):
        text = hls.track(each, target)
        lengths = [float(value) for value in re.findall(r"#EXTINF:([\d.]+),", text)]
        assert f"#EXT-X-TARGETDURATION:{target}\n" in text
        assert max(round(length) for length in lengths) <= target
        assert sum(lengths) == pytest.approx(float(each.seconds), abs=1e-5)
        assert text.startswith("#EXTM3U\n")
        assert text.endswith("#EXT-X-ENDLIST\n")
    text = hls.subtitles(presentation.subtitles[0])
    assert "#EXT-X-TARGETDURATION:20\n" in text
    assert "#EXTINF:19.019000,\nes.vtt\n" in text


def mpd(of: Presentation) -> ET.Element:
    return ET.fromstring(dash.manifest(of, 6))


def test_segments_in_a_manifest_follow_each_other_to_the_end(presentation: Presentation) -> None:
    for representation in mpd(presentation).iterfind(".//Representation", NAMESPACE):
        template = representation.find("SegmentTemplate", NAMESPACE)
        if template is None:
            continue
        end = count = 0
        for each in template.iterfind(".//S", NAMESPACE):
            assert int(each.get("t", "-1")) == end
            repeated = int(each.get("r", "0")) + 1
            end, count = end + int(each.get("d", "0")) * repeated, count + repeated
        assert count == 4
        assert end / int(template.get("timescale", "1")) == pytest.approx(19.019, abs=0.001)


ORDER = ("EssentialProperty", "AudioChannelConfiguration", "Label", "Role", "BaseURL", "Representation")
"""Of the elements in an adaptation set, by the schema; the first two do not meet in one set."""


def test_a_manifest_keeps_the_order_and_the_facts_of_its_schema(presentation: Presentation) -> None:
    root = mpd(presentation)
    assert root.get("type") == "static"
    assert root.get("mediaPresentationDuration") == "PT19.019000S"
    sets = root.findall("Period/AdaptationSet", NAMESPACE)
    for each in sets:
        names = [element.tag.rpartition("}")[2] for element in each]
        assert names == sorted(names, key=ORDER.index)
    assert len({each.get("id") for each in sets}) == len(sets) == 7
    assert [each.get("lang") for each in sets] == [None, "es", "en", "en", "es", "es", "es"]
    roles = [[role.get("value") for role in each.iterfind("Role", NAMESPACE)] for each in sets]
    assert roles == [["main"], ["dub", "main"], ["alternate"], ["alternate"], ["subtitle"], ["subtitle"], ["caption"]]
    channels = sets[1].find("AudioChannelConfiguration", NAMESPACE)
    assert channels is not None
    assert channels.get("value") == "6"
    video = sets[0].find("Representation", NAMESPACE)
    assert video is not None
    assert (video.get("frameRate"), video.get("codecs")) == ("24000/1001", "avc1.640028")
    ids = [each.get("id") for each in root.iterfind(".//Representation", NAMESPACE)]
    assert len(set(ids)) == len(ids)


def test_a_manifest_names_every_segment(presentation: Presentation, tmp_path: Path) -> None:
    path = tmp_path / "es.mpd"
    path.write_text(dash.manifest(presentation, 6))
    names = {each.relative_to(tmp_path).as_posix() for each in dash.named(path)}
    assert {"es.mpd", "video/es/init.mp4", "video/es/00004.m4s", "audio/en/00001.m4s", "subtitles/es/es.vtt"} <= names
    assert len(names) == 1 + 4 * 5 + 3


@pytest.mark.parametrize("name", specs.names())
def test_the_specs_that_come_along_can_be_read(name: str) -> None:
    found = specs.load(name)
    assert found.about
    assert len(found.digest) == 64


def test_a_spec_is_checked_to_the_key(tmp_path: Path) -> None:
    def written(text: str) -> str:
        (tmp_path / "mine.toml").write_text(text)
        return str(tmp_path / "mine.toml")

    head = 'schema = "dubsync.delivery/1"\nform = "segments"\nmanifests = ["hls"]\n'
    with pytest.raises(BadPipeline, match='unknown key "segment_second"') as caught:
        specs.load(written(head + "segment_second = 4\n"))
    assert "segment_seconds" in caught.value.hint
    with pytest.raises(BadPipeline, match="manifests"):
        specs.load(written(head.replace("hls", "smooth")))
    with pytest.raises(BadPipeline, match="at most longest_seconds"):
        specs.load(written(head + "segment_seconds = 60\n"))
    with pytest.raises(BadPipeline, match="form is 'tape'"):
        specs.load(written(head.replace("segments", "tape")))
    with pytest.raises(BadPipeline, match="no delivery spec") as caught:
        specs.load("hsl")
    assert "hls" in caught.value.hint
