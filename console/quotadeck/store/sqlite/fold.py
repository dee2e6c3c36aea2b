# ruff: noqa: S608 - the SQL is put together from our own names and numbers alone
"""The fold: what one source has to record, into SQLite in one transaction.

A gateway's is a run of its journal; a recorder of another system makes its batches itself. Only
calls really inserted count in the roll-ups, which are summed from the rows behind the greatest
``seq`` there was before: a journal folded twice changes nothing.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from math import floor
from operator import itemgetter
from typing import Any, Final

import aiosqlite
import orjson

from quotadeck.domain.calls import Call, Outcome
from quotadeck.domain.latency import BOUNDS_MS
from quotadeck.domain.snapshot import Event
from quotadeck.store.events import facts_text
from quotadeck.store.journal import call_record
from quotadeck.store.journal.journal import Position, Record
from quotadeck.store.journal.records import (
    UnreadableRecord,
    catalogue_body,
    command_rows,
    parse,
)
from quotadeck.store.sqlite.tables import FOR_EVER_US, PERIODS, SUM_COLUMNS, USED_COLUMNS, Per

_OUTCOME: Final = call_record.COLUMNS.index("outcome")
_UNDER_WAY: Final = (b'["open",', b'["move",')
_LAST_CALL: Final = "SELECT seq FROM sqlite_sequence WHERE name = 'calls'"


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that wait to be inserted, in the tables' order."""

    ends: list[Sequence[Any]] = field(default_factory=list)
    levels: list[tuple[Any, ...]] = field(default_factory=list)
    commands: list[tuple[Any, ...]] = field(default_factory=list)
    catalogues: list[tuple[Any, ...]] = field(default_factory=list)
    states: list[tuple[bool, tuple[Any, ...]]] = field(default_factory=list)
    """Whether it was entered, and the row; in the order in which it happened."""
    events: list[tuple[Any, ...]] = field(default_factory=list)
    made: list[tuple[Any, ...]] = field(default_factory=list)

    def __len__(self) -> int:
        first = len(self.ends) + len(self.levels) + len(self.commands)
        return first + len(self.catalogues) + len(self.states) + len(self.events) + len(self.made)

    def add_call(self, call: Call) -> None:
        """A call that somebody else's journal, or none, has told of."""
        self.ends.append(call_record.row_of(call_record.end_list(call)))

    def add_event(self, event: Event) -> None:
        told = event.told
        row = (event.id, event.at_us, told.kind, event.subject, facts_text(told))
        self.events.append(row)

    def add_record(self, record: Record, withdrawn: Collection[int]) -> None:
        """A record of the journal. Raises UnreadableRecord, or what comes of a wrong one."""
        payload = record.payload
        if payload.startswith(_UNDER_WAY):
            return  # half of all records, and no row of any
        items = parse(payload, record.format)
        match items[0]:
            case "end":
                self.ends.append(call_record.row_of(items))
            case "segment":
                pass
            case "levels":
                at_us, touched = items[1], items[3]
                self.levels.extend(
                    (at_us, least, last, limit, key)
                    for key, (least, last, limit) in touched.items()
                )
            case "command" | "commands":
                self.commands.extend(
                    (content["seq"], content["subject"], digest, body)
                    for content, digest, body in command_rows(payload, items)
                    if content["seq"] not in withdrawn
                )
            case "catalogue":
                _, _, digest, at_us = items
                self.catalogues.append((at_us, digest, catalogue_body(payload, digest, at_us)))
            case "state":
                _, at_us, subject, kind, cause, entered, facts = items
                row = (at_us, orjson.dumps(facts).decode(), subject, kind, cause)
                self.states.append((entered, row))
            case "made":
                _, at_us, project, ids = items
                self.made.extend((kind, identity, project, at_us) for kind, identity in ids)
            case other:
                raise UnreadableRecord(f"a record of the unknown type {other!r}")


def sort(
    records: Iterable[Record], events: Iterable[Event], withdrawn: Collection[int]
) -> tuple[Batch, int]:
    """The rows of a run of records, and how many records could not be read.

    ``withdrawn`` are the numbers of the commands that were taken back.
    """
    batch, unreadable = Batch(), 0
    for record in records:
        try:
            batch.add_record(record, withdrawn)
        except (UnreadableRecord, TypeError, ValueError, KeyError, IndexError, AttributeError):
            unreadable += 1
    for event in events:
        batch.add_event(event)
    return batch, unreadable


class Fold:
    """Inserts batches of one source, whose number in the ledger is ``source``."""

    def __init__(self, db: aiosqlite.Connection, source: int) -> None:
        self._db = db
        self.source = source
        columns = call_record.COLUMNS
        self._call = (
            f"INSERT INTO calls (source_id, {', '.join(columns)}) "
            f"VALUES ({source}, {', '.join('?' * len(columns))}) "
            "ON CONFLICT (id, source_id) DO NOTHING"
        )
        new = _new_calls(source)
        self._sum = _sum(new)
        self._roll_up = [_roll_up(per, source) for per in PERIODS.values()]
        self._refusals = [_refusals(per, source, new) for per in PERIODS.values()]
        self._changed = f"UPDATE sources SET change = change + ? WHERE id = {source}"
        self._folded = (
            f"UPDATE sources SET folded_segment = ?, folded_offset = ? WHERE id = {source}"
        )
        self._bucket = (
            f"INSERT INTO buckets (source_id, key) VALUES ({source}, ?) "
            "ON CONFLICT (source_id, key) DO NOTHING"
        )
        self._level = (
            "INSERT INTO levels (source_id, bucket, at_us, least, last, limit_then) "
            f"SELECT {source}, id, ?, ?, ?, ? FROM buckets WHERE source_id = {source} AND key = ? "
            "ON CONFLICT (bucket, at_us, source_id) DO NOTHING"
        )
        self._command = (
            "INSERT INTO commands (source_id, seq, subject, hash, body) "
            f"VALUES ({source}, ?, ?, ?, ?) "
            "ON CONFLICT (source_id, seq) DO NOTHING"
        )
        self._catalogue = (
            f"INSERT INTO catalogues (source_id, at_us, hash, body) VALUES ({source}, ?, ?, ?) "
            "ON CONFLICT (at_us, source_id) DO NOTHING"
        )
        same = f"subject = ?3 AND kind = ?4 AND cause = ?5 AND source_id = {source}"
        self._entered = (
            "INSERT INTO states "
            "(source_id, subject, kind, cause, entered_us, left_us, facts, left_facts) "
            f"SELECT {source}, ?3, ?4, ?5, ?1, {FOR_EVER_US}, ?2, '{{}}' WHERE NOT EXISTS "
            f"(SELECT 1 FROM states WHERE {same} AND left_us = {FOR_EVER_US}) "
            "ON CONFLICT (subject, kind, cause, entered_us, source_id) DO NOTHING"
        )
        self._left = (
            "UPDATE states SET left_us = max(entered_us, ?1), left_facts = ?2 "
            f"WHERE {same} AND left_us = {FOR_EVER_US}"
        )
        self._made = (
            f"INSERT INTO made (source_id, kind, id, project, at_us) VALUES ({source}, ?, ?, ?, ?) "
            # Whose it was first it stays, as long as that one goes on with it.
            "ON CONFLICT (source_id, kind, id) DO UPDATE SET at_us = max(at_us, excluded.at_us) "
            "WHERE project = excluded.project"
        )
        self._event = (
            "INSERT INTO events (source_id, id, at_us, kind, subject, facts) "
            f"VALUES ({source}, ?, ?, ?, ?, ?) "
            "ON CONFLICT (id, source_id) DO NOTHING"
        )

    async def insert(self, batch: Batch, position: Position | None = None) -> None:
        """Insert the batch and note that the journal is folded up to ``position``.

        One transaction. Raises sqlite3.Error or OverflowError; the caller then rolls back.
        """
        await self._db.execute_fetchall("BEGIN IMMEDIATE")
        if batch.ends:
            await self._insert_ends(batch.ends)
        await self._many(self._bucket, [row[-1:] for row in batch.levels])
        await self._many(self._level, batch.levels)
        await self._many(self._command, batch.commands)
        await self._many(self._catalogue, batch.catalogues)
        for entered, run in groupby(batch.states, itemgetter(0)):
            rows = [row for _, row in run]
            await self._many(self._entered if entered else self._left, rows)
        await self._many(self._made, batch.made)
        await self._many(self._event, batch.events)
        if position is not None:
            await self._db.execute_fetchall(self._folded, position)
        await self._db.execute_fetchall("COMMIT")

    async def _insert_ends(self, rows: Sequence[Sequence[Any]]) -> None:
        last = list(await self._db.execute_fetchall(_LAST_CALL))
        new = (last[0][0] if last else 0,)
        await self._many(self._call, rows)
        await self._db.execute_fetchall(_SUMMED)
        await self._db.execute_fetchall(self._sum, new)
        for statement in self._roll_up:
            await self._db.execute_fetchall(statement)
        await self._db.execute_fetchall("DELETE FROM temp.summed")
        if any(row[_OUTCOME] == Outcome.REFUSED.value for row in rows):
            for statement in self._refusals:
                await self._db.execute_fetchall(statement, new)
        # No more roll-ups than calls have changed.
        await self._db.execute_fetchall(self._changed, (len(rows),))

    async def _many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        if rows:
            cursor = await self._db.executemany(statement, rows)
            await cursor.close()


def _new_calls(source: int) -> str:
    periods = (
        f"at_us - at_us % {per.length_us} AS {per.column}"
        for per in PERIODS.values()
        if per.length_us
    )
    return (
        f"(SELECT *, {', '.join(periods)} "
        f"FROM calls NOT INDEXED WHERE seq > ? AND source_id = {source})"
    )


def _count(condition: str) -> str:
    # A filter is far cheaper than a CASE: what does not pass it costs no step of the sum.
    return f"coalesce(SUM(count) FILTER (WHERE {condition}), 0)"


def _latency_columns() -> list[str]:
    # Milliseconds are whole, so the bounds may be too.
    bounds = [floor(bound) for bound in BOUNDS_MS]
    between = zip([-1, *bounds], bounds, strict=False)
    # The length is asked first: it rules all columns out but one.
    answered = "outcome NOT IN ('refused', 'unknown')"
    return [
        *(f"total_ms > {low} AND total_ms <= {high} AND {answered}" for low, high in between),
        f"total_ms > {bounds[-1]} AND {answered}",
    ]


_SUMS: Final = ", ".join(
    (
        _count("outcome <> 'refused'"),
        _count("outcome = 'upstream_error'"),
        _count("outcome = 'client_error'"),
        _count("outcome = 'unknown'"),
        *(f"SUM({name})" for name in USED_COLUMNS),
        *(f"COUNT(*) FILTER (WHERE {condition})" for condition in _latency_columns()),
    )
)


_PERIOD_COLUMNS: Final = ", ".join(per.column for per in PERIODS.values())
_SUMMED: Final = (
    f"CREATE TEMP TABLE IF NOT EXISTS summed ({_PERIOD_COLUMNS}, project, model, "
    f"{', '.join(SUM_COLUMNS)})"
)
"""Of one batch: each call is looked at once, and not for each kind of period anew."""


def _sum(new_calls: str) -> str:
    key = f"{_PERIOD_COLUMNS}, project, model"
    return f"INSERT INTO temp.summed SELECT {key}, {_SUMS} FROM {new_calls} GROUP BY {key}"


def _roll_up(per: Per, source: int) -> str:
    added = ", ".join(f"{name} = {name} + excluded.{name}" for name in SUM_COLUMNS)
    return " ".join(
        (
            f"INSERT INTO rollups_{per.name} (source_id, {per.column}, project, model, change,",
            ", ".join(SUM_COLUMNS),
            f") SELECT {source}, {per.column}, project, model,",
            f"(SELECT change FROM sources WHERE id = {source}) + row_number() OVER (),",
            ", ".join(f"SUM({name})" for name in SUM_COLUMNS),
            f"FROM temp.summed WHERE true GROUP BY {per.column}, project, model",
            f"ON CONFLICT (source_id, {per.column}, project, model)",
            f"DO UPDATE SET change = excluded.change, {added}",
        )
    )


def _refusals(per: Per, source: int, new_calls: str) -> str:
    key, table = f"{per.column}, project, model, cause", f"refusals_{per.name}"
    return (
        f"INSERT INTO {table} (source_id, {key}, count) "
        f"SELECT {source}, {key}, SUM(count) FROM {new_calls} WHERE outcome = 'refused' "
        f"GROUP BY {key} ON CONFLICT (source_id, {key}) "
        "DO UPDATE SET count = count + excluded.count"
    )
