# ruff: noqa: S608 - the SQL is put together from our own names alone
"""Calls by what they were, and when: a page looks at so many, and says how far it looked.

Calls are numbered as they ended. So a time of arrival is a range of numbers, found by halving: no
call ended before it arrived. Around an instant at which the wall clock was set back by minutes,
some may be missed.
"""

from typing import Final

from quotadeck.domain.history import CallSearch
from quotadeck.domain.ids import least_id
from quotadeck.store.journal.call_record import COLUMNS, call_of_row
from quotadeck.store.reading.connection import ReadConnection

SEARCHED: Final = 20_000
"""Calls that one search looks at, one behind the other: some milliseconds."""
SEARCHED_APART: Final = 4_000
"""The same of one project's calls, which lie apart in the file."""
SLACK_US: Final = 120_000_000
"""What may lie between an end as a record tells it and the instant at which it was written."""
LONGEST_US: Final = 3_660_000_000
"""No call is under way for longer: an hour is the most that a config file gives one."""
_COLUMNS: Final = f"seq, {', '.join(COLUMNS)}"
_ENDED: Final = (
    "SELECT seq, coalesce(last_us, at_us + total_ms * 1000) FROM calls "
    # What a restart has closed says nothing of when that was.
    "WHERE seq >= ? AND source_id = ? AND outcome <> 'unknown' ORDER BY seq LIMIT 1"
)


class Search(ReadConnection):
    async def search(
        self,
        *,
        after: int = 0,
        before: int | None = None,
        limit: int = 100,
        newest: bool = False,
        project: str = "",
        model: str = "",
        target: str = "",
        outcome: str = "",
        cause: str = "",
        key: str = "",
        since_us: int | None = None,
        until_us: int | None = None,
    ) -> CallSearch:
        """Calls of a kind and a time: from a cursor on, or the ``newest`` before one.

        It looks at 20,000 calls at most, at 4,000 of the project's where one is named. ``key`` is
        a key's id or its end; a counted run is of any time in which it was counted.
        """
        ends = "SELECT (SELECT min(seq) FROM calls), (SELECT max(seq) FROM calls)"
        oldest, youngest = (await self._rows(ends, ()))[0]
        first = max(after + 1, oldest or 0)
        last = youngest or 0 if before is None else min(youngest or 0, before - 1)
        if since_us is not None and first <= last:
            first = max(first, await self._first_behind(since_us - SLACK_US, first, last))
        if until_us is not None and first <= last:
            last = min(last, await self._last_before(until_us, first, last))
        newest_to = last
        edge = await self._edge(first, last, project, newest=newest)
        ended = edge is None
        if edge is not None:
            first, last = (edge, last) if newest else (first, edge)
        equal = {
            "project": project,
            "model": model,
            "target": target,
            "outcome": outcome,
            "cause": cause,
        }
        given: dict[str, object] = {f"{name} = ?": it for name, it in equal.items() if it}
        if key:
            given["substr(key_id, -length(?1)) = ?1"] = key
        if since_us is not None:
            given["coalesce(last_us, at_us) >= ?"] = since_us
        if until_us is not None:
            given["at_us < ?"] = until_us
        only = [asked.replace("?1", "?").replace("?", f"?{n}") for n, asked in enumerate(given, 5)]
        rows = await self._rows(
            f"SELECT {_COLUMNS} FROM calls WHERE source_id = ?1 AND seq BETWEEN ?2 AND ?3 "
            f"{''.join(f'AND {one} ' for one in only)}"
            f"ORDER BY seq {'DESC' if newest else 'ASC'} LIMIT ?4",
            (self.source, first, last, limit, *given.values()),
        )
        looked_to = first if newest else max(after, last)
        if len(rows) == limit:
            looked_to, ended = rows[-1][0], False
        found = [(row[0], call_of_row(row[1:])) for row in rows]
        return CallSearch(
            tuple(found[::-1] if newest else found),
            looked_to,
            ended,
            newest_to,
            None if ended else await self._at_us(looked_to),
        )

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

    async def _first_behind(self, at_us: int, low: int, high: int) -> int:
        """The first call from ``low`` to ``high`` that ended no earlier; ``high`` + 1 is none."""
        while low <= high:
            middle = (low + high) // 2
            rows = await self._rows(_ENDED, (middle, self.source))
            seq, ended_us = rows[0] if rows else (high + 1, at_us)
            if seq > high or ended_us >= at_us:
                high = middle - 1
            else:
                low = seq + 1
        return low

    async def _last_before(self, at_us: int, low: int, high: int) -> int:
        """No call behind this one arrived before the instant."""
        behind = await self._first_behind(at_us + SLACK_US, low, high)
        # With what a restart behind it has closed, which was under way before.
        rows = await self._rows(_ENDED, (behind, self.source))
        last = rows[0][0] - 1 if rows else high
        if last >= high:
            return high
        # Those that were under way then ended later. An id begins with its arrival.
        rows = await self._rows(
            "SELECT max(seq) FROM calls WHERE id BETWEEN ? AND ? AND source_id = ?",
            (least_id("req", at_us - LONGEST_US), least_id("req", at_us + 1_000), self.source),
        )
        return max(last, rows[0][0] or 0)

    async def _at_us(self, seq: int) -> int | None:
        """When the call at or next to a cursor arrived."""
        asked = "SELECT at_us FROM calls WHERE seq >= ? ORDER BY seq LIMIT 1"
        rows = await self._rows(asked, (seq,))
        return rows[0][0] if rows else None
