"""Turns at their full size, and a crowd that never comes back: the bucket is used, never passed.

``QUOTADECK_SOAK_SECONDS`` says how long the crowd asks.
"""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Iterator

import httpx
import openai
import pytest

from tests.e2e.test_turns import TARGETS, Counted, chat, river, sdk, used_up
from tests.processes import Gateway, running

pytestmark = pytest.mark.soak

SECONDS = float(os.environ.get("QUOTADECK_SOAK_SECONDS", "60"))
CLIENTS, CROWD_RPM = 64, 600
PROJECTS = f"""
[projects.eight]
rpm = 60
[projects.twenty]
rpm = 60
[projects.crowd]
rpm = {CROWD_RPM}
[projects.nightly]
[projects.checkout]
"""
BATCH, SHOP, TARGET, TARGET_RPM = 60, 4, "deepseek-v3.2", 300


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with running(tmp_path_factory.mktemp("turns"), PROJECTS, targets=TARGETS) as started:
        yield started


def test_eight_at_once_on_an_empty_bucket_of_60_rpm(gateway: Gateway) -> None:
    key, counted = gateway.add_key("eight"), Counted()

    async def story() -> float:
        await used_up(gateway, key)
        began = time.monotonic()
        async with sdk(gateway, key, counted) as client:
            await asyncio.gather(*(chat(client) for _ in range(8)))
        return time.monotonic() - began

    took = asyncio.run(story())
    print(f"8 of 8 with {counted.requests} requests in {took:.1f} s")
    assert counted.requests <= 16


def test_twenty_at_once_on_a_full_bucket_of_60_rpm(gateway: Gateway) -> None:
    key, counted = gateway.add_key("twenty"), Counted()

    async def story() -> float:
        began = time.monotonic()
        async with sdk(gateway, key, counted) as client:
            await asyncio.gather(*(chat(client) for _ in range(20)))
        return time.monotonic() - began

    took = asyncio.run(story())
    print(f"20 of 20 with {counted.requests} requests in {took:.1f} s")
    assert counted.requests <= 40


@pytest.mark.parametrize("same", [True, False], ids=["same", "different"])
def test_clients_that_never_come_back_use_the_bucket_all_the_same(
    gateway: Gateway, same: bool
) -> None:
    """What they ask is the same each time, or another each time."""
    key = gateway.add_key("crowd")
    answered = 0

    async def one(client: openai.AsyncOpenAI, until: float) -> None:
        nonlocal answered
        while time.monotonic() < until:
            text = "Name three rivers." if same else river()
            try:
                await client.chat.completions.create(
                    model="gpt-4.1", messages=[{"role": "user", "content": text}], max_tokens=5
                )
                answered += 1
            except openai.RateLimitError:
                await asyncio.sleep(0.1)  # without manners, but letting the others run

    async def story() -> float:
        await used_up(gateway, key)
        began = time.monotonic()
        async with openai.AsyncOpenAI(
            base_url=gateway.base_url, api_key=key, max_retries=0
        ) as client:
            await asyncio.gather(*(one(client, began + SECONDS) for _ in range(CLIENTS)))
        return time.monotonic() - began

    took = asyncio.run(story())
    head = {"authorization": f"Bearer {key}"}
    quota = httpx.get(f"{gateway.base_url}/quota", headers=head).json()
    left = quota["limits"]["rpm"]["left_requests"]
    most = CROWD_RPM / 60 * took
    print(f"{answered} of {most:.0f} in {took:.1f} s, {left} left")
    assert answered <= most + 1
    assert answered + left >= 0.98 * most


def test_four_of_a_shop_all_succeed_beside_a_batch_of_sixty_at_one_target(
    gateway: Gateway,
) -> None:
    """Both of the same class, each with an official SDK as it comes, asking without end."""
    keys = {name: gateway.add_key(name) for name in ("nightly", "checkout")}
    served, failed = Counter[str](), Counter[str]()

    async def one(name: str, client: openai.AsyncOpenAI, until: float) -> None:
        while time.monotonic() < until:
            try:
                await chat(client, TARGET)
                served[name] += 1
            except openai.RateLimitError:
                failed[name] += 1

    async def story() -> float:
        counted = Counted()
        await used_up(gateway, keys["nightly"], TARGET)
        began = time.monotonic()
        async with (
            sdk(gateway, keys["nightly"], counted) as batch,
            sdk(gateway, keys["checkout"], counted) as shop,
        ):
            until = began + SECONDS
            clients = [("nightly", batch)] * BATCH + [("checkout", shop)] * SHOP
            await asyncio.gather(*(one(name, client, until) for name, client in clients))
        return time.monotonic() - began

    took = asyncio.run(story())
    print(f"in {took:.1f} s at {TARGET_RPM} rpm: served {dict(served)}, failed {dict(failed)}")
    assert failed["checkout"] == 0
    assert sum(served.values()) >= 0.95 * SECONDS * TARGET_RPM / 60
