"""A message as a chat completion: told whole or as a stream it is one and the same."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quotadeck.dialects.base import NotAnAnswer, Relay
from quotadeck.dialects.messages import MESSAGES
from quotadeck.dialects.openai import OPENAI
from quotadeck.dialects.openai.folding import to_whole
from quotadeck.dialects.openai.reply import read_reply
from quotadeck.dialects.translate.chat_messages import ChatToMessages

CHAT = "/v1/chat/completions"
TRANSLATED = ChatToMessages(lambda: 1_795_521_600.5)
ASKED = {"model": "opus", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
TEXTS = st.text(max_size=12)
COUNTS = st.integers(0, 10**6)
USAGES = st.fixed_dictionaries(
    {"input_tokens": COUNTS, "output_tokens": st.integers(1, 10**6)},
    optional={
        "cache_read_input_tokens": COUNTS,
        "cache_creation": st.fixed_dictionaries(
            {"ephemeral_5m_input_tokens": COUNTS, "ephemeral_1h_input_tokens": COUNTS}
        ),
        "service_tier": st.sampled_from(["standard", "priority"]),
        "server_tool_use": st.fixed_dictionaries({"web_search_requests": st.integers(0, 9)}),
        "output_tokens_details": st.fixed_dictionaries({"thinking_tokens": COUNTS}),
    },
)
BLOCKS = st.one_of(
    st.fixed_dictionaries({"type": st.just("text"), "text": TEXTS}),
    st.fixed_dictionaries({"type": st.just("thinking"), "thinking": TEXTS, "signature": TEXTS}),
    st.fixed_dictionaries({"type": st.just("redacted_thinking"), "data": TEXTS}),
    st.fixed_dictionaries(
        {
            "type": st.just("tool_use"),
            "id": st.from_regex(r"toolu_[a-z]{3}", fullmatch=True),
            "name": st.sampled_from(["note", "look"]),
            "input": st.dictionaries(TEXTS, st.one_of(TEXTS, COUNTS, st.none()), max_size=3),
        }
    ),
)
REASONS = ["end_turn", "max_tokens", "stop_sequence", "tool_use", "refusal", "pause_turn"]
MESSAGES_SAID = st.fixed_dictionaries(
    {
        "id": st.just("msg_1"),
        "type": st.just("message"),
        "role": st.just("assistant"),
        "model": st.just("opus-4.7"),
        "content": st.lists(BLOCKS, max_size=4),
        "stop_reason": st.sampled_from(REASONS),
        "usage": USAGES,
    }
)


def event(kind: str, **more: object) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), orjson.dumps({"type": kind, **more}))


def told(message: dict[str, Any], piece: int) -> Iterator[bytes]:
    """The message as its provider streams it, in pieces of so many characters."""
    begun = {**message["usage"], "output_tokens": 0}
    yield event(
        "message_start",
        message={**message, "content": [], "stop_reason": None, "usage": begun},
    )
    yield event("ping")
    for index, block in enumerate(message["content"]):
        grows = {
            "text": [("text_delta", "text", block.get("text"))],
            "thinking": [
                ("thinking_delta", "thinking", block.get("thinking")),
                ("signature_delta", "signature", block.get("signature")),
            ],
            "tool_use": [
                ("input_json_delta", "partial_json", orjson.dumps(block.get("input")).decode())
            ],
        }.get(block["type"], [])
        first = {**block, **({"input": {}} if "input" in block else {})}
        first |= {name: "" for _, name, _ in grows if name in block}
        yield event("content_block_start", index=index, content_block=first)
        for kind, name, text in grows:
            for at in range(0, len(text), piece):
                delta = {"type": kind, name: text[at : at + piece]}
                yield event("content_block_delta", index=index, delta=delta)
        yield event("content_block_stop", index=index)
    delta = {"stop_reason": message["stop_reason"]}
    yield event("message_delta", delta=delta, usage=message["usage"])
    yield event("message_stop")


def relay(**more: object) -> Relay:
    return TRANSLATED.relay(OPENAI.parse(CHAT, orjson.dumps({**ASKED, **more}), {}))


def with_usage() -> Relay:
    return relay(stream_options={"include_usage": True})


def comparable(completion: bytes) -> dict[str, Any]:
    """All that a completion says; of what tools are given, the values."""
    said: dict[str, Any] = orjson.loads(completion)
    message = said["choices"][0]["message"]
    message.setdefault("refusal", None)
    for call in message.get("tool_calls", ()):
        call["function"]["arguments"] = orjson.loads(call["function"]["arguments"])
    said["choices"][0].setdefault("logprobs", None)
    return said


@given(MESSAGES_SAID, st.integers(1, 9), st.integers(1, 400))
def test_stream_folded_is_the_whole_reply(message: dict[str, Any], piece: int, cut: int) -> None:
    read = TRANSLATED.reply(orjson.dumps(message))
    stream, wire = with_usage(), b"".join(told(message, piece))
    got = b"".join([stream.feed(wire[at : at + cut]) for at in range(0, len(wire), cut)])
    got += stream.close() + stream.terminal("0.25")
    assert (stream.done, stream.error, stream.broken) == (True, None, "")
    whole = to_whole(got)
    assert comparable(whole) == comparable(read.body)
    assert (stream.usage, stream.response_id) == (read.usage, read.response_id)
    # What a client reads of it is what is billed, and what the upstream said.
    assert read_reply(read.body).usage == read_reply(whole).usage == read.usage
    assert read.usage == MESSAGES.reply(orjson.dumps(message)).usage


SAID: dict[str, Any] = {
    "id": "msg_1",
    "model": "opus-4.7",
    "content": [
        {"type": "thinking", "thinking": "Hm…", "signature": "sig"},
        {"type": "text", "text": "a b"},
        {"type": "tool_use", "id": "t1", "name": "note", "input": {}},
        {"type": "tool_use", "id": "t2", "name": "note", "input": {"at": 2**63}},
    ],
    "stop_reason": "tool_use",
    "usage": {"input_tokens": 5, "cache_read_input_tokens": 7, "output_tokens": 34},
}


def test_whole_reply_is_a_completion() -> None:
    read = TRANSLATED.reply(orjson.dumps(SAID))
    assert orjson.loads(read.body) == {
        "id": "msg_1",
        "object": "chat.completion",
        "created": 1_795_521_600,
        "model": "opus-4.7",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "a b",
                    "refusal": None,
                    "reasoning_content": "Hm…",
                    "thinking_blocks": [SAID["content"][0]],
                    "tool_calls": [
                        {
                            "id": which,
                            "type": "function",
                            "function": {"name": "note", "arguments": arguments},
                        }
                        for which, arguments in (("t1", "{}"), ("t2", f'{{"at":{2**63}}}'))
                    ],
                },
                "logprobs": None,
                "finish_reason": "tool_calls",
            }
        ],
        "usage": {
            "prompt_tokens": 12,
            "completion_tokens": 34,
            "total_tokens": 46,
            "prompt_tokens_details": {"cached_tokens": 7, "cache_write_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0},
        },
    }


def test_long_numbers_keep_their_digits() -> None:
    block = b'{"type":"tool_use","id":"t","name":"n","input":{"at":%d}}' % (2**80)
    body = b'{"id":"m","content":[%b],"usage":{"input_tokens":1,"output_tokens":1}}' % block
    call = orjson.loads(TRANSLATED.reply(body).body)["choices"][0]["message"]["tool_calls"][0]
    assert call["function"]["arguments"] == f'{{"at":{2**80}}}'


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
        (None, "stop"),
    ],
)
def test_reason_to_stop_is_one_to_finish(reason: str | None, finish: str) -> None:
    details = {"type": "refusal", "explanation": "No."}
    message = {**SAID, "stop_reason": reason, "stop_details": details}
    [choice] = orjson.loads(TRANSLATED.reply(orjson.dumps(message)).body)["choices"]
    assert choice["finish_reason"] == finish
    assert choice["message"]["refusal"] == ("No." if reason == "refusal" else None)


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"choices": []}', b'{"type":"error"}'])
def test_what_is_no_message_is_no_answer(body: bytes) -> None:
    with pytest.raises(NotAnAnswer, match="reply"):
        TRANSLATED.reply(body)


def test_usage_that_cannot_be_believed_is_not_told() -> None:
    message = {**SAID, "usage": {"input_tokens": 5, "output_tokens": 0}}
    read = TRANSLATED.reply(orjson.dumps(message))
    assert read.usage is None
    assert "usage" not in orjson.loads(read.body)


def test_stream_cut_at_any_byte_says_the_same() -> None:
    wire = b": hello\n\n" + b"".join(told(SAID, 2))
    once = with_usage()
    expected = once.feed(wire) + once.close()
    for cut in range(1, len(wire)):
        stream = with_usage()
        assert stream.feed(wire[:cut]) + stream.feed(wire[cut:]) + stream.close() == expected
        assert (stream.done, stream.usage) == (True, once.usage)
        short = with_usage()
        part = short.feed(wire[:cut]) + short.close()
        # No whole answer without its reason, whatever is missing behind that.
        assert short.done == (b'"finish_reason":"tool_calls"' in part)


def test_usage_is_told_only_to_who_asked_for_it() -> None:
    wire = b"".join(told(SAID, 2))
    assert b"prompt_tokens" in with_usage().feed(wire)
    assert b"prompt_tokens" not in relay().feed(wire)
    assert b"prompt_tokens" in relay(stream=False).feed(wire)


def test_error_in_the_stream_ends_it() -> None:
    error = {"type": "overloaded_error", "message": "Overloaded"}
    start = next(told(SAID, 2))
    stream = relay()
    assert stream.feed(start + event("ping"))
    assert stream.begun
    assert stream.feed(event("error", error=error)) == b""
    assert (stream.done, stream.ended) == (False, True)
    assert stream.error == TRANSLATED.error(orjson.dumps({"type": "error", "error": error}))
    assert stream.error is not None
    assert (stream.error.message, stream.error.status) == ("Overloaded", 529)
    first = relay()
    first.feed(event("ping"))
    assert not first.begun


def test_input_that_came_at_once_is_told_all_the_same() -> None:
    block = {"type": "tool_use", "id": "t", "name": "n", "input": {"at": 3}}
    stream = with_usage()
    got = stream.feed(
        event("message_start", message={"id": "m"})
        + event("content_block_start", index=0, content_block=block)
        + event("message_delta", delta={"stop_reason": "tool_use"}, usage={"output_tokens": 3})
    )
    got += stream.close()
    assert stream.done
    assert got.count(b'"completion_tokens":3') == 1, "the usage is told without a last event too"
    [call] = orjson.loads(to_whole(got))["choices"][0]["message"]["tool_calls"]
    assert call == {
        "id": "t",
        "type": "function",
        "function": {"name": "n", "arguments": '{"at":3}'},
    }
