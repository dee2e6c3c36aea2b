"""A provider that fails: what is tried again, what the SDK is told, and that nothing stays held."""

import asyncio
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from quotadeck.client import Backoff, QuotaManager

from .asking import CALLS, HELLO, MODEL, Sdks, nothing_held, used
from .upstream import Upstream

QUICK = Backoff(base_s=0.001)


@pytest.mark.parametrize(("kind", "value"), [("retry-after", 0.02), ("retry-after-ms", 20)])
async def test_a_busy_provider_is_waited_for(
    provider: Upstream, manager: QuotaManager, kind: str, value: float
) -> None:
    provider.fault(kind, value=value, count=2)
    async with Sdks(manager, provider.root) as sdks:
        began = asyncio.get_running_loop().time()
        await CALLS["chat"](sdks)
        assert asyncio.get_running_loop().time() - began >= 0.04
    assert provider.requests == 3
    [bill] = provider.bills.lines
    assert used(manager) == (3, bill.prompt_tokens, bill.completion_tokens)
    assert nothing_held(manager)


@pytest.mark.parametrize("form", ["chat", "message"])
async def test_a_wait_of_weeks_is_no_wait(
    provider: Upstream, manager: QuotaManager, form: str
) -> None:
    provider.fault("retry-after", value=3_600 * 24 * 49)
    async with Sdks(manager, provider.root) as sdks:
        refused: Any
        with pytest.raises((openai.RateLimitError, anthropic.RateLimitError)) as refused:
            await CALLS[form](sdks)
    headers = refused.value.response.headers
    assert "retry-after" not in headers
    assert headers["x-should-retry"] == "false"
    assert headers["x-provider-retry-after-ms"] == str(3_600 * 24 * 49 * 1_000)
    assert provider.requests == 1
    assert nothing_held(manager)


@pytest.mark.parametrize("status", [500, 503, 529, 408])
async def test_trouble_is_tried_again_here_and_not_by_the_sdk(
    provider: Upstream, manager: QuotaManager, status: int
) -> None:
    provider.fault("status", value=status)
    async with Sdks(manager, provider.root, backoff=QUICK) as sdks:
        with pytest.raises(openai.APIStatusError) as failed:
            await CALLS["chat"](sdks)
    assert failed.value.status_code == status
    assert provider.requests == QUICK.tries
    assert used(manager) == (QUICK.tries, 0, 0)
    assert nothing_held(manager)


@pytest.mark.parametrize(("kind", "value"), [("status", 401), ("insufficient-quota", 429)])
async def test_what_no_wait_helps_is_told_at_once(
    provider: Upstream, manager: QuotaManager, kind: str, value: int
) -> None:
    provider.fault(kind, value=value)
    async with Sdks(manager, provider.root) as sdks:
        with pytest.raises(openai.APIStatusError):
            await CALLS["chat_stream"](sdks)
    assert provider.requests == 1
    assert nothing_held(manager)


async def test_a_storm_passes_and_nobody_notices(provider: Upstream, manager: QuotaManager) -> None:
    provider.fault("retry-after-ms", value=20, count=30)
    async with Sdks(manager, provider.root) as sdks:
        sdks.openai = sdks.openai.with_options(max_retries=0)
        await asyncio.gather(*(CALLS["embeddings"](sdks) for _ in range(40)))
    assert provider.requests == 70
    assert _provider(manager).refused == 30
    assert nothing_held(manager)


async def test_a_pause_is_everybodys(provider: Upstream, manager: QuotaManager) -> None:
    provider.fault("retry-after-ms", value=80, count=1)
    async with Sdks(manager, provider.root) as sdks:
        first = asyncio.create_task(CALLS["chat"](sdks))
        async with asyncio.timeout(5):
            while not manager._core.providers or not _provider(manager).refused:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        [told] = manager.usage_report().providers
        assert 0 < told.paused_s <= 0.08
        began = asyncio.get_running_loop().time()
        await asyncio.gather(first, *(CALLS["chat"](sdks) for _ in range(5)))
        assert asyncio.get_running_loop().time() - began > 0.04
    assert provider.requests == 7


@pytest.mark.parametrize(
    ("kind", "value"),
    [("truncate", 3), ("reset-chunk", 2), ("refuse", 0), ("stream-error", 2), ("garbage", 2)],
)
async def test_whatever_breaks_leaves_nothing_held(
    provider: Upstream, manager: QuotaManager, kind: str, value: int
) -> None:
    provider.fault(kind, value=value)
    calls = ("chat", "chat_stream", "message_stream", "responses_stream")
    async with Sdks(manager, provider.root, backoff=QUICK) as sdks:
        sdks.openai = sdks.openai.with_options(max_retries=0)
        sdks.anthropic = sdks.anthropic.with_options(max_retries=0)
        for call in calls:
            try:
                await CALLS[call](sdks)
            except Exception as error:  # noqa: BLE001 -- whichever the SDK makes of it
                del error
            assert nothing_held(manager)
    assert used(manager)[0] == len(calls)


async def test_a_stream_that_breaks_is_charged_for_what_came_and_held(
    provider: Upstream, manager: QuotaManager
) -> None:
    provider.fault("reset-chunk", value=9)
    async with Sdks(manager, provider.root) as sdks:
        with pytest.raises(openai.APIError):
            await CALLS["chat_stream"](sdks)
    one = manager.usage_report()["analytics"]
    assert 1 <= one.output_tokens <= 9
    assert one.cost_nano > 256 * 8_000, "it may be billed for all it could have used"


async def test_a_provider_that_cannot_be_reached_is_asked_for_nothing(
    manager: QuotaManager,
) -> None:
    async with Sdks(manager, "http://127.0.0.1:9") as sdks:
        with pytest.raises(openai.APIConnectionError):
            await sdks.openai.with_options(max_retries=1).chat.completions.create(
                model=MODEL, messages=HELLO
            )
    one = manager.usage_report()["analytics"]
    assert (one.requests, one.released) == (0, 2)
    assert nothing_held(manager)


async def test_who_may_not_be_asked_for_usage_is_asked_without(
    provider: Upstream, manager: QuotaManager
) -> None:
    asked = list[bool]()
    async with Sdks(manager, provider.root) as sdks:
        inner: Any = sdks.http._transport._inner  # type: ignore[attr-defined]
        send = inner.handle_async_request

        async def refusing(request: Any) -> Any:
            body = await request.aread()
            asked.append(b"include_usage" in body)
            if asked[-1]:
                return httpx2.Response(
                    400, json={"error": {"message": "stream_options is not known"}}
                )
            return await send(request)

        inner.handle_async_request = refusing
        await CALLS["chat_stream"](sdks)
        await CALLS["chat_stream"](sdks)
    assert asked == [True, False, False]
    assert nothing_held(manager)


def _provider(manager: QuotaManager) -> Any:
    [one] = manager._core.providers.values()
    return one
