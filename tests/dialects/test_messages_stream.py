"""The relay of Anthropic's streams, and a stream and a whole reply turned into each other."""

from itertools import pairwise
from typing import Any

import orjson
import pytest
from anthropic._streaming import SSEDecoder
from hypothesis import given, settings
from hypothesis import strategies as st

from quotadeck.dialects.messages.folding import to_stream, to_whole
from quotadeck.dialects.messages.reply import read_reply
from quotadeck.dialects.messages.stream import MessagesRelay
from quotadeck.domain.usage import Usage

END = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
USED = {"input_tokens": 12, "output_tokens": 34}
BEGUN = {"id": "msg_1", "type": "message", "role": "assistant", "content": []}


def event(kind: str, **more: object) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), orjson.dumps({"type": kind, **more}))


def delta(text: str = "hi") -> bytes:
    return event("content_block_delta", index=0, delta={"type": "text_delta", "text": text})


def stop(reason: str | None = "end_turn", **usage: int) -> bytes:
    return event("message_delta", delta={"stop_reason": reason}, usage=usage or USED)


START = event("message_start", message={**BEGUN, "usage": {**USED, "output_tokens": 1}})
WHOLE = START + event("ping") + delta("data: [DONE]\n\n") + delta("é🎉") + stop() + END


def relayed(stream: bytes, *, closes: bool = True) -> tuple[bytes, MessagesRelay]:
    relay = MessagesRelay()
    got = relay.feed(stream)
    return got + (relay.close() if closes else b""), relay


@settings(max_examples=60)
@given(st.lists(st.integers(1, len(WHOLE) - 1), max_size=6), st.sampled_from([b"\n", b"\r\n"]))
def test_a_stream_passes_however_it_is_cut_up(cuts: list[int], line_end: bytes) -> None:
    wire, relay, got = WHOLE.replace(b"\n", line_end), MessagesRelay(), b""
    bounds = [0, *sorted(cuts), len(wire)]
    for begin, end in pairwise(bounds):
        got += relay.feed(wire[begin:end])
    assert got + relay.terminal(None) == WHOLE
    assert (relay.done, relay.usage, relay.deltas) == (True, Usage(12, 0, 34), 2)
    read = [one for one in SSEDecoder().iter_bytes(iter([got + relay.terminal("0.5")])) if one.data]
    assert read[-1].event == "message_stop"
    assert len(read) == 6


def test_a_stream_cut_anywhere_is_whole_only_with_its_reason_to_stop() -> None:
    for cut in range(1, len(WHOLE) - 1):
        _, relay = relayed(WHOLE[:cut])
        assert relay.done == (cut >= len(WHOLE) - len(END) - 2)
        assert not relay.broken
        usage = relay.usage
        assert relay.done or usage is None or usage.is_estimate or usage.output_tokens == 34


def test_a_cut_streams_beginning_tells_its_input_and_the_rest_is_estimated() -> None:
    _, relay = relayed(START + delta() + delta() + delta())
    assert (relay.done, relay.usage) == (False, Usage(12, 0, 3, is_estimate=True))
    assert relay.begun


@pytest.mark.parametrize(
    "sent",
    [
        b": keep-alive\n\n",
        b"retry: 3000\n\n",
        b"data: : keep-alive\n\n",
        b"data: [DONE]\n\n",
        b"event: ping\n\n",
    ],
)
def test_what_dispatches_nothing_ends_no_block(sent: bytes) -> None:
    got, relay = relayed(sent + WHOLE)
    assert relay.done
    assert b"\n\n\n" not in got
    assert not got.startswith(b"\n")


@pytest.mark.parametrize(
    "sent", [event("ping"), event("new_kind", more={"x": 1}), b'event: x\ndata: "text"\n\n']
)
def test_events_that_nobody_knows_pass(sent: bytes) -> None:
    got, relay = relayed(sent + WHOLE)
    assert got.startswith(sent)
    assert relay.done


def test_an_event_without_a_name_gets_its_types() -> None:
    nameless = b'data: {"type":"content_block_stop","index":0}\n\n'
    got, _ = relayed(nameless)
    assert got == b"event: content_block_stop\n" + nameless


@pytest.mark.parametrize(
    ("sent", "message", "kind", "status"),
    [
        (
            event("error", error={"type": "overloaded_error", "message": "Busy"}),
            "Busy",
            "overloaded_error",
            529,
        ),
        (b'data: {"type":"error","error":{"message":"Busy"}}\n\n', "Busy", "", 0),
        (b"event: error\ndata: Busy\n\n", "Busy", "", 0),
        (b'event: message\ndata: {"error":{"message":"Busy","code":503}}\n\n', "Busy", "", 503),
    ],
)
def test_an_error_is_one_however_it_is_told(
    sent: bytes, message: str, kind: str, status: int
) -> None:
    got, relay = relayed(START + sent + WHOLE)
    assert got == START
    assert relay.error is not None
    assert (relay.error.message, relay.error.kind, relay.error.status) == (message, kind, status)
    assert not relay.done


def test_an_event_that_is_no_json_breaks_it() -> None:
    got, relay = relayed(START + b"event: x\ndata: {\n\n" + WHOLE, closes=False)
    assert (got, relay.broken) == (START, "it sent an event that is not JSON")


def test_what_a_stream_made_is_known() -> None:
    block = {"type": "bash_code_execution_tool_result", "content": {"content": [{"file_id": "f"}]}}
    ended = {"stop_reason": "end_turn", "container": {"id": "c"}}
    stream = START + event("content_block_start", index=0, content_block=block)
    _, relay = relayed(stream + event("message_delta", delta=ended, usage=USED) + END)
    assert relay.made == (("file", "f"), ("container", "c"))


BLOCKS: tuple[dict[str, Any], ...] = (
    {"type": "text", "text": "abc"},
    {"type": "text", "text": "abc", "citations": [{"type": "char_location", "cited_text": "a"}]},
    {"type": "thinking", "thinking": "hm", "signature": "Eq"},
    {"type": "redacted_thinking", "data": "xyz"},
    {"type": "tool_use", "id": "t", "name": "note", "input": {"at": [1, {"b": "é"}]}},
    {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}},
    {"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"url": "u"}]},
    {"type": "compaction", "content": "In short."},
)


@settings(max_examples=60)
@given(st.lists(st.sampled_from(BLOCKS), max_size=5), st.booleans())
def test_a_reply_told_as_a_stream_and_folded_is_itself(
    blocks: list[dict[str, Any]], cached: bool
) -> None:
    more = {"cache_read_input_tokens": 9, "service_tier": "priority"}
    usage = {**USED, **(more if cached else {})}
    ends = {"stop_reason": "end_turn", "stop_sequence": None}
    whole = {**BEGUN, "content": blocks, **ends, "usage": usage}
    read = read_reply(orjson.dumps(whole))
    events = to_stream(orjson.dumps(whole))
    got, relay = relayed(events)
    assert got + relay.terminal(None) == events
    assert relay.done
    assert (relay.usage, relay.response_id) == (read.usage, read.response_id)
    assert orjson.loads(to_whole(got)) == whole
    assert read_reply(to_whole(got)).usage == read.usage
