"""Fresh connections to a busy gateway: how long until each has its first answer, and how fairly
the gateway's time is then shared between them."""

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import orjson

from tests.bench.bench_gateway import PROJECTS, TARGETS
from tests.load import chat, flood
from tests.processes import running

FRESH = 200
BUSY = 50
SECONDS = 8.0


async def one(host: str, port: int, request: bytes, end_s: float) -> tuple[float, int]:
    """Connect and ask again and again; seconds to the first answer, and how many came."""
    began = time.monotonic()
    reader, writer = await asyncio.open_connection(host, port)
    first, count = 0.0, 0
    while time.monotonic() < end_s or not count:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        _, _, length = head.lower().partition(b"content-length: ")
        await reader.readexactly(int(length.partition(b"\r\n")[0]))
        count += 1
        first = first or time.monotonic() - began
    writer.close()
    return first, count


async def measure(base_url: str, key: str) -> list[tuple[float, int]]:
    """A flood on old connections, and fresh ones all at once in its midst."""
    body = orjson.dumps(chat())
    request = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    ).encode() + body
    host, port = base_url.removeprefix("http://").removesuffix("/v1").split(":")
    seen: list[tuple[float, int]] = []

    async def fresh() -> None:
        await asyncio.sleep(2)
        end_s = time.monotonic() + SECONDS
        seen.extend(
            await asyncio.gather(*(one(host, int(port), request, end_s) for _ in range(FRESH)))
        )

    await flood(base_url, key, clients=BUSY, seconds=0, until=fresh)
    return seen


def run() -> list[tuple[str, str]]:
    """(name, figure) of the first answers and of the requests a connection."""
    with (
        tempfile.TemporaryDirectory() as directory,
        running(Path(directory), PROJECTS, targets=TARGETS) as gateway,
    ):
        seen = asyncio.run(measure(gateway.base_url, gateway.add_key("bench")))
    firsts = sorted(first for first, _ in seen)
    counts = sorted(count for _, count in seen)
    return [
        (
            f"first answer of {FRESH} fresh connections, {BUSY} busy ones: median",
            f"{statistics.median(firsts) * 1_000:.0f} ms",
        ),
        ("the slowest of them", f"{firsts[-1] * 1_000:.0f} ms"),
        (
            f"requests a connection in {SECONDS:.0f} s: least, median, most",
            f"{counts[0]}, {statistics.median(counts):.0f}, {counts[-1]}",
        ),
    ]
