"""A step of the time travel: from the question to the picture, over a real gateway's socket.

The store of ten million calls is made once, in ``--store`` (by default
``/tmp/quotadeck-10M``; four minutes, 3 GB), and copied by nobody: the gateway serves from it.
"""

import asyncio
import gc
import random
import statistics
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from quotadeck.gateway.control.admin_past import PastPictures
from quotadeck.sources.gateway.source import GatewaySource
from quotadeck.store import Reader
from tests.bench.past_store import make
from tests.processes import Gateway, start_upstream

if TYPE_CHECKING:
    from quotadeck.domain.clock import Clock
    from quotadeck.store import Ledger

STEPS = 40
TURNS = 5
WIDE = 10_000
"""Projects of the second store, which has a tenth of the calls."""
_REST_S = 0.6
"""Between two steps: an account has half of the time that the store can give."""
_HOUR_US = 3_600_000_000
_SPANS = (
    ("within 48 h", 60_000_000, 47 * _HOUR_US),
    ("older, within 7 days", 49 * _HOUR_US, 160 * _HOUR_US),
)


async def _steps(socket: Path, instants: list[int]) -> tuple[list[float], str]:
    source = GatewaySource(socket)
    took, seen = [], set()
    try:
        await source.as_of(instants[0] - 1_000_000)
        for at_us in instants:
            began = time.perf_counter()
            reading = await source.as_of(at_us)
            took.append((time.perf_counter() - began) * 1_000)
            past = reading.snapshot.past
            assert past is not None
            assert len(reading.snapshot.projects) == 1_000
            await asyncio.sleep(_REST_S)
            seen.add(f"{past.per} without {', '.join(past.gaps)}")
    finally:
        await source.close()
    return took, "; ".join(sorted(seen))


async def _turns(store: Path, made_us: int) -> str:
    """The longest turn of the loop in which the pictures are made, as CPU time."""
    reader = await Reader.open(store)

    async def none() -> None:
        return

    ledger = SimpleNamespace(pages=reader, flushed=none)
    clock = SimpleNamespace(wall_us=lambda: made_us)
    pictures = PastPictures(cast("Ledger", ledger), None, cast("Clock", clock), list)
    turns: list[float] = []

    async def look() -> None:
        last = time.thread_time()
        while True:
            await asyncio.sleep(0)
            now = time.thread_time()
            turns.append(now - last)
            last = now

    looking = asyncio.create_task(look())
    gc.freeze()
    for step in range(TURNS):
        await pictures.at(made_us - (300 + step) * 60_000_000)
    looking.cancel()
    await reader.close()
    return f"{max(turns) * 1_000:.1f} ms"


def run(*options: str) -> list[tuple[str, str]]:
    given = dict(zip(options[::2], options[1::2], strict=True))
    calls = int(given.get("--calls", "10000000"))
    store = Path(given.get("--store", "/tmp/quotadeck-10M"))
    make(store, calls)
    made_us = int((store / "made").read_text())
    wide = Path(given.get("--wide", "/tmp/quotadeck-wide"))
    make(wide, calls // 10, WIDE)
    wide_us = int((wide / "made").read_text())
    found = []
    with tempfile.TemporaryDirectory() as directory:
        upstream = start_upstream(Path(directory))
        gateway = Gateway(Path(directory), upstream, "[projects.p0]\n[projects.p1]")
        config = gateway.config.read_text().replace(str(gateway.state), str(store))
        gateway.config.write_text(config)
        try:
            gateway.start()
            for name, nearest_us, furthest_us in _SPANS:
                spread = random.Random(7)
                scattered = [
                    made_us - spread.randrange(nearest_us, furthest_us) for _ in range(STEPS)
                ]
                minutes = [scattered[0] - at * 60_000_000 for at in range(STEPS)]
                for what, instants in (("minute by minute", minutes), ("anywhere", scattered)):
                    took, seen = asyncio.run(_steps(gateway.socket, instants))
                    least, half, most = min(took), statistics.median(took), max(took)
                    found.append(
                        (
                            f"{name}, {what} ({seen})",
                            f"{least:.0f} / {half:.0f} / {most:.0f} ms",
                        )
                    )
        finally:
            gateway.stop()
            upstream.process.kill()
    return [
        ("least / median / most of 40 steps", ""),
        *found,
        ("longest turn of the gateway's loop, 1,000 projects", asyncio.run(_turns(store, made_us))),
        (f"the same, {WIDE:,} projects", asyncio.run(_turns(wide, wide_us))),
    ]
