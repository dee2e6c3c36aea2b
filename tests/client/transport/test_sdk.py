"""Official SDK clients over a manager's transport: each call admitted, and settled by its reply."""

import asyncio
from typing import Any

import anthropic
import httpx
import httpx2
import openai
import pytest

from quotadeck.client import QuotaManager, SyncQuotaManager, forks
from quotadeck.client.errors import WrongProcess
from tests.clocks import HandClock

from .asking import CALLS, HELLO, MODEL, Sdks, nothing_held, used
from .upstream import Upstream


@pytest.mark.parametrize("call", CALLS)
async def test_each_form_is_settled_by_what_it_used(
    provider: Upstream, manager: QuotaManager, call: str
) -> None:
    async with Sdks(manager, provider.root) as sdks:
        await CALLS[call](sdks)
    [bill] = provider.bills.lines
    assert used(manager) == (1, bill.prompt_tokens, bill.completion_tokens)
    cost_nano = (bill.prompt_tokens + bill.completion_tokens) * 8_000
    assert manager.usage_report()["analytics"].cost_nano == cost_nano
    assert manager.usage_report()["analytics"].estimated == 0
    assert nothing_held(manager)


async def test_what_calls_no_model_passes(provider: Upstream, manager: QuotaManager) -> None:
    async with Sdks(manager, provider.root) as sdks:
        assert [model.id async for model in sdks.openai.models.list()]
        assert (
            await sdks.anthropic.messages.count_tokens(model=MODEL, messages=HELLO)
        ).input_tokens
    assert used(manager) == (0, 0, 0)
    assert provider.requests == 2


async def test_what_no_dialect_reads_is_the_providers_to_refuse(
    provider: Upstream, manager: QuotaManager
) -> None:
    async with Sdks(manager, provider.root) as sdks:
        wrong: Any = [{"content": "nobody says it"}]
        with pytest.raises(openai.BadRequestError):
            await sdks.openai.chat.completions.create(model=MODEL, messages=wrong)
    assert provider.requests == 1
    assert used(manager) == (1, 0, 0)
    assert nothing_held(manager)


async def test_older_sdks_get_a_client_of_httpx(provider: Upstream, manager: QuotaManager) -> None:
    async with Sdks(manager, provider.root) as newer:
        assert isinstance(newer.http, httpx2.AsyncClient)
    http: object = manager.http_client("analytics", library="httpx")
    assert isinstance(http, httpx.AsyncClient)
    settings: Any = {"http_client": http, "base_url": provider.base_url, "api_key": "sk-any"}
    async with openai.AsyncOpenAI(**settings) as sdk:
        await sdk.chat.completions.create(model=MODEL, messages=HELLO)
        stream = await sdk.chat.completions.create(model=MODEL, messages=HELLO, stream=True)
        assert all([chunk.choices async for chunk in stream])
    assert used(manager)[0] == 2
    assert nothing_held(manager)


async def test_threads_do_as_loops_do(provider: Upstream, manager: QuotaManager) -> None:
    quotas = manager.for_threads()

    def calls() -> None:
        with openai.OpenAI(
            http_client=quotas.http_client("analytics"), base_url=provider.base_url, api_key="any"
        ) as sdk:
            sdk.chat.completions.create(model=MODEL, messages=HELLO)
            with sdk.chat.completions.create(model=MODEL, messages=HELLO, stream=True) as stream:
                assert all(chunk.choices for chunk in stream)
            with sdk.chat.completions.create(model=MODEL, messages=HELLO, stream=True) as stream:
                next(iter(stream))
        with anthropic.Anthropic(
            http_client=quotas.http_client("analytics"), base_url=provider.root, api_key="any"
        ) as other:
            other.messages.create(model=MODEL, messages=HELLO, max_tokens=9)

    await asyncio.to_thread(calls)
    assert used(quotas)[0] == 4
    assert nothing_held(quotas)


def test_an_sdk_keeps_its_own_timeouts(manager: QuotaManager) -> None:
    for quotas, sdk in ((manager, openai.AsyncOpenAI), (manager.for_threads(), openai.OpenAI)):
        plain: Any = sdk(api_key="any")
        managed: Any = sdk(api_key="any", http_client=quotas.http_client("analytics"))  # type: ignore[arg-type]
        assert managed.timeout == plain.timeout == managed._client.timeout
        assert managed._client.follow_redirects == plain._client.follow_redirects
        pool, usual = managed._client._transport._inner._pool, plain._client._transport._pool
        for name in ("_max_connections", "_max_keepalive_connections"):
            assert getattr(pool, name) == getattr(usual, name)


@pytest.mark.parametrize("form", ["chat", "message"])
async def test_a_refusal_of_ours_is_the_sdks_own_error(
    provider: Upstream, manager: QuotaManager, form: str
) -> None:
    manager.set_project_quota("analytics", rpm=1)
    async with Sdks(manager, provider.root, patience=0.01) as sdks:
        await CALLS[form](sdks)
        kinds = openai.RateLimitError, anthropic.RateLimitError
        refused: Any
        with pytest.raises(kinds, match="for project:analytics:rpm, ") as refused:
            await CALLS[form](sdks)
    assert refused.value.response.headers["x-should-retry"] == "false"
    assert 50_000 < int(refused.value.response.headers["retry-after-ms"]) <= 60_000
    assert refused.value.status_code == 429
    assert manager.usage_report()["analytics"].refused == 1, "the SDK has not tried again"
    assert provider.requests == 1


async def test_a_call_waits_for_its_turn(provider: Upstream) -> None:
    manager = QuotaManager(rpm_limit=None, burst_window=1)
    manager.set_project_quota("analytics", rpm=600, concurrency=9)
    async with Sdks(manager, provider.root) as sdks:
        began = asyncio.get_running_loop().time()
        await asyncio.gather(*(CALLS["embeddings"](sdks) for _ in range(13)))
        assert asyncio.get_running_loop().time() - began >= 0.29
    assert used(manager)[0] == 13
    assert manager.usage_report()["analytics"].waited_s > 0.3
    assert nothing_held(manager)


async def test_a_budget_that_is_spent_is_told(provider: Upstream) -> None:
    # Of a day that is not about to end: a call would wait for the next one's money.
    manager = QuotaManager(None, None, unknown_price="8.00", clock=HandClock())
    manager.set_project_quota("analytics", concurrency=9)
    manager.set_project_quota("analytics", budget="0.000001")
    async with Sdks(manager, provider.root) as sdks:
        with pytest.raises(openai.BadRequestError, match="project:analytics:budget"):
            await CALLS["chat"](sdks)
        manager.set_project_quota("analytics", budget="0.02")
        with pytest.raises(openai.RateLimitError, match="USD left") as spent:  # noqa: PT012
            for _ in range(20):
                await CALLS["chat"](sdks)
    assert spent.value.code == "insufficient_quota"
    assert nothing_held(manager)


async def test_a_run_binds_the_calls_of_its_client(
    provider: Upstream, manager: QuotaManager
) -> None:
    with_run = manager.run("import", requests=2)
    async with Sdks(with_run, provider.root) as sdks:
        await CALLS["chat"](sdks)
        await CALLS["message"](sdks)
        with pytest.raises(openai.RateLimitError, match="all 2 requests are made"):
            await CALLS["chat"](sdks)
    assert with_run.usage().requests == used(manager)[0] == 2


async def test_the_timeout_of_a_call_holds_in_the_line(
    provider: Upstream, manager: QuotaManager
) -> None:
    manager.set_project_quota("analytics", rpm=1)
    async with Sdks(manager, provider.root) as sdks:
        await CALLS["chat"](sdks)
        with pytest.raises(openai.RateLimitError):
            await sdks.openai.chat.completions.create(model=MODEL, messages=HELLO, timeout=0.02)
    assert nothing_held(manager)


def test_a_fork_is_told_and_not_answered() -> None:
    quotas = SyncQuotaManager()
    core = quotas._core
    core.lock = forks._Elsewhere(1)
    with (
        openai.OpenAI(
            http_client=quotas.http_client("analytics"),
            base_url="http://127.0.0.1:9/v1",
            api_key="x",
        ) as sdk,
        pytest.raises(WrongProcess),
    ):
        sdk.chat.completions.create(model=MODEL, messages=HELLO)
