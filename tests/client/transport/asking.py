"""Calls of the official SDKs, in every form that they have, and what a manager made of them."""

from collections.abc import Callable, Coroutine
from typing import Any, Final, Self

import anthropic
import openai

from quotadeck.client import QuotaManager, SyncQuotaManager
from quotadeck.client.manager import Run

MODEL: Final = "gpt-4.1"
HELLO: Final[Any] = [{"role": "user", "content": "Say hello."}]
TOOLS: Final[Any] = [
    {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
]


class Sdks:
    """Both SDKs over one manager's client."""

    def __init__(self, manager: QuotaManager | Run, root: str, **options: Any) -> None:
        self.http = manager.http_client("analytics", **options)
        self.openai = openai.AsyncOpenAI(
            http_client=self.http, base_url=f"{root}/v1", api_key="sk-any"
        )
        self.anthropic = anthropic.AsyncAnthropic(
            http_client=self.http, base_url=root, api_key="sk-any"
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()


async def _chat(sdks: Sdks) -> None:
    await sdks.openai.chat.completions.create(model=MODEL, messages=HELLO, tools=TOOLS)


async def _chat_raw(sdks: Sdks) -> None:
    raw = await sdks.openai.chat.completions.with_raw_response.create(model=MODEL, messages=HELLO)
    assert raw.headers["x-request-id"]
    assert raw.parse().choices


async def _chat_streaming_response(sdks: Sdks) -> None:
    async with sdks.openai.chat.completions.with_streaming_response.create(
        model=MODEL, messages=HELLO
    ) as response:
        answer: Any = await response.json()
        assert answer["choices"]


async def _chat_stream(sdks: Sdks) -> None:
    stream = await sdks.openai.chat.completions.create(model=MODEL, messages=HELLO, stream=True)
    # Whoever did not ask for the usage gets no event without a choice.
    assert all([chunk.choices async for chunk in stream])


async def _chat_stream_with_usage(sdks: Sdks) -> None:
    stream = await sdks.openai.chat.completions.create(
        model=MODEL, messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    *_, last = [chunk async for chunk in stream]
    assert last.usage
    assert not last.choices


async def _embeddings(sdks: Sdks) -> None:
    await sdks.openai.embeddings.create(model=MODEL, input=["hello", "again"])


async def _responses(sdks: Sdks) -> None:
    await sdks.openai.responses.create(model=MODEL, input="Say hello.")


async def _responses_stream(sdks: Sdks) -> None:
    stream = await sdks.openai.responses.create(model=MODEL, input="Say hello.", stream=True)
    kinds = [event.type async for event in stream]
    assert kinds[-1] == "response.completed"


async def _message(sdks: Sdks) -> None:
    await sdks.anthropic.messages.create(model=MODEL, messages=HELLO, max_tokens=50)


async def _message_stream(sdks: Sdks) -> None:
    async with sdks.anthropic.messages.stream(model=MODEL, messages=HELLO, max_tokens=50) as stream:
        assert (await stream.get_final_message()).usage.output_tokens


CALLS: Final[dict[str, Callable[[Sdks], Coroutine[Any, Any, None]]]] = {
    call.__name__.removeprefix("_"): call
    for call in (
        _chat,
        _chat_raw,
        _chat_streaming_response,
        _chat_stream,
        _chat_stream_with_usage,
        _embeddings,
        _responses,
        _responses_stream,
        _message,
        _message_stream,
    )
}


def used(manager: QuotaManager | SyncQuotaManager) -> tuple[int, int, int]:
    """Requests, input and output tokens that were charged."""
    one = manager.usage_report()["analytics"]
    return one.requests, one.input_tokens, one.output_tokens


def nothing_held(manager: QuotaManager | SyncQuotaManager) -> bool:
    """Not a slot, not a cent, nobody in the line."""
    one = manager.usage_report()["analytics"]
    slots = next(room for room in one.rooms if room.kind == "concurrency")
    held = one.held_nano, one.waiting, slots.limit - slots.left
    return held == (0, 0, 0) and not manager._core.limiter._live
