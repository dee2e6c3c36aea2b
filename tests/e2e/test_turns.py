"""Unmodified SDKs as a fair queue: who is refused with others comes back at a turn of his own."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

import anthropic
import httpx
import openai
import pytest

from tests.processes import Gateway, running

PER_S, CAPACITY = 5, 10
PROJECTS = "".join(
    f"[projects.{name}]\nrpm = {60 * PER_S}\n" for name in ("eight", "twenty", "claude", "crowd")
) + "".join(f'[projects.{name}]\npriority = "{name}"\n' for name in ("high", "low"))
RPM_OF = {"claude-opus-4.7": 100_000, "gpt-4.1": 100_000, "gemini-2.5-flash": 100_000}
TARGETS = "\n".join(
    f'[targets."main/{model}"]\nrpm = {rpm}\ntpm = 1000000000'
    for model, rpm in {**RPM_OF, "deepseek-v3.2": 60 * PER_S}.items()
)
_number = itertools.count()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    settings = f"request_window_s = {CAPACITY // PER_S}"
    directory = tmp_path_factory.mktemp("turns")
    with running(directory, PROJECTS, targets=TARGETS, settings=settings) as started:
        yield started


@dataclass
class Counted:
    """How many requests an SDK's client has sent, its own retries too."""

    requests: int = 0
    refused: int = 0
    hooks: dict[str, list[Callable[..., Awaitable[None]]]] = field(init=False)

    def __post_init__(self) -> None:
        async def came(response: object) -> None:
            self.requests += 1
            self.refused += getattr(response, "status_code", 0) == 429

        self.hooks = {"response": [came]}


def river() -> str:
    return f"Name river {next(_number)}."


async def chat(client: openai.AsyncOpenAI, model: str = "gpt-4.1") -> float:
    """Ask once; the instant of the answer."""
    await client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": river()}], max_tokens=5
    )
    return time.monotonic()


def sdk(gateway: Gateway, key: str, counted: Counted) -> openai.AsyncOpenAI:
    http = openai.DefaultAsyncHttpxClient(event_hooks=counted.hooks)
    return openai.AsyncOpenAI(base_url=gateway.base_url, api_key=key, http_client=http)


async def used_up(gateway: Gateway, key: str, model: str = "gpt-4.1") -> None:
    """Take what its bucket holds, as a client that announces no retries: it is promised nothing."""
    asked = {"model": model, "messages": [{"role": "user", "content": "Go."}], "max_tokens": 1}
    url, head = f"{gateway.base_url}/chat/completions", {"authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(headers=head) as http:
        while True:
            answers = await asyncio.gather(*(http.post(url, json=asked) for _ in range(CAPACITY)))
            if any(answer.status_code == 429 for answer in answers):
                return


def test_eight_at_once_on_an_empty_bucket_all_succeed_with_two_requests_each(
    gateway: Gateway,
) -> None:
    key, counted = gateway.add_key("eight"), Counted()

    async def story() -> None:
        await used_up(gateway, key)
        async with sdk(gateway, key, counted) as client:
            await asyncio.gather(*(chat(client) for _ in range(8)))

    asyncio.run(story())
    assert counted.refused <= 8
    assert counted.requests <= 16


def test_twenty_at_once_on_a_full_bucket_all_succeed_and_half_need_a_second_request(
    gateway: Gateway,
) -> None:
    key, counted = gateway.add_key("twenty"), Counted()

    async def story() -> None:
        async with sdk(gateway, key, counted) as client:
            await asyncio.gather(*(chat(client) for _ in range(2 * CAPACITY)))

    asyncio.run(story())
    assert counted.refused <= CAPACITY
    assert counted.requests <= 3 * CAPACITY


def test_anthropics_sdk_has_turns_too(gateway: Gateway) -> None:
    key, counted = gateway.add_key("claude"), Counted()

    async def story() -> None:
        await used_up(gateway, key)
        http = anthropic.DefaultAsyncHttpxClient(event_hooks=counted.hooks)
        base_url = gateway.base_url.removesuffix("/v1")
        async with anthropic.AsyncAnthropic(
            base_url=base_url, api_key=key, http_client=http
        ) as client:
            await asyncio.gather(
                *(
                    client.messages.create(
                        model="gpt-4.1",
                        max_tokens=5,
                        messages=[{"role": "user", "content": river()}],
                    )
                    for _ in range(5)
                )
            )

    asyncio.run(story())
    assert counted.requests <= 10


def test_two_projects_at_one_target_both_have_turns(gateway: Gateway) -> None:
    """Whose come first is the limiter's to keep, by a clock that a test turns."""
    keys = {name: gateway.add_key(name) for name in ("high", "low")}
    counted = Counted()

    async def story() -> None:
        model = "deepseek-v3.2"
        await used_up(gateway, keys["high"], model)
        async with (
            sdk(gateway, keys["low"], counted) as low,
            sdk(gateway, keys["high"], counted) as high,
        ):
            await asyncio.gather(*(chat(each, model) for each in (low, high) * 4))

    asyncio.run(story())
    assert counted.requests <= 2 * 8


def test_a_client_that_comes_never_back_keeps_nothing_from_others_for_long(
    gateway: Gateway,
) -> None:
    key = gateway.add_key("crowd")

    async def story() -> None:
        await used_up(gateway, key)
        counted = Counted()
        async with sdk(gateway, key, counted) as client:
            alone = client.with_options(max_retries=0)
            left = await asyncio.gather(
                *(chat(alone) for _ in range(CAPACITY)), return_exceptions=True
            )
            assert any(isinstance(each, openai.RateLimitError) for each in left)
            # All of the bucket may be promised to those who do not come.
            await chat(client)
        assert counted.requests <= CAPACITY + 3

    asyncio.run(story())
