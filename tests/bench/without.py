"""The gateway with one part less, for its price: ``python -m tests.bench.without PART COMMAND``.

The command is run in this process, once the part does nothing. A part whose place has moved fails
here, at once: no figure is better than that of something that was on all the time.
"""

import asyncio
import inspect
import sys
from collections.abc import Callable, Mapping
from typing import Any

from quotadeck.cli import main
from quotadeck.gateway.data.observers import Observers
from quotadeck.gateway.process import assembly
from quotadeck.gateway.watch.levels import LevelKeeper
from quotadeck.store import Ledger
from quotadeck.store.sqlite.writer import Writer


def _put(owner: Any, name: str, instead: Any) -> None:
    if not hasattr(owner, name):
        raise AttributeError(f"{owner.__name__}.{name} has moved")
    setattr(owner, name, instead)


def _journal() -> None:
    """No call is recorded, so that SQLite has none to fold either."""
    done: list[asyncio.Future[None]] = []

    def recorded(*_: Any) -> asyncio.Future[None]:
        if not done:
            done.append(asyncio.get_running_loop().create_future())
            done[0].set_result(None)
        return done[0]

    for name in ("open_call", "move_call", "end_call"):
        waits = inspect.signature(getattr(Ledger, name)).return_annotation not in (None, "None")
        _put(Ledger, name, recorded if waits else lambda *_: None)


def _sqlite() -> None:
    """What is in the journal counts as folded."""

    async def run(self: Any) -> None:
        while not self._stopping.is_set():
            self.folded = self._journal.end
            self._events.clear()
            waiters, self._waiters = self._waiters, []
            for waiter in waiters:
                waiter.set_result(None)
            await asyncio.sleep(0.02)

    _put(Writer, "_run", run)


def _watch() -> None:
    """Nobody is told of requests: no live picture, no alarms."""
    _put(assembly, "Observers", lambda *_, **__: Observers())


def _levels() -> None:
    """No bucket's level is recorded."""

    async def nothing(*_: Any) -> None:
        return None

    _put(LevelKeeper, "second", nothing)
    _put(LevelKeeper, "record", nothing)


PARTS: Mapping[str, Callable[[], None]] = {
    "journal and SQLite": _journal,
    "SQLite": _sqlite,
    "live picture and alarms": _watch,
    "recorded levels": _levels,
}


if __name__ == "__main__":
    PARTS[sys.argv[1]]()
    # Behind the part: python -m quotadeck ARGUMENTS
    sys.argv = ["quotadeck", *sys.argv[5:]]
    main()
