"""Reading a ledger: the gateway's own, another process's, or that of a gateway that is dead.

The connection cannot write, and each answer is fetched whole at once: an open cursor would keep the
writer's WAL from shrinking.
"""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import aiosqlite
import orjson

from quotadeck.domain.calls import Call
from quotadeck.domain.change_estimate import Minute
from quotadeck.domain.commands import Entry
from quotadeck.domain.snapshot import Event, EventKind
from quotadeck.store import lock
from quotadeck.store.chain import Chain, Link, readable
from quotadeck.store.errors import StoreError, StoreMissing
from quotadeck.store.journal import Position
from quotadeck.store.places import check_plain, ledger_file, wal_file
from quotadeck.store.rows import LevelSample, Rollup, Total, call_row, rollup_row, total_row
from quotadeck.store.schema import (
    APPLICATION_ID,
    CALL_COLUMNS,
    KEY,
    OWN_SOURCE,
    REFUSED_COLUMNS,
    SUM_COLUMNS,
    check_version,
    damaged,
    foreign,
    no_database,
    reading_uri,
)
from quotadeck.store.sqlite_errors import is_damage, is_no_database

_TIMEOUT_S: Final = 5.0
PAGE_ROWS: Final = 5_000
"""Of the command log, where all of it is read: some 4 MB."""
_MINUTE_COLUMNS: Final = (
    "forwarded",
    *REFUSED_COLUMNS,
    "input_tokens",
    "cached_tokens",
    "output_tokens",
    "cost_nano_usd",
)


class Reader:
    """A query-only connection to the ledger of one directory."""

    def __init__(
        self, directory: Path, db: aiosqlite.Connection, alone: bool, source_id: str, epoch: int
    ) -> None:
        self._directory = directory
        self._db = db
        self._alone = alone
        self._connecting = asyncio.Lock()
        self.damage = ""
        """What SQLite said when it met damage."""
        self.source_id = source_id
        self.epoch = epoch

    @classmethod
    async def open(cls, directory: Path) -> "Reader":
        """Raises StoreMissing, StoreForeign, StoreNewer, StoreDamaged or StoreError."""
        path = ledger_file(directory)
        db: aiosqlite.Connection | None = None
        try:
            _check_readable(path)
            alone = _is_alone(directory)
            db = await _connect(directory, alone=alone)
            application = next(iter(await db.execute_fetchall("PRAGMA application_id")))[0]
            if application != APPLICATION_ID:
                raise foreign(path)
            version = next(iter(await db.execute_fetchall("PRAGMA user_version")))[0]
            check_version(path, version)
            statement = "SELECT source_id, epoch FROM sources WHERE id = ?"
            rows = list(await db.execute_fetchall(statement, (OWN_SOURCE,)))
            if not rows:
                raise damaged(path, "it names no source")
            return cls(directory, db, alone, *rows[0])
        except BaseException as error:
            if db is not None:
                await db.close()
            raise _named(path, error) from error

    async def calls(
        self,
        *,
        after: int = 0,
        limit: int = 100,
        last: int | None = None,
        project: str = "",
        model: str = "",
        outcome: str = "",
    ) -> list[tuple[int, Call]]:
        """(cursor, call), oldest first: those after a cursor, or the ``last`` so many."""
        equal = {"project": project, "model": model, "outcome": outcome}
        rows = await self._page(
            f"seq, {', '.join(CALL_COLUMNS)}", "calls", after, limit, last, equal
        )
        return [(row[0], call_row(row[1:])) for row in rows]

    async def rollups(
        self,
        *,
        per: Literal["minute", "day"],
        after: int = 0,
        limit: int = 1000,
        project: str = "",
        model: str = "",
        since_us: int | None = None,
    ) -> list[Rollup]:
        """Roll-ups changed after a cursor, in that order; ``since_us`` is for minutes only."""
        period = "minute_us" if per == "minute" else "day"
        where = ["source_id = ?", "change > ?"]
        values: list[object] = [OWN_SOURCE, after]
        if since_us is not None and per == "minute":
            where.append("minute_us >= ?")
            values.append(since_us)
        for name, value in (("project", project), ("model", model)):
            if value:
                where.append(f"{name} = ?")
                values.append(value)
        rows = await self._rows(
            f"SELECT change, {period}, project, model, {', '.join(SUM_COLUMNS)} "  # noqa: S608
            f"FROM rollups_{per} WHERE {' AND '.join(where)} ORDER BY change LIMIT ?",
            (*values, limit),
        )
        return [rollup_row(row, per) for row in rows]

    async def minutes(
        self, starts_us: Sequence[int], *, project: str = "", models: Sequence[str] = ()
    ) -> list[tuple[int, Minute]]:
        """(start, sums) of those minutes that have any calls of the project, or of the models."""
        sums = ", ".join(f"SUM({name})" for name in _MINUTE_COLUMNS)
        only = "AND project = ?" if project else ""
        if models:
            only += " AND model IN (SELECT value FROM json_each(?))"
        # Minute by minute: the key's first columns make each a short range, however long the table.
        rows = await self._rows(
            f"SELECT minute_us, {sums} FROM json_each(?) AS asked "  # noqa: S608
            "CROSS JOIN rollups_minute AS r ON r.source_id = ? AND r.minute_us = asked.value "
            f"{only} GROUP BY minute_us",
            (
                orjson.dumps(list(starts_us)).decode(),
                OWN_SOURCE,
                *([project] if project else []),
                *([orjson.dumps(list(models)).decode()] if models else []),
            ),
        )
        refused = 1 + len(REFUSED_COLUMNS)
        return [
            (start, Minute(sums[0], tuple(sums[1:refused]), *sums[refused:]))
            for start, *sums in rows
        ]

    async def levels(
        self, *, after: int = 0, limit: int = 1000, bucket: str = ""
    ) -> list[LevelSample]:
        """Levels after a cursor, oldest first."""
        only = (
            "AND bucket = (SELECT id FROM buckets WHERE source_id = ? AND key = ?)"
            if bucket
            else ""
        )
        rows = await self._rows(
            "SELECT seq, at_us, key, least, last FROM levels JOIN buckets "  # noqa: S608
            f"ON buckets.id = levels.bucket WHERE levels.source_id = ? AND seq > ? {only} "
            "ORDER BY seq LIMIT ?",
            (OWN_SOURCE, after, *([OWN_SOURCE, bucket] if bucket else []), limit),
        )
        return [LevelSample(*row) for row in rows]

    async def events(
        self, *, after: int = 0, limit: int = 100, last: int | None = None
    ) -> list[tuple[int, Event]]:
        """(cursor, event), oldest first: those after a cursor, or the ``last`` so many."""
        columns = "seq, id, at_us, kind, subject, text"
        rows = await self._page(columns, "events", after, limit, last, {})
        return [
            (seq, Event(id, at_us, EventKind(kind), subject, text))
            for seq, id, at_us, kind, subject, text in rows  # noqa: A001
        ]

    async def audit(
        self, *, before_seq: int | None = None, limit: int = 100, subject: str = ""
    ) -> list[Entry]:
        """The command log, newest first, before a number. `Chain` finds what cannot be read."""
        where = ["source_id = ?"]
        values: list[object] = [OWN_SOURCE]
        if before_seq is not None:
            where.append("seq < ?")
            values.append(before_seq)
        if subject:
            where.append("subject = ?")
            values.append(subject)
        rows = await self._rows(
            "SELECT seq, subject, hash, body FROM commands "  # noqa: S608
            f"WHERE {' AND '.join(where)} ORDER BY seq DESC LIMIT ?",
            (*values, limit),
        )
        return list(readable(Link(*row) for row in rows))

    async def command_of(self, key: str) -> Entry | None:
        """The entry that has this idempotency key."""
        rows = await self._rows(
            f"SELECT seq, subject, hash, body FROM commands WHERE source_id = ? AND {KEY} = ?",  # noqa: S608
            (OWN_SOURCE, key),
        )
        return next(readable(Link(*row) for row in rows), None)

    async def last_command(self) -> int:
        """The greatest number in the command log; 0 in an empty one."""
        rows = await self._rows("SELECT max(seq) FROM commands WHERE source_id = ?", (OWN_SOURCE,))
        return rows[0][0] or 0

    async def log(self) -> list[Entry]:
        """The whole command log in order."""
        return (await self.audit(limit=-1))[::-1]

    async def folded(self) -> Position:
        """How far the journal is folded into what can be read here."""
        statement = "SELECT folded_segment, folded_offset FROM sources WHERE id = ?"
        return Position(*(await self._rows(statement, (OWN_SOURCE,)))[0])

    async def has_levels(self) -> bool:
        """Whether any levels were ever folded."""
        return bool(await self._rows("SELECT 1 FROM levels LIMIT 1", ()))

    async def chain(self) -> Chain:
        """The command log, all of it read and checked."""
        chain = Chain()
        async for links in self.links():
            chain.add(links)
        return chain

    async def links(self) -> AsyncIterator[list[Link]]:
        """The whole command log in order, as it is stored, in pages."""
        after: tuple[int, ...] = ()
        while True:
            rows = await self._rows(
                "SELECT seq, subject, hash, body FROM commands WHERE source_id = ? "  # noqa: S608
                f"{'AND seq > ?' if after else ''} ORDER BY seq LIMIT ?",
                (OWN_SOURCE, *after, PAGE_ROWS),
            )
            yield [Link(*row) for row in rows]
            if len(rows) < PAGE_ROWS:
                return
            after = rows[-1][:1]

    async def spent_on(self, days: Mapping[str, str]) -> dict[str, int]:
        """For each project's local day: the nano-dollars that its day roll-ups sum to."""
        rows = await self._rows(
            "SELECT r.project, SUM(r.cost_nano_usd) FROM json_each(?) AS asked "
            "CROSS JOIN rollups_day AS r ON r.source_id = ? AND r.day = asked.value "
            "AND r.project = asked.key GROUP BY r.project",
            (orjson.dumps(dict(days)).decode(), OWN_SOURCE),
        )
        return dict.fromkeys(days, 0) | dict(rows)

    async def spent_after(self, day: str) -> dict[str, dict[str, int]]:
        """What was spent on each later local day, in nano-dollars by project and day."""
        rows = await self._rows(
            "SELECT project, day, SUM(cost_nano_usd) FROM rollups_day "
            "WHERE source_id = ? AND day > ? GROUP BY project, day",
            (OWN_SOURCE, day),
        )
        spent: dict[str, dict[str, int]] = {}
        for project, name, nano in rows:
            spent.setdefault(project, {})[name] = nano
        return spent

    async def totals(self) -> dict[str, Total]:
        """By project, since the ledger began."""
        names = SUM_COLUMNS[: SUM_COLUMNS.index("input_tokens")]
        sums = ", ".join(f"SUM({name})" for name in (*names, "cost_nano_usd"))
        rows = await self._rows(
            f"SELECT project, {sums} FROM rollups_day "  # noqa: S608
            "WHERE source_id = ? GROUP BY project",
            (OWN_SOURCE,),
        )
        return {row[0]: total_row(row) for row in rows}

    async def known(self, ids: list[str]) -> set[str]:
        """Those of the calls' ids that the ledger has."""
        rows = await self._rows(
            "SELECT calls.id FROM json_each(?) AS asked "
            "CROSS JOIN calls ON calls.source_id = ? AND calls.id = asked.value",
            (orjson.dumps(ids).decode(), OWN_SOURCE),
        )
        return {row[0] for row in rows}

    async def close(self) -> None:
        await self._db.close()

    async def _page(
        self,
        columns: str,
        table: str,
        after: int,
        limit: int,
        last: int | None,
        equal: Mapping[str, str],
    ) -> list[Any]:
        given = {name: value for name, value in equal.items() if value}
        filters = "".join(f" AND {name} = ?" for name in given)
        order = "ASC" if last is None else "DESC"
        rows = await self._rows(
            f"SELECT {columns} FROM {table} WHERE source_id = ? AND seq > ?{filters} "  # noqa: S608
            f"ORDER BY seq {order} LIMIT ?",
            (OWN_SOURCE, after, *given.values(), limit if last is None else last),
        )
        return rows if last is None else rows[::-1]

    async def _rows(self, statement: str, values: tuple[object, ...]) -> list[Any]:
        try:
            if self._alone:
                await self._look_again()
            return list(await self._db.execute_fetchall(statement, values))
        except sqlite3.Error as error:
            if is_damage(error):
                self.damage = str(error)
            raise _named(ledger_file(self._directory), error) from error

    async def _look_again(self) -> None:
        """An immutable reading is blind to a writer that came later: then connect anew."""
        async with self._connecting:
            if self._alone and not _is_alone(self._directory):
                blind, self._db = self._db, await _connect(self._directory, alone=False)
                self._alone = False
                await blind.close()


def _check_readable(path: Path) -> None:
    # The file is not opened here: where this process has it open in SQLite, closing a second
    # descriptor would drop SQLite's locks, and the next other process to leave it takes the WAL.
    path.stat()
    check_plain(path)
    if not os.access(path, os.R_OK):
        raise PermissionError(path)


def _is_alone(directory: Path) -> bool:
    # A clean stop leaves no WAL: then plain read-only access needs the right to make one, while an
    # immutable reading would miss the WAL that a crash leaves.
    return not wal_file(directory).exists() and not lock.is_held(directory)


async def _connect(directory: Path, *, alone: bool) -> aiosqlite.Connection:
    uri = reading_uri(ledger_file(directory), immutable=alone)
    db = await aiosqlite.connect(uri, uri=True, isolation_level=None, timeout=_TIMEOUT_S)
    # Damaged text must not keep the rest from being read.
    db.text_factory = _text
    try:
        await db.execute_fetchall("PRAGMA query_only = 1")
    except BaseException:
        await db.close()
        raise
    return db


def _text(data: bytes) -> str:
    return data.decode(errors="replace")


def _named(path: Path, error: BaseException) -> BaseException:
    match error:
        case FileNotFoundError():
            return StoreMissing(f"{path} does not exist: no gateway has kept a ledger there")
        case PermissionError():
            return StoreError(f"{path} may not be read by this account; ask for its group")
        case sqlite3.DatabaseError() if is_no_database(error):
            return no_database(path)
        case sqlite3.OperationalError():
            return StoreError(f"{path} cannot be read now: {error}")
        case sqlite3.DatabaseError():
            return damaged(path, str(error))
    return error
