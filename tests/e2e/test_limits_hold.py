"""Under many SDK clients at once a limit is used to the full and never passed."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import openai
import pytest
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionMessageParam

from quotadeck.domain.days import micros
from tests.processes import Gateway, running, wait_until

RPM = 3_000
SLOW_RPM = 600
"""Little enough that a busy machine uses it to the full, too."""
BURST_S = 10
UNDER_WAY_S = 2
BUDGET_NANO = 60_000_000
"""A request may cost 2.9 million at the dearest tier, less than a twentieth of it."""
PROJECTS = f"""
[projects.rated]
rpm = {RPM}
[projects.slow]
rpm = {SLOW_RPM}
[projects.funded]
daily_budget_usd = "0.06"
"""
TARGETS = "\n".join(
    f'[targets."main/{model}"]\nrpm = 1000000\ntpm = 1000000000'
    for model in ("claude-opus-4.7", "gpt-4.1", "gemini-2.5-flash", "deepseek-v3.2")
)
HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Name three rivers."}]


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    with running(tmp_path, PROJECTS, targets=TARGETS) as started:
        yield started


async def crowd(
    gateway: Gateway, key: str, *, clients: int, seconds: float, max_tokens: int
) -> tuple[int, float]:
    """So many SDK clients ask for so long, and until each was refused some times.

    Replies, and seconds until the last one.
    """
    admitted = refused = 0
    last = began = time.monotonic()

    async def one(client: AsyncOpenAI) -> None:
        nonlocal admitted, refused, last
        while time.monotonic() - began < seconds or refused < 5 * clients:
            try:
                await client.chat.completions.create(
                    model="gpt-4.1", messages=HELLO, max_tokens=max_tokens
                )
            except openai.RateLimitError:
                refused += 1
                # As a client without manners: at once again, but letting the others run.
                await asyncio.sleep(0.02)
            else:
                admitted += 1
                last = time.monotonic()

    async with AsyncOpenAI(base_url=gateway.base_url, api_key=key, max_retries=0) as client:
        await asyncio.gather(*(one(client) for _ in range(clients)))
    return admitted, last - began


def rate_is_used_and_kept(
    gateway: Gateway, project: str, rpm: int, clients: int, seconds: float
) -> str:
    key = gateway.add_key(project)
    admitted, elapsed = asyncio.run(
        crowd(gateway, key, clients=clients, seconds=seconds, max_tokens=10)
    )
    allowed = rpm * BURST_S / 60 + rpm / 60 * elapsed
    assert admitted <= allowed
    # By the gateway's clock, as replies come late on a busy machine; and until all clients are
    # under way a full bucket earns nothing.
    ok = {"project": project, "outcome": "ok"}
    pages = gateway.get("/calls", limit=1, **ok), gateway.get("/calls", last=1, **ok)
    first_us, last_us = (micros(page["rows"][0]["at"]) for page in pages)
    used_s = (last_us - first_us) / 1_000_000 - UNDER_WAY_S
    assert admitted >= rpm * BURST_S / 60 + rpm / 60 * used_s
    return f"{admitted} admitted of {allowed:.1f} allowed in {elapsed:.2f} s"


def budget_is_used_and_never_passed(gateway: Gateway, clients: int, seconds: float) -> str:
    key = gateway.add_key("funded")
    asyncio.run(crowd(gateway, key, clients=clients, seconds=seconds, max_tokens=40))
    wait_until(lambda: the_rest_is_spent(gateway, key) >= 0.95 * BUDGET_NANO)
    billed = billed_nano(gateway)
    assert billed <= BUDGET_NANO

    def spent() -> int:
        rows = gateway.get("/rollups", per="day", project="funded")["rows"]
        return sum(row["cost_nano_usd"] for row in rows)

    wait_until(lambda: spent() == billed)
    return f"{billed} of {BUDGET_NANO} nano-dollars spent"


def billed_nano(gateway: Gateway) -> int:
    return sum(row["cost_nano_usd"] for row in gateway.upstream.calls)


def the_rest_is_spent(gateway: Gateway, key: str) -> int:
    """What the crowd held and did not use is there again for one who asks alone; all billed.

    A busy machine gives it back a moment after the crowd was answered.
    """
    asked = {"model": "gpt-4.1", "messages": HELLO, "max_tokens": 40}
    with httpx.Client(headers={"Authorization": f"Bearer {key}"}) as http:
        while True:
            answer = http.post(f"{gateway.base_url}/chat/completions", json=asked)
            if answer.status_code != 200:
                assert answer.status_code == 429, answer.text
                return billed_nano(gateway)


def test_requests_admitted_are_capacity_plus_rate_times_time(gateway: Gateway) -> None:
    rate_is_used_and_kept(gateway, "slow", SLOW_RPM, clients=8, seconds=4)


def test_a_budget_is_never_passed_by_a_nano_dollar_and_used_to_95_percent(
    gateway: Gateway,
) -> None:
    budget_is_used_and_never_passed(gateway, clients=8, seconds=2)


def test_a_budget_is_not_passed_where_the_upstream_tells_no_usage(gateway: Gateway) -> None:
    key = gateway.add_key("funded")
    gateway.upstream.fault("usage-missing")  # and a chunk of this model holds twelve tokens
    asked = {"model": "gemini-2.5-flash", "messages": HELLO, "max_tokens": 400, "stream": True}
    with httpx.Client(headers={"Authorization": f"Bearer {key}"}) as http:
        for _ in range(500):
            answer = http.post(f"{gateway.base_url}/chat/completions", json=asked)
            if answer.status_code != 200:
                break
    assert answer.status_code == 429
    assert sum(row["cost_nano_usd"] for row in gateway.upstream.calls) <= BUDGET_NANO


@pytest.mark.soak
def test_64_sdk_clients_for_30_s(gateway: Gateway) -> None:
    print(rate_is_used_and_kept(gateway, "rated", RPM, clients=64, seconds=30))


@pytest.mark.soak
def test_64_sdk_clients_on_a_budget(gateway: Gateway) -> None:
    print(budget_is_used_and_never_passed(gateway, clients=64, seconds=30))
