"""Admission in memory: one request over a project's and a target's buckets."""

import asyncio
import time
from itertools import count
from statistics import median

from quotadeck.clock import MachineClock
from quotadeck.domain.limits import MICRO, BudgetLimit, Priority, SlotLimit, Take, rpm, tpm
from quotadeck.limiter import Admitted, MemoryLimiter

ROUNDS = 20_000
_BATCH = 100
_ANSWER = {"project:a:tpm": 900 * MICRO, "project:a:budget": 1_500, "target:u/m:tpm": 900 * MICRO}


def _takes(buckets: int) -> tuple[Take, ...]:
    """A request's takes, the project's first; limits are wide, so that all are admitted."""
    wide = 1_000_000_000
    every = (
        Take("project:a:rpm", MICRO, rpm(wide)),
        Take("project:a:tpm", 1_200 * MICRO, tpm(wide * 1_000)),
        Take("project:a:budget", 2_000, BudgetLimit(10**18, "2026-11-24", 10**16)),
        Take("target:u/m:rpm", MICRO, rpm(wide), shared=True),
        Take("target:u/m:tpm", 1_200 * MICRO, tpm(wide * 1_000), shared=True),
        Take("project:a:concurrency", 1, SlotLimit(wide)),
    )
    return every[:buckets]


async def _measure(buckets: int) -> tuple[float, float]:
    """Microseconds of an acquire, and of an acquire with its settling: medians over batches."""
    limiter = MemoryLimiter(MachineClock())
    takes = _takes(buckets)
    ids = (f"req_{number:032x}" for number in count())
    alone, both = [], []
    for _ in range(ROUNDS // _BATCH):
        names = [next(ids) for _ in range(_BATCH)]
        start = time.perf_counter_ns()
        for name in names:
            await limiter.acquire(name, takes, Priority.MEDIUM, 600_000)
        middle = time.perf_counter_ns()
        for name in names:
            await limiter.settle(name, _ANSWER)
        end = time.perf_counter_ns()
        alone.append((middle - start) / _BATCH / 1_000)
        both.append((end - start) / _BATCH / 1_000)
    answer = await limiter.acquire(next(ids), takes, Priority.MEDIUM, 600_000)
    admitted = isinstance(answer, Admitted)
    if not admitted:
        raise RuntimeError(f"the bench must measure admissions, not {answer}")
    return median(alone), median(both)


def run() -> list[tuple[str, str]]:
    """(name, figure) of an admission over five buckets, and over six with concurrency."""
    figures = []
    for buckets in (5, 6):
        alone, both = asyncio.run(_measure(buckets))
        figures.append((f"acquire, {buckets} buckets", f"{alone:.2f} µs"))
        figures.append((f"acquire and settle, {buckets} buckets", f"{both:.2f} µs"))
    return figures
