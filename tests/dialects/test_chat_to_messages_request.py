"""A chat completion's request as a message: all of it, or a refusal that names what cannot be."""

from typing import Any

import orjson
import pytest

from quotadeck.dialects.openai import OPENAI
from quotadeck.dialects.registry import TRANSLATIONS
from quotadeck.domain.refusals import BadField

HELLO: list[dict[str, Any]] = [{"role": "user", "content": "Hi"}]
SCHEMA = {"type": "object", "properties": {"at": {"type": "integer"}}}
NOTE = {"type": "function", "function": {"name": "note", "parameters": SCHEMA}}
CALL = {"id": "t1", "type": "function", "function": {"name": "note", "arguments": '{"at":3}'}}
USE = {"type": "tool_use", "id": "t1", "name": "note", "input": {"at": 3}}
TOOL = {"name": "note", "input_schema": SCHEMA}
PNG = "data:image/png;base64,aGk="


def sent(**more: Any) -> dict[str, Any]:
    fields = {"model": "opus", "messages": HELLO, **more}
    asked = OPENAI.parse("/v1/chat/completions", orjson.dumps(fields), {})
    body: dict[str, Any] = orjson.loads(
        TRANSLATIONS["chat", "messages"].forward(asked, "target-model")
    )
    return body


def turns(*messages: dict[str, Any]) -> Any:
    return sent(messages=list(messages))["messages"]


def image(url: object, **more: object) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url, **more}}


def test_least_request_has_a_bound_all_the_same() -> None:
    assert sent() == {"model": "target-model", "max_tokens": 4_096, "messages": HELLO}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"max_tokens": 9}, {"max_tokens": 9}),
        ({"max_completion_tokens": 9}, {"max_tokens": 9}),
        ({"max_tokens": -1}, {"max_tokens": 4_096}),
        ({"stop": "a"}, {"stop_sequences": ["a"]}),
        ({"stop": ["a", "b"]}, {"stop_sequences": ["a", "b"]}),
        ({"stream": True, "stream_options": {"include_usage": True}}, {"stream": True}),
        ({"temperature": 0.5, "top_p": 0.9}, {"temperature": 0.5, "top_p": 0.9}),
        ({"user": "u1"}, {"metadata": {"user_id": "u1"}}),
        ({"safety_identifier": "u1"}, {"metadata": {"user_id": "u1"}}),
        ({"safety_identifier": "u1", "user": "u1"}, {"metadata": {"user_id": "u1"}}),
        ({"service_tier": "default"}, {"service_tier": "standard_only"}),
        (
            {"reasoning_effort": "minimal"},
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}},
        ),
        ({"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}}),
        ({"tools": [NOTE]}, {"tools": [TOOL]}),
        (
            {"tools": [NOTE], "tool_choice": "required", "parallel_tool_calls": False},
            {"tools": [TOOL], "tool_choice": {"type": "any", "disable_parallel_tool_use": True}},
        ),
        (
            {"tools": [NOTE], "parallel_tool_calls": False},
            {"tools": [TOOL], "tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
        ),
        (
            {"tools": [NOTE], "parallel_tool_calls": True, "tool_choice": "none"},
            {"tools": [TOOL], "tool_choice": {"type": "none"}},
        ),
        (
            {
                "tools": [NOTE],
                "tool_choice": {"type": "function", "function": {"name": "note"}},
            },
            {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "note"}},
        ),
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "out", "strict": True, "schema": SCHEMA},
                },
                "reasoning_effort": "high",
            },
            {
                "output_config": {
                    "format": {"type": "json_schema", "schema": SCHEMA},
                    "effort": "high",
                },
                "thinking": {"type": "adaptive"},
            },
        ),
    ],
)
def test_member_is_said_in_the_other_form(asked: dict[str, Any], said: dict[str, Any]) -> None:
    least = {"model": "target-model", "max_tokens": 4_096, "messages": HELLO}
    assert sent(**asked) == {**least, **said}


def test_what_asks_for_nothing_is_left_out() -> None:
    nothing = {
        "n": 1,
        "seed": None,
        "logprobs": False,
        "logit_bias": {},
        "presence_penalty": 0.0,
        "frequency_penalty": 0,
        "store": False,
        "tools": [],
        "metadata": {},
        "functions": [],
        "response_format": {"type": "text"},
        "modalities": ["text"],
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "prompt_cache_key": "k",
        "audio": None,
    }
    assert sent(**nothing) == sent()


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"n": 2}, "n"),
        ({"logprobs": True}, "logprobs"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"logit_bias": {"50256": -100}}, "logit_bias"),
        ({"seed": 0}, "seed"),
        ({"user": "u1", "safety_identifier": "u2"}, "safety_identifier"),
        ({"presence_penalty": 0.1}, "presence_penalty"),
        ({"frequency_penalty": -0.1}, "frequency_penalty"),
        ({"audio": {"voice": "alloy"}}, "audio"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"prediction": {"type": "content", "content": "a"}}, "prediction"),
        ({"functions": [{"name": "f"}]}, "functions"),
        ({"function_call": {"name": "f"}}, "function_call"),
        ({"store": True}, "store"),
        ({"metadata": {"a": "b"}}, "metadata"),
        ({"verbosity": "low"}, "verbosity"),
        ({"web_search_options": {"a": 1}}, "web_search_options"),
        ({"never_heard_of": 7}, "never_heard_of"),
        ({"temperature": 1.5}, "temperature"),
        ({"reasoning_effort": "enormous"}, "reasoning_effort"),
        ({"service_tier": "flex"}, "service_tier"),
        ({"response_format": {"type": "json_object"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "tools[0].type"),
        ({"tools": [NOTE, {"type": "web_search"}]}, "tools[1].type"),
        ({"tools": [NOTE], "tool_choice": {"type": "allowed_tools"}}, "tool_choice"),
        ({"tools": [NOTE], "parallel_tool_calls": 1}, "parallel_tool_calls"),
        ({"messages": [{"role": "function", "content": "a"}]}, "messages[0].role"),
        ({"messages": [{**HELLO[0], "name": "bob"}]}, "messages[0].name"),
        (
            {"messages": [{"role": "assistant", "audio": {"id": "a"}}]},
            "messages[0].audio",
        ),
        (
            {"messages": [{"role": "assistant", "content": "a", "reasoning_content": "b"}]},
            "messages[0].reasoning_content",
        ),
        (
            {"messages": [{"role": "system", "content": [image(PNG)]}]},
            "messages[0].content[0].type",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]},
            "messages[0].content[0].type",
        ),
        (
            {"messages": [{"role": "user", "content": [image(PNG, detail="low")]}]},
            "messages[0].content[0].image_url.detail",
        ),
        (
            {"messages": [{"role": "user", "content": [image("data:,x")]}]},
            "messages[0].content[0].image_url.url",
        ),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]}
                ]
            },
            "messages[0].content[0].file.file_id",
        ),
        (
            {
                "messages": [
                    {"role": "assistant", "tool_calls": [{**CALL, "function": {"arguments": "[]"}}]}
                ]
            },
            "messages[0].tool_calls[0].function.arguments",
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{**CALL, "type": "custom"}]}]},
            "messages[0].tool_calls[0].type",
        ),
    ],
)
def test_what_cannot_be_said_is_refused_by_name(asked: dict[str, Any], field: str) -> None:
    with pytest.raises(BadField) as refused:
        sent(**asked)
    assert refused.value.field == field


def test_system_speaks_in_one_place() -> None:
    assert sent(messages=[{"role": "developer", "content": "Be brief."}, *HELLO])["system"] == (
        "Be brief."
    )
    kept = {"type": "text", "text": "B", "cache_control": {"type": "ephemeral"}}
    both = sent(
        messages=[
            {"role": "system", "content": "A"},
            *HELLO,
            {"role": "system", "content": [kept]},
        ]
    )
    assert both["system"] == [{"type": "text", "text": "A"}, kept]
    assert both["messages"] == HELLO


def test_results_that_follow_one_another_are_one_message() -> None:
    def result(which: str, content: object) -> dict[str, Any]:
        return {"role": "tool", "tool_call_id": which, "name": "note", "content": content}

    second = {**CALL, "id": "t2"}
    told = turns(
        *HELLO,
        {"role": "assistant", "content": "", "tool_calls": [CALL, second], "refusal": None},
        result("t1", "three"),
        result("t2", [{"type": "text", "text": "four"}]),
        *HELLO,
    )
    assert told == [
        *HELLO,
        {"role": "assistant", "content": [USE, {**USE, "id": "t2"}]},
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "t1", "content": "three"},
                {
                    "type": "tool_result",
                    "tool_use_id": "t2",
                    "content": [{"type": "text", "text": "four"}],
                },
            ],
        },
        *HELLO,
    ]


def test_results_of_two_turns_are_two_messages() -> None:
    called = {"role": "assistant", "tool_calls": [CALL]}
    result = {"role": "tool", "tool_call_id": "t1", "content": "3"}
    told = turns(*HELLO, called, result, called, result)
    roles = ["user", "assistant", "user", "assistant", "user"]
    assert [turn["role"] for turn in told] == roles


def test_answer_is_sent_back_with_what_was_thought() -> None:
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "s"}
    told = turns(
        *HELLO,
        {
            "role": "assistant",
            "content": "So:",
            "reasoning_content": "Hm.",
            "thinking_blocks": [{"index": 0, **thought}],
            "tool_calls": [CALL],
        },
    )
    assert told[1]["content"] == [thought, {"type": "text", "text": "So:"}, USE]


def test_pictures_and_files_are_said_in_the_other_form() -> None:
    file = {"filename": "a.pdf", "file_data": "data:application/pdf;base64,aGk="}
    parts = [
        {"type": "text", "text": "See"},
        {"type": "text", "text": ""},
        image(PNG, detail="auto"),
        {"type": "image_url", "image_url": "https://example.org/a.png"},
        {"type": "file", "file": file},
    ]
    [told] = turns({"role": "user", "content": parts})
    assert told["content"] == [
        {"type": "text", "text": "See"},
        {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/png", "data": "aGk="},
        },
        {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": "aGk="},
            "title": "a.pdf",
        },
    ]


def test_long_numbers_keep_their_digits() -> None:
    big = 2**70 + 1
    call = {**CALL, "function": {"name": "note", "arguments": f'{{"at":{big}}}'}}
    fields = {"model": "opus", "messages": [*HELLO, {"role": "assistant", "tool_calls": [call]}]}
    asked = OPENAI.parse("/v1/chat/completions", orjson.dumps(fields), {})
    assert f'"input":{{"at":{big}}}'.encode() in TRANSLATIONS["chat", "messages"].forward(
        asked, "m"
    )
