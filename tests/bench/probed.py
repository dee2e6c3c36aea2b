"""A gateway that tells of its event loop's gaps: `python -m tests.bench.probed COMMAND …`.

A line goes to the file PROBE a few times a second: how much CPU the loop's thread spent, in
milliseconds, between two turns of the loop, at most. CPU, not time: what other processes on the
machine take is no stall of ours.
"""

import asyncio
import os
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from quotadeck.cli import main
from quotadeck.gateway.process.assembly import Gateway

TICK_S = 0.001
TOLD_EVERY_S = 0.2


async def probe(path: Path) -> None:
    """Runs for the gateway's life."""
    with path.open("a", buffering=1) as file:
        told, worst, last = time.monotonic(), 0, time.thread_time_ns()
        while True:
            await asyncio.sleep(TICK_S)
            now = time.thread_time_ns()
            worst, last = max(worst, now - last), now
            if time.monotonic() - told >= TOLD_EVERY_S:
                file.write(f"{worst / 1e6:.2f}\n")
                told, worst, last = time.monotonic(), 0, time.thread_time_ns()


def run() -> None:
    """The command with the probe among its jobs."""
    jobs, path = Gateway.jobs, Path(os.environ["PROBE"])

    def probed(self: Gateway) -> list[Coroutine[Any, Any, None]]:
        return [*jobs(self), probe(path)]

    Gateway.jobs = probed  # type: ignore[method-assign]
    del sys.argv[1:4]  # python -m quotadeck
    main()


if __name__ == "__main__":
    run()
