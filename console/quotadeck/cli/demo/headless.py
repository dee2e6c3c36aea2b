"""The demo without a screen: let the traffic end, drain, read both books, compare them."""

import asyncio
import time
from collections import Counter
from pathlib import Path
from typing import Any

import orjson

from quotadeck.cli.demo.reconcile import Billed, report
from quotadeck.cli.demo.world import LEAVE_S, World
from quotadeck.domain.calls import Call
from quotadeck.store import Reader

PAGE = 1_000
COUNTS_S = 5.0
DRAIN_S = 40.0
"""The gateway's own drain of 30 s, and some time to flush."""
TRAFFIC_DRAIN_S = 15.0
"""The traffic waits ten seconds for what is under way."""


def run_headless(world: World) -> dict[str, Any]:
    """Wait for the traffic's counts, stop gateway and upstream in that order, and compare."""
    traffic = _counts(world)
    gateway, upstream = world.gateway, world.upstream
    if gateway is None or upstream is None:
        raise RuntimeError("the world was not started")
    if not gateway.running:
        raise gateway.failed("ended")
    code = gateway.stop(drain_s=DRAIN_S)
    if code:
        raise gateway.failed("did not end well")
    upstream.stop(drain_s=LEAVE_S)
    calls, billed, rolled_up = read_books(world.state, world.upstream_log)
    return report(calls, billed, traffic, rolled_up)


def read_books(state: Path, log: Path) -> tuple[list[Call], list[Billed], dict[str, int]]:
    """The ledger's calls, the upstream's log, and nano-dollars by project from the roll-ups."""
    calls, rolled_up = asyncio.run(_ledger(state))
    billed = [Billed.of(orjson.loads(line)) for line in log.read_bytes().splitlines()]
    return calls, billed, rolled_up


def _counts(world: World) -> dict[str, Any]:
    traffic, gateway, upstream = world.traffic, world.gateway, world.upstream
    if traffic is None or gateway is None or upstream is None:
        raise RuntimeError("the world was not started")
    deadline = time.monotonic() + (world.wishes.seconds or 0) + TRAFFIC_DRAIN_S
    while traffic.running and time.monotonic() < deadline:
        for child in (gateway, upstream):
            if not child.running:
                raise child.failed("ended")
        traffic.wait(0.2)
    return traffic.answer(timeout_s=COUNTS_S)


async def _ledger(state: Path) -> tuple[list[Call], dict[str, int]]:
    reader = await Reader.open(state)
    try:
        calls: list[Call] = []
        after = 0
        while page := await reader.calls(after=after, limit=PAGE):
            calls += [call for _, call in page]
            after = page[-1][0]
        spent: Counter[str] = Counter()
        after = 0
        while rows := await reader.rollups(per="day", after=after, limit=PAGE):
            for row in rows:
                spent[row.project] += row.cost_nano_usd
            after = rows[-1].seq
        return calls, dict(spent)
    finally:
        await reader.close()
