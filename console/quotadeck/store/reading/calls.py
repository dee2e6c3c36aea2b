# ruff: noqa: S608 - the SQL is put together from our own names alone
"""Calls: in pages, by what they were, by their id."""

from typing import Final

import orjson

from quotadeck.domain.calls import Call
from quotadeck.domain.history import CallSearch, FoundCall
from quotadeck.domain.ids import made_at_us
from quotadeck.store.journal.call_record import COLUMNS, call_of_row
from quotadeck.store.reading.connection import ReadConnection

SEARCHED: Final = 20_000
"""Calls that one search looks at, one behind the other: some milliseconds."""
SEARCHED_APART: Final = 4_000
"""The same of one project's calls, which lie apart in the file."""
_COUNTED: Final = 10_000
"""Counted records that are looked at for one that an id may have been counted into."""
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

    async def search(
        self,
        *,
        after: int = 0,
        before: int | None = None,
        limit: int = 100,
        newest: bool = False,
        project: str = "",
        model: str = "",
        outcome: str = "",
    ) -> CallSearch:
        """Calls of a model and an outcome: from a cursor on, or the ``newest`` before one.

        It looks at 20,000 calls at most, at 4,000 of the project's where one is named.
        """
        ends = "SELECT (SELECT min(seq) FROM calls), (SELECT max(seq) FROM calls)"
        oldest, youngest = (await self._rows(ends, ()))[0]
        first = max(after + 1, oldest or 0)
        last = youngest or 0 if before is None else min(youngest or 0, before - 1)
        edge = await self._edge(first, last, project, newest=newest)
        ended = edge is None
        if edge is not None:
            first, last = (edge, last) if newest else (first, edge)
        equal = {"project": project, "model": model, "outcome": outcome}
        given = {name: value for name, value in equal.items() if value}
        rows = await self._rows(
            f"SELECT {_COLUMNS} FROM calls WHERE source_id = ? AND seq BETWEEN ? AND ? "
            f"{''.join(f'AND {name} = ? ' for name in given)}"
            f"ORDER BY seq {'DESC' if newest else 'ASC'} LIMIT ?",
            (self.source, first, last, *given.values(), limit),
        )
        looked_to = first if newest else max(after, last)
        if len(rows) == limit:
            looked_to, ended = rows[-1][0], False
        found = [(row[0], call_of_row(row[1:])) for row in rows]
        return CallSearch(tuple(found[::-1] if newest else found), looked_to, ended)

    async def _edge(self, first: int, last: int, project: str, *, newest: bool) -> int | None:
        """The last call that may be looked at; None where that is all of them."""
        if not project:
            edge = last - SEARCHED + 1 if newest else first + SEARCHED - 1
            return edge if first < edge < last else None
        rows = await self._rows(
            "SELECT seq FROM calls WHERE project = ? AND source_id = ? AND seq BETWEEN ? AND ? "
            f"ORDER BY seq {'DESC' if newest else 'ASC'} LIMIT 1 OFFSET ?",
            (project, self.source, first, last, SEARCHED_APART - 1),
        )
        return rows[0][0] if rows else None

    async def call(self, request_id: str, project: str = "") -> FoundCall | None:
        """What is on record under a request's id; None where nothing is, or not yet.

        A refusal that was counted into another's record is found by the instant in its id; the
        project that it was of makes it surer.
        """
        rows = await self._rows(
            f"SELECT {', '.join(COLUMNS)} FROM calls WHERE id = ? AND source_id = ?",
            (request_id, self.source),
        )
        if rows:
            return FoundCall(True, (call_of_row(rows[0]),))
        made_us = made_at_us(request_id)
        if made_us is None:
            return None
        rows = await self._rows(
            f"SELECT {', '.join(COLUMNS)} FROM calls WHERE seq IN ("
            "SELECT seq FROM (SELECT seq, first_us, project FROM calls INDEXED BY calls_counted "
            "WHERE last_us >= ?1 ORDER BY last_us LIMIT ?2) "
            "WHERE first_us < ?1 + 1000 AND (?3 = '' OR project = ?3)) "
            "AND source_id = ?4 ORDER BY seq",
            (made_us, _COUNTED, project, self.source),
        )
        return FoundCall(False, tuple(call_of_row(row) for row in rows)) if rows else None

    async def known(self, ids: list[str]) -> set[str]:
        """Those of the calls' ids that the ledger has."""
        rows = await self._rows(
            "SELECT calls.id FROM json_each(?) AS asked "
            "CROSS JOIN calls ON calls.source_id = ? AND calls.id = asked.value",
            (orjson.dumps(ids).decode(), self.source),
        )
        return {row[0] for row in rows}
