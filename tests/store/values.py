"""Calls, commands and events for the store's tests, and what must hold of any ledger."""

import sqlite3
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from quotadeck.domain.calls import REFUSAL_CAUSES, Call, Cause, OpenCall, Outcome
from quotadeck.domain.commands import Action, Entry, Field, Role
from quotadeck.domain.latency import column
from quotadeck.domain.snapshot import Event, EventKind
from quotadeck.domain.subject import Subject
from quotadeck.store import Reader, Rollup

START_US = 1_795_489_200_000_000
MINUTE_US = 60_000_000


def opened(name: str, *, at_us: int = START_US, project: str = "analytics") -> OpenCall:
    return OpenCall(
        id=name,
        at_us=at_us,
        day="2026-11-24",
        project=project,
        key_id="key_1",
        priority=1,
        model="gpt-4.1",
        served_model="gpt-4.1-mini",
        target="main/gpt-4.1-mini",
        fallback_step=1,
        estimated_input=100,
        estimated_output=40,
        held_tokens=150,
        held_nano_usd=1_000,
        bound_is_estimate=False,
        price_version="v1",
        stream=True,
        retry=0,
        deadline_us=at_us + MINUTE_US,
        takes=((f"project:{project}:rpm", 1_000_000), (f"project:{project}:budget", 1_000)),
    )


def ended(name: str, *, at_us: int = START_US, project: str = "analytics", **given: object) -> Call:
    call = Call(
        id=name,
        at_us=at_us,
        day="2026-11-24",
        project=project,
        key_id="key_1",
        priority=1,
        model="gpt-4.1",
        outcome=Outcome.OK,
        cause=Cause.NONE,
        http_status=200,
        response_id="chatcmpl-" + name,
        served_model="gpt-4.1-mini",
        target="main/gpt-4.1-mini",
        attempts=1,
        estimated_input=100,
        estimated_output=40,
        input_tokens=90,
        cached_tokens=10,
        output_tokens=33,
        cost_nano_usd=700,
        price_version="v1",
        total_ms=320,
        stream=True,
        charged=((f"project:{project}:budget", 700),),
    )
    return replace(call, **given)  # type: ignore[arg-type]


def refused(name: str, cause: Cause, count: int = 1, *, at_us: int = START_US) -> Call:
    return Call(
        id=name,
        at_us=at_us,
        day="2026-11-24",
        project="analytics",
        key_id="key_1",
        priority=2,
        model="gpt-4.1",
        outcome=Outcome.REFUSED,
        cause=cause,
        http_status=429,
        count=count,
        binding="project:analytics:rpm",
    )


def entry(name: str, *, value: int | str | bool = True, applied: bool = True) -> Entry:
    return Entry(
        seq=0,
        id=name,
        at_us=START_US,
        actor="mika",
        role=Role.OPERATOR,
        origin="socket",
        action=Action.PAUSE,
        subject=Subject.project("analytics"),
        field=Field.PAUSED,
        value=value,
        before="no",
        after="yes",
        reason="runaway batch ☂",
        public=False,
        until_us=START_US + MINUTE_US,
        ends=(1, 2),
        applied=applied,
        error="" if applied else "not allowed",
        idempotency_key="idem-" + name,
    )


def event(name: str, text: str = "analytics at 80 % of its budget") -> Event:
    return Event(name, START_US, EventKind.BUDGET, "project:analytics", text)


async def all_calls(reader: Reader) -> list[Call]:
    return [call for _, call in await reader.calls(limit=-1)]


def summed(calls: list[Call], per: str) -> dict[tuple[object, ...], tuple[int, ...]]:
    """What the roll-ups of these calls must be, worked out call by call."""
    sums: dict[tuple[object, ...], list[int]] = {}
    for call in calls:
        period = call.at_us // MINUTE_US * MINUTE_US if per == "minute" else call.day
        row = sums.setdefault((period, call.project, call.model), [0] * (8 + 8 + 36))
        outcome = call.outcome
        row[0] += call.count * (outcome is not Outcome.REFUSED)
        row[1] += call.count * (outcome is Outcome.UPSTREAM_ERROR)
        row[2] += call.count * (outcome is Outcome.CLIENT_ERROR)
        row[3] += call.count * (outcome is Outcome.UNKNOWN)
        for index, cause in enumerate(REFUSAL_CAUSES):
            row[4 + index] += call.count * (outcome is Outcome.REFUSED and call.cause is cause)
        figures = call.input_tokens, call.cached_tokens, call.output_tokens, call.cost_nano_usd
        for index, figure in enumerate(figures):
            row[12 + index] += figure
        if outcome not in {Outcome.REFUSED, Outcome.UNKNOWN}:
            row[16 + column(call.total_ms)] += 1
    return {key: tuple(row) for key, row in sums.items()}


def flat(rollups: list[Rollup]) -> dict[tuple[object, ...], tuple[int, ...]]:
    """Roll-ups in the shape of `summed`."""
    return {
        (row.minute_us if row.day is None else row.day, row.project, row.model): (
            row.forwarded,
            row.upstream_errors,
            row.client_errors,
            row.unknown,
            *row.refused,
            row.input_tokens,
            row.cached_tokens,
            row.output_tokens,
            row.cost_nano_usd,
            *row.latency,
        )
        for row in rollups
    }


async def assert_sums(reader: Reader) -> None:
    """Roll-ups equal the calls, to the unit; no change number is used twice."""
    calls = await all_calls(reader)
    minutes = await reader.rollups(per="minute", limit=-1)
    days = await reader.rollups(per="day", limit=-1)
    assert flat(minutes) == summed(calls, "minute")
    assert flat(days) == summed(calls, "day")
    assert len({row.seq for row in minutes}) == len(minutes)
    assert len({row.seq for row in days}) == len(days)


def contents(directory: Path) -> dict[str, bytes]:
    """Every file under the directory, by name."""
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def modes(directory: Path) -> dict[str, int]:
    """The rights of the directory and of all that is under it, by name."""
    paths = [directory, *directory.rglob("*")]
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in paths}


def run_python(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a script in a process of its own; its output and how it ended."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def dump(directory: Path) -> list[str]:
    """The rows as SQL, without how far the journal is folded and which cursors come next."""
    db = sqlite3.connect(directory / "ledger.db")
    try:
        return [
            line
            for line in db.iterdump()
            if not line.startswith(('INSERT INTO "sources"', 'INSERT INTO "sqlite_sequence"'))
        ]
    finally:
        db.close()
