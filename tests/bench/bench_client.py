"""The manager that applications embed, beside the rate limiters that Python has."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from statistics import median

from quotadeck.client import Estimate, QuotaManager
from tests.bench.client_peers import RATE, Acquire, peers

BATCH, BATCHES = 100, 200
SECONDS = 4.0
TASKS = 200
_IMPORT = """
import asyncio, time
held, began = int(open("/proc/self/statm").read().split()[1]), time.process_time()
from quotadeck.client import Estimate, QuotaManager, SyncQuotaManager
took = time.process_time() - began
print(took, (int(open("/proc/self/statm").read().split()[1]) - held) * 4)
"""


def run() -> Iterator[tuple[str, str]]:
    """(name, figure): the price of a call, of the import, and what a limit comes to under load."""
    yield from _imported()
    yield from asyncio.run(_calls())
    for peer in peers():
        figure = asyncio.run(_priced(peer.wide))
        yield f"an acquire of one limit that nobody reaches: {peer.name}", f"{figure:.2f} µs"
    for peer in peers():
        yield (
            f"{TASKS} tasks at {RATE}/s for {SECONDS:.0f} s: {peer.name}",
            asyncio.run(_used(peer.make)),
        )
    for peer in peers():
        figure_s = asyncio.run(_large(peer.make))
        told = "never" if figure_s is None else f"{figure_s:.2f} refills"
        yield f"a whole bucket among 30 small requests waits: {peer.name}", told


def _imported() -> Iterator[tuple[str, str]]:
    told = []
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    for _ in range(6):
        done = subprocess.run(
            [sys.executable, "-c", _IMPORT], capture_output=True, text=True, check=True, env=clean
        )
        seconds, kib = done.stdout.split()
        told.append((float(seconds) * 1e3, int(kib) / 1024))
    # The first one may write the bytecode.
    yield "import over `import asyncio`, CPU", f"{median(one for one, _ in told[1:]):.1f} ms"
    yield "import over `import asyncio`, memory", f"{median(one for _, one in told[1:]):.1f} MB"


async def _calls() -> list[tuple[str, str]]:
    manager = QuotaManager(None, None, None)
    manager.set_project_quota("a", rpm=10**9, tpm=10**12, budget=10**8, concurrency=10**6)
    threads = manager.for_threads()
    estimate = Estimate(100, 10, cost_nano=1_000)

    async def check() -> None:
        manager.check("a", estimate)

    async def both() -> None:
        reservation = await manager.acquire("a", estimate)
        reservation.settle(100, 10, cost_nano=900)

    async def entered() -> None:
        async with manager.acquire("a", estimate) as reservation:
            reservation.settle(100, 10, cost_nano=900)

    async def from_a_thread() -> None:
        with threads.acquire("a", estimate) as reservation:
            reservation.settle(100, 10, cost_nano=900)

    async def nothing() -> None:
        pass

    empty = await _median_us(nothing)
    return [
        (f"{name}, 3 limits and a budget", f"{await _median_us(call) - empty:.2f} µs")
        for name, call in (
            ("check", check),
            ("await acquire, settle", both),
            ("async with acquire, settle", entered),
            ("threads: with acquire, settle", from_a_thread),
        )
    ]


async def _median_us(call: Callable[[], Awaitable[object]]) -> float:
    taken = []
    for _ in range(BATCHES):
        began = time.perf_counter_ns()
        for _ in range(BATCH):
            await call()
        taken.append((time.perf_counter_ns() - began) / BATCH / 1_000)
    return median(taken)


async def _priced(make: Callable[[], Acquire]) -> float:
    acquire = make()
    return await _median_us(lambda: acquire(1))


async def _used(make: Callable[[], Acquire]) -> str:
    """How much of what the limit allows was given out, and by how much it was passed."""
    acquire, served = make(), []
    began = time.perf_counter()

    async def caller() -> None:
        while True:
            await acquire(1)
            served.append(time.perf_counter() - began)
            await asyncio.sleep(0)

    await _for_a_while([caller() for _ in range(TASKS)])
    in_time = [at_s for at_s in served if at_s <= SECONDS]
    over = max(number - RATE - RATE * at_s for number, at_s in enumerate(in_time, 1))
    allowed = RATE + RATE * SECONDS
    return f"{len(in_time) / allowed:7.1%} used, {'never over' if over < 1 else f'{over:.0f} over'}"


async def _large(make: Callable[[], Acquire]) -> float | None:
    """Seconds, which are refills, that a request for all there is waits; None: it was not served.

    It comes as small ones wait already.
    """
    acquire, waited = make(), []

    async def small() -> None:
        while True:
            await acquire(5)
            await asyncio.sleep(0)

    async def large() -> None:
        await asyncio.sleep(1.5)
        began = time.perf_counter()
        await acquire(RATE)
        waited.append(time.perf_counter() - began)

    await _for_a_while([small() for _ in range(30)] + [large()])
    return waited[0] if waited else None


async def _for_a_while(calls: Sequence[Awaitable[None]]) -> None:
    tasks = [asyncio.ensure_future(call) for call in calls]
    await asyncio.wait(tasks, timeout=SECONDS)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
