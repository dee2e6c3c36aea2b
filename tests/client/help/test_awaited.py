"""A coroutine is no answer where nothing is awaited; an SDK's types come out as they went in."""

from collections.abc import Callable
from typing import Any

import pytest
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionMessageParam

from quotadeck.client.help.cache import Cache
from quotadeck.client.help.conversation import shorten
from quotadeck.client.help.counting import count_with
from quotadeck.client.help.cutting import cut, cut_messages
from quotadeck.client.help.fallback import Fallback
from quotadeck.client.help.retry import Retry

BODY: dict[str, Any] = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "Hello"}]}
SDK = AsyncOpenAI(api_key="sk-unused", base_url="http://127.0.0.1:1")


async def ask(*_: Any) -> str:
    return "an answer"


@pytest.mark.parametrize(
    ("call", "instead"),
    [
        (lambda: Retry().run(ask), "run_async"),
        (lambda: Fallback(["one", "other"]).run(ask), "run_async"),
        (lambda: Cache().get_or_call(BODY, ask), "get_or_call_async"),
        (lambda: shorten(BODY["messages"] * 20, ask, most_tokens=0), "shorten_async"),  # type: ignore[arg-type]
        (lambda: count_with(SDK, BODY), "count_with_async"),
    ],
)
def test_what_is_to_be_awaited_is_no_answer(call: Callable[[], Any], instead: str) -> None:
    with pytest.raises(TypeError, match=f"gives a coroutine: use {instead} for that"):
        call()


def test_a_conversation_has_the_types_it_had() -> None:
    """The type checker proves it, over the tests too."""
    talk: list[ChatCompletionMessageParam] = [
        {"role": "user", "content": f"number {n}"} for n in range(40)
    ]

    def summarize(between: list[ChatCompletionMessageParam]) -> str:
        return f"{len(between)} said"

    shorter: list[ChatCompletionMessageParam] = shorten(talk, summarize, most_tokens=0)
    cut_to: list[ChatCompletionMessageParam] = cut_messages(talk, 40)
    assert len(shorter) == 11
    assert len(cut_to) < 40


def test_a_part_that_is_none_is_told() -> None:
    with pytest.raises(ValueError, match="keep is one of start, end, both, not 'middle'"):
        cut("word " * 100, 10, keep="middle")  # type: ignore[arg-type]
