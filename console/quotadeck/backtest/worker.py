"""The process that replays: ``python -m quotadeck.backtest.worker URI``, SQLite's
address of the ledger.

Its standard input is a socket: asks come in a line each, and their answers go out, the newest
alone: an ask that another one follows is not answered. It ends with that socket, so that it never
outlives the gateway, and ends itself where one ask takes it seconds.
"""

import gc
import os
import resource
import select
import signal
import socket
import sqlite3
import sys
from contextlib import suppress
from typing import Final

from quotadeck.backtest.foresee import Foresight, Superseded
from quotadeck.backtest.messages import MAX_ASK_BYTES, Told, ask_of
from quotadeck.backtest.records import Records

NICE: Final = 10
HUNG_S: Final = 5.0
"""After so long with one ask the system ends it, whatever it does."""
MEMORY_BYTES: Final = 2 * 1024**3


class Asks:
    """Lines that come in; of those that wait, the newest is the one."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._rest = b""
        self._newest: bytes | None = None

    def next(self) -> bytes:
        """Waits for one. Raises EOFError where nobody will ask any more."""
        while self._newest is None or self._is_more():
            self._read()
        line, self._newest = self._newest, None
        return line

    def look(self) -> None:
        """Raises Superseded where a newer one has come, EOFError where nobody waits."""
        while self._is_more():
            self._read()
        if self._newest is not None:
            raise Superseded

    def _is_more(self) -> bool:
        return bool(select.select([self._sock], [], [], 0)[0])

    def _read(self) -> None:
        got = self._sock.recv(65_536)
        if not got:
            raise EOFError
        *lines, self._rest = (self._rest + got).split(b"\n")
        if len(self._rest) > MAX_ASK_BYTES:
            raise EOFError
        if lines:
            self._newest = lines[-1]


def main() -> None:
    """Answer until the socket is closed."""
    os.nice(NICE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    with socket.socket(fileno=os.dup(0)) as sock, suppress(EOFError, OSError):
        _serve(sock, sys.argv[1])


def _serve(sock: socket.socket, uri: str) -> None:
    asks = Asks(sock)
    # What a replay makes has no cycles, and a collection would look through all of it.
    gc.disable()
    foresight = Foresight(Records(uri))
    while True:
        ask = ask_of(asks.next())
        signal.setitimer(signal.ITIMER_REAL, HUNG_S)
        try:
            told = foresight.told(ask, asks.look)
        except Superseded:
            continue
        except sqlite3.Error:
            told = Told(ask.number, why="unread")
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        sock.sendall(told.line())
        gc.collect()


if __name__ == "__main__":
    main()
