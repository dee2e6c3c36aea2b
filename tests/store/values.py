"""Calls, commands and events for the store's tests, and what must hold of any ledger."""

import sqlite3
import stat
import subprocess
import sys
from collections import Counter
from pathlib import Path

from quotadeck.domain.calls import Attempt, Call, Counted, Move, OpenCall, Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.commands import Action, Entry, Field, Rejected, Role
from quotadeck.domain.gate import Gate
from quotadeck.domain.history import Rollup
from quotadeck.domain.latency import column
from quotadeck.domain.notice import notice
from quotadeck.domain.snapshot import Event
from quotadeck.domain.subject import Subject
from quotadeck.domain.usage import Usage
from quotadeck.store import Reader

START_US = 1_795_489_200_000_000
MINUTE_US = 60_000_000
REFUSED = Rejected("not_allowed", notice("refused.no_reason", action="pause"))


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
        run_id="run_7",
        client_request_id="theirs-" + name,
        takes=((f"project:{project}:rpm", 1_000_000), (f"project:{project}:budget", 1_000)),
    )


def move_of(call: OpenCall, *, after_us: int = 5_000, target: str = "other/nano") -> Move:
    """Its attempt was refused by the upstream, and it goes on to another target."""
    rpm, budget = (key for key, _ in call.takes[:2])
    return Move(
        id=call.id,
        at_us=call.at_us + after_us,
        served_model="nano",
        target=target,
        fallback_step=call.fallback_step + 1,
        estimated_input=90,
        estimated_output=30,
        held_tokens=130,
        held_nano_usd=600,
        bound_is_estimate=True,
        price_version="v2",
        deadline_us=call.deadline_us + after_us,
        gone=((budget, 0),),
        takes=((rpm, 1_000_000), (budget, 600), (f"target:{target}:rpm", 1_000_000)),
        failed=Attempt(call.target, Cause.UPSTREAM_429, 429, after_us // 1_000, "up-1"),
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
        run_id="run_7",
        client_request_id="theirs-" + name,
        target="main/gpt-4.1-mini",
        estimated_input=100,
        estimated_output=40,
        cost_nano_usd=700,
        fees_nano_usd=10,
        price_version="v1",
        total_ms=320,
        stream=True,
        usage=Usage(90, 10, 33, 7, 3, 20),
        attempts=(
            Attempt("main/gpt-4.1", Cause.UPSTREAM_5XX, 503, 70, "up-1"),
            Attempt("main/gpt-4.1-mini", Cause.NONE, 200, 240, "up-2"),
        ),
        charged=((f"project:{project}:budget", 700),),
    )
    return call._replace(**given)  # type: ignore[arg-type]


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
        wait_ms=1_500,
        gates=(
            Gate("project:analytics:rpm", 60, 1_000_000, 400_000),
            Gate("project:analytics:tpm", 9_000, 140_000_000, -5),
        ),
        counted=Counted(at_us, at_us + 900_000, 3, count * 1_000_000, 1_000_000)
        if count > 1
        else None,
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
        before=None,
        after=True,
        reason="runaway batch ☂",
        public=False,
        until_us=START_US + MINUTE_US,
        ends=(1, 2),
        applied=applied,
        refused=None if applied else REFUSED,
        idempotency_key="idem-" + name,
    )


def event(name: str, text: str = "analytics at 80 % of its budget") -> Event:
    return Event(name, START_US, "project:analytics", notice("told", text=text))


async def all_calls(reader: Reader) -> list[Call]:
    return [call for _, call in await reader.calls(limit=-1)]


def summed(calls: list[Call], per: str) -> dict[tuple[object, ...], tuple[int, ...]]:
    """What the roll-ups of these calls must be, worked out call by call."""
    sums: dict[tuple[object, ...], list[int]] = {}
    for call in calls:
        lengths_us = {"minute": MINUTE_US, "hour": 60 * MINUTE_US}
        length_us = lengths_us.get(per)
        period = call.at_us // length_us * length_us if length_us else call.day
        row = sums.setdefault((period, call.project, call.model), [0] * (12 + 36))
        outcome = call.outcome
        row[0] += call.count * (outcome is not Outcome.REFUSED)
        row[1] += call.count * (outcome is Outcome.UPSTREAM_ERROR)
        row[2] += call.count * (outcome is Outcome.CLIENT_ERROR)
        row[3] += call.count * (outcome is Outcome.UNKNOWN)
        used = call.usage
        figures = (
            *(used.input_tokens, used.cached_tokens, used.output_tokens, used.cache_write_tokens),
            *(used.cache_write_1h_tokens, used.reasoning_tokens),
            *(call.cost_nano_usd, call.fees_nano_usd),
        )
        for index, figure in enumerate(figures):
            row[4 + index] += figure
        if outcome not in {Outcome.REFUSED, Outcome.UNKNOWN}:
            row[12 + column(call.total_ms)] += 1
    return {key: tuple(row) for key, row in sums.items()}


def flat(rollups: list[Rollup]) -> dict[tuple[object, ...], tuple[int, ...]]:
    """Roll-ups in the shape of `summed`."""
    return {
        (row.at_us if row.day is None else row.day, row.project, row.model): (
            row.forwarded,
            row.upstream_errors,
            row.client_errors,
            row.unknown,
            row.input_tokens,
            row.cached_tokens,
            row.output_tokens,
            row.cache_write_tokens,
            row.cache_write_1h_tokens,
            row.reasoning_tokens,
            row.cost_nano_usd,
            row.fees_nano_usd,
            *row.latency,
        )
        for row in rollups
    }


async def assert_sums(reader: Reader) -> None:
    """Roll-ups equal the calls, to the unit; no change number is used twice."""
    calls = await all_calls(reader)
    causes: Counter[str] = Counter()
    for call in calls:
        if call.outcome is Outcome.REFUSED:
            causes[call.cause] += call.count
    for per in ("minute", "hour", "day"):
        rows = await reader.rollups(per=per, limit=-1)
        assert flat(rows) == summed(calls, per)
        assert len({row.seq for row in rows}) == len(rows)
        refused: Counter[str] = Counter()
        for row in rows:
            refused.update(row.refused)
        assert refused == causes


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
