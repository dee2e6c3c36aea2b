"""A store of a week: so many calls, with their sums, levels and states; made by SQL, in minutes.

Run as ``python -m tests.bench.past_store DIRECTORY CALLS [PROJECTS]``; what is there is kept.
"""

import asyncio
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from quotadeck.clock import MachineClock
from quotadeck.domain.catalogue import Catalogue, Project, Route, Target, Upstream
from quotadeck.domain.commands import Field
from quotadeck.domain.price import Price
from quotadeck.store import Ledger, file_layer
from quotadeck.store.journal.call_record import COLUMNS
from quotadeck.store.sqlite.tables import FOR_EVER_US, HOUR, LATENCY_COLUMNS, MINUTE, Per

WEEK_US: Final = 7 * 24 * 3_600_000_000
PROJECTS: Final = 1_000
MODELS: Final = 4
_EVERY_US: Final = 240_000_000
"""Between two samples of one bucket, where there are a thousand projects."""


def field_of(projects: int = PROJECTS) -> Catalogue:
    limits = {Field.RPM: 600, Field.TPM: 100_000, Field.BUDGET: 50_000_000_000}
    names = [f"p{number}" for number in range(projects)]
    models = [f"m{number}" for number in range(MODELS)]
    return Catalogue(
        projects={name: Project(name, name.upper(), limits=limits) for name in names},
        upstreams={"main": Upstream("main", "http://127.0.0.1:1/v1", "")},
        targets={
            f"main/{name}": Target(f"main/{name}", "main", name, Price(1, 2, 3, 4, "v1"), limits)
            for name in models
        },
        routes={name: Route(name, (f"main/{name}",)) for name in models},
    )


async def _begin(directory: Path, began_us: int, projects: int) -> None:
    ledger = await Ledger.open(directory, MachineClock())
    ledger.catalogue(file_layer(field_of(projects), name="bench"), began_us)
    await ledger.flushed()
    await ledger.close()


def _calls(db: sqlite3.Connection, calls: int, projects: int, began_us: int) -> None:
    apart_us = WEEK_US // calls
    given = {
        "id": "printf('req_%016x%014x', ended_us / 1000, n)",
        "at_us": "ended_us - took_ms * 1000",
        "day": "strftime('%Y-%m-%d', ended_us / 1000000, 'unixepoch')",
        "project": "'p' || project",
        "key_id": "'key_1'",
        "priority": "1",
        "model": "'m' || model",
        "outcome": "CASE WHEN n % 20 = 0 THEN 'refused' WHEN n % 97 = 0 THEN 'upstream_error' "
        "ELSE 'ok' END",
        "cause": "CASE WHEN n % 20 = 0 THEN 'rpm' WHEN n % 97 = 0 THEN 'upstream_5xx' ELSE '' END",
        "http_status": "200",
        "count": "1",
        "response_id": "'chatcmpl-' || n",
        "served_model": "'m' || model",
        "target": "CASE WHEN n % 20 = 0 THEN '' ELSE 'main/m' || model END",
        "price_version": "'v1'",
        "binding": "CASE WHEN n % 20 = 0 THEN 'project:p' || project || ':rpm' ELSE '' END",
        "cost_nano_usd": "CASE WHEN n % 20 = 0 THEN 0 ELSE 700000 END",
        "held_nano_usd": "900000",
        "input_tokens": "410",
        "output_tokens": "42",
        "total_ms": "took_ms",
        "attempts": "'[]'",
        "gates": "'[]'",
        "shadowed": "'[]'",
        "first_us": "NULL",
        "last_us": "NULL",
        "keys": "NULL",
        "asked_sum": "NULL",
        "asked_most": "NULL",
        "wait_ms": "NULL",
        "run_id": "''",
        "client_request_id": "''",
    }
    values = ", ".join(given.get(name, "0") for name in COLUMNS)
    db.execute(
        f"INSERT INTO calls (source_id, {', '.join(COLUMNS)}) SELECT 1, {values} FROM ("
        "WITH RECURSIVE k(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k WHERE n < ?) "
        "SELECT n, ? + n * ? AS ended_us, n * 2654435761 % 5987 + 50 AS took_ms, "
        "n * 40503 % 104729 % ? AS project, n * 7 % 31 % ? AS model FROM k)",
        (calls, began_us, apart_us, projects, MODELS),
    )


def _sums(db: sqlite3.Connection, per: Per, since_us: int) -> None:
    start = f"at_us - at_us % {per.length_us}"
    zeros = ", ".join("0" for _ in LATENCY_COLUMNS[1:])
    key = f"{start}, project, model"
    db.execute(
        f"INSERT INTO rollups_{per.name} SELECT 1, {key}, row_number() OVER (), "
        "SUM(outcome <> 'refused'), SUM(outcome = 'upstream_error'), 0, 0, SUM(input_tokens), 0, "
        "SUM(output_tokens), 0, 0, 0, SUM(cost_nano_usd), 0, "
        f"SUM(outcome <> 'refused'), {zeros} FROM calls WHERE at_us >= ? GROUP BY {key}",
        (since_us,),
    )
    db.execute(
        f"INSERT INTO refusals_{per.name} SELECT 1, {key}, cause, COUNT(*) FROM calls "
        f"WHERE outcome = 'refused' AND at_us >= ? GROUP BY {key}, cause",
        (since_us,),
    )


def _levels(db: sqlite3.Connection, projects: int, since_us: int, until_us: int) -> None:
    keys = [f"project:p{number}:{kind}" for number in range(projects) for kind in ("rpm", "tpm")]
    keys += [f"target:main/m{number}:{kind}" for number in range(MODELS) for kind in ("rpm", "tpm")]
    db.executemany("INSERT INTO buckets (source_id, key) VALUES (1, ?)", [(key,) for key in keys])
    db.execute(
        "INSERT INTO levels (source_id, bucket, at_us, least, last, limit_then) "
        "SELECT 1, buckets.id, at, 40000000, 60000000, 600 FROM ("
        "WITH RECURSIVE k(at) AS (SELECT ? UNION ALL SELECT at + ? FROM k WHERE at < ?) "
        "SELECT at FROM k) CROSS JOIN buckets",
        (since_us, _EVERY_US * projects // PROJECTS, until_us),
    )


def _states(db: sqlite3.Connection, began_us: int) -> None:
    """Each project throttled for ten minutes of every ten hours, and some hold now."""
    facts = '{"urgency":"trouble","who":"","count":3,"asked":9}'
    rows = [
        (f"project:p{number}", start, start + 600_000_000 if at < 15 else FOR_EVER_US)
        for number in range(PROJECTS)
        for at in range(17 if number % 50 == 0 else 15)
        for start in [began_us + at * 36_000_000_000 + number * 30_000_000]
    ]
    db.executemany(
        "INSERT INTO states (source_id, subject, kind, cause, entered_us, left_us, facts, "
        f"left_facts) VALUES (1, ?, 'throttled', 'rpm', ?, ?, '{facts}', '{facts}')",
        rows,
    )


def make(directory: Path, calls: int, projects: int = PROJECTS) -> None:
    """The store, unless it is there."""
    if (directory / "made").exists():
        return
    now_us = time.time_ns() // 1_000
    began_us = now_us - WEEK_US
    asyncio.run(_begin(directory, began_us, projects))
    db = sqlite3.connect(directory / "ledger.db", isolation_level=None)
    for pragma in ("synchronous = OFF", "cache_size = -400000", "temp_store = FILE"):
        db.execute(f"PRAGMA {pragma}")
    recent_us = now_us - 48 * 3_600_000_000
    steps: tuple[tuple[str, Callable[[], None]], ...] = (
        ("calls", lambda: _calls(db, calls, projects, began_us)),
        ("minutes", lambda: _sums(db, MINUTE, recent_us)),
        ("hours", lambda: _sums(db, HOUR, began_us)),
        ("levels", lambda: _levels(db, projects, recent_us, now_us)),
        ("states", lambda: _states(db, began_us)),
    )
    for what, step in steps:
        began = time.monotonic()
        db.execute("BEGIN")
        step()
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        print(f"{what}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    db.close()
    (directory / "made").write_text(str(now_us))


if __name__ == "__main__":
    make(Path(sys.argv[1]), *map(int, sys.argv[2:]))
