"""Anthropic's Messages over an upstream of chat completions: said whole, or refused by name."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quotadeck.dialects.base import NotAnAnswer
from quotadeck.dialects.messages import MESSAGES
from quotadeck.dialects.openai.folding import to_stream
from quotadeck.dialects.translate.messages_chat import MESSAGES_TO_CHAT
from quotadeck.domain.refusals import BadField, NotSpoken
from quotadeck.domain.usage import Usage

IT = MESSAGES_TO_CHAT
PATH = "/v1/messages"
HI: list[dict[str, Any]] = [{"role": "user", "content": "hi"}]

ASKED = MESSAGES.parse(PATH, orjson.dumps({"model": "m", "max_tokens": 9, "messages": HI}), {})


def sent(**fields: object) -> dict[str, Any]:
    body = orjson.dumps({"model": "opus", "max_tokens": 9, "messages": HI, **fields})
    found: dict[str, Any] = orjson.loads(IT.forward(MESSAGES.parse(PATH, body, {}), "there"))
    return found


def test_plain_message_is_a_plain_chat() -> None:
    assert sent(system="Be brief.", stop_sequences=["x"], temperature=0.5, top_p=0.9) == {
        "model": "there",
        "max_tokens": 9,
        "messages": [{"role": "system", "content": "Be brief."}, *HI],
        "stop": ["x"],
        "temperature": 0.5,
        "top_p": 0.9,
    }


def test_stream_is_asked_for_its_usage_where_that_is_taken() -> None:
    assert sent(stream=True)["stream_options"] == {"include_usage": True}
    body = orjson.dumps({"model": "opus", "max_tokens": 9, "messages": HI, "stream": True})
    asked = MESSAGES.parse(PATH, body, {})
    assert "stream_options" not in orjson.loads(IT.forward(asked, "m", stream_usage=False))


def test_conversation_with_tools_keeps_its_calls_and_their_results() -> None:
    use = {"type": "tool_use", "id": "t1", "name": "look", "input": {"at": "sky"}}
    picture = {"type": "base64", "media_type": "image/png", "data": "AA=="}
    messages = [
        {"role": "user", "content": [{"type": "image", "source": picture}]},
        {
            "role": "assistant",
            "content": [{"type": "thinking", "thinking": "hm", "signature": "s"}, use],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "t1", "content": "blue"},
                {"type": "tool_result", "tool_use_id": "t2", "content": [], "is_error": True},
                {"type": "text", "text": "and?"},
            ],
        },
    ]
    hints = {"cache_control": {}, "eager_input_streaming": True}
    tool = {"name": "look", "input_schema": {"type": "object"}, **hints}
    choice = {"type": "tool", "name": "look", "disable_parallel_tool_use": True}
    found = sent(messages=messages, tools=[tool], tool_choice=choice)
    first, second, *rest = found["messages"]
    [part] = first["content"]
    assert part["image_url"]["url"] == "data:image/png;base64,AA=="
    [call] = second["tool_calls"]
    assert (call["id"], call["function"]) == ("t1", {"name": "look", "arguments": '{"at":"sky"}'})
    assert (second["reasoning_content"], second["content"]) == ("hm", None)
    assert rest == [
        {"role": "tool", "tool_call_id": "t1", "content": "blue"},
        {"role": "tool", "tool_call_id": "t2", "content": "Error: "},
        {"role": "user", "content": [{"type": "text", "text": "and?"}]},
    ]
    assert found["tools"][0]["function"] == {"name": "look", "parameters": {"type": "object"}}
    assert found["tool_choice"]["function"] == {"name": "look"}
    assert found["parallel_tool_calls"] is False


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"top_k": 5}, "top_k"),
        ({"container": "c1"}, "container"),
        ({"mcp_servers": [{}]}, "mcp_servers"),
        ({"tools": [{"type": "web_search_20260209", "name": "w"}]}, "tools[0]"),
        ({"tools": [{"name": "a", "input_schema": {}, "defer_loading": True}]}, "defer_loading"),
        ({"output_config": {"task_budget": 1}}, "output_config.task_budget"),
        ({"service_tier": "flex"}, "service_tier"),
        ({"metadata": {"other": 1}}, "metadata.other"),
        ({"thinking": {"type": "new"}}, "thinking.type"),
        ({"tool_choice": {"type": "new"}}, "tool_choice.type"),
        (
            {"messages": [{"role": "user", "content": [{"type": "search_result"}]}]},
            "messages[0].content[0]",
        ),
        (
            {"messages": [{"role": "assistant", "content": [{"type": "redacted_thinking"}]}]},
            "messages[0].content[0]",
        ),
        ({"system": [{"type": "image"}]}, "system[0]"),
    ],
)
def test_what_cannot_be_said_is_refused_by_name(fields: dict[str, Any], where: str) -> None:
    with pytest.raises(BadField) as refused:
        sent(**fields)
    assert where in refused.value.field
    assert "chat completions" in refused.value.why


def test_counting_has_no_translation() -> None:
    with pytest.raises(NotSpoken):
        IT.path("/v1/messages/count_tokens")


TEXT = st.text(min_size=1, max_size=12)
CALLS = st.lists(
    st.builds(
        lambda number, name, given: {
            "id": f"call_{number}",
            "type": "function",
            "function": {"name": name, "arguments": orjson.dumps(given).decode()},
        },
        st.integers(0, 99),
        TEXT,
        st.dictionaries(TEXT, st.integers(-9, 9) | TEXT, max_size=2),
    ),
    max_size=3,
)
REASONS = st.sampled_from(["stop", "length", "tool_calls", "content_filter"])


@st.composite
def completions(draw: st.DrawFn) -> tuple[bytes, tuple[int, int]]:
    """A whole reply of chat completions, and its tokens of input and output."""
    message: dict[str, Any] = {"role": "assistant", "content": draw(st.none() | TEXT)}
    for name, more in (("reasoning_content", TEXT), ("refusal", TEXT), ("tool_calls", CALLS)):
        if given := draw(st.none() | more):
            message[name] = given
    tokens = draw(st.tuples(*[st.integers(1, 10**6)] * 2))
    choice = {"index": 0, "message": message, "finish_reason": draw(REASONS)}
    usage = {
        "prompt_tokens": tokens[0],
        "completion_tokens": tokens[1],
        "prompt_tokens_details": {"cached_tokens": tokens[0] // 2},
    }
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "there"}
    return orjson.dumps({**head, "choices": [choice], "usage": usage}), tokens


@given(completions(), st.integers(1, 40))
def test_stream_folded_is_the_whole_reply(
    completion: tuple[bytes, tuple[int, int]], piece: int
) -> None:
    body, tokens = completion
    read = IT.reply(body)
    relay, wire = IT.relay(ASKED), to_stream(body)
    got = b"".join(relay.feed(wire[at : at + piece]) for at in range(0, len(wire), piece))
    got += relay.close()
    assert (relay.done, relay.begun, relay.broken, relay.error) == (True, True, "", None)
    assert relay.usage == read.usage == Usage(tokens[0], tokens[0] // 2, tokens[1])
    end = relay.terminal("0.25")
    assert end.startswith(b": cost-usd 0.25\nevent: message_stop\n")
    assert orjson.loads(MESSAGES.to_whole(got + end)) == orjson.loads(read.body)
    own = MESSAGES.relay(ASKED)  # and it is a stream that our reader of messages takes
    own.feed(got + end)
    assert (own.done, own.broken, own.usage) == (True, "", read.usage)


def test_calls_that_come_at_once_stay_apart() -> None:
    def chunk(index: int, **function: str) -> bytes:
        call = {"index": index, "id": f"c{index}", "function": function}
        choice = {"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": None}
        return b"data: " + orjson.dumps({"id": "1", "choices": [choice]}) + b"\n\n"

    relay = IT.relay(
        MESSAGES.parse(PATH, orjson.dumps({"model": "m", "max_tokens": 9, "messages": HI}), {})
    )
    wire = chunk(0, name="a", arguments='{"x"') + chunk(1, name="b", arguments='{"y"')
    wire += chunk(1, arguments=":2}") + chunk(0, arguments=":1}") + b"data: [DONE]\n\n"
    whole = orjson.loads(MESSAGES.to_whole(relay.feed(wire) + relay.terminal(None)))
    assert [(one["name"], one["input"]) for one in whole["content"]] == [
        ("a", {"x": 1}),
        ("b", {"y": 2}),
    ]


def test_upstreams_error_keeps_its_words_and_a_broken_call_is_none() -> None:
    relay = IT.relay(
        MESSAGES.parse(PATH, orjson.dumps({"model": "m", "max_tokens": 9, "messages": HI}), {})
    )
    relay.feed(b'data: {"error": {"message": "too hot", "code": 429}}\n\n')
    assert relay.error is not None
    assert (relay.error.message, relay.error.status) == ("too hot", 429)
    assert IT.error(b'{"error": {"message": "too hot"}}').message == "too hot"
    call = {"id": "c", "function": {"name": "a", "arguments": '{"x":'}}
    body = orjson.dumps({"id": "1", "choices": [{"message": {"tool_calls": [call]}}]})
    with pytest.raises(NotAnAnswer, match="tool"):
        IT.reply(body)
