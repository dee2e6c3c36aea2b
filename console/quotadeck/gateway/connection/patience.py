"""How long a peer may owe us something: the rest of its request, or to read our answer."""

import fcntl
import socket
import struct
import sys
import termios
from typing import Any, Final

KEEP_ALIVE_S: Final = 75
"""Between two requests of somebody known."""
STRANGER_S: Final = 15
"""For a stranger, who has shown no valid key yet: until its request is whole, and between two."""
IDLE_S: Final = 60.0
"""Within it a head must be whole, and of a body `PACE_BYTES` must come, or its end."""
PACE_BYTES: Final = 64 * 1024
"""A kilobyte a second: less than any link that a person would wait for, more than a drip."""
STALL_S: Final = 60.0
"""Who has bytes to read and takes none for so long is gone, or wants to hold what it holds."""
_SO_NWRITE: Final = 0x1024
"""macOS: bytes not yet sent (sys/socket.h)."""


class Patience:
    """With a peer that owes bytes; ``received`` are all bytes of the connection so far."""

    __slots__ = ("_received", "_since_s")

    def __init__(self, now_s: float) -> None:
        self.renew(now_s, 0)

    def renew(self, now_s: float, received: int) -> None:
        """Nothing is owed, or something new."""
        self._since_s = now_s
        self._received = received

    def ends(self, now_s: float, received: int, limit_s: float) -> bool:
        """Whether a peer that owes has been too slow for ``limit_s``."""
        if received - self._received >= PACE_BYTES:
            self.renew(now_s, received)
        return now_s - self._since_s >= limit_s


class Stall:
    """Of a peer that does not read, from the moment that we have bytes it did not take."""

    __slots__ = ("_since_s", "_untaken")

    def __init__(self, now_s: float, untaken: int) -> None:
        self._since_s = now_s
        self._untaken = untaken

    def ends(self, now_s: float, untaken: int) -> bool:
        """Whether no byte was taken for `STALL_S`; nothing is written meanwhile."""
        if untaken < self._untaken:
            self._since_s, self._untaken = now_s, untaken
        return now_s - self._since_s >= STALL_S


def untaken_bytes(transport: Any) -> int:
    """What the peer has not taken of what was written: ours, and the system's for the socket."""
    sock = transport.get_extra_info("socket")
    return int(transport.get_write_buffer_size()) + _in_kernel(sock)


def _in_kernel(sock: socket.socket) -> int:
    if sys.platform == "darwin":
        return sock.getsockopt(socket.SOL_SOCKET, _SO_NWRITE)
    # TIOCOUTQ is SIOCOUTQ: on TCP what is not acknowledged, on a Unix socket what is not read.
    return int(struct.unpack("=i", fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, b"\0" * 4))[0])
