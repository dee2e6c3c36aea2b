"""What a call used, read from what the official SDKs and the frameworks hand out."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn

import anthropic.types
import httpx
import openai.types
import openai.types.responses
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from quotadeck.client import Estimate, NotSettled, QuotaManager, Usage
from quotadeck.client.usage import usage_of
from tests.clocks import HandClock

CHAT = {
    "id": "c",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4.1",
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "message": {"role": "assistant", "content": "Hello"},
        }
    ],
    "usage": {
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "total_tokens": 120,
        "prompt_tokens_details": {"cached_tokens": 60},
    },
}
CHUNK = {
    "id": "c",
    "object": "chat.completion.chunk",
    "created": 1,
    "model": "gpt-4.1",
    "choices": [],
    "usage": CHAT["usage"],
}
MESSAGE = {
    "id": "m",
    "type": "message",
    "role": "assistant",
    "model": "claude-opus-4.7",
    "content": [{"type": "text", "text": "Hello"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {
        "input_tokens": 40,
        "output_tokens": 20,
        "cache_read_input_tokens": 60,
        "cache_creation_input_tokens": 0,
    },
}
RESPONSE = {
    "id": "r",
    "object": "response",
    "created_at": 1,
    "model": "gpt-4.1",
    "status": "completed",
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "output": [
        {
            "id": "i",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Hello", "annotations": []}],
        }
    ],
    "usage": {
        "input_tokens": 100,
        "input_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 0},
        "output_tokens": 20,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 120,
    },
}
EMBEDDINGS = {
    "object": "list",
    "model": "e",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.1]}],
    "usage": {"prompt_tokens": 7, "total_tokens": 7},
}


@dataclass
class FrameworksOwn:
    """As pydantic-ai's: all of the input in one count, what was read from a cache beside it."""

    input_tokens: int = 100
    output_tokens: int = 20
    cache_read_tokens: int = 60


@dataclass
class FrameworksMessage:
    """As LangChain's."""

    usage_metadata: dict[str, Any]


class Raw:
    """As what ``with_raw_response`` gives."""

    http_response = httpx.Response(200, json=CHAT)


SDKS: list[Any] = [
    openai.types.chat.ChatCompletion.model_validate(CHAT),
    openai.types.chat.ChatCompletion.model_validate(CHAT).usage,
    openai.types.chat.ChatCompletionChunk.model_validate(CHUNK),
    openai.types.responses.Response.model_validate(RESPONSE),
    openai.types.responses.Response.model_validate(RESPONSE).usage,
    anthropic.types.Message.model_validate(MESSAGE),
    anthropic.types.Message.model_validate(MESSAGE).usage,
    httpx.Response(200, json=MESSAGE),
    Raw(),
    FrameworksOwn(),
    FrameworksMessage(
        {
            "input_tokens": 100,
            "output_tokens": 20,
            "total_tokens": 120,
            "input_token_details": {"cache_read": 60},
        }
    ),
    CHAT,
    RESPONSE,
    MESSAGE,
]


@pytest.mark.parametrize("reply", SDKS, ids=lambda reply: type(reply).__name__)
def test_the_usage_is_read_by_the_rules_of_its_dialect(reply: Any) -> None:
    usage, _ = usage_of(reply)
    assert (usage.input_tokens, usage.cached_tokens, usage.output_tokens) == (100, 60, 20)


def test_embeddings_have_an_input_alone() -> None:
    reply = openai.types.CreateEmbeddingResponse.model_validate(EMBEDDINGS)
    assert usage_of(reply) == (Usage(7), "e")


async def test_a_reply_is_priced_by_the_model_that_it_names() -> None:
    manager = QuotaManager(prices={"gpt-4.1": ("2", "8")}, clock=HandClock())
    reservation = await manager.acquire("a", Estimate(10, 10, model=""))
    charge = reservation.settle(SDKS[0])
    assert charge.cost_nano == 100 * 2_000 + 20 * 8_000
    other = await manager.acquire("a", 10)
    assert other.settle(SDKS[0], model="nobody's").cost_nano == 120 * 10_000


class Guarded:
    """An object that lets nobody see into it."""

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        raise RuntimeError(f"its {name} is nobody's")


@pytest.mark.parametrize(
    "nothing",
    [
        httpx.Response(200, text="no"),
        httpx.Response(200, stream=httpx.ByteStream(b"{}")),
        {"usage": {}},
        {"type": "message", "usage": {("a", "b"): 1}},
        [1],
        object(),
        Guarded(),
    ],
)
def test_what_tells_no_usage_is_said_so(nothing: Any) -> None:
    with pytest.raises(NotSettled):
        usage_of(nothing)


NAMES = [
    *("usage", "usage_metadata", "input_tokens", "output_tokens", "prompt_tokens", "content"),
    *("completion_tokens", "cache_read_tokens", "cache_write_tokens", "input_token_details"),
    *("cache_read", "cache_read_input_tokens", "cache_creation_input_tokens", "cache_creation"),
    *("prompt_tokens_details", "input_tokens_details", "output_tokens_details", "cached_tokens"),
    *("server_tool_use", "service_tier", "object", "type", "model", "choices", "error", "output"),
]
KINDS = st.sampled_from(["chat.completion", "text_completion", "list", "response", "message"])
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | KINDS
ANYTHING = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5)
        | st.dictionaries(st.tuples(st.integers()), inner, max_size=1)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(NAMES), ANYTHING, max_size=6))
@example({"input_tokens": 5, "input_token_details": [1]})
@example({"type": "message", "usage": {(1,): 1}})
def test_whatever_is_given_is_a_usage_or_is_said_to_be_none(told: dict[str, Any]) -> None:
    with suppress(NotSettled):
        usage_of(told)
