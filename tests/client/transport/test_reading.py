"""Replies read in passing: the bytes go on as they came, wherever the network cuts them."""

import gzip
import sys
import zlib
from typing import Any

import brotli
import orjson
import pytest
import zstandard

from quotadeck.client.transport.paths import endpoint_of
from quotadeck.client.transport.reading import Events, Followed, OwnUsage, Reading, reading_of
from quotadeck.domain.usage import Usage
from tests.dialects.forms import FORMS, data

STREAMED = [name for name in ("chat", "completions", "responses", "messages") if FORMS[name].stream]


def reading(name: str, kind: str, coding: str = "", *, own_usage: bool = False) -> Reading:
    found = endpoint_of(FORMS[name].path)
    assert found
    asked = FORMS[name].asked | ({"stream": True} if "event" in kind else {})
    ask = found.dialect.parse(found.path, orjson.dumps(asked), {})
    headers = {"content-type": kind, "content-encoding": coding}
    return reading_of(found.dialect, ask, headers, own_usage=own_usage)


def through(one: Reading, body: bytes, size: int) -> bytes:
    passed = b"".join(one.feed(body[at : at + size]) for at in range(0, len(body), size))
    return passed + one.end()


@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize("name", STREAMED)
def test_a_stream_passes_and_is_read(name: str, size: int) -> None:
    one = reading(name, "text/event-stream")
    assert through(one, FORMS[name].stream, size) == FORMS[name].stream
    usage = one.spent().usage
    assert usage is not None
    assert usage[:3] == (12, 0, 34)


@pytest.mark.parametrize("name", ["chat", "completions", "responses", "messages"])
def test_a_whole_reply_passes_and_is_read(name: str) -> None:
    body = orjson.dumps(FORMS[name].whole)
    one = reading(name, "application/json")
    assert through(one, body, 5) == body
    assert (one.spent().usage or Usage()).total == 46


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("br", brotli.compress),
        ("zstd", zstandard.ZstdCompressor().compress),
    ],
)
def test_what_is_packed_is_read_beside(coding: str, packed: object) -> None:
    assert callable(packed)
    body = packed(FORMS["chat"].stream)
    one = reading("chat", "text/event-stream", coding, own_usage=True)
    assert through(one, body, 9) == body
    assert (one.spent().usage or Usage()).total == 46


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "nobody-knows"])
def test_what_cannot_be_unpacked_passes_too(coding: str) -> None:
    one = reading("chat", "application/json", coding)
    assert through(one, b"{no such thing}", 4) == b"{no such thing}"
    assert one.spent().usage is None


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_usage_that_nobody_asked_for_is_kept_back(size: int) -> None:
    *_, told, _, _ = FORMS["chat"].stream.split(b"\n\n")
    assert b"usage" in told
    one = reading("chat", "text/event-stream", own_usage=True)
    assert isinstance(one, OwnUsage)
    assert through(one, FORMS["chat"].stream, size) == FORMS["chat"].stream.replace(
        told + b"\n\n", b""
    )
    assert (one.spent().usage or Usage()).total == 46


@pytest.mark.parametrize(
    "end", [b"", data({"error": {"message": "no more"}}), b"data: {no JSON}\n\n"]
)
def test_a_stream_that_ends_early_passes_as_it_came(end: bytes) -> None:
    begin = FORMS["chat"].stream.split(b"\n\n")[0] + b"\n\n"
    for own_usage in (False, True):
        one = reading("chat", "text/event-stream", own_usage=own_usage)
        assert through(one, begin + end, 3) == begin + end
        spent = one.spent()
        assert (spent.usage, spent.output_tokens) == (None, 1)


def test_an_event_that_is_cut_in_two_is_not_made_whole() -> None:
    begin = FORMS["chat"].stream.split(b"\n\n")[0] + b"\n\n"
    one = reading("chat", "text/event-stream", own_usage=True)
    assert through(one, begin + b'data: {"id": "i", "cho', 6) == begin + b'data: {"id": "i", "cho'


class _Trips:
    """A relay of a dialect that has a fault: it cannot bear the third event."""

    ended = done = False
    broken = ""
    error = usage = None
    deltas = 0

    def feed(self, chunk: bytes) -> bytes:
        self.deltas += 1
        if self.deltas == 3:
            raise KeyError("choices")
        return chunk

    def close(self) -> None:
        raise KeyError("choices")


@pytest.mark.parametrize("kind", [lambda relay: Events(relay, ""), OwnUsage])
def test_a_stream_passes_where_its_dialect_trips(kind: Any, caplog: Any) -> None:
    body = FORMS["chat"].stream
    one = kind(Followed(_Trips()))  # type: ignore[arg-type]
    assert through(one, body, 50) == body
    assert one.spent().usage is None
    assert "reading a stream failed" in caplog.text


def test_what_no_library_unpacks_here_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "brotli", None)
    one = reading("chat", "application/json", "br")
    assert through(one, b"packed", 4) == b"packed"
    assert one.spent().usage is None
