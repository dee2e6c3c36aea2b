"""Streams in the cache: kept whole or not at all, and bounded as all that is kept."""

import gc
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import nullcontext
from typing import Any

import httpx
import httpx2
import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from quotadeck.client.help.cache import Cache
from tests.client.help.sdks import Sdks
from tests.client.help.test_cache import BODY
from tests.sim.driver import MODEL, Upstream


@pytest.mark.parametrize(
    ("fault", "ends"),
    [
        ("", None),
        ("truncate=2", None),
        ("stream-error=2", openai.APIError),
        ("reset-chunk=2", (httpx.HTTPError, httpx2.HTTPError, openai.APIError)),
    ],
)
def test_a_stream_is_kept_only_whole(sdks: Sdks, fault: str, ends: Any) -> None:
    cache = Cache()

    def call() -> openai.Stream[openai.types.chat.ChatCompletionChunk]:
        return sdks.chat.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": "Hello"}],
            stream=True,
            extra_headers={"X-Sim-Fault": fault} if fault else {},
        )

    events: list[Any] = []
    with pytest.raises(ends) if ends else nullcontext():
        events += cache.stream(BODY, call)
    assert len(cache.kept) == (0 if fault else 1)
    if not fault:
        assert list(cache.stream(BODY, list)) == events


async def test_a_stream_that_its_reader_leaves_is_not_kept(upstream: Upstream) -> None:
    cache = Cache()
    async with openai.AsyncOpenAI(base_url=upstream.base_url, api_key="any", max_retries=0) as sdk:

        async def call() -> openai.AsyncStream[openai.types.chat.ChatCompletionChunk]:
            return await sdk.chat.completions.create(
                model=MODEL, messages=[{"role": "user", "content": "Hello"}], stream=True
            )

        reading = cache.stream_async(BODY, call)
        await anext(reading)
        await reading.aclose()  # type: ignore[attr-defined]
        assert len(cache.kept) == 0
        whole = [event async for event in cache.stream_async(BODY, call)]
        assert len(cache.kept) == 1
        assert [event async for event in cache.stream_async(BODY, call)] == whole


@pytest.mark.parametrize(
    ("events", "kept"),
    [
        ([{"type": "message_start"}, {"type": "message_stop"}], 1),
        ([{"type": "message_start"}, {"type": "content_block_delta"}], 0),
        ([{"type": "response.created"}, {"type": "response.completed"}], 1),
        ([{"type": "response.created"}, {"type": "response.failed"}], 0),
        ([{"choices": [{"index": 0, "finish_reason": "stop"}]}, {"choices": []}], 1),
        ([{"choices": [{"index": 0}]}, {"choices": [{"index": 1, "finish_reason": "stop"}]}], 0),
        ([{"choices": [{"index": 0, "finish_reason": "stop"}]}, {"error": {"code": 500}}], 0),
        ([], 0),
    ],
)
def test_a_whole_stream_of_each_form_is_known(events: list[Any], kept: int) -> None:
    cache = Cache()
    assert list(cache.stream(BODY, lambda: events)) == events
    assert len(cache.kept) == kept


def chunks(count: int) -> Iterator[Any]:
    """A stream of the official SDK's objects, which are the caller's to change."""
    for number in range(count):
        ends = "stop" if number == count - 1 else None
        delta = {"index": 0, "delta": {"content": f"word {number} "}, "finish_reason": ends}
        yield ChatCompletionChunk.model_validate(
            {
                "id": "chatcmpl-1",
                "object": "chat.completion.chunk",
                "created": 1,
                "model": MODEL,
                "choices": [delta],
            }
        )


def replied() -> ChatCompletion:
    said = {"role": "assistant", "content": "Hi"}
    return ChatCompletion.model_validate(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": MODEL,
            "choices": [{"index": 0, "message": said, "finish_reason": "stop"}],
        }
    )


def test_what_the_first_reader_of_a_stream_makes_of_it_is_his_alone() -> None:
    cache = Cache()
    for event in cache.stream(BODY, lambda: chunks(3)):
        event.choices[0].delta.content = "mine"
    for _ in range(2):
        kept = list(cache.stream(BODY, lambda: chunks(0)))
        assert kept == list(chunks(3))
        kept[0].choices.clear()


async def test_and_so_it_is_in_asyncio() -> None:
    cache = Cache()

    async def events() -> Any:
        async def come() -> AsyncIterator[Any]:
            for event in chunks(3):
                yield event

        return come()

    async for event in cache.stream_async(BODY, events):
        event.choices[0].delta.content = "mine"
    assert [event async for event in cache.stream_async(BODY, events)] == list(chunks(3))


def test_a_stream_and_a_whole_reply_are_not_each_others() -> None:
    cache = Cache()
    list(cache.stream(BODY, lambda: chunks(3)))
    assert cache.get_or_call(BODY, replied) == replied()
    assert list(cache.stream(BODY, lambda: chunks(0))) == list(chunks(3))


@pytest.mark.parametrize("streamed", [False, True])
def test_it_takes_no_more_memory_than_it_counts(streamed: bool) -> None:
    cache = Cache()

    def fill(number: int) -> None:
        body = {**BODY, "seed": number}
        if streamed:
            list(cache.stream(body, lambda: chunks(50)))
        else:
            cache.get_or_call(body, replied)

    fill(0)
    cache.kept.clear()
    gc.collect()
    tracemalloc.start()
    try:
        for number in range(100):
            fill(number)
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held / 1.2 <= cache.kept.size_bytes <= held * 1.5


def test_a_stream_larger_than_all_that_is_kept_passes_and_is_not() -> None:
    cache = Cache(most_bytes=5_000)
    assert len(list(cache.stream(BODY, lambda: chunks(100)))) == 100
    assert len(cache.kept) == 0
