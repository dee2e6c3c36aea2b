"""How a connection ends on which the peer may still be sending (RFC 9112, 9.6).

A socket that is closed with bytes unread is reset, and the reset takes the answer away from a peer
that has not read it yet. So our side ends first, and what still comes is dropped for a while.
"""

import asyncio
import contextlib
from typing import Final

LINGER_S: Final = 10.0
LINGER_BYTES: Final = 32 * 1024 * 1024
"""A peer that sends for so long, or so much, does not look for its answer."""


class Lingering:
    """The transport as those see it who may write to it and end it, but not cut it."""

    __slots__ = ("_cut", "_dropped", "_loop", "_transport", "begun", "write")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._cut: asyncio.TimerHandle | None = None
        self._dropped = 0
        self.write: Final = transport.write
        self.begun = False
        """Nothing is written any more, and what comes is to be dropped."""

    def is_closing(self) -> bool:
        return self.begun or self._transport.is_closing()

    def close(self) -> None:
        """End our side behind what was written; the peer's end, or some seconds, end the rest."""
        if self.is_closing():
            return
        self.begun = True
        with contextlib.suppress(OSError):  # it was reset, and is about to be lost
            self._transport.write_eof()
        self._transport.resume_reading()
        self._cut = self._loop.call_later(LINGER_S, self._transport.close)

    def drop(self, size: int) -> None:
        """So many bytes came behind the end."""
        self._dropped += size
        if self._dropped > LINGER_BYTES:
            self._transport.close()

    def lost(self) -> None:
        """The connection is no more."""
        if self._cut is not None:
            self._cut.cancel()
