"""What the calls of one turn of the event loop put on record: written as one, at the turn's end.

So many calls at once cost one `write`, and not one each. All are on record, or none is.
"""

import asyncio
from collections.abc import Callable, Iterable

from quotadeck.store.journal.journal import Journal


class Written(asyncio.Future[None]):
    """Done when all of a turn's records are on record, or holds the OSError that kept them off it.

    Many await one of these, so that one of them is cancelled cannot end it: whoever is hears of it
    when the writing is done, and can ask then how it went.
    """

    def cancel(self, msg: object = None) -> bool:  # noqa: ARG002
        return False


class Turn:
    """The records that wait for the turn's end, and which calls have no end on record."""

    def __init__(self, journal: Journal, written: Callable[[], None]) -> None:
        self._journal = journal
        self._written = written
        self._loop = asyncio.get_running_loop()
        self._waiting: list[tuple[str, bytes, bytes]] = []
        self._done: Written | None = None
        self._live: dict[str, bytes] = {}

    @property
    def live(self) -> Iterable[bytes]:
        """An open of each call without an end on record, as it is now; `flush` before."""
        return self._live.values()

    def open(self, call_id: str, frame: bytes) -> Written:
        return self._add(call_id, frame, frame)

    def move(self, call_id: str, frame: bytes, opened: bytes) -> Written:
        """``opened`` is an open of the call as it is after the move."""
        return self._add(call_id, frame, opened)

    def end(self, call_id: str, frame: bytes) -> Written:
        return self._add(call_id, frame, b"")

    def also(self, frame: bytes) -> None:
        """Write this with the turn's records, before those that come after it."""
        self._add("", frame, b"")

    def end_now(self, call_id: str, frame: bytes) -> None:
        """Raises OSError."""
        self.flush()
        self._journal.append(frame)
        self._live.pop(call_id, None)
        self._written()

    def _add(self, call_id: str, frame: bytes, opened: bytes) -> Written:
        if self._done is None:
            self._done = Written(loop=self._loop)
            self._loop.call_soon(self.flush)
        self._waiting.append((call_id, frame, opened))
        return self._done

    def flush(self) -> None:
        """Write what waits; those who wait are told how that went."""
        if self._done is None:
            return
        done, waiting = self._done, self._waiting
        self._done, self._waiting = None, []
        try:
            self._journal.append(b"".join([frame for _, frame, _ in waiting]), len(waiting))
        except OSError as error:
            done.set_exception(error)
            done.exception()  # also where nobody asks, it is no error that went unseen
            return
        for call_id, _, opened in waiting:
            if opened:
                self._live[call_id] = opened
            else:
                self._live.pop(call_id, None)
        done.set_result(None)
        self._written()
