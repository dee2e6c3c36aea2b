"""The relay of a stream: the client's bytes, our usage, whatever way the network cuts it up."""

import json
from dataclasses import dataclass
from itertools import pairwise

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.gateway import sse
from console.gateway.sse import EventTooLong, OpenAIRelay, cost_comment, error_event
from console.gateway.usage import Usage

USAGE = {"prompt_tokens": 12, "completion_tokens": 34, "total_tokens": 46}
DONE = b"data: [DONE]\n\n"


def delta(text: str = "hello", **more: object) -> dict[str, object]:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [choice], **more}


def usage_chunk(usage: object = USAGE) -> dict[str, object]:
    return {"id": "chatcmpl-1", "choices": [], "usage": usage}


def event(chunk: object) -> bytes:
    return b"data: " + orjson.dumps(chunk) + b"\n\n"


def relayed(stream: bytes, *, include_usage: bool = False) -> tuple[bytes, OpenAIRelay]:
    relay = OpenAIRelay(include_usage=include_usage)
    return relay.feed(stream), relay


@dataclass(frozen=True, slots=True)
class Sent:
    """One event as the upstream writes it, and whether the client should see it."""

    wire: bytes
    ours: bool = False
    """The usage chunk: it is there because we asked for it."""


# Text that looks like framing, the end, an error or usage must not be taken for it.
TEXTS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            "data: [DONE]",
            "data:",
            '"usage":{"prompt_tokens":9}',
            '{"error":1}',
            "\r\n\r\n",
            "日本語🎉",
        ]
    ),
)


@st.composite
def events(draw: st.DrawFn) -> Sent:
    kind = draw(st.sampled_from(["delta", "delta", "delta", "comment", "usage", "first", "named"]))
    if kind == "comment":
        return Sent(b": keep-alive\n\n")
    if kind == "first":
        return Sent(b'data: {"id":"","choices":[],"prompt_filter_results":[]}\n\n')
    nulls = draw(st.sampled_from([{}, {"usage": None}, {"error": None}]))
    chunk = usage_chunk() if kind == "usage" else delta(draw(TEXTS), **nulls)
    compact = orjson.dumps(chunk)
    spaced = json.dumps(chunk, ensure_ascii=draw(st.booleans())).encode()
    data = draw(st.sampled_from([compact, spaced]))
    prefix = draw(st.sampled_from([b"data: ", b"data:"]))
    name = b"event: message\nid: 7\n" if kind == "named" else b""
    if draw(st.booleans()) and data == spaced:
        head, comma, tail = data.partition(b", ")
        data = head + comma.rstrip() + b"\n" + prefix + tail if comma else data
    return Sent(name + prefix + data + b"\n\n", ours=kind == "usage")


@st.composite
def cut_up(draw: st.DrawFn) -> tuple[list[Sent], list[bytes]]:
    """A whole stream, and the same bytes as they may arrive: cut anywhere, in LF or in CRLF."""
    sent = draw(st.lists(events(), max_size=12))
    wire = b"".join(one.wire for one in sent) + DONE
    if draw(st.booleans()):
        wire = wire.replace(b"\n", b"\r\n")
    cuts = draw(st.lists(st.integers(0, len(wire)), max_size=60))
    if draw(st.booleans()):
        cuts = list(range(len(wire)))
    return sent, [wire[a:b] for a, b in pairwise([0, *sorted(cuts), len(wire)])]


@given(cut_up(), st.booleans())
def test_client_gets_every_event_but_our_usage_and_the_end_however_it_is_cut(
    stream: tuple[list[Sent], list[bytes]], include_usage: bool
) -> None:
    sent, chunks = stream
    relay = OpenAIRelay(include_usage=include_usage)
    got = b"".join(relay.feed(chunk) for chunk in chunks)
    assert got == b"".join(one.wire for one in sent if include_usage or not one.ours)
    assert relay.done
    assert relay.error is None
    assert relay.usage == (Usage(12, 0, 34) if any(one.ours for one in sent) else None)


@given(cut_up())
def test_nothing_is_held_back_once_its_event_is_whole(
    stream: tuple[list[Sent], list[bytes]],
) -> None:
    _, chunks = stream
    relay, seen, got = OpenAIRelay(include_usage=True), b"", b""
    for chunk in chunks:
        seen += chunk
        got += relay.feed(chunk)
        whole, empty_line, _ = seen.replace(b"\r\n", b"\n").rpartition(b"\n\n")
        assert got == (whole + empty_line).removesuffix(DONE)


def test_end_is_kept_back_for_us_to_send() -> None:
    got, relay = relayed(event(delta()) + DONE)
    assert got == event(delta())
    assert relay.done


@pytest.mark.parametrize("tail", [b"data: [DONE]", b"data: [DONE]\n", b"data:[DONE]\r\n"])
def test_end_without_its_empty_line_is_an_end(tail: bytes) -> None:
    got, relay = relayed(event(delta()) + tail)
    assert not relay.done
    relay.close()
    assert got == event(delta())
    assert relay.done


@pytest.mark.parametrize("tail", [b"", b"data: [DO", b'data: {"choices":', b": [DONE]"])
def test_stream_that_just_stops_has_no_end(tail: bytes) -> None:
    _, relay = relayed(event(delta()) + tail)
    relay.close()
    assert not relay.done


def test_last_usage_is_believed_where_each_chunk_carries_one() -> None:
    running = [delta(usage={"prompt_tokens": 5, "completion_tokens": n}) for n in (1, 2, 3)]
    wire = b"".join(map(event, running))
    got, relay = relayed(wire)
    assert got == wire  # they carry text too: not ours to take away
    assert relay.usage == Usage(5, 0, 3)


def test_usage_that_cannot_be_believed_does_not_replace_one_that_can() -> None:
    wire = event(usage_chunk()) + event(usage_chunk({"prompt_tokens": -1}))
    got, relay = relayed(event(delta()) + wire)
    assert relay.usage == Usage(12, 0, 34)
    assert got == event(delta())


def test_error_in_the_stream_is_ours_to_tell() -> None:
    error = {"message": "overloaded", "type": "server_error"}
    got, relay = relayed(event(delta()) + event({"error": error}))
    assert got == event(delta())
    assert relay.error == error
    assert not relay.done


def test_text_of_an_error_in_an_answer_is_no_error() -> None:
    got, relay = relayed(event(delta('{"error": {"message": "x"}}')) * 2)
    assert relay.error is None
    assert got == event(delta('{"error": {"message": "x"}}')) * 2


def test_deltas_are_counted_for_streams_without_usage() -> None:
    _, relay = relayed(event(delta()) * 7 + b": ping\n\n" + DONE)
    assert relay.usage is None
    assert relay.deltas == 7


def test_response_id_is_learned_and_made_safe() -> None:
    _, relay = relayed(event(delta(id="chatcmpl-\x1b]52;c;aGk=\x07" + "x" * 500)))
    assert relay.response_id.startswith("chatcmpl-\ufffd]52;c;aGk=\ufffdx")
    assert len(relay.response_id) == 200


def test_what_is_no_json_passes_as_it_came() -> None:
    wire = b"data: <html>\n\nevent: ping\ndata: [1,2]\n\nretry: 10\n\n"
    got, relay = relayed(wire)
    assert got == wire
    assert not relay.done


def test_null_error_is_none() -> None:
    wire = event({"object": "ping", "error": None})
    assert relayed(wire)[0] == wire


def test_lone_carriage_return_is_kept_wherever_the_cut_falls() -> None:
    wire = b": a\rb\r\n\r\n"
    for at in range(len(wire) + 1):
        relay = OpenAIRelay(include_usage=False)
        assert relay.feed(wire[:at]) + relay.feed(wire[at:]) == b": a\rb\n\n"


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_event_without_end_is_given_up_soon_after_the_cap(
    monkeypatch: pytest.MonkeyPatch, line_end: bytes
) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 1_000)
    relay = OpenAIRelay(include_usage=False)
    chunk = b"data: " + b"x" * 92 + line_end
    for _ in range(10):
        assert relay.feed(chunk[:100]) == b""
    with pytest.raises(EventTooLong):
        relay.feed(chunk)


def test_long_stream_of_short_events_is_no_long_event(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 1_000)
    relay = OpenAIRelay(include_usage=False)
    wire = event(delta()) * 100
    got = b"".join(relay.feed(wire[at : at + 900]) for at in range(0, len(wire), 900))
    assert got == wire


def test_our_own_events_are_well_formed() -> None:
    assert cost_comment("0.00123") == b": cost-usd 0.00123\n\n"
    assert error_event(b'{"error":{}}') == b'data: {"error":{}}\n\n'
