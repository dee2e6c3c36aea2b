"""A manager's transport: what it adds to an SDK's call, and a job at the provider's own limit.

The job is 2,000 calls before a provider that allows 1,000 a minute, of which its bucket holds a
whole minute's: the limit's own time is a minute. Managed, once by a quota that says the limit and
once by nothing but what the provider's replies tell; and by the SDK alone, which is asked again
whenever it gives up.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import httpx2
import openai

from quotadeck.client import QuotaManager
from tests.sim.driver import running

MODEL, RPM = "gemini-2.5-flash", 1_000
HELLO: Any = [{"role": "user", "content": "Say hello."}]
WORKERS = 64
BLOCKS, A_BLOCK = 150, 15
MOST_ADDED = 1 / 3
"""Of what the SDK itself takes for a call: 150 µs where that is 450."""
MOST_TIME = 1.05
MOST_REFUSED = 0.005
_REPLY = (
    b'{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,'
    b'"message":{"role":"assistant","content":"Hello there.","refusal":null,"annotations":[]},'
    b'"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":12,'
    b'"total_tokens":21,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":'
    b'{"reasoning_tokens":0}},"service_tier":"default","system_fingerprint":"fp_1"}'
)
_HEADERS = {
    "content-type": "application/json",
    "content-length": str(len(_REPLY)),
    "x-request-id": "req_1",
    "openai-processing-ms": "12",
    **{
        f"x-ratelimit-{what}-{unit}": value
        for unit in ("requests", "tokens")
        for what, value in (
            ("limit", "600000000"),
            ("remaining", "599999999"),
            ("reset", "1ms"),
        )
    },
}


class _Reply(httpx2.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield _REPLY

    async def aclose(self) -> None:
        pass


class _AtOnce(httpx2.AsyncBaseTransport):
    """A provider without a network: the same for both, so that the difference is ours alone."""

    async def handle_async_request(self, _: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers=_HEADERS, stream=_Reply())


def _sdk(http: httpx2.AsyncClient, base_url: str = "http://provider/v1") -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(http_client=http, base_url=base_url, api_key="sk-any")


async def _block_us(sdk: openai.AsyncOpenAI) -> float:
    """Microseconds of CPU a call."""
    begun = time.process_time()
    for _ in range(A_BLOCK):
        await sdk.chat.completions.create(model="m", messages=HELLO, max_tokens=20)
    return (time.process_time() - begun) / A_BLOCK * 1e6


async def added_us() -> tuple[float, float, float]:
    """A plain call, a managed one (each the least of its blocks), and the median difference."""
    manager = QuotaManager(60_000_000, 1_000_000_000, 100_000, unknown_price="8.00")
    manager.set_project_quota("job", rpm=50_000_000, tpm=900_000_000, budget=1_000)
    plain = _sdk(httpx2.AsyncClient(transport=_AtOnce()))
    managed = _sdk(manager.http_client("job", transport=_AtOnce()))
    pairs = [(await _block_us(plain), await _block_us(managed)) for _ in range(BLOCKS)][2:]
    least = [min(each) for each in zip(*pairs, strict=True)]
    return least[0], least[1], median(managed - plain for plain, managed in pairs)


async def job(sdk: openai.AsyncOpenAI, calls: int) -> tuple[float, int]:
    """Seconds that all of it took, and how often the SDK gave up."""
    todo, gave_up = iter(range(calls)), 0

    async def worker() -> None:
        nonlocal gave_up
        for _ in todo:
            while True:
                try:
                    await sdk.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=20)
                    break
                except openai.RateLimitError:
                    gave_up += 1

    begun = time.monotonic()
    await asyncio.gather(*(worker() for _ in range(WORKERS)))
    return time.monotonic() - begun, gave_up


async def _managed(base_url: str, calls: int, *, told: bool) -> tuple[float, int]:
    manager = QuotaManager(None, None, None, burst_window=60)
    if told:
        manager.set_project_quota("job", rpm=RPM)
    async with manager.http_client("job") as http:
        took_s, gave_up = await job(_sdk(http, base_url), calls)
    if gave_up:
        raise RuntimeError(f"a managed SDK gave up {gave_up} times")
    return took_s, sum(each.refused for each in manager.usage_report().providers)


async def _alone(base_url: str, calls: int) -> tuple[float, int, int]:
    refused = 0

    async def count(response: httpx2.Response) -> None:
        nonlocal refused
        refused += response.status_code == 429

    limits = httpx2.Limits(max_connections=1_000, max_keepalive_connections=100)
    hooks: Any = {"response": [count]}
    async with httpx2.AsyncClient(timeout=600, limits=limits, event_hooks=hooks) as http:
        took_s, gave_up = await job(_sdk(http, base_url), calls)
    return took_s, refused, gave_up


def run(calls: str = "2000") -> list[tuple[str, str]]:
    """(name, figure); raises where it adds more, takes longer or is refused more than we say."""
    plain, managed, between = asyncio.run(added_us())
    figures = [
        ("an SDK's call, without a network", f"{plain:.0f} µs of CPU"),
        (
            "the transport adds",
            f"{managed - plain:.0f} µs (the least of each), {between:.0f} µs (median of pairs)",
        ),
    ]
    if managed - plain > MOST_ADDED * plain:
        raise RuntimeError(f"the transport adds {managed - plain:.0f} µs to a call of {plain:.0f}")
    own_s = (int(calls) - RPM) * 60 / RPM
    missed = []
    for name, told in (("told the limit", True), ("by what replies tell", False)):
        took_s, refused = asyncio.run(
            _at_limit(lambda url, t=told: _managed(url, int(calls), told=t))
        )
        share = refused / int(calls)
        figures.append((f"{calls} calls, {name}", _told(took_s, own_s, refused, share)))
        if took_s > MOST_TIME * own_s or share > MOST_REFUSED:
            missed.append(figures[-1])
    took_s, refused, gave_up = asyncio.run(_at_limit(lambda url: _alone(url, int(calls))))
    share = refused / int(calls)
    told_alone = f"{_told(took_s, own_s, refused, share)}, gave up {gave_up} times"
    figures.append((f"{calls} calls, the SDK alone", told_alone))
    if missed:
        raise RuntimeError(f"a job at the limit: {missed}")
    return figures


def _told(took_s: float, own_s: float, refused: int, share: float) -> str:
    return f"{took_s:.1f} s, {took_s / own_s:.3f} × the limit's, {refused} 429s ({share:.2%})"


async def _at_limit(work: Any) -> Any:
    with TemporaryDirectory() as folder, running(Path(folder) / "log", "--enforce-limits") as up:
        return await work(up.base_url)
