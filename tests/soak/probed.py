"""A gateway that tells what it holds: `python -m tests.soak.probed COMMAND …`.

Once a second the file PROBE says, as JSON: ``flights`` under way, ``reservations`` that live,
``taken``, the buckets that are not full or of which something is held, and ``tasks``, how many run
of each coroutine.
"""

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import orjson

from quotadeck.cli import main
from quotadeck.gateway.process.assembly import Gateway
from quotadeck.limiter import MemoryLimiter
from quotadeck.limiter.buckets import Bucket, RateBucket, SlotBucket


def is_taken(bucket: Bucket, now_ns: int) -> bool:
    """Whether somebody has something of it: of money, whether any is held."""
    if isinstance(bucket, RateBucket):
        return bucket.left(now_ns) < bucket.limit.capacity
    return (bucket.used if isinstance(bucket, SlotBucket) else bucket.held) != 0


def held(gateway: Gateway, limiter: MemoryLimiter) -> dict[str, Any]:
    """All that may be left behind."""
    now_ns = time.monotonic_ns()
    buckets = limiter._buckets.items()
    coroutines = [task.get_coro() for task in asyncio.all_tasks()]
    return {
        "flights": len(gateway.flights.under_way),
        "reservations": len(limiter._live),
        "taken": [key for key, bucket in buckets if is_taken(bucket, now_ns)],
        "tasks": Counter(getattr(one, "__qualname__", str(one)) for one in coroutines),
    }


async def probe(gateway: Gateway, path: Path) -> None:
    """Runs for the gateway's life."""
    limiter = gateway.flights._limiter
    assert isinstance(limiter, MemoryLimiter)
    fresh = path.with_suffix(".new")
    while True:
        fresh.write_bytes(orjson.dumps(held(gateway, limiter)))
        fresh.replace(path)
        await asyncio.sleep(1)


def run() -> None:
    """The command with the probe among its jobs."""
    jobs, path = Gateway.jobs, Path(os.environ["PROBE"])

    def probed(self: Gateway) -> list[Coroutine[Any, Any, None]]:
        return [*jobs(self), probe(self, path)]

    Gateway.jobs = probed  # type: ignore[method-assign]
    del sys.argv[1:4]  # python -m quotadeck
    main()


if __name__ == "__main__":
    run()
