"""The end of the command log: where entries get their numbers and their place in the chain."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from quotadeck.domain.commands import Entry
from quotadeck.store.chain import ChainHead, seal
from quotadeck.store.journal.journal import Journal
from quotadeck.store.journal.records import command_frame, commands_frame, withdrawal_frame
from quotadeck.store.journal.turn import Turn
from quotadeck.store.sqlite.writer import Writer

_MANY: Final = 32
"""So many entries are sealed in another thread: ten thousand take a quarter of a second."""


class CommandAppender:
    """Writes changes into the journal, each as one record: all of its entries or none."""

    def __init__(self, journal: Journal, turn: Turn, writer: Writer, head: ChainHead) -> None:
        self._journal = journal
        self._turn = turn
        self._writer = writer
        self._unrecorded: list[Sequence[Entry]] = []
        self._one_at_a_time = asyncio.Lock()
        self._under_way: set[asyncio.Task[list[Entry]]] = set()
        self._seq = max(writer.withdrawn | {head.seq})
        self._head = head.hash

    @property
    def waiting(self) -> int:
        """How many entries could not be written yet."""
        return sum(map(len, self._unrecorded))

    async def append(self, entries: Sequence[Entry], *, durable: bool) -> list[Entry]:
        """The entries of one change in the log, with their ``seq``, ``prev_hash`` and ``hash``.

        ``durable``: they are on the disk (fdatasync) before this returns. Raises OSError, or
        ValueError where they are too large for one record, and then none is in the log. Cancelling
        the caller does not stop what has begun.
        """
        task = asyncio.create_task(self._append_one(entries, durable=durable))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return await asyncio.shield(task)

    async def _append_one(self, entries: Sequence[Entry], *, durable: bool) -> list[Entry]:
        async with self._one_at_a_time:
            if not self._journal.stands:
                self._journal.mend()
            self._turn.flush()
            self.write_unrecorded()
            head = self._head
            seal_all = partial(_sealed, entries, self._seq, head)
            # Nobody else comes to the log's end meanwhile: what waited unrecorded is written.
            if len(entries) > _MANY:
                sealed, frame = await asyncio.to_thread(seal_all)
            else:
                sealed, frame = seal_all()
            self._turn.flush()
            before = self._journal.end
            self._write(sealed, frame)
            self._seq = sealed[-1].seq
            if durable:
                # So that SQLite never has an entry that is then taken back.
                self._journal.held = before
                try:
                    await asyncio.to_thread(self._journal.sync_since(self._writer.folded.segment))
                except OSError:
                    self._head = head
                    self._withdraw(sealed)
                    raise
                finally:
                    self._journal.held = None
                    self._writer.wake()
            return sealed

    def unrecorded(self, entries: Sequence[Entry]) -> list[Entry]:
        """Number a tightening change that could not be written.

        It is kept in memory, and written into the log, with its hashes, when the journal works
        again.
        """
        numbered = _numbered(entries, self._seq)
        self._seq = numbered[-1].seq
        self._unrecorded.append(numbered)
        return numbered

    def write_unrecorded(self) -> None:
        """Write what waits. Raises OSError."""
        while self._unrecorded:
            waiting = self._unrecorded[0]
            self._write(*_sealed(waiting, waiting[0].seq - 1, self._head))
            del self._unrecorded[0]

    async def settled(self) -> None:
        """Return when nothing is under way."""
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def _write(self, sealed: Sequence[Entry], frame: bytes) -> None:
        self._turn.flush()
        self._journal.append(frame)
        self._head = sealed[-1].hash
        self._writer.wake()

    def _withdraw(self, sealed: Sequence[Entry]) -> None:
        self._writer.withdrawn.update(entry.seq for entry in sealed)
        self._turn.flush()
        self._journal.append(withdrawal_frame(sealed[0].seq, len(sealed)))


def _numbered(entries: Sequence[Entry], after: int) -> list[Entry]:
    return [replace(entry, seq=seq) for seq, entry in enumerate(entries, after + 1)]


def _sealed(entries: Sequence[Entry], after: int, head: str) -> tuple[list[Entry], bytes]:
    """The entries in the chain behind that number and hash, and the record of them."""
    sealed = list[Entry]()
    for seq, entry in enumerate(entries, after + 1):
        sealed.append(seal(entry, seq, sealed[-1].hash if sealed else head))
    return sealed, commands_frame(sealed) if sealed[1:] else command_frame(sealed[0])
