# ruff: noqa: S608 - the SQL is put together from our own names alone
"""The fold: a run of journal records, and the events, into SQLite in one transaction.

Only calls really inserted count in the roll-ups, which are summed from the rows behind the greatest
``seq`` there was before: a journal folded twice changes nothing.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from math import floor
from typing import Any, Final

import aiosqlite

from quotadeck.domain.calls import REFUSAL_CAUSES
from quotadeck.domain.latency import BOUNDS_MS
from quotadeck.domain.snapshot import Event
from quotadeck.store.journal import Position
from quotadeck.store.records import Unreadable, command_body, parse
from quotadeck.store.schema import (
    CALL_COLUMNS,
    OWN_SOURCE,
    SUM_COLUMNS,
)

MINUTE_US: Final = 60_000_000

_INSERT_CALL: Final = (
    f"INSERT INTO calls (source_id, {', '.join(CALL_COLUMNS)}) "
    f"VALUES ({OWN_SOURCE}, {', '.join('?' * len(CALL_COLUMNS))}) "
    "ON CONFLICT (id, source_id) DO NOTHING"
)
_LAST_CALL: Final = "SELECT seq FROM sqlite_sequence WHERE name = 'calls'"
_NEW_CALLS: Final = f"""(
  SELECT *, at_us - at_us % {MINUTE_US} AS minute_us,
    CASE WHEN outcome IN ('refused', 'unknown') THEN NULL ELSE total_ms END AS answered_ms
  FROM calls NOT INDEXED WHERE seq > ? AND source_id = {OWN_SOURCE}
)"""


def _count(condition: str) -> str:
    return f"SUM(CASE WHEN {condition} THEN count ELSE 0 END)"


def _latency_columns() -> list[str]:
    # Milliseconds are whole, so the bounds may be too.
    bounds = [floor(bound) for bound in BOUNDS_MS]
    between = zip([-1, *bounds], bounds, strict=False)
    return [
        *(f"answered_ms > {low} AND answered_ms <= {high}" for low, high in between),
        f"answered_ms > {bounds[-1]}",
    ]


_SUMS: Final = ", ".join(
    (
        _count("outcome <> 'refused'"),
        _count("outcome = 'upstream_error'"),
        _count("outcome = 'client_error'"),
        _count("outcome = 'unknown'"),
        *(_count(f"outcome = 'refused' AND cause = '{cause}'") for cause in REFUSAL_CAUSES),
        "SUM(input_tokens), SUM(cached_tokens), SUM(output_tokens), SUM(cost_nano_usd)",
        *(f"COUNT(CASE WHEN {condition} THEN 1 END)" for condition in _latency_columns()),
    )
)


def _roll_up(table: str, period: str) -> str:
    added = ", ".join(f"{name} = {name} + excluded.{name}" for name in SUM_COLUMNS)
    return " ".join(
        (
            f"INSERT INTO {table} (source_id, {period}, project, model, change,",
            ", ".join(SUM_COLUMNS),
            f") SELECT {OWN_SOURCE}, {period}, project, model,",
            f"(SELECT change FROM sources WHERE id = {OWN_SOURCE}) + row_number() OVER (),",
            f"{_SUMS} FROM {_NEW_CALLS} WHERE true GROUP BY {period}, project, model",
            f"ON CONFLICT (source_id, {period}, project, model)",
            f"DO UPDATE SET change = excluded.change, {added}",
        )
    )


_ROLL_UP_MINUTE: Final = _roll_up("rollups_minute", "minute_us")
_ROLL_UP_DAY: Final = _roll_up("rollups_day", "day")
_CHANGED: Final = f"UPDATE sources SET change = change + ? WHERE id = {OWN_SOURCE}"
_FOLDED: Final = f"UPDATE sources SET folded_segment = ?, folded_offset = ? WHERE id = {OWN_SOURCE}"
_BUCKET: Final = (
    f"INSERT INTO buckets (source_id, key) VALUES ({OWN_SOURCE}, ?) "
    "ON CONFLICT (source_id, key) DO NOTHING"
)
_LEVEL: Final = (
    "INSERT INTO levels (source_id, bucket, at_us, least, last) "
    f"SELECT {OWN_SOURCE}, id, ?, ?, ? FROM buckets WHERE source_id = {OWN_SOURCE} AND key = ? "
    "ON CONFLICT (bucket, at_us, source_id) DO NOTHING"
)
_COMMAND: Final = (
    "INSERT INTO commands (source_id, seq, subject, hash, body) "
    f"VALUES ({OWN_SOURCE}, ?, ?, ?, ?) "
    "ON CONFLICT (source_id, seq) DO NOTHING"
)
_EVENT: Final = (
    "INSERT INTO events (source_id, id, at_us, kind, subject, text) "
    f"VALUES ({OWN_SOURCE}, ?, ?, ?, ?, ?) "
    "ON CONFLICT (id, source_id) DO NOTHING"
)


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that wait to be inserted, in the tables' order."""

    ends: list[list[Any]] = field(default_factory=list)
    levels: list[tuple[Any, ...]] = field(default_factory=list)
    commands: list[tuple[Any, ...]] = field(default_factory=list)
    events: list[tuple[Any, ...]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.ends or self.levels or self.commands or self.events)


def sort(
    payloads: Iterable[bytes], events: Iterable[Event], withdrawn: Collection[int]
) -> tuple[Batch, int]:
    """The rows of a run of records, and how many records could not be read.

    ``withdrawn`` are the numbers of the commands that were taken back.
    """
    batch, unreadable = Batch(), 0
    for payload in payloads:
        try:
            _sort_one(parse(payload), payload, batch, withdrawn)
        except (Unreadable, TypeError, ValueError, KeyError, IndexError, AttributeError):
            unreadable += 1
    batch.events.extend(
        (event.id, event.at_us, event.kind.value, event.subject, event.text) for event in events
    )
    return batch, unreadable


def _sort_one(items: list[Any], payload: bytes, batch: Batch, withdrawn: Collection[int]) -> None:
    match items[0]:
        case "open":
            pass
        case "end":
            batch.ends.append(items[1 : 1 + len(CALL_COLUMNS)])
        case "levels":
            at_us, touched = items[1], items[3]
            rows = [(at_us, least, last, key) for key, (least, last) in touched.items()]
            batch.levels.extend(rows)
        case "command" if len(items) == 2:
            pass
        case "command":
            _, content, digest = items
            if content["seq"] not in withdrawn:
                body = command_body(payload, digest)
                batch.commands.append((content["seq"], content["subject"], digest, body))
        case other:
            raise Unreadable(f"a record of the unknown type {other!r}")


async def fold(db: aiosqlite.Connection, batch: Batch, position: Position) -> None:
    """Insert the batch and note that the journal is folded up to ``position``; one transaction.

    Raises sqlite3.Error or OverflowError; the caller then rolls back.
    """
    await db.execute_fetchall("BEGIN IMMEDIATE")
    if batch.ends:
        await _fold_ends(db, batch.ends)
    if batch.levels:
        await _many(db, _BUCKET, [row[3:] for row in batch.levels])
        await _many(db, _LEVEL, batch.levels)
    if batch.commands:
        await _many(db, _COMMAND, batch.commands)
    if batch.events:
        await _many(db, _EVENT, batch.events)
    await db.execute_fetchall(_FOLDED, position)
    await db.execute_fetchall("COMMIT")


async def _fold_ends(db: aiosqlite.Connection, rows: Sequence[Sequence[Any]]) -> None:
    last = list(await db.execute_fetchall(_LAST_CALL))
    new = (last[0][0] if last else 0,)
    await _many(db, _INSERT_CALL, rows)
    await db.execute_fetchall(_ROLL_UP_MINUTE, new)
    await db.execute_fetchall(_ROLL_UP_DAY, new)
    # No more roll-ups than calls have changed.
    await db.execute_fetchall(_CHANGED, (len(rows),))


async def _many(db: aiosqlite.Connection, statement: str, rows: Sequence[Sequence[Any]]) -> None:
    cursor = await db.executemany(statement, rows)
    await cursor.close()
