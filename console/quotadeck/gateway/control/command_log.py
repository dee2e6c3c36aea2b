"""The command log as it is read while it is written: SQLite, and what has not come there yet.

In memory are the newest entries alone, so that a log of any length costs none.
"""

import asyncio
import logging
from typing import Final

from quotadeck.domain.commands import Entry
from quotadeck.store import Ledger, StoreError

PATIENCE_S: Final = 1.0
"""How long a command waits for a SQLite that does not answer."""
_ROOM: Final = 64
LOG: Final = logging.getLogger(__name__)


class CommandLog:
    """What the desk adds is found at once. Used from one event loop."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._fresh: dict[int, Entry] = {}
        """By number, those that SQLite may not have yet."""
        self._room = _ROOM

    def add(self, entry: Entry) -> None:
        """Take note of an entry that the ledger was given."""
        self._fresh[entry.seq] = entry

    async def by_key(self, key: str) -> tuple[Entry, ...]:
        """The entries of an idempotency key; there are none of an empty one.

        Where SQLite cannot be read only the newest entries are known: a pause must not fail then.
        """
        if not key:
            return ()
        if fresh := tuple(one for one in self._fresh.values() if one.idempotency_key == key):
            return fresh
        try:
            async with asyncio.timeout(PATIENCE_S):
                if len(self._fresh) > self._room:
                    await self._forget()
                return await self._ledger.reader.commands_of(key)
        except (StoreError, TimeoutError) as error:
            LOG.warning("an idempotency key could not be looked up: %r", error)
            return ()

    async def page(self, *, before_seq: int, limit: int, subject: str) -> list[Entry]:
        """Entries before a number, newest first, of a subject where one is given.

        Raises StoreError.
        """
        fresh = [
            entry
            for entry in self._fresh.values()
            if entry.seq < before_seq and subject in ("", str(entry.subject))
        ]
        stored = await self._ledger.pages.audit(before_seq=before_seq, limit=limit, subject=subject)
        found = {entry.seq: entry for entry in (*fresh, *stored)}
        return [found[seq] for seq in sorted(found, reverse=True)[:limit]]

    async def _forget(self) -> None:
        """Leave to SQLite what it has; numbers come there in their order."""
        last = await self._ledger.reader.last_command()
        self._fresh = {seq: entry for seq, entry in self._fresh.items() if seq > last}
        self._room = max(_ROOM, 2 * len(self._fresh))
