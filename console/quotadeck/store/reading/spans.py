# ruff: noqa: S608 - the SQL is put together from our own names alone
"""What happened and what passed between two instants."""

import asyncio
from typing import Any, Final

import orjson

from quotadeck.domain.commands import Entry
from quotadeck.domain.history import StateSpan
from quotadeck.domain.snapshot import Event
from quotadeck.store.chain import ChainLink, readable
from quotadeck.store.events import told_of
from quotadeck.store.reading.connection import ReadConnection
from quotadeck.store.sqlite.tables import FOR_EVER_US, Per

_MANY: Final = 500
"""So many spans are read beside the event loop."""


class Spans(ReadConnection):
    async def states_between(self, since_us: int, until_us: int, most: int) -> list[StateSpan]:
        """Those that held at any instant between the two, in the order in which they began."""
        rows = await self._rows(
            "SELECT subject, kind, cause, entered_us, left_us, facts, left_facts FROM states "
            "WHERE left_us >= ? AND entered_us < ? AND source_id = ? ORDER BY entered_us LIMIT ?",
            (since_us, until_us, self.source, most),
        )
        if len(rows) <= _MANY:
            return [state_span(*row) for row in rows]
        return await asyncio.to_thread(lambda: [state_span(*row) for row in rows])

    async def passages(
        self, per: Per, since_us: int, until_us: int
    ) -> list[tuple[str, str, int, int, int]]:
        """(project, model, forwarded, failed, nano-dollars) of the periods between two instants."""
        return await self._rows(
            "SELECT project, model, SUM(forwarded), SUM(upstream_errors + unknown), "
            f"SUM(cost_nano_usd) FROM rollups_{per.name} "
            f"WHERE source_id = ? AND {per.column} >= ? AND {per.column} < ? "
            "GROUP BY project, model",
            (self.source, since_us, until_us),
        )

    async def refusals_between(
        self, per: Per, since_us: int, until_us: int
    ) -> list[tuple[str, str, str, int]]:
        """(project, model, cause, how many) of the periods between two instants."""
        return await self._rows(
            f"SELECT project, model, cause, SUM(count) FROM refusals_{per.name} "
            f"WHERE source_id = ? AND {per.column} >= ? AND {per.column} < ? "
            "GROUP BY project, model, cause",
            (self.source, since_us, until_us),
        )

    async def events_between(self, first: int, behind: int, most: int) -> list[Event]:
        """Those between two places in the table, oldest first."""
        rows = await self._rows(
            "SELECT id, at_us, kind, subject, facts FROM events "
            "WHERE source_id = ? AND seq >= ? AND seq < ? ORDER BY seq LIMIT ?",
            (self.source, first, behind, most),
        )
        return [_event(*row) for row in rows]

    async def commands_before(self, seq: int, limit: int) -> list[Entry]:
        """The command log before a number, newest first."""
        rows = await self._rows(
            "SELECT seq, subject, hash, body FROM commands WHERE source_id = ? AND seq < ? "
            "ORDER BY seq DESC LIMIT ?",
            (self.source, seq, limit),
        )
        return list(readable(ChainLink(*row) for row in rows))


def state_span(
    subject: str, kind: str, cause: str, entered_us: int, left_us: int, *facts: Any
) -> StateSpan:
    """A row of the ledger's spans of states."""
    entered, left = map(orjson.loads, facts)
    known_us = None if left_us == FOR_EVER_US else left_us
    return StateSpan(subject, kind, cause, entered_us, known_us, entered, left)


def _event(name: str, at_us: int, kind: str, subject: str, facts: Any) -> Event:
    return Event(name, at_us, subject, told_of(kind, facts))
