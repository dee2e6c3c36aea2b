"""The relay of a stream: the client's events, our usage, whatever the upstream's habits are."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai._streaming import ServerSentEvent, SSEDecoder

from quotadeck.dialects.base import UpstreamSaid
from quotadeck.dialects.openai.stream import OpenAIRelay, error_event
from quotadeck.domain import sse
from quotadeck.domain.usage import Usage

USAGE = {"prompt_tokens": 12, "completion_tokens": 34, "total_tokens": 46}
DONE = b"data: [DONE]\n\n"
END = b": cost-usd 0.5\n" + DONE


def delta(text: str = "hello", **more: object) -> dict[str, object]:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [choice], **more}


def finish(index: int = 0, reason: str = "stop", **more: object) -> dict[str, object]:
    choice = {"index": index, "delta": {}, "finish_reason": reason, **more}
    return {"id": "chatcmpl-1", "choices": [choice]}


def usage_chunk(usage: object = USAGE) -> dict[str, object]:
    return {"id": "chatcmpl-1", "choices": [], "usage": usage}


def event(chunk: object) -> bytes:
    return b"data: " + orjson.dumps(chunk) + b"\n\n"


def relayed(stream: bytes, *, include_usage: bool = False) -> tuple[bytes, OpenAIRelay]:
    relay = OpenAIRelay(include_usage=include_usage)
    return relay.feed(stream), relay


def read_by_sdk(stream: bytes) -> list[ServerSentEvent]:
    return list(SSEDecoder().iter_bytes(iter([stream])))


@dataclass(frozen=True, slots=True)
class Sent:
    """One block as the upstream writes it, its data, and whether the client should see it."""

    wire: bytes
    data: str = ""
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
SILENT = [
    b": keep-alive\n\n",
    b"retry: 3000\n\n",
    b"id: 9\n\n",
    b"event: ping\n\n",
    b"data\n\n",
    b"data: : keep-alive\n\n",
    b"\n",
    b": one\n: two\n",
]


@st.composite
def events(draw: st.DrawFn) -> Sent:
    kind = draw(st.sampled_from(["delta", "delta", "delta", "silent", "usage", "first", "named"]))
    if kind == "silent":
        return Sent(draw(st.sampled_from(SILENT)))
    nulls = draw(st.sampled_from([{}, {"usage": None}, {"error": None}]))
    chunk: dict[str, object] = delta(draw(TEXTS), **nulls)
    if kind == "usage":
        chunk = usage_chunk()
    elif kind == "first":
        chunk = {"id": "", "choices": [], "prompt_filter_results": []}
    compact = orjson.dumps(chunk).decode()
    spaced = json.dumps(chunk, ensure_ascii=draw(st.booleans()))
    data = draw(st.sampled_from([compact, spaced]))
    prefix = draw(st.sampled_from(["data: ", "data:"]))
    name = "event: message\nid: 7\n" if kind == "named" else ""
    if draw(st.booleans()) and data == spaced:
        head, comma, tail = data.partition(", ")
        data = head + comma.rstrip() + "\n" + tail if comma else data
    written = prefix + data.replace("\n", "\n" + prefix)
    return Sent((name + written + "\n\n").encode(), data, ours=kind == "usage")


@st.composite
def cut_up(draw: st.DrawFn, most: int = 12) -> tuple[list[Sent], list[bytes]]:
    """A whole stream, and the same bytes as they may arrive: cut anywhere, in any line ends."""
    sent = draw(st.lists(events(), max_size=most))
    head = draw(st.sampled_from([b"", b"id: 1\n", b": last\nretry: 5\n", b"event: done\n"]))
    wire = b"".join(one.wire for one in sent) + head + DONE
    wire = wire.replace(b"\n", draw(st.sampled_from([b"\n", b"\r\n", b"\r"])))
    wire = draw(st.sampled_from([b"", b"\xef\xbb\xbf"])) + wire
    cuts = draw(st.lists(st.integers(0, len(wire)), max_size=60))
    if draw(st.booleans()):
        cuts = list(range(len(wire)))
    return sent, [wire[a:b] for a, b in pairwise([0, *sorted(cuts), len(wire)])]


@given(cut_up(), st.booleans())
def test_client_gets_every_event_but_our_usage_however_it_is_cut(
    stream: tuple[list[Sent], list[bytes]], include_usage: bool
) -> None:
    sent, chunks = stream
    relay = OpenAIRelay(include_usage=include_usage)
    got = b"".join(relay.feed(chunk) for chunk in chunks)
    assert relay.done
    assert relay.error is None
    assert relay.usage == (Usage(12, 0, 34) if any(one.ours for one in sent) else None)
    wanted = [one.data for one in sent if one.data and (include_usage or not one.ours)]
    if not include_usage:
        wanted = [re.sub(', ?"usage": ?null', "", data) for data in wanted]
    seen = read_by_sdk(got + relay.terminal("0.5"))
    assert [one.data for one in seen] == [*wanted, "[DONE]"]
    assert seen[-1].event in (None, "done")


@pytest.mark.parametrize("dumped", [orjson.dumps, lambda chunk: json.dumps(chunk).encode()])
def test_who_has_not_asked_for_usage_sees_no_promise_of_it(
    dumped: Callable[[object], bytes],
) -> None:
    said = 'the words ,"usage":null are no promise'
    sent = b"data: " + dumped(delta(said, usage=None)) + b"\n\n"
    [seen] = read_by_sdk(OpenAIRelay(include_usage=False).feed(sent))
    assert orjson.loads(seen.data) == delta(said)
    assert OpenAIRelay(include_usage=True).feed(sent) == sent


@settings(deadline=None)  # quadratic
@given(cut_up(most=3))
def test_nothing_is_held_back_once_its_event_is_whole(
    stream: tuple[list[Sent], list[bytes]],
) -> None:
    _, chunks = stream
    relay, seen, got = OpenAIRelay(include_usage=True), b"", b""
    for chunk in chunks:
        seen += chunk
        got += relay.feed(chunk)
        assert got == OpenAIRelay(include_usage=True).feed(seen)


def test_end_is_kept_back_for_us_to_send() -> None:
    got, relay = relayed(event(delta()) + DONE)
    assert got == event(delta())
    assert relay.done
    assert relay.terminal("0.5") == END


def test_cost_stands_in_the_block_of_the_end_with_what_the_upstream_said_there() -> None:
    _, relay = relayed(b": bye\nevent: done\nid: 7\nretry: 5\ndata:[DONE]\n\n")
    assert relay.terminal("0.5") == (
        b": cost-usd 0.5\nevent: done\n: bye\nid: 7\nretry: 5\ndata: [DONE]\n\n"
    )


def test_what_follows_the_end_is_of_no_use() -> None:
    got, relay = relayed(event(delta()) + DONE + event(delta()) + b"data: <html>\n\n")
    assert got == event(delta())
    assert (relay.done, relay.broken) == (True, "")


@pytest.mark.parametrize("tail", [b"data: [DONE]", b"data: [DONE]\n", b"data:[DONE]\r\n"])
def test_end_without_its_empty_line_is_an_end(tail: bytes) -> None:
    got, relay = relayed(event(delta()) + tail)
    assert not relay.done
    assert relay.close() == b""
    assert got == event(delta())
    assert relay.done


@pytest.mark.parametrize("tail", [b"", b"data: [DO", b'data: {"choices":', b": [DONE]"])
def test_stream_that_just_stops_has_no_end(tail: bytes) -> None:
    _, relay = relayed(event(delta()) + tail)
    relay.close()
    assert not relay.ended


def test_last_event_without_its_empty_line_counts_if_it_is_whole() -> None:
    _, relay = relayed(event(delta()) + event(usage_chunk()).rstrip())
    assert relay.close() == b""
    assert relay.usage == Usage(12, 0, 34)
    _, relay = relayed(event(delta()).rstrip())
    assert relay.close() == event(delta())
    _, relay = relayed(event({"error": {"message": "overloaded"}}).rstrip())
    relay.close()
    assert relay.error == UpstreamSaid("overloaded", "", None, None)


@pytest.mark.parametrize("tail", [b"", event(usage_chunk()), b": ping\n\n", b"data: [DO"])
def test_answer_that_gave_its_reason_to_finish_is_whole_without_an_end(tail: bytes) -> None:
    _, relay = relayed(event(delta()) + event(finish()) + tail)
    relay.close()
    assert relay.done
    assert relay.terminal("0.5") == END


def test_answer_is_whole_only_when_its_every_choice_has_finished() -> None:
    other = {"choices": [{"index": 1, "delta": {"content": "more"}}]}
    _, half = relayed(event(delta()) + event(other) + event(finish(0)))
    _, both = relayed(event(delta()) + event(other) + event(finish(0)) + event(finish(1)))
    for relay in (half, both):
        relay.close()
    assert (half.done, both.done) == (False, True)


def test_greatest_of_each_figure_is_believed_where_many_chunks_carry_one() -> None:
    running = [
        delta(usage={"prompt_tokens": prompt, "completion_tokens": output, "total_tokens": total})
        for prompt, output, total in ((0, 0, 5), (5, 1, 6), (5, 3, 8), (0, 0, 0))
    ]
    wire = b"".join(map(event, running))
    got, relay = relayed(wire)
    assert got == wire  # they carry text too: not ours to take away
    assert relay.usage == Usage(5, 0, 3)


def test_usage_that_cannot_be_believed_does_not_replace_one_that_can() -> None:
    wire = event(usage_chunk()) + event(usage_chunk({"prompt_tokens": -1}))
    got, relay = relayed(event(delta()) + wire)
    assert relay.usage == Usage(12, 0, 34)
    assert got == event(delta())


def test_usage_of_nothing_beside_an_answer_is_none() -> None:
    zeros = event(usage_chunk({"prompt_tokens": 0, "completion_tokens": 0}))
    assert relayed(event(delta()) + zeros)[1].usage is None
    assert relayed(event(delta("")) + zeros)[1].usage == Usage(0, 0, 0)


@pytest.mark.parametrize(
    ("chunk", "wanted"),
    [
        (finish(usage=USAGE), Usage(12, 0, 34)),
        ({**finish(), "x_groq": {"id": "r", "usage": USAGE}}, Usage(12, 0, 34)),
        ({**finish(), "x_groq": {"usage": None}}, None),
    ],
    ids=["in-the-choice", "beside-it", "null"],
)
def test_usage_is_found_where_providers_put_it(chunk: object, wanted: Usage | None) -> None:
    got, relay = relayed(event(delta()) + event(chunk))
    assert relay.usage == wanted
    assert got == event(delta()) + event(chunk)


OVERLOADED = {"message": "overloaded", "type": "server_error"}
TOLD = UpstreamSaid("overloaded", "server_error", None, None)


@pytest.mark.parametrize(
    ("wire", "error"),
    [
        (event({"error": OVERLOADED}), TOLD),
        (event({**finish(reason="error"), "error": OVERLOADED}), TOLD),
        (event({"choices": [], "error": OVERLOADED}), TOLD),
        (event(finish(reason="error")), UpstreamSaid("", "", None, None)),
        (event({"object": "error", **OVERLOADED}), TOLD),
        (b"event: error\n" + event({"error": OVERLOADED}), TOLD),
        (b"event: error\n" + event(OVERLOADED), TOLD),
        (b"event: error\ndata: overloaded\n\n", UpstreamSaid("overloaded", "", None, None)),
    ],
)
def test_error_in_the_stream_is_ours_to_tell(wire: bytes, error: UpstreamSaid) -> None:
    got, relay = relayed(event(delta()) + wire + DONE)
    assert got == event(delta())
    assert relay.error is not None
    assert relay.error[:4] == error[:4]
    assert not relay.done


def test_text_of_an_error_in_an_answer_is_no_error() -> None:
    got, relay = relayed(event(delta('{"error": {"message": "x"}}')) * 2)
    assert relay.error is None
    assert got == event(delta('{"error": {"message": "x"}}')) * 2


def test_deltas_are_counted_for_streams_without_usage() -> None:
    role = {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}
    _, relay = relayed(event(role) + event(delta()) * 7 + b": ping\n\n" + event(finish()) + DONE)
    assert relay.usage is None
    assert relay.deltas == 7


def test_response_id_is_learned_and_made_safe() -> None:
    _, relay = relayed(event(delta(id="chatcmpl-\x1b]52;c;aGk=\x07" + "x" * 500)))
    assert relay.response_id.startswith("chatcmpl-\ufffd]52;c;aGk=\ufffdx")
    assert len(relay.response_id) == 200


@pytest.mark.parametrize(
    "data",
    [
        b"[1,2]",
        b"null",
        b'{"object": "ping", "error": null}',
        b'{"choices": [{"delta": {"content": "hi"}, "logprobs": {"logprob": -Infinity}}]}',
        b'{"choices": [{"delta": {"content": "half \\ud83d"}}], "x": NaN}',
        b'{"choices": [7, null, {"index": -1}, {"index": 1e9, "delta": "x"}]}',
    ],
)
def test_whatever_the_sdks_can_read_passes_byte_by_byte(data: bytes) -> None:
    wire = b"event: x\ndata: " + data + b"\n\n"
    got, relay = relayed(wire)
    assert got == wire
    assert not relay.ended


@pytest.mark.parametrize("data", [b"<html>", b'{"choices": [', b"{}}", b"[" * 5_000, b"{'a': 1}"])
def test_event_that_no_client_can_read_ends_the_stream_with_words(data: bytes) -> None:
    got, relay = relayed(event(delta()) + b"data: " + data + b"\n\n" + event(delta()))
    assert got == event(delta())
    assert relay.ended
    assert relay.broken == "it sent an event that is not JSON"


def test_event_without_end_breaks_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_BLOCK_BYTES", 1_000)
    got, relay = relayed(b"data: " + b"x" * 1_000)
    assert (got, relay.broken) == (b"", "it sent an event without end")


def test_image_in_a_delta_passes() -> None:
    wire = event(delta("A" * 5_000_000))
    relay = OpenAIRelay(include_usage=False)
    got = b"".join(relay.feed(wire[at : at + 65_536]) for at in range(0, len(wire), 65_536))
    assert got == wire


STREAM_WORDS = ("choices", "delta", "index", "content", "finish_reason", "object", "id", "error")
USAGE_WORDS = ("usage", "x_groq", "prompt_tokens", "completion_tokens", "cached_tokens")
WORDS = st.sampled_from((*STREAM_WORDS, *USAGE_WORDS))
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["error", "stop"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(st.binary(max_size=12) | ANYTHING.map(json.dumps).map(str.encode), max_size=6))
def test_whatever_comes_what_leaves_can_be_read(sent: list[bytes]) -> None:
    relay = OpenAIRelay(include_usage=False)
    got = b"".join(relay.feed(b"data: " + one + b"\n\n") for one in sent if not relay.ended)
    got += relay.close()
    usage = relay.usage
    assert usage is None or usage.output_tokens >= 0
    last = relay.terminal("0") if relay.done else error_event(b"{}", "0")
    seen = read_by_sdk(got + last)
    for one in seen[:-1]:
        one.json()  # raises on what the SDK cannot read
    assert seen[-1].data == ("[DONE]" if relay.done else "{}")


def test_errors_event_carries_the_cost_in_its_own_block() -> None:
    assert error_event(b'{"error":{}}', "0.5") == b': cost-usd 0.5\ndata: {"error":{}}\n\n'
    assert error_event(b'{"error":{}}', None) == b'data: {"error":{}}\n\n'
