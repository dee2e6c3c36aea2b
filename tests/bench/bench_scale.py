"""Ten thousand projects on a real gateway: what silence, a console, a snapshot and a start cost."""

import asyncio
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from itertools import cycle
from pathlib import Path

import aiohttp

from quotadeck.domain.verbs.keys import MAX_PROJECTS
from tests.bench import cpu_s
from tests.bench.subjects import TARGETS
from tests.load import chat
from tests.processes import Gateway, running
from tests.screen import Screen

PROJECTS, BUSY = 10_000, 1_000
PROBED = (sys.executable, "-m", "tests.bench.probed")
SETTLED_S, SECONDS, ROUNDS, SNAPSHOTS = 4.0, 6.0, 2, 20
EVERY_S = 0.01
NAMES = [f"project-{number:05}" for number in range(1, PROJECTS + 1)]
LIMITS = 'rpm = 600\ntpm = 1000000\ndaily_budget_usd = "5"'


@contextmanager
def listening(gateway: Gateway) -> Iterator[None]:
    """A console that only reads: what it does with its readings is its own affair."""
    stop = threading.Event()

    def read() -> None:
        with gateway.admin() as http, http.stream("GET", "/stream") as stream:
            for _ in stream.iter_raw():
                if stop.is_set():
                    return

    reader = threading.Thread(target=read)
    reader.start()
    time.sleep(SETTLED_S / 2)
    try:
        yield
    finally:
        stop.set()
        reader.join()


class Watched:
    """A gateway's CPU over some seconds, or its loop's gaps where a probe is in it."""

    def __init__(self, gateway: Gateway, probe: Path | None) -> None:
        self._gateway = gateway
        self._probe = probe
        self.seen: dict[str, list[float]] = {}

    @contextmanager
    def over(self, what: str) -> Iterator[None]:
        """Measure what happens within the context, under this name."""
        pid, skip = self._gateway.process.pid, len(self._gaps())
        spent, began = cpu_s(pid), time.monotonic()
        yield
        share = 100 * (cpu_s(pid) - spent) / (time.monotonic() - began)
        seen = max(self._gaps()[skip + 1 :], default=0.0) if self._probe else share
        self.seen.setdefault(what, []).append(seen)

    def _gaps(self) -> list[float]:
        return [float(line) for line in self._probe.read_text().split()] if self._probe else []

    def told(self) -> list[tuple[str, str]]:
        unit = "ms, the longest turns of the loop" if self._probe else "% CPU"
        return [
            (what, ", ".join(f"{one:.1f}" for one in seen) + f" {unit}")
            for what, seen in self.seen.items()
        ]


def snapshot_ms(gateway: Gateway) -> tuple[float, float]:
    """The median to the last byte, and the gateway's CPU, of one whole snapshot."""
    took = []
    with gateway.admin() as http:
        http.get("/snapshot").raise_for_status()
        spent = cpu_s(gateway.process.pid)
        for _ in range(SNAPSHOTS):
            began = time.perf_counter()
            http.get("/snapshot").raise_for_status()
            took.append((time.perf_counter() - began) * 1_000)
        cpu = cpu_s(gateway.process.pid) - spent
    return statistics.median(took), cpu * 1_000 / SNAPSHOTS


async def asking(gateway: Gateway, keys: dict[str, str], seconds: float) -> list[float]:
    """Milliseconds of requests at a steady pace, each of the next project."""
    took: list[float] = []
    async with aiohttp.ClientSession() as session:

        async def one(project: str, key: str) -> None:
            headers = {"Authorization": f"Bearer {key}", "X-Project-Id": project}
            began = time.perf_counter()
            url = f"{gateway.base_url}/chat/completions"
            async with session.post(url, json=chat(), headers=headers) as reply:
                await reply.read()
                assert reply.status == 200, reply.status
            took.append((time.perf_counter() - began) * 1_000)

        asked, projects, end = [], cycle(keys.items()), time.perf_counter() + seconds
        while time.perf_counter() < end:
            asked.append(asyncio.create_task(one(*next(projects))))
            await asyncio.sleep(EVERY_S)
        await asyncio.gather(*asked)
    return sorted(took)


def quantiles(took: list[float]) -> str:
    p99 = took[int(0.99 * (len(took) - 1))]
    return f"p50 {statistics.median(took):.1f}, p99 {p99:.1f}, at most {took[-1]:.1f} ms"


def demo_s() -> float:
    """From the demo's start to its first row."""
    with tempfile.TemporaryDirectory() as home:
        env = dict.fromkeys(("XDG_STATE_HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"), home)
        command = [sys.executable, "-m", "quotadeck", "demo", "--projects", str(PROJECTS)]
        with Screen(command, env=env, columns=120, rows=40) as screen:
            took = screen.sent_within(b"project-0", 120)
            screen.press("q")
            screen.exit_code(60)
    return took


def lived(gateway: Gateway, at: Watched) -> Iterator[tuple[str, str]]:
    """Quiet with and without a console, in turns; snapshots; requests beside both."""
    yield "ready, CPU", f"{cpu_s(gateway.process.pid):.2f} s"
    time.sleep(SETTLED_S)
    for _ in range(ROUNDS):
        with at.over("quiet"):
            time.sleep(SECONDS)
        with listening(gateway), at.over("quiet, one console"):
            time.sleep(SECONDS)
    with at.over("snapshots"):
        wall, cpu = snapshot_ms(gateway)
    yield "whole snapshot, median; CPU", f"{wall:.0f} ms; {cpu:.0f} ms"
    keys: dict[str, str] = {}
    for start in range(0, BUSY, MAX_PROJECTS):
        some = NAMES[start : start + MAX_PROJECTS]
        keys |= dict.fromkeys(some, gateway.add_key(*some))
    asyncio.run(asking(gateway, keys, BUSY * EVERY_S))
    for _ in range(ROUNDS):
        for name, beside in (("asked", nullcontext()), ("asked, one console", listening(gateway))):
            what = f"{name}, {1 / EVERY_S:.0f}/s over {BUSY:,}"
            with beside, at.over(what):
                took = asyncio.run(asking(gateway, keys, SECONDS))
            yield what, quantiles(took)
    yield from at.told()


def run() -> list[tuple[str, str]]:
    """A gateway as it is, the same with a probe in it, and the demo."""
    projects = "\n".join(f"[projects.{name}]\n{LIMITS}" for name in NAMES)
    found = []
    for before in ((), PROBED):
        with tempfile.TemporaryDirectory() as directory:
            probe = Path(directory) / "gaps"
            os.environ["PROBE"] = str(probe)
            with running(Path(directory), projects, targets=TARGETS, before=before) as gateway:
                at = Watched(gateway, probe if before else None)
                found += [
                    (f"{'probed: ' * bool(before)}{what}", figure)
                    for what, figure in lived(gateway, at)
                ]
    found.append((f"demo of {PROJECTS:,} projects, first row", f"{demo_s():.1f} s"))
    return found
