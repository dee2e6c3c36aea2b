"""OpenAI's Responses over an upstream of chat completions: said whole, or refused by name."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quotadeck.dialects.openai.folding import to_stream
from quotadeck.dialects.responses import RESPONSES
from quotadeck.dialects.translate.responses_chat import RESPONSES_TO_CHAT
from quotadeck.domain.refusals import BadField, NotSpoken
from quotadeck.domain.usage import Usage
from tests.dialects.test_messages_chat import completions

IT = RESPONSES_TO_CHAT
PATH = "/v1/responses"


def sent(**fields: object) -> dict[str, Any]:
    body = orjson.dumps({"model": "opus", "input": "hi", **fields})
    found: dict[str, Any] = orjson.loads(IT.forward(RESPONSES.parse(PATH, body, {}), "there"))
    return found


ASKED = RESPONSES.parse(PATH, orjson.dumps({"model": "opus", "input": "hi"}), {})


def test_plain_response_is_a_plain_chat() -> None:
    asked = {"temperature": 0, "parallel_tool_calls": False, "store": True, "background": False}
    assert sent(instructions="Be brief.", max_output_tokens=9, **asked) == {
        "model": "there",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "hi"},
        ],
        "max_tokens": 9,
        "temperature": 0,
        "parallel_tool_calls": False,
    }
    assert sent(stream=True)["stream_options"] == {"include_usage": True}


def test_conversation_with_tools_keeps_its_calls_and_their_results() -> None:
    picture = {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "low"}
    found = sent(
        input=[
            {"role": "user", "content": [{"type": "input_text", "text": "see"}, picture]},
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"},
            {
                "type": "message",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "a"}],
            },
            {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"},
            {"type": "function_call", "call_id": "c2", "name": "look", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "blue"},
        ],
        tools=[{"type": "function", "name": "look", "parameters": {}, "strict": True}],
        tool_choice={"type": "function", "name": "look"},
        text={"format": {"type": "json_schema", "name": "n", "schema": {}, "strict": True}},
        reasoning={"effort": "low", "summary": "auto"},
    )
    seen, said, got = found["messages"]
    assert seen["content"][1]["image_url"] == {"url": picture["image_url"], "detail": "low"}
    assert (said["content"], [call["id"] for call in said["tool_calls"]]) == ("a", ["c1", "c2"])
    assert got == {"role": "tool", "tool_call_id": "c1", "content": "blue"}
    assert found["tools"][0]["function"]["strict"] is True
    assert found["tool_choice"] == {"type": "function", "function": {"name": "look"}}
    assert found["response_format"]["json_schema"]["name"] == "n"
    assert found["reasoning_effort"] == "low"


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"previous_response_id": "r"}, "previous_response_id"),
        ({"conversation": "c"}, "conversation"),
        ({"background": True}, "background"),
        ({"tools": [{"type": "web_search"}]}, "tools[0]"),
        ({"max_tool_calls": 3}, "max_tool_calls"),
        ({"text": {"format": {"type": "grammar"}}}, "text.format"),
        ({"include": ["file_search_call.results"]}, "include"),
        ({"input": [{"type": "computer_call"}]}, "input[0]"),
        ({"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}]}, "[0]"),
        ({"input": []}, "input"),
    ],
)
def test_what_cannot_be_said_is_refused_by_name(fields: dict[str, Any], where: str) -> None:
    with pytest.raises(BadField) as refused:
        sent(**fields)
    assert where in refused.value.field


def test_counting_has_no_translation() -> None:
    with pytest.raises(NotSpoken):
        IT.path("/v1/responses/input_tokens")


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
    assert end.startswith(b": cost-usd 0.25\nevent: response.")
    assert orjson.loads(RESPONSES.to_whole(got + end)) == orjson.loads(read.body)
    own = RESPONSES.relay(ASKED)  # and it is a stream that our reader of responses takes
    own.feed(got + end)
    assert (own.done, own.broken, own.usage) == (True, "", read.usage)


def test_an_answer_is_sent_back_with_what_was_thought() -> None:
    called = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    said = {
        "role": "assistant",
        "content": "So.",
        "reasoning_content": "Hm.",
        "tool_calls": [called],
    }
    reply = {"id": "i", "choices": [{"message": said, "finish_reason": "stop"}], "usage": {}}
    output = orjson.loads(RESPONSES_TO_CHAT.reply(orjson.dumps(reply)).body)["output"]
    result = {"type": "function_call_output", "call_id": "c1", "output": "blue"}
    asked = {"model": "m", "input": [{"role": "user", "content": "?"}, *output, result]}
    ask = RESPONSES.parse("/v1/responses", orjson.dumps(asked), {})
    sent = orjson.loads(RESPONSES_TO_CHAT.forward(ask, "there"))["messages"]
    assert sent[1] == {**said, "content": "So."}
    assert [message["role"] for message in sent] == ["user", "assistant", "tool"]
