"""What a viewer's flood of the admin socket costs everybody else; needs root, to be that viewer."""

import asyncio
import os
import secrets
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import aiohttp

from tests.bench.subjects import PROJECTS, TARGETS
from tests.flooding import NOBODY, REQUESTS, flooding
from tests.load import chat
from tests.processes import Gateway, running

SECONDS = 4.0
EVERY_S = 0.01
"""Requests come at their own pace, as from many clients: a slow answer delays no other."""


def percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


async def data_plane_ms(gateway: Gateway, key: str, seconds: float) -> list[float]:
    """Milliseconds of requests sent at a steady pace."""
    took: list[float] = []
    url, headers = f"{gateway.base_url}/chat/completions", {"Authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession(headers=headers) as session:

        async def one() -> None:
            began = time.perf_counter()
            async with session.post(url, json=chat()) as reply:
                await reply.read()
                assert reply.status == 200, reply.status
            took.append((time.perf_counter() - began) * 1_000)

        asked = []
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            asked.append(asyncio.create_task(one()))
            await asyncio.sleep(EVERY_S)
        await asyncio.gather(*asked)
    return took


def pauses_ms(gateway: Gateway, stop: threading.Event, took: list[float]) -> None:
    """Pause and resume by an operator's own connections, five times a second."""
    asked = {"subject": "project:other", "reason": "measured"}
    with gateway.admin() as operator:
        while not stop.wait(0.1):
            for action in ("pause", "resume"):
                command = {**asked, "action": action, "idempotency_key": secrets.token_hex(8)}
                began = time.perf_counter()
                assert operator.post("/commands", json=command).json()["applied"]
                if action == "pause":
                    took.append((time.perf_counter() - began) * 1_000)


def measured(gateway: Gateway, key: str, seconds: float) -> tuple[list[float], list[float]]:
    """Milliseconds of the data plane's requests, and of an operator's pauses, side by side."""
    stop, paused = threading.Event(), list[float]()
    operator = threading.Thread(target=pauses_ms, args=(gateway, stop, paused))
    operator.start()
    try:
        return asyncio.run(data_plane_ms(gateway, key, seconds)), paused
    finally:
        stop.set()
        operator.join()


def size_mb(gateway: Gateway) -> tuple[float, float]:
    """Resident memory and the ledger with its journal, in megabytes."""
    with Path(f"/proc/{gateway.process.pid}/statm").open() as file:
        resident = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    stored = sum(path.stat().st_size for path in gateway.state.rglob("*") if path.is_file())
    ballast = (gateway.state / "ballast").stat().st_size
    return resident / 1e6, (stored - ballast) / 1e6


def quoted(took: tuple[list[float], list[float]]) -> str:
    requests, pauses = took
    return (
        f"p50 {statistics.median(requests):.1f} p99 {percentile(requests, 0.99):.1f} ms, "
        f"pause {statistics.median(pauses):.0f}, at most {max(pauses):.0f} ms"
    )


def flooded(gateway: Gateway, key: str, kind: str, uids: Sequence[int], seconds: float) -> str:
    """The figures under a flood of a kind of request by these accounts, 16 connections in all."""
    before_mb = size_mb(gateway)
    with ExitStack() as floods:
        each = max(1, 16 // len(uids))
        seen = [
            floods.enter_context(flooding(gateway.socket, kind, uid=uid, connections=each))
            for uid in uids
        ]
        took = quoted(measured(gateway, key, seconds))
    after_mb = size_mb(gateway)
    answers = sum((flood.answers for flood in seen), Counter[str]())
    sent = ", ".join(f"{count / seconds:.0f}/s {status}" for status, count in answers.items())
    grown = [f"{was:.0f} → {now:.0f} MB" for was, now in zip(before_mb, after_mb, strict=True)]
    return f"{sent}; {took}; memory {grown[0]}, stored {grown[1]}"


def run(
    kinds: Sequence[str] = tuple(REQUESTS), viewers: int = 1, seconds: float = SECONDS
) -> list[tuple[str, str]]:
    """(name, figures) of each kind of flood, and quiet right before it."""
    if os.getuid() != 0:
        return [("floods", "not measured: root alone can be other accounts")]
    found = []
    with (
        tempfile.TemporaryDirectory() as directory,
        running(Path(directory), PROJECTS + "[projects.other]\n", targets=TARGETS) as gateway,
    ):
        key = gateway.add_key("bench")
        measured(gateway, key, 2)
        for index, kind in enumerate(kinds):
            first = NOBODY - index * viewers
            found.append(("quiet", quoted(measured(gateway, key, seconds))))
            uids = range(first, first - viewers, -1)
            found.append((f"flood of {kind}", flooded(gateway, key, kind, uids, seconds)))
        gateway.stop()
        began = time.perf_counter()
        gateway.start()
        found.append(("start afterwards", f"{time.perf_counter() - began:.2f} s"))
        gateway.stop()
    return found
