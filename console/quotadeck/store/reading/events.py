# ruff: noqa: S608 - the SQL is put together from our own names alone
"""Events of a time and a subject: a page looks at so many, and says how far it looked.

They are numbered as they were told. One of what ended while the gateway was down is told late, so
a time is looked for in all of them: there are hundreds a day.
"""

from typing import Final

from quotadeck.domain.history import EventSearch
from quotadeck.domain.snapshot import Event
from quotadeck.store.events import told_of
from quotadeck.store.reading.connection import ReadConnection

LOOKED_AT: Final = 20_000
"""Events that one search looks at: some milliseconds."""


class Events(ReadConnection):
    async def search_events(
        self,
        *,
        after: int = 0,
        before: int | None = None,
        limit: int = 100,
        newest: bool = False,
        subject: str = "",
        since_us: int | None = None,
        until_us: int | None = None,
    ) -> EventSearch:
        """Events of a subject and a time: from a cursor on, or the ``newest`` before one."""
        ends = "SELECT (SELECT min(seq) FROM events), (SELECT max(seq) FROM events)"
        oldest, youngest = (await self._rows(ends, ()))[0]
        first = max(after + 1, oldest or 0)
        last = youngest or 0 if before is None else min(youngest or 0, before - 1)
        newest_to, ended = last, last - first < LOOKED_AT
        if not ended:
            first, last = (last - LOOKED_AT + 1, last) if newest else (first, first + LOOKED_AT - 1)
        only = {"subject = ?": subject or None, "at_us >= ?": since_us, "at_us < ?": until_us}
        given = {asked: value for asked, value in only.items() if value is not None}
        rows = await self._rows(
            "SELECT seq, id, at_us, kind, subject, facts FROM events "
            f"WHERE source_id = ? AND seq BETWEEN ? AND ? {''.join(f'AND {one} ' for one in given)}"
            f"ORDER BY seq {'DESC' if newest else 'ASC'} LIMIT ?",
            (self.source, first, last, *given.values(), limit),
        )
        looked_to = first if newest else max(after, last)
        if len(rows) == limit:
            looked_to, ended = rows[-1][0], False
        found = [
            (seq, Event(name, at_us, of, told_of(kind, facts)))
            for seq, name, at_us, kind, of, facts in (rows[::-1] if newest else rows)
        ]
        return EventSearch(tuple(found), looked_to, ended, newest_to)
