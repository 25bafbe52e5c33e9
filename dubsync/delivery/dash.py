"""DASH manifests (ISO 23009-1): one MPD for each spoken language, over the same segments that HLS uses."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from dubsync.delivery.catalogue import Picture, Presentation, Sound, Subtitles, bits_a_second
from dubsync.errors import IntegrityError
from dubsync.media.package import INIT, Track
from dubsync.timing import nearest

_NAMESPACE = "urn:mpeg:dash:schema:mpd:2011"
_ROLE = "urn:mpeg:dash:role:2011"
_CHANNELS = "urn:mpeg:mpegB:cicp:ChannelConfiguration"
_PROFILES = "urn:mpeg:dash:profile:isoff-live:2011,urn:mpeg:dash:profile:cmaf:2019"
_MEDIA = "$Number%05d$.m4s"
_CICP = {"mono": 1, "stereo": 2, "3.0": 3, "4.0": 4, "5.0": 5, "5.1": 6, "5.1(side)": 6, "7.1": 12}
"""Layouts by their number in ISO 23091-3; of others a manifest says nothing."""
_TRANSFERS = {"PQ": "16", "HLG": "18"}


def manifest(of: Presentation, target: int) -> str:
    """Return the MPD that a player begins with. `target`: seconds of the longest segment."""
    length = _duration(of.picture.track.seconds)
    root = ET.Element(
        "MPD",
        {
            "xmlns": _NAMESPACE,
            "type": "static",
            "profiles": _PROFILES,
            "minBufferTime": _duration(Fraction(target)),
            "maxSegmentDuration": _duration(Fraction(target)),
            "mediaPresentationDuration": length,
        },
    )
    if of.disclosure:
        ET.SubElement(ET.SubElement(root, "ProgramInformation"), "Source").text = of.disclosure
    period = ET.SubElement(root, "Period", {"id": "1", "start": "PT0S", "duration": length})
    _picture(period, of.picture)
    for sound in of.sounds:
        _sound(period, sound, of)
    for subtitles in of.subtitles:
        _subtitles(period, subtitles)
    for number, each in enumerate(period, 1):
        each.set("id", str(number))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _picture(period: ET.Element, of: Picture) -> None:
    facts = {"width": str(of.width), "height": str(of.height), "frameRate": _ratio(of.rate)}
    place = _adaptation(period, "video", {"par": _proportion(of.width, of.height)})
    if of.range in _TRANSFERS:
        transfer = {"schemeIdUri": "urn:mpeg:mpegB:cicp:TransferCharacteristics", "value": _TRANSFERS[of.range]}
        ET.SubElement(place, "EssentialProperty", transfer)
    _role(place, "main")
    _representation(place, f"video-{of.id}", of.track, f"video/{of.id}/", facts)


def _sound(period: ET.Element, of: Sound, shown: Presentation) -> None:
    place = _adaptation(period, "audio", {"lang": of.language})
    if of.layout in _CICP:
        ET.SubElement(place, "AudioChannelConfiguration", {"schemeIdUri": _CHANNELS, "value": str(_CICP[of.layout])})
    ET.SubElement(place, "Label").text = of.name  # the schema wants labels before roles
    if of.is_dub:
        _role(place, "dub")
    _role(place, "main" if of.id == shown.sound.id else "alternate")
    rate = {"audioSamplingRate": str(of.track.unit.denominator)}
    _representation(place, f"audio-{of.id}", of.track, f"audio/{of.id}/", rate)


def _subtitles(period: ET.Element, of: Subtitles) -> None:
    place = ET.SubElement(period, "AdaptationSet", {"contentType": "text", "mimeType": "text/vtt", "lang": of.language})
    ET.SubElement(place, "Label").text = of.name
    _role(place, "caption" if of.described else "subtitle")
    bandwidth = max(1, round(of.path.stat().st_size * 8 / of.seconds))
    representation = ET.SubElement(place, "Representation", {"id": f"subtitles-{of.id}", "bandwidth": str(bandwidth)})
    ET.SubElement(representation, "BaseURL").text = f"subtitles/{of.id}/{of.path.name}"


def _adaptation(period: ET.Element, kind: str, facts: dict[str, str]) -> ET.Element:
    fixed = {"contentType": kind, "mimeType": f"{kind}/mp4", "segmentAlignment": "true", "startWithSAP": "1"}
    return ET.SubElement(period, "AdaptationSet", {**fixed, **facts})


def _role(place: ET.Element, value: str) -> None:
    ET.SubElement(place, "Role", {"schemeIdUri": _ROLE, "value": value})


def _representation(place: ET.Element, name: str, track: Track, folder: str, facts: dict[str, str]) -> None:
    peak, _ = bits_a_second(track)
    said = {"id": name, "codecs": track.codec, "bandwidth": str(peak), **facts}
    representation = ET.SubElement(place, "Representation", said)
    template = ET.SubElement(
        representation,
        "SegmentTemplate",
        {
            "timescale": str(track.unit.denominator),
            "initialization": folder + INIT,
            "media": folder + _MEDIA,
            "startNumber": "1",
        },
    )
    line = ET.SubElement(template, "SegmentTimeline")
    last: ET.Element | None = None
    begin = 0
    for piece in track.pieces:  # as they are shown: what an edit list takes off does not count
        length = nearest(piece.shown / track.unit)
        if last is not None and last.get("d") == str(length):
            last.set("r", str(int(last.get("r", "0")) + 1))
        else:
            last = ET.SubElement(line, "S", {"t": str(begin), "d": str(length)})
        begin += length


def _duration(seconds: Fraction) -> str:
    return f"PT{float(seconds):.6f}S"


def _ratio(value: Fraction) -> str:
    return str(value.numerator) if value.denominator == 1 else f"{value.numerator}/{value.denominator}"


def _proportion(width: int, height: int) -> str:
    value = Fraction(width, height)
    return f"{value.numerator}:{value.denominator}"


def named(manifest: Path) -> Iterator[Path]:
    """Yield the manifest and every file that it asks for."""
    yield manifest
    place = {"": _NAMESPACE}
    root = ET.parse(manifest).getroot()  # noqa: S314 - written by us just now
    for representation in root.iterfind(".//Representation", place):
        template = representation.find("SegmentTemplate", place)
        if template is None:
            base = representation.findtext("BaseURL", namespaces=place)
            if not base:
                raise IntegrityError(f"{manifest.name}: {representation.get('id')} names no file")
            yield manifest.parent / base
            continue
        yield manifest.parent / template.get("initialization", "")
        count = sum(int(each.get("r", "0")) + 1 for each in template.iterfind(".//S", place))
        first = int(template.get("startNumber", "1"))
        for number in range(first, first + count):
            yield manifest.parent / template.get("media", "").replace("$Number%05d$", f"{number:05d}")
