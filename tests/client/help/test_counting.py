"""The provider's own count, asked over the official SDKs in any of their forms."""

from typing import Any

import anthropic
import openai
import pytest

from quotadeck.client.help.counting import as_response, count_with, count_with_async
from quotadeck.client.help.request_tokens import request_tokens
from tests.client.help.sdks import Sdks
from tests.client.help.talks import together
from tests.sim.driver import MODEL, Upstream

TALK: list[dict[str, Any]] = [
    {"role": "system", "content": "Answer briefly."},
    {"role": "user", "content": [{"type": "text", "text": "What is the weather in Lima?"}]},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
        ],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": "Sunny, 21 degrees, no wind at all."},
]
TOOLS = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]


def test_a_chat_is_counted_as_the_response_that_it_would_be(sdks: Sdks) -> None:
    chat = {"model": MODEL, "messages": TALK, "tools": TOOLS, "max_tokens": 9, "temperature": 0}
    counted = count_with(sdks.chat, chat)
    assert counted == pytest.approx(request_tokens(chat), rel=0.6)
    assert counted > count_with(sdks.chat, {"model": MODEL, "input": "Hello"})
    items = as_response(chat)["input"]
    together(items)
    assert items[1]["content"] == [{"type": "input_text", "text": "What is the weather in Lima?"}]
    assert [one.get("type") for one in items[2:]] == ["function_call", "function_call_output"]


def test_a_message_is_counted_by_anthropic(sdks: Sdks) -> None:
    said = {"role": "user", "content": "Hello there"}
    body = {"model": MODEL, "messages": [said], "max_tokens": 9, "stream": True}
    few = count_with(sdks.claude, body)
    assert few > 0
    assert count_with(sdks.claude, {**body, "system": "Be brief. " * 20}) > few + 20


async def test_both_are_awaited_too(upstream: Upstream) -> None:
    async with (
        openai.AsyncOpenAI(base_url=upstream.base_url, api_key="any", max_retries=0) as chat,
        anthropic.AsyncAnthropic(base_url=upstream.root, api_key="any", max_retries=0) as claude,
    ):
        body: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}]}
        assert await count_with_async(chat, body) > 0
        assert await count_with_async(claude, body) > 0


def test_a_picture_goes_along() -> None:
    url = {"url": "data:image/png;base64,AAAA", "detail": "low"}
    body = {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": url}]}]}
    [item] = as_response(body)["input"]
    assert item["content"] == [
        {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "low"}
    ]


def test_who_cannot_count_is_told() -> None:
    with pytest.raises(TypeError, match="no client that counts"):
        count_with(object(), {})
