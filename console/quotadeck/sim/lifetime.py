"""When a simulator's process ends: at a signal, or with the parent that holds its stdin."""

import asyncio
import signal
import sys

import orjson


class Lifetime:
    """Watches for the end of this process's work.

    `ended` says that no new work should begin; `cut` that what is under way should not be
    waited for either: a second signal, or a parent that is gone.
    """

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self.cut = asyncio.Event()
        self._parent: asyncio.ReadTransport | None = None

    async def watch(self, *, exit_with_parent: bool) -> None:
        """Take SIGTERM and SIGINT, and where it is asked for the end of stdin."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signalled)
        if exit_with_parent:
            # The kernel closes the pipe of a parent that was killed: no polling, no pid to reuse.
            self._parent, _ = await loop.connect_read_pipe(lambda: _UntilEof(self), sys.stdin)

    def close(self) -> None:
        """Stop watching stdin."""
        if self._parent is not None:
            self._parent.close()

    def orphaned(self) -> None:
        """The parent has gone."""
        self.ended.set()
        self.cut.set()

    def _signalled(self) -> None:
        if self.ended.is_set():
            self.cut.set()
        self.ended.set()


class _UntilEof(asyncio.Protocol):
    def __init__(self, lifetime: Lifetime) -> None:
        self._lifetime = lifetime

    def connection_lost(self, _: Exception | None) -> None:
        self._lifetime.orphaned()


def say(value: object) -> None:
    """Print one JSON line for the parent process, if it is still there to read it."""
    try:
        sys.stdout.write(orjson.dumps(value).decode() + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        sys.stdout = None  # the interpreter would flush it once more, and complain
