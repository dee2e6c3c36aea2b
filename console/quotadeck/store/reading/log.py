"""The command log, and how far the journal is folded."""

from collections.abc import AsyncIterator
from typing import Final

from quotadeck.domain.commands import Entry
from quotadeck.store.chain import Chain, ChainLink, readable
from quotadeck.store.journal.journal import Position
from quotadeck.store.reading.connection import ReadConnection
from quotadeck.store.sqlite.tables import KEY

PAGE_ROWS: Final = 5_000
"""Where all of it is read: some 4 MB."""
_LINK: Final = "SELECT seq, subject, hash, body FROM commands WHERE source_id = ?"


class Log(ReadConnection):
    async def audit(
        self, *, before_seq: int | None = None, limit: int = 100, subject: str = ""
    ) -> list[Entry]:
        """The command log, newest first, before a number. `Chain` finds what cannot be read."""
        asked = {"AND seq < ?": before_seq, "AND subject = ?": subject or None}
        given = {words: value for words, value in asked.items() if value is not None}
        rows = await self._rows(
            f"{_LINK} {' '.join(given)} ORDER BY seq DESC LIMIT ?",
            (self.source, *given.values(), limit),
        )
        return list(readable(ChainLink(*row) for row in rows))

    async def entries(self, *, after: int, limit: int) -> list[Entry]:
        """The command log in order, behind a number."""
        rows = await self._rows(
            f"{_LINK} AND seq > ? ORDER BY seq LIMIT ?", (self.source, after, limit)
        )
        return list(readable(ChainLink(*row) for row in rows))

    async def commands_of(self, key: str) -> tuple[Entry, ...]:
        """The entries of the change that has this idempotency key, in their order."""
        rows = await self._rows(f"{_LINK} AND {KEY} = ? ORDER BY seq", (self.source, key))
        return tuple(readable(ChainLink(*row) for row in rows))

    async def last_command(self) -> int:
        """The greatest number in the command log; 0 in an empty one."""
        rows = await self._rows("SELECT max(seq) FROM commands WHERE source_id = ?", (self.source,))
        return rows[0][0] or 0

    async def log(self) -> list[Entry]:
        """The whole command log in order."""
        return (await self.audit(limit=-1))[::-1]

    async def folded(self) -> Position:
        """How far the journal is folded into what can be read here."""
        statement = "SELECT folded_segment, folded_offset FROM sources WHERE id = ?"
        return Position(*(await self._rows(statement, (self.source,)))[0])

    async def chain(self) -> Chain:
        """The command log, all of it read and checked."""
        chain = Chain()
        async for links in self.links():
            chain.add(links)
        return chain

    async def links(self) -> AsyncIterator[list[ChainLink]]:
        """The whole command log in order, as it is stored, in pages."""
        after: tuple[int, ...] = ()
        while True:
            rows = await self._rows(
                f"{_LINK} {'AND seq > ?' if after else ''} ORDER BY seq LIMIT ?",
                (self.source, *after, PAGE_ROWS),
            )
            yield [ChainLink(*row) for row in rows]
            if len(rows) < PAGE_ROWS:
                return
            after = rows[-1][:1]
