# ruff: noqa: S608 - the SQL is put together from our own names alone
"""What was, at any instant: the file layer, levels and their limits, states, events."""

from collections.abc import Sequence
from typing import Final

import orjson

from quotadeck.domain.history import FileLayer, LevelSample, StateSpan
from quotadeck.domain.snapshot import Event
from quotadeck.store.events import told_of
from quotadeck.store.reading.connection import ReadConnection
from quotadeck.store.reading.spans import state_span

_LEVEL: Final = "seq, at_us, key, least, last, limit_then"
_STATE: Final = "subject, kind, cause, entered_us, left_us, facts, left_facts"


class Past(ReadConnection):
    async def levels(
        self, *, after: int = 0, limit: int = 1000, bucket: str = ""
    ) -> list[LevelSample]:
        """Levels after a cursor, oldest first."""
        only, values = "", []
        if bucket:
            only = "AND bucket = (SELECT id FROM buckets WHERE source_id = ? AND key = ?)"
            values = [self.source, bucket]
        rows = await self._rows(
            f"SELECT {_LEVEL} FROM levels JOIN buckets ON buckets.id = levels.bucket "
            f"WHERE levels.source_id = ? AND seq > ? {only} ORDER BY seq LIMIT ?",
            (self.source, after, *values, limit),
        )
        return [LevelSample(*row) for row in rows]

    async def levels_at(self, at_us: int, buckets: Sequence[str] = ()) -> list[LevelSample]:
        """The last sample of each bucket at or before an instant; of all, or of those named."""
        only = "AND key IN (SELECT value FROM json_each(?))" if buckets else ""
        rows = await self._rows(
            f"SELECT {_LEVEL} FROM buckets JOIN levels ON levels.seq = ("
            "SELECT seq FROM levels WHERE bucket = buckets.id AND at_us <= ? "
            f"ORDER BY at_us DESC LIMIT 1) WHERE buckets.source_id = ? {only} ORDER BY key",
            (at_us, self.source, *([orjson.dumps(list(buckets)).decode()] if buckets else [])),
        )
        return [LevelSample(*row) for row in rows]

    async def has_levels(self) -> bool:
        """Whether any levels were ever folded."""
        return bool(await self._rows("SELECT 1 FROM levels LIMIT 1", ()))

    async def events(
        self, *, after: int = 0, limit: int = 100, last: int | None = None
    ) -> list[tuple[int, Event]]:
        """(cursor, event), oldest first: those after a cursor, or the ``last`` so many."""
        rows = await self._rows(
            "SELECT seq, id, at_us, kind, subject, facts FROM events "
            "WHERE source_id = ? AND seq > ? "
            f"ORDER BY seq {'ASC' if last is None else 'DESC'} LIMIT ?",
            (self.source, after, limit if last is None else last),
        )
        return [
            (seq, Event(name, at_us, subject, told_of(kind, facts)))
            for seq, name, at_us, kind, subject, facts in (rows if last is None else rows[::-1])
        ]

    async def states_at(self, at_us: int) -> list[StateSpan]:
        """The states that held at an instant, in the order in which they were entered."""
        rows = await self._rows(
            f"SELECT {_STATE} FROM states WHERE left_us > ?1 AND entered_us <= ?1 "
            "AND source_id = ?2",
            (at_us, self.source),
        )
        return sorted((state_span(*row) for row in rows), key=lambda span: span.entered_us)

    async def states(
        self, *, after: int = 0, limit: int = 100, subject: str = ""
    ) -> list[tuple[int, StateSpan]]:
        """(cursor, span) after a cursor, in the order in which they were entered."""
        rows = await self._rows(
            f"SELECT seq, {_STATE} FROM states WHERE source_id = ?1 AND seq > ?2 "
            "AND (?3 = '' OR subject = ?3) ORDER BY seq LIMIT ?4",
            (self.source, after, subject, limit),
        )
        return [(row[0], state_span(*row[1:])) for row in rows]

    async def catalogue_at(self, at_us: int) -> FileLayer | None:
        """What the config file said at an instant; None before the first record of it."""
        rows = await self._rows(
            "SELECT at_us, hash, body FROM catalogues WHERE source_id = ? AND at_us <= ? "
            "ORDER BY at_us DESC LIMIT 1",
            (self.source, at_us),
        )
        return next((FileLayer(at_us, digest, orjson.loads(b)) for at_us, digest, b in rows), None)

    async def last_catalogue_hash(self) -> str:
        """Of the catalogue that was recorded last; empty where none was."""
        rows = await self._rows(
            "SELECT hash FROM catalogues WHERE source_id = ? ORDER BY seq DESC LIMIT 1",
            (self.source,),
        )
        return rows[0][0] if rows else ""
