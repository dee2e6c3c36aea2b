# ruff: noqa: S608 - the SQL is put together from our own names alone
"""Calls: in pages, by their id."""

from collections.abc import Sequence
from typing import Any, Final

import orjson

from quotadeck.domain.calls import Call
from quotadeck.domain.history import FoundCall
from quotadeck.domain.ids import made_at_us
from quotadeck.store.journal.call_record import COLUMNS, call_of_row
from quotadeck.store.reading.connection import ReadConnection

_COUNTED: Final = 10_000
"""Counted records that are looked at for one that an id may have been counted into."""
_NAMED_AMONG: Final = 200_000
"""Of so many of the newest calls a caller's own name is looked for: some 0.1 s."""
_NAMED_MOST: Final = 100
_COLUMNS: Final = f"seq, {', '.join(COLUMNS)}"


class Calls(ReadConnection):
    async def calls(
        self, *, after: int = 0, limit: int = 100, last: int | None = None, project: str = ""
    ) -> list[tuple[int, Call]]:
        """(cursor, call), oldest first: those after a cursor, or the ``last`` so many."""
        only, values = ("AND project = ?", [project]) if project else ("", [])
        order = "ASC" if last is None else "DESC"
        rows = await self._rows(
            f"SELECT {_COLUMNS} FROM calls WHERE source_id = ? AND seq > ? {only} "
            f"ORDER BY seq {order} LIMIT ?",
            (self.source, after, *values, limit if last is None else last),
        )
        return [(row[0], call_of_row(row[1:])) for row in (rows if last is None else rows[::-1])]

    async def call(self, request_id: str, project: str = "") -> FoundCall | None:
        """What is on record under a request's id; None where nothing is, or not yet.

        Also under its caller's own name for it or the id of its trace, which several may share:
        the newest of them, of the newest calls.

        A refusal that was counted into another's record is found by the instant in its id; the
        project that it was of makes it surer.
        """
        rows = await self._rows(
            f"SELECT {_COLUMNS} FROM calls WHERE id = ? AND source_id = ?",
            (request_id, self.source),
        )
        if rows:
            own = _found(rows, is_own=True)
            return own if project in ("", own.calls[0].project) else None
        if rows := await self._named(request_id, project):
            return _found(rows, is_own=True)
        made_us = made_at_us(request_id)
        if made_us is None:
            return None
        rows = await self._rows(
            f"SELECT {_COLUMNS} FROM calls WHERE seq IN ("
            "SELECT seq FROM (SELECT seq, first_us, project FROM calls INDEXED BY calls_counted "
            "WHERE last_us >= ?1 ORDER BY last_us LIMIT ?2) "
            "WHERE first_us < ?1 + 1000 AND (?3 = '' OR project = ?3)) "
            "AND source_id = ?4 ORDER BY seq",
            (made_us, _COUNTED, project, self.source),
        )
        return _found(rows, is_own=False) if rows else None

    async def _named(self, name: str, project: str) -> list[Any]:
        rows = await self._rows(
            f"SELECT {_COLUMNS} FROM calls WHERE seq > (SELECT max(seq) FROM calls) - ?4 "
            "AND source_id = ?3 AND (client_request_id = ?1 OR run_id = ?1) "
            "AND (?2 = '' OR project = ?2) AND ?1 <> '' ORDER BY seq DESC LIMIT ?5",
            (name, project, self.source, _NAMED_AMONG, _NAMED_MOST),
        )
        return list(rows)[::-1]

    async def owner(self, kind: str, identity: str) -> str:
        """The project whose reply made this in the last 30 days; empty where none is known."""
        rows = await self._rows(
            "SELECT project FROM made WHERE source_id = ? AND kind = ? AND id = ?",
            (self.source, kind, identity),
        )
        return rows[0][0] if rows else ""

    async def known(self, ids: list[str]) -> set[str]:
        """Those of the calls' ids that the ledger has."""
        rows = await self._rows(
            "SELECT calls.id FROM json_each(?) AS asked "
            "CROSS JOIN calls ON calls.source_id = ? AND calls.id = asked.value",
            (orjson.dumps(ids).decode(), self.source),
        )
        return {row[0] for row in rows}


def _found(rows: Sequence[Any], *, is_own: bool) -> FoundCall:
    calls = tuple(call_of_row(row[1:]) for row in rows)
    return FoundCall(is_own, calls, tuple(row[0] for row in rows))
