"""Fifty requests of 10 MB at once, each until it is served: memory, and what small ones feel."""

import asyncio
import multiprocessing
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from io import BytesIO
from pathlib import Path

import aiohttp
import httpx
import orjson

from tests.bench.subjects import PROJECTS, TARGETS
from tests.load import chat
from tests.processes import running, wait_until

LARGE = 50
SIZE = 9_900_000


def memory_mb(pid: int, name: str) -> int:
    """A figure of the process's memory, as the kernel keeps it."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    [line] = [line for line in lines if line.startswith(name + ":")]
    return int(line.split()[1]) // 1024


def large_requests(base_url: str, key: str) -> Counter[int]:
    """The statuses of the large requests; a refused one is tried again."""
    statuses = Counter[int]()
    words = "Déjà vu, naïve façade. "
    text = orjson.dumps(chat(words * (SIZE // len(words.encode()))))
    url = "data:image/png;base64," + "iVBO" * (SIZE // 4)
    part = {"type": "image_url", "image_url": {"url": url}}
    image = orjson.dumps({**chat(), "messages": [{"role": "user", "content": [part]}]})

    async def ask(session: aiohttp.ClientSession, body: bytes) -> None:
        while True:
            async with session.post(f"{base_url}/chat/completions", data=BytesIO(body)) as reply:
                await reply.read()
                statuses[reply.status] += 1
                if reply.status != 503:
                    return
                await asyncio.sleep(float(reply.headers["retry-after"]))

    async def ask_all() -> None:
        headers = {"Authorization": f"Bearer {key}", "content-type": "application/json"}
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
            bodies = [text, image] * (LARGE // 2)
            await asyncio.gather(*(ask(session, body) for body in bodies))

    asyncio.run(ask_all())
    return statuses


def small_requests(base_url: str, key: str, done: Callable[[], bool]) -> list[float]:
    """Seconds of each small request, one after the other until it is done; sorted."""
    times = list[float]()
    with httpx.Client(headers={"Authorization": f"Bearer {key}"}, timeout=60) as http:
        while not done():
            began = time.monotonic()
            http.post(f"{base_url}/chat/completions", json=chat()).raise_for_status()
            times.append(time.monotonic() - began)
            time.sleep(0.005)
    return sorted(times)


def run() -> list[tuple[str, str]]:
    """(name, figure) of memory, answers and the small requests' times."""
    limits = PROJECTS + PROJECTS.replace("bench", "small")
    with (
        tempfile.TemporaryDirectory() as directory,
        running(Path(directory), limits, targets=TARGETS) as gateway,
    ):
        pid = gateway.process.pid
        keys = [gateway.add_key(project) for project in ("bench", "small")]
        before = memory_mb(pid, "VmRSS")
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as other:
            large = other.submit(large_requests, gateway.base_url, keys[0])
            times = small_requests(gateway.base_url, keys[1], large.done)
            statuses = large.result()
        peak = memory_mb(pid, "VmHWM")
        wait_until(lambda: gateway.snapshot().projects[0].flow.in_flight == 0)
        after = memory_mb(pid, "VmRSS")
    shown = statistics.median(times), times[len(times) * 99 // 100], times[-1]
    return [
        (
            f"{LARGE} × {SIZE / 1e6:.0f} MB at once: resident before, peak, after",
            f"{before}, {peak}, {after} MB",
        ),
        ("their answers", ", ".join(f"{count} × {status}" for status, count in statuses.items())),
        (
            "small requests meanwhile: median, 99th percentile, slowest",
            ", ".join(f"{1_000 * time_s:.0f}" for time_s in shown) + " ms",
        ),
    ]
