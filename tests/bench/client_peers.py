"""The rate limiters that Python programs embed, each behind the same two calls.

All are given ``RATE`` a second and a second's worth at once. Those that are not installed are left
out. None of them has a budget, a settling, or several limits in one step.
"""

import asyncio
import importlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, NamedTuple

from quotadeck.client import QuotaManager

RATE = 200
Acquire = Callable[[int], Awaitable[object]]


class Peer(NamedTuple):
    """``make`` gives, in a running loop, what waits until so much may be taken.

    ``wide`` makes one whose limit nobody reaches.
    """

    name: str
    make: Callable[[], Acquire]
    wide: Callable[[], Acquire]


def peers() -> Iterator[Peer]:
    """Ours first, then those that are installed."""
    yield Peer("quotadeck", lambda: _ours(RATE), lambda: _ours(10**9))
    for name, module, make in (
        ("limits", "limits.aio", _limits),
        ("pyrate-limiter", "pyrate_limiter", _pyrate),
        ("aiolimiter", "aiolimiter", _aiolimiter),
        ("throttled-py", "throttled.asyncio", _throttled),
    ):
        try:
            importlib.import_module(module)
        except ImportError:
            continue
        yield Peer(name, _made(make, RATE), _made(make, 10**8))


def _made(make: Callable[[int], Acquire], rate: int) -> Callable[[], Acquire]:
    return lambda: make(rate)


def _ours(rate: int) -> Acquire:
    manager = QuotaManager(None, None, None, token_window=1)
    manager.set_project_quota("a", tpm=rate * 60)

    async def acquire(amount: int) -> None:
        (await manager.acquire("a", amount)).settle()

    return acquire


def _limits(rate: int) -> Acquire:
    limits: Any = importlib.import_module("limits")
    storage: Any = importlib.import_module("limits.aio.storage")
    strategies: Any = importlib.import_module("limits.aio.strategies")
    limiter = strategies.FixedWindowRateLimiter(storage.MemoryStorage())
    item = limits.RateLimitItemPerSecond(rate)

    async def acquire(amount: int) -> None:
        # It knows no waiting: whoever is refused sleeps until the window's end, as its pages say.
        import time

        while not await limiter.hit(item, "a", cost=amount):
            reset_s, _ = await limiter.get_window_stats(item, "a")
            await asyncio.sleep(max(0.001, reset_s - time.time()))

    return acquire


def _pyrate(rate: int) -> Acquire:
    pyrate: Any = importlib.import_module("pyrate_limiter")
    limiter = pyrate.Limiter(pyrate.Rate(rate, pyrate.Duration.SECOND))

    async def acquire(amount: int) -> None:
        await limiter.try_acquire_async("a", amount)

    return acquire


def _aiolimiter(rate: int) -> Acquire:
    limiter = importlib.import_module("aiolimiter").AsyncLimiter(rate, 1)

    async def acquire(amount: int) -> None:
        await limiter.acquire(amount)

    return acquire


def _throttled(rate: int) -> Acquire:
    throttled: Any = importlib.import_module("throttled.asyncio")
    quota = throttled.per_sec(rate, burst=rate)
    limiter = throttled.Throttled(
        key="a", using="token_bucket", quota=quota, timeout=60, store=throttled.MemoryStore()
    )

    async def acquire(amount: int) -> None:
        while (await limiter.limit(cost=amount)).limited:
            pass

    return acquire
