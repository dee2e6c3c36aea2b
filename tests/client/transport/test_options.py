"""What may be said to a managed client, and what it learns by itself, as a provider sees it."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx2
import openai
import pytest

from quotadeck.client import Backoff, QuotaManager, SyncQuotaManager
from quotadeck.client.transport.proxies import proxies
from tests.client.help.door import Given, door

from .asking import CALLS, HELLO, MODEL, Sdks, nothing_held, used
from .upstream import Upstream

Send = Callable[[httpx2.Request], Any]


def between(sdks: Sdks, change: Callable[[Send, httpx2.Request], Any]) -> None:
    """From now on ``change`` stands between the managed transport and the network."""
    inner: Any = sdks.http._transport._inner  # type: ignore[attr-defined]
    send: Send = inner.handle_async_request
    inner.handle_async_request = lambda request: change(send, request)


async def passing(sdks: Sdks) -> int:
    """How many calls are admitted until the first one would have to wait."""
    for number in range(100):
        try:
            await CALLS["embeddings"](sdks)
        except openai.RateLimitError:
            return number
    raise AssertionError("all were")


async def test_a_clients_priority_is_that_of_all_its_calls(provider: Upstream) -> None:
    manager = QuotaManager(60, None, None)
    for priority, admitted in (("low", 7), ("high", 3)):
        async with Sdks(manager, provider.root, patience=0, priority=priority) as sdks:
            assert await passing(sdks) == admitted, "lower classes leave a reserve"


@pytest.mark.parametrize("asked", [True, False])
async def test_a_streams_usage_is_asked_for_unless_it_is_not_to_be(
    provider: Upstream, manager: QuotaManager, asked: bool
) -> None:
    bodies: list[bytes] = []

    async def noting(send: Send, request: httpx2.Request) -> httpx2.Response:
        bodies.append(await request.aread())
        response: httpx2.Response = await send(request)
        return response

    async with Sdks(manager, provider.root, stream_usage=asked) as sdks:
        between(sdks, noting)
        await CALLS["chat_stream"](sdks)
    assert [b"include_usage" in body for body in bodies] == [asked]
    assert used(manager)[2] > 0, "else what came of it is counted"
    assert nothing_held(manager)


async def test_a_clients_backoff_says_how_often_it_is_tried(
    provider: Upstream, manager: QuotaManager
) -> None:
    provider.fault("status", value=500)
    async with Sdks(manager, provider.root, backoff=Backoff(base_s=0.001, tries=2)) as sdks:
        with pytest.raises(openai.InternalServerError):
            await CALLS["chat"](sdks)
    assert provider.requests == 2


async def test_a_wait_beyond_its_patience_is_told_and_not_begun(
    provider: Upstream, manager: QuotaManager
) -> None:
    provider.fault("retry-after", value=30)
    async with Sdks(manager, provider.root, patience=5) as sdks:
        with pytest.raises(openai.RateLimitError) as refused:
            await CALLS["chat"](sdks)
    assert refused.value.response.headers["retry-after"] == "30", "it is the provider's own"
    assert (provider.requests, manager.usage_report()["analytics"].refused) == (1, 0)


async def test_of_what_calls_really_use_the_next_hold_as_much(
    provider: Upstream, manager: QuotaManager
) -> None:
    held: list[int] = []

    async def noting(send: Send, request: httpx2.Request) -> httpx2.Response:
        held.append(manager.usage_report()["analytics"].held_nano)
        response: httpx2.Response = await send(request)
        return response

    async with Sdks(manager, provider.root) as sdks:
        between(sdks, noting)
        for _ in range(5):
            await CALLS["chat"](sdks)
    longest = max(bill.completion_tokens for bill in provider.bills.lines)
    assert longest < 100
    saved_nano = (256 - longest * 6 // 5) * 8_000
    assert held[0] - held[-1] >= saved_nano, "256 tokens of output, before any was seen"


async def test_a_redirection_has_used_nothing(provider: Upstream, manager: QuotaManager) -> None:
    async def moved(send: Send, request: httpx2.Request) -> httpx2.Response:
        if "moved" not in str(request.url):
            return httpx2.Response(307, headers={"location": f"{request.url}?moved=1"})
        response: httpx2.Response = await send(request)
        return response

    async with Sdks(manager, provider.root) as sdks:
        between(sdks, moved)
        await CALLS["chat"](sdks)
    [bill] = provider.bills.lines
    assert used(manager) == (2, bill.prompt_tokens, bill.completion_tokens)
    assert nothing_held(manager)


async def test_a_providers_limits_are_kept_apart_by_host_model_and_key(
    provider: Upstream, manager: QuotaManager
) -> None:
    async def limited(send: Send, request: httpx2.Request) -> httpx2.Response:
        response: httpx2.Response = await send(request)
        for what, value in (("limit", "60"), ("remaining", "2"), ("reset", "58s")):
            response.headers[f"x-ratelimit-{what}-requests"] = value
        return response

    host = provider.root.removeprefix("http://")
    async with Sdks(manager, provider.root, patience=0) as sdks:
        between(sdks, limited)

        async def ask(model: str = MODEL, key: str = "sk-any") -> None:
            await sdks.openai.with_options(api_key=key).embeddings.create(model=model, input="a")

        for _ in range(3):
            await ask()
        with pytest.raises(openai.RateLimitError, match=f"provider:{host}/{MODEL}:rpm"):
            await ask()
        await ask(model="deepseek-v3.2")
        await ask(key="sk-other")
    names = [one.name for one in manager.usage_report().providers]
    assert names == [f"{host}/{MODEL}", f"{host}/deepseek-v3.2", f"{host}#2/{MODEL}"]
    assert not any("sk-" in name for name in names)


async def test_a_thread_waits_for_its_turn_too(provider: Upstream) -> None:
    quotas = SyncQuotaManager(rpm_limit=None, burst_window=1)
    quotas.set_project_quota("analytics", rpm=600, concurrency=9)

    def calls() -> None:
        with openai.OpenAI(
            http_client=quotas.http_client("analytics"), base_url=provider.base_url, api_key="any"
        ) as sdk:
            for _ in range(13):
                sdk.embeddings.create(model=MODEL, input="a")

    await asyncio.to_thread(calls)
    assert used(quotas)[0] == 13
    assert quotas.usage_report()["analytics"].waited_s > 0
    assert nothing_held(quotas)


def test_the_environments_proxies_carry_its_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    url, body = "http://provider.test/v1/chat/completions", {"model": MODEL, "messages": HELLO}
    quotas = SyncQuotaManager()
    with door(*[Given(200, {"object": "chat.completion", "choices": []})] * 4) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.removesuffix("/v1"))
        monkeypatch.delenv("NO_PROXY", raising=False)
        with quotas.http_client("a") as http:
            assert http.post(url, json=body).status_code == 200
        assert [path for _, path, _ in proxy.seen] == [url]
        refused = httpx2.ConnectError, httpx2.ConnectTimeout
        with quotas.http_client("a", trust_env=False) as http, pytest.raises(refused):
            http.post(url, json=body)
    assert quotas.usage_report()["a"].requests == 1


@pytest.mark.parametrize("none", ["", "*", "a.test,.b.test, 10.0.0.1,10.1.0.0/16,::1,localhost"])
def test_proxies_are_read_as_the_library_reads_them(
    monkeypatch: pytest.MonkeyPatch, none: str
) -> None:
    from httpx._utils import get_environment_proxies

    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "proxy.test:3128")
    monkeypatch.setenv("ALL_PROXY", "http://user:word@other.test")
    monkeypatch.setenv("NO_PROXY", none)
    assert proxies() == get_environment_proxies()
