"""mt.llm against a server on this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from dubsync.backends.mt_llm import BadAnswer, LlmTranslator, parse
from dubsync.backends.protocols import SourceLine, TranslatedLine, Translator
from dubsync.errors import PermanentError, TransientError

Answer = tuple[int, str, Mapping[str, str]]
NOTHING: Mapping[str, str] = {}


class Server:
    """An endpoint that keeps what it was asked and answers as `reply` says."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.reply: Callable[[dict[str, Any]], Answer] = good
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_port}/v1"

    def question(self, number: int) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.asked[number]["messages"][1]["content"])
        return found

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                server.asked.append(body)
                server.keys.append(self.headers.get("authorization"))
                status, text, headers = server.reply(body)
                raw = text.encode()
                self.send_response(status)
                for name, value in {"content-length": str(len(raw)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def said(content: str) -> Answer:
    return 200, json.dumps({"choices": [{"message": {"content": content}}]}), {}


def lines_of(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(body["messages"][1]["content"])["lines"]
    return found


def good(body: Mapping[str, Any]) -> Answer:
    rows = [{"id": row["id"], "texts": [f"es {row['text']}", "corto"]} for row in lines_of(body)]
    return said(json.dumps({"lines": rows}))


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.http.shutdown()
    made.http.server_close()


def translated(
    server: Server, *texts: str, glossary: Mapping[str, str] = NOTHING, **options: Any
) -> tuple[TranslatedLine, ...]:
    engine = LlmTranslator(endpoint=server.url, model="small", **{"pause": 0.0, "timeout": 5.0, **options})
    assert isinstance(engine, Translator)
    lines = [SourceLine(f"line-{n}", text, 2.0, "speaker-a") for n, text in enumerate(texts)]
    return engine.translate(lines, source="en", target="es", glossary=glossary, progress=lambda share: None)


def test_lines_come_back_in_order_with_their_candidates(server: Server) -> None:
    found = translated(server, "One.", "Two.", "Three.", batch=2)
    assert [line.id for line in found] == ["line-0", "line-1", "line-2"]
    assert [one.text for one in found[2].candidates] == ["es Three.", "corto"]
    assert [flag.code for line in found for flag in line.flags] == ["draft-translation"]


def test_the_model_is_told_what_can_be_read_of_lines_that_are_shown(server: Server) -> None:
    engine = LlmTranslator(endpoint=server.url, model="small", pause=0.0, timeout=5.0)
    lines = [SourceLine("line-0", "One.", 1.0, characters=17)]
    engine.translate(lines, source="en", target="es", glossary={}, progress=lambda share: None)
    (asked,) = server.question(0)["lines"]
    assert asked["characters"] == 17
    assert "syllables" not in asked
    assert "for subtitles" in server.asked[0]["messages"][0]["content"]


def test_the_model_is_told_who_speaks_the_time_the_glossary_and_what_was_said_before(server: Server) -> None:
    translated(server, "The ring.", "Two.", glossary={"ring": "ring", "crown": "corona"}, batch=1)
    first, second = server.question(0), server.question(1)
    assert first["glossary"] == {"ring": "ring"}
    assert first["lines"][0]["speaker"] == "speaker-a"
    assert 8 <= first["lines"][0]["syllables"] <= 16
    assert second["said_before"] == [{"text": "The ring.", "translation": "es The ring."}]
    assert "English to Spanish" in server.asked[0]["messages"][0]["content"]


def test_the_model_is_told_how_each_speaker_speaks_and_only_if_somebody_said(server: Server) -> None:
    translated(server, "One.")
    engine = LlmTranslator(endpoint=server.url, model="small", pause=0.0, timeout=5.0)
    lines = [SourceLine("a", "One.", 2.0, "x", address="formal", gender="female"), SourceLine("b", "Two.", 2.0)]
    engine.translate(lines, source="en", target="es", glossary={}, progress=lambda share: None)
    plain, told = (asked["messages"][0]["content"] for asked in server.asked)
    assert "usted" not in plain
    assert "usted" in told
    assert not {"address", "gender"} & set(server.question(0)["lines"][0])
    first, second = server.question(1)["lines"]
    assert (first["address"], first["gender"]) == ("formal", "female")
    assert not {"address", "gender"} & set(second)
    assert set(engine.capabilities.honours) == {"address", "gender"}


def test_the_key_comes_from_the_environment_only(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    translated(server, "One.")
    monkeypatch.setenv("DUBSYNC_LLM_KEY", "secret-key")
    translated(server, "One.")
    assert server.keys == [None, "Bearer secret-key"]


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_what_may_pass_is_tried_again(server: Server, status: int) -> None:
    answers = iter([(status, "busy", {"retry-after": "0"}), (status, "busy", {})])
    server.reply = lambda body: next(answers, None) or good(body)
    assert translated(server, "One.")[0].candidates[0].text == "es One."
    assert len(server.asked) == 3


@pytest.mark.parametrize("status", [400, 401, 404, 422])
def test_a_refusal_is_not_tried_again_and_does_not_show_the_key(
    server: Server, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUBSYNC_LLM_KEY", "secret-key")
    server.reply = lambda body: (status, "no such thing", {})
    with pytest.raises(PermanentError, match=f"HTTP {status} no such thing") as raised:
        translated(server, "One.")
    assert len(server.asked) == 1
    assert "secret-key" not in raised.value.message + raised.value.hint
    assert raised.value.hint


def test_an_endpoint_that_is_away_is_a_passing_error(server: Server) -> None:
    server.http.shutdown()
    server.http.server_close()
    with pytest.raises(TransientError, match="asked 2 times"):
        translated(server, "One.", tries=2)


def test_an_endpoint_that_speaks_otherwise_is_an_error(server: Server) -> None:
    server.reply = lambda body: (200, "<html>hello</html>", {})
    with pytest.raises(PermanentError, match="not as an OpenAI-compatible endpoint"):
        translated(server, "One.")


def test_half_a_json_object_is_asked_for_again_with_the_reason(server: Server) -> None:
    answers = iter([said('{"lines": [{"id": "line-0", "te')])
    server.reply = lambda body: next(answers, None) or good(body)
    assert translated(server, "One.")[0].candidates[0].text == "es One."
    assert "cannot be used" in server.asked[1]["messages"][-1]["content"]


def test_a_wrong_count_is_asked_for_in_halves_until_every_line_is_there(server: Server) -> None:
    def forgetful(body: dict[str, Any]) -> Answer:
        rows = [{"id": row["id"], "texts": ["es"]} for row in lines_of(body)]
        return said(json.dumps({"lines": rows[:2]}))

    server.reply = forgetful
    found = translated(server, *"abcde", batch=5)
    assert [line.id for line in found] == [f"line-{n}" for n in range(5)]
    assert not [flag for line in found for flag in line.flags if flag.code == "untranslated"]


def test_a_line_that_never_comes_back_keeps_its_text_and_is_flagged(server: Server) -> None:
    def stubborn(body: dict[str, Any]) -> Answer:
        rows = [{"id": row["id"], "texts": ["es"]} for row in lines_of(body) if row["text"] != "Bad."]
        return said(json.dumps({"lines": rows}))

    server.reply = stubborn
    found = translated(server, "Good.", "Bad.", "Fine.")
    assert [line.candidates[0].text for line in found] == ["es", "Bad.", "es"]
    assert [flag.code for flag in found[1].flags] == ["untranslated"]


def test_a_model_that_answers_nothing_usable_is_given_up(server: Server) -> None:
    server.reply = lambda body: said("I cannot do that.")
    with pytest.raises(PermanentError, match="no usable answer for 3 lines"):
        translated(server, *"abcdefgh")
    assert len(server.asked) < 20


def test_a_candidate_that_keeps_the_glossary_comes_first_and_a_miss_is_flagged(server: Server) -> None:
    server.reply = lambda body: said('{"lines": [{"id": "line-0", "texts": ["el aro", "el anillo"]}]}')
    (line,) = translated(server, "the ring", glossary={"ring": "anillo"})
    assert [one.text for one in line.candidates] == ["el anillo", "el aro"]
    (line,) = translated(server, "the ring", glossary={"ring": "sortija"})
    assert [flag.code for flag in line.flags] == ["draft-translation", "glossary-missed"]


def test_an_answer_may_be_wrapped_in_prose_or_a_fence() -> None:
    fenced = 'Sure:\n```json\n{"lines": [{"id": "a", "texts": "hola"}]}\n```'
    assert parse(fenced, ["a"]) == {"a": ("hola",)}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", "no JSON"),
        ('{"lines": []}', "0 came"),
        ('{"lines": [{"id": "a", "texts": []}]}', "no text for"),
        ('{"lines": [{"id": "a", "texts": ["x"]}, {"id": "a", "texts": ["y"]}]}', "2 came"),
        ('{"lines": [{"id": "b", "texts": ["x"]}]}', "unknown"),
        ('{"rows": 1}', "not of the form"),
        ('{"lines": 5}', "not of the form"),
    ],
)
def test_an_answer_that_is_not_whole_says_why(answer: str, reason: str) -> None:
    with pytest.raises(BadAnswer, match=reason):
        parse(answer, ["a"])
