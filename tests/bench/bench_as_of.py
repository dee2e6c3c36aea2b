"""A step of the time travel: from the question to the picture, over a real gateway's socket.

The store of ten million calls is made once, in ``--store`` (by default
``/tmp/quotadeck-10M``; four minutes, 3 GB), and copied by nobody: the gateway serves from it.
"""

import asyncio
import random
import statistics
import tempfile
import time
from pathlib import Path

from quotadeck.sources.gateway.source import GatewaySource
from tests.bench.past_store import make
from tests.processes import Gateway, start_upstream

STEPS = 40
_REST_S = 0.25
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


def run(*options: str) -> list[tuple[str, str]]:
    given = dict(zip(options[::2], options[1::2], strict=True))
    calls = int(given.get("--calls", "10000000"))
    store = Path(given.get("--store", "/tmp/quotadeck-10M"))
    make(store, calls)
    made_us = int((store / "made").read_text())
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
    return [("least / median / most of 40 steps", ""), *found]
