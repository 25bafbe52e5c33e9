"""Scripts, memories and endpoints that are broken or hostile: a clear error or a flag, and no lost line."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from words_stand import Stand, silence, spoken, utterance

from dubsync.backends.fakes import FakeTranslator
from dubsync.backends.mt_human import HumanTranslator
from dubsync.backends.mt_llm import LlmTranslator
from dubsync.backends.protocols import SourceLine
from dubsync.documents import from_json
from dubsync.errors import DubsyncError, InputError, PermanentError, TransientError
from dubsync.scripts import bring_script, bring_transcript
from dubsync.stages.script import ScriptParams, script
from dubsync.stages.transcript import TranscriptParams, transcript
from dubsync.stages.translation import TranslationParams, translation
from dubsync.text import subtitles
from dubsync.text.memory import read_tmx
from dubsync.title import Line

SAID = (utterance("Good evening.", 1, 2), utterance("Who is there?", 3, 5), utterance("Nobody.", 4.5, 6))


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    made = Stand(tmp_path)
    made.film(silence(20))
    return made


def lines_of(stand: Stand, engine: Any) -> tuple[Line, ...]:
    stand.put("translation", stand.run(translation, TranslationParams(), language="es", mt=lambda: engine))
    flags = list(stand.flags)
    value = stand.run(script, ScriptParams(), language="es")
    stand.flags = [*flags, *stand.flags]
    return from_json(tuple[Line, ...], value["lines"])


def refused(act: Callable[[], object], *words: str) -> DubsyncError:
    with pytest.raises(DubsyncError) as caught:
        act()
    assert all(word in caught.value.message for word in words)
    assert "\n" not in caught.value.message
    return caught.value


def test_a_broken_srt_names_its_row_and_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "film.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nA\n\n2\n00:00:03,0 -> 00:00:04\nB -->\n")
    error = refused(lambda: bring_script(tmp_path, "es", tmp_path / "film.srt"), "film.srt", "row 7")
    assert error.exit_code == 3
    assert [path.name for path in tmp_path.iterdir()] == ["film.srt"]


@pytest.mark.parametrize("raw", ["ÿþ¿Qué?".encode("utf-16-le")[:-1], b"\xef\xbb\xbf\xff\xfe\xfd", b"\x81\x8d\x8f\x90"])
def test_an_encoding_that_cannot_be_read_is_refused_with_what_to_do(raw: bytes, tmp_path: Path) -> None:
    (tmp_path / "film.srt").write_bytes(b"\xff\xfe" + raw if raw[0] == 0xFF else raw)
    error = refused(lambda: subtitles.read(tmp_path / "film.srt"), "film.srt")
    assert error.hint


def test_cues_that_overlap_are_all_heard_and_all_spoken(stand: Stand, tmp_path: Path) -> None:
    brought = [
        (1, "Buenas noches."),
        (3, "¿Quién anda ahí?"),
        (4, "Nadie."),
    ]
    blocks = [f"{n}\n00:00:0{t},500 --> 00:00:0{t + 2},500\n{text}\n" for n, (t, text) in enumerate(brought, 1)]
    (tmp_path / "film.srt").write_text("\n".join(blocks), encoding="utf-8")
    bring_transcript(tmp_path, tmp_path / "film.srt")
    heard = stand.run(transcript, TranscriptParams(language="es"), asr=lambda: None)
    assert [one["text"] for one in heard["utterances"]] == [text for _, text in brought]


def test_overlapping_cues_of_a_script_each_find_their_line(stand: Stand, tmp_path: Path) -> None:
    spoken(stand, SAID)
    (tmp_path / "film.srt").write_text(
        "1\n00:00:01,000 --> 00:00:03,200\nUno.\n\n2\n00:00:03,000 --> 00:00:05,000\nDos.\n\n"
        "3\n00:00:04,500 --> 00:00:06,000\nTres.\n"
    )
    bring_script(tmp_path, "es", tmp_path / "film.srt")
    assert [line.text for line in lines_of(stand, HumanTranslator())] == ["Uno.", "Dos.", "Tres."]


def test_lines_without_ids_and_times_are_reported_and_every_line_keeps_words(stand: Stand, tmp_path: Path) -> None:
    spoken(stand, SAID)
    (tmp_path / "film.csv").write_text("text\nUno.\nDos.\n")
    bring_script(tmp_path, "es", tmp_path / "film.csv")
    lines = lines_of(stand, HumanTranslator())
    assert [line.text for line in lines] == [one.text for one in SAID]
    assert [flag.code for flag in stand.flags].count("script-unplaced") == 2
    assert [flag.code for flag in stand.flags].count("untranslated") == 3


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    "text",
    [
        f'<?xml version="1.0"?><!DOCTYPE tmx [<!ENTITY l0 "ha">{LAUGHS}]><tmx><body><tu>&l9;</tu></body></tmx>',
        '<!DOCTYPE tmx SYSTEM "x.dtd" [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]><tmx/>',
        "<tmx>" + "<tu>" * 100_000,
    ],
)
def test_a_memory_that_would_blow_up_is_refused_at_once(text: str, tmp_path: Path) -> None:
    (tmp_path / "memory.tmx").write_text(text)
    began = time.process_time()
    refused(lambda: read_tmx(tmp_path / "memory.tmx", source="en", target="es"), "memory.tmx")
    assert time.process_time() - began < 5


@pytest.mark.parametrize("name", ["memory.tmx", "film.srt"])
def test_a_huge_file_is_refused_without_being_read(name: str, tmp_path: Path) -> None:
    with (tmp_path / name).open("wb") as file:
        file.truncate(subtitles.LARGEST_BYTES * 40)
    with pytest.raises(InputError, match="larger than"):
        subtitles.load_bytes(tmp_path / name)


def test_a_line_of_two_hundred_thousand_letters_goes_through_whole(stand: Stand) -> None:
    spoken(stand, [utterance("word " * 40_000, 1, 5), utterance("Next.", 6, 7)])
    lines = lines_of(stand, FakeTranslator())
    assert len(lines) == 2
    assert len(lines[0].text) >= 200_000 - 1
    assert "line-too-long" in [flag.code for flag in stand.flags]


@pytest.mark.parametrize("text", ["שלום, עולם! מה שלומך?", "مرحبا يا صديقي. كيف حالك؟", "👩\u200d🚀 🎬!", "…", "?!"])
def test_right_to_left_text_and_emoji_stay_letter_for_letter(text: str, stand: Stand, tmp_path: Path) -> None:
    spoken(stand, SAID[:1])
    line = {"start": "1", "end": "2", "text": text}
    (tmp_path / "film.json").write_text(json.dumps({"lines": [line]}), encoding="utf-8")
    bring_script(tmp_path, "ar", tmp_path / "film.json")
    bring_script(tmp_path, "es", tmp_path / "film.json")
    assert [line.text for line in lines_of(stand, HumanTranslator())] == [text]


def llm(monkeypatch: pytest.MonkeyPatch, answer: Callable[[], httpx.Response]) -> LlmTranslator:
    monkeypatch.setattr(httpx, "post", lambda *_, **__: answer())
    return LlmTranslator(endpoint="http://127.0.0.1:9/v1", model="small", pause=0.0, tries=2)


def ask(engine: LlmTranslator, count: int = 2) -> list[tuple[str, list[str]]]:
    lines = [SourceLine(f"line-{n}", f"Words {n}.", 2.0) for n in range(count)]
    made = engine.translate(lines, source="en", target="es", glossary={}, progress=lambda share: None)
    assert [one.id for one in made] == [line.id for line in lines]
    return [(one.candidates[0].text, [flag.code for flag in one.flags]) for one in made]


def message(content: object) -> Callable[[], httpx.Response]:
    return lambda: httpx.Response(200, json={"choices": [{"message": {"content": content}}]})


@pytest.mark.parametrize(
    "content",
    [
        '{"lines": [{"id": "line-0", "texts": ["Uno."',
        '{"lines": [{"id": "line-0", "texts": ["Uno."]}, {"id": "line-0", "texts": ["Uno."]}]}',
        '{"lines": [{"id": "line-0", "texts": []}, {"id": "line-1", "texts": [""]}]}',
        '{"lines": null}',
        "{}",
        "",
        None,
        "Lo siento.",
    ],
)
def test_an_answer_that_is_half_wrong_in_count_or_nothing_keeps_every_line_and_is_flagged(
    content: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = ask(llm(monkeypatch, message(content)))
    assert [text for text, _ in found] == ["Words 0.", "Words 1."]
    assert all("untranslated" in codes for _, codes in found)


@pytest.mark.parametrize(
    "answer",
    [
        lambda: httpx.Response(200, text=""),
        lambda: httpx.Response(200, text="<html>busy</html>"),
        lambda: httpx.Response(200, json=[]),
        lambda: httpx.Response(200, json={"choices": []}),
        lambda: httpx.Response(200, json={"error": {"message": "no"}}),
    ],
)
def test_an_endpoint_that_is_none_is_a_clear_error(
    answer: Callable[[], httpx.Response], monkeypatch: pytest.MonkeyPatch
) -> None:
    error = refused(lambda: ask(llm(monkeypatch, answer)), "127.0.0.1")
    assert isinstance(error, PermanentError)
    assert error.hint


def test_a_connection_that_breaks_off_is_a_passing_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> httpx.Response:
        raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")

    assert isinstance(refused(lambda: ask(llm(monkeypatch, broken)), "127.0.0.1"), TransientError)
