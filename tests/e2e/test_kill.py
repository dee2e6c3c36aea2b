"""kill -9 of the gateway under load: nothing delivered is lost, nothing is counted twice.

Replies and streams, with an operator who changes things all the while.
"""

import asyncio
import contextlib
import itertools
import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from quotadeck.domain.commands import Field
from quotadeck.domain.snapshot import limit_on
from tests.load import Tally, chat, flood
from tests.processes import MODELS, Gateway, running

pytestmark = pytest.mark.filterwarnings(
    # httpcore forgets the socket whose connect() a dead gateway refused.
    "ignore:.*unclosed.*socket:pytest.PytestUnraisableExceptionWarning",
    "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning",
)

RPM = 1_200
PROJECTS = f"""
[projects.steady]
daily_budget_usd = "5000"
[projects.rated]
rpm = {RPM}
[projects.handled]
rpm = 6000
"""
TARGETS = "\n".join(
    f'[targets."main/{model}"]\nrpm = 1000000\ntpm = 1000000000'
    for model in ("claude-opus-4.7", "gpt-4.1", "gemini-2.5-flash", "deepseek-v3.2")
)


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    # A little latency in the upstream, so that every kill meets calls under way.
    with running(tmp_path, PROJECTS, targets=TARGETS, speed=0.05) as started:
        yield started


@dataclass
class Seen:
    """What the clients have, over all lives of the gateway."""

    whole: dict[str, str] = field(default_factory=dict)
    broken: int = 0

    def add(self, tally: Tally) -> None:
        assert not self.whole.keys() & tally.whole.keys()
        self.whole |= tally.whole
        self.broken += tally.broken


def kill_under_load(gateway: Gateway, times: int) -> str:
    """Kill and restart so often; what must hold afterwards."""
    keys = {name: gateway.add_key(name) for name in ("steady", "rated", "handled")}
    operator = Operator(gateway)
    pinned = gateway.command("limit", "project:steady", field="rpm", value=90_000, for_ms=3_600_000)
    assert pinned["applied"], pinned
    dice = random.Random(7)
    seen = {name: Seen() for name in keys}
    began = time.monotonic()
    for life in range(times):
        for name, tally in asyncio.run(one_life(operator, keys, life, dice.uniform(0.2, 0.7))):
            seen[name].add(tally)
        gateway.start()
        operator.finds_all_that_was_answered()
        override_is_in_force(gateway, pinned)
        no_death_fills_a_bucket(gateway, time.monotonic() - began)
    elapsed = time.monotonic() - began
    rows = ledger(gateway)
    delivered = {rid: answer for one in seen.values() for rid, answer in one.whole.items()}
    each_reply_is_in_the_ledger_once(rows, delivered)
    each_call_of_the_upstream_is_accounted_for(gateway, rows)
    rollups_equal_the_calls(gateway, rows)
    # No quota is given back by a death: over all lives one bucket's worth and the rate's.
    admitted = sum(1 for row in rows if row["project"] == "rated" and row["outcome"] != "refused")
    allowed = RPM / 6 + RPM / 60 * elapsed
    assert admitted <= allowed
    unknown = sum(row["outcome"] == "unknown" for row in rows)
    streams = sum(row["stream"] for row in rows if row["id"] in delivered)
    return (
        f"{times} kills: {len(delivered)} replies delivered, {streams} of them streams, all in the "
        f"ledger once; {unknown} unknown and charged; {admitted} of {allowed:.0f} allowed by the "
        f"rate; {len(operator.answered)} changes answered, all in the log once"
    )


@dataclass
class Operator:
    """Changes things without a pause, and keeps what was answered."""

    gateway: Gateway
    answered: dict[str, dict[str, Any]] = field(default_factory=dict)

    def act(self, number: int) -> None:
        """One change; the gateway may die under it."""
        project, model = "project:handled", "model:gpt-4.1"
        asked: tuple[str, str, dict[str, Any]] = (
            ("pause", project, {"field": "paused", "value": True, "for_ms": 3_600_000}),
            ("resume", project, {}),
            ("limit", project, {"field": "rpm", "value": 3_000 + number, "for_ms": 3_600_000}),
            ("fallback", model, {"value": f"main/{MODELS[number % 4]}", "for_ms": 3_600_000}),
        )[number % 4]
        action, subject, more = asked
        with contextlib.suppress(httpx.HTTPError, json.JSONDecodeError):
            answer = self.gateway.command(action, subject, **more)
            if answer.get("applied"):
                self.answered[answer["command_id"]] = answer

    def finds_all_that_was_answered(self) -> None:
        """Each answered change is in the log, once."""
        found = Counter[str]()
        before: dict[str, int] = {}
        while True:
            page = self.gateway.get("/audit", limit=1_000, **before)
            found.update(row["id"] for row in page["rows"])
            if page["next_before_seq"] is None:
                break
            before = {"before_seq": page["next_before_seq"]}
        assert [one for one in self.answered if found[one] != 1] == []


async def one_life(
    operator: Operator, keys: dict[str, str], life: int, seconds: float
) -> list[tuple[str, Tally]]:
    """Load on all projects, and changes, until the gateway is killed."""
    dead = asyncio.Event()
    gateway = operator.gateway

    async def load(name: str, clients: int) -> tuple[str, Tally]:
        return name, await flood(
            gateway.base_url,
            keys[name],
            clients=clients,
            seconds=0,
            body=lambda n: chat(f"Life {life}, question {n}.", stream=n % 5 < 2),
            until=lambda: asyncio.wait_for(_set(dead), 60),
        )

    async def kill() -> None:
        await asyncio.sleep(seconds)
        await asyncio.to_thread(gateway.kill)
        dead.set()

    async def handle() -> None:
        for number in itertools.count(life):
            if dead.is_set():
                return
            await asyncio.to_thread(operator.act, number)

    *tallies, _, _ = await asyncio.gather(
        load("steady", 8), load("rated", 4), load("handled", 2), handle(), kill()
    )
    return tallies


async def _set(event: asyncio.Event) -> None:
    await event.wait()


def ledger(gateway: Gateway) -> list[dict[str, Any]]:
    """Every call in the ledger: the start has folded the whole journal before it served."""
    rows: list[dict[str, Any]] = []
    after = ""
    while True:
        page = gateway.get("/calls", limit=1_000, **({"after": after} if after else {}))
        if not page["rows"]:
            return rows
        rows += page["rows"]
        after = page["next_cursor"]


def each_reply_is_in_the_ledger_once(rows: list[dict[str, Any]], delivered: dict[str, str]) -> None:
    times = Counter(row["id"] for row in rows)
    by_id = {row["id"]: row for row in rows}
    assert [rid for rid in delivered if times[rid] != 1] == []
    assert [rid for rid, answer in delivered.items() if by_id[rid]["response_id"] != answer] == []
    assert [rid for rid in delivered if by_id[rid]["outcome"] != "ok"] == []
    assert max(times.values()) == 1


def each_call_of_the_upstream_is_accounted_for(
    gateway: Gateway, rows: list[dict[str, Any]]
) -> None:
    by_id = {row["id"]: row for row in rows}
    for logged in gateway.upstream.calls:
        row = by_id[logged["request_id"]]
        if row["outcome"] == "ok":
            assert row["cost_nano_usd"] == logged["cost_nano_usd"]
        else:
            assert row["outcome"] == "unknown"
            assert row["cost_nano_usd"] >= logged["cost_nano_usd"]


def rollups_equal_the_calls(gateway: Gateway, rows: list[dict[str, Any]]) -> None:
    forwarded = [row for row in rows if row["outcome"] != "refused"]
    for per in ("minute", "day"):
        sums = gateway.get("/rollups", per=per, limit=1_000)["rows"]
        assert sum(s["forwarded"] for s in sums) == len(forwarded)
        assert sum(s["unknown"] for s in sums) == sum(r["outcome"] == "unknown" for r in rows)
        for name in ("cost_nano_usd", "input_tokens", "output_tokens"):
            assert sum(s[name] for s in sums) == sum(row[name] for row in forwarded)
        refused = sum(row["count"] for row in rows if row["outcome"] == "refused")
        assert sum(sum(s["refused"].values()) for s in sums) == refused


def override_is_in_force(gateway: Gateway, pinned: dict[str, Any]) -> None:
    [row] = gateway.get("/audit", subject="project:steady")["rows"]
    assert row["in_force"]
    assert row["id"] == pinned["command_id"]


def no_death_fills_a_bucket(gateway: Gateway, elapsed: float) -> None:
    """What the rated project has left is at most what time gave it, less what it was admitted."""
    [rated] = [row for row in gateway.snapshot().projects if row.id == "rated"]
    days = gateway.get("/rollups", per="day", project="rated")["rows"]
    admitted = sum(day["forwarded"] for day in days)
    rpm = limit_on(rated, Field.RPM)
    assert rpm is not None
    assert rpm.level is not None
    assert rpm.level.level <= (RPM / 6 + RPM / 60 * elapsed - admitted) * 1_000_000


def test_three_kills_lose_nothing(gateway: Gateway) -> None:
    kill_under_load(gateway, 3)


@pytest.mark.soak
def test_forty_kills_lose_nothing(gateway: Gateway) -> None:
    print(kill_under_load(gateway, 40))


@pytest.mark.soak
def test_two_hundred_kills_lose_nothing(gateway: Gateway) -> None:
    print(kill_under_load(gateway, 200))
