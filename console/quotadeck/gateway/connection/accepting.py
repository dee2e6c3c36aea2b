"""A server whose connections we accept ourselves, as many at a time as can be heard.

uvloop takes one connection from the backlog in each turn of the loop. On a busy gateway those at
its end waited for seconds while those before them asked again and again. On a Unix socket accounts
take turns: one that connects without end stands in its own way, and no other's.
"""

import asyncio
import contextlib
import errno
import logging
import socket
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import uvicorn

from quotadeck.gateway.connection.connections import Connections
from quotadeck.gateway.connection.patience import KEEP_ALIVE_S
from quotadeck.gateway.connection.peer import peer_uid
from quotadeck.gateway.connection.protocol import PeerProtocol
from quotadeck.gateway.fair_line import FairLine

BACKLOG: Final = 2_048
_AT_ONCE: Final = 128
"""Out of a Unix socket's backlog in a turn, half a millisecond: faster than others fill it."""
_BREATHER_S: Final = 0.1
"""No accepting for so long after the system had no descriptor or memory for a connection."""
_STARVED: Final = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}

LOG: Final = logging.getLogger(__name__)


class Accepting:
    """Takes connections from a listening socket until closed; the socket itself stays open.

    ``turn`` is how many are opened in one turn of the loop; ``starved`` is called when there is no
    file descriptor for one, to make room.
    """

    def __init__(
        self,
        sock: socket.socket,
        protocol: Callable[[], asyncio.BaseProtocol],
        turn: int,
        starved: Callable[[], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._sock = sock
        self._protocol = protocol
        self._turn = turn
        self._starved = starved
        self._most = _AT_ONCE if sock.family == socket.AF_UNIX else turn
        self._line = FairLine[socket.socket]()
        self._opening = set[asyncio.Task[None]]()
        self._breather: asyncio.TimerHandle | None = None
        sock.setblocking(False)
        sock.listen(BACKLOG)
        self._loop.add_reader(sock.fileno(), self._accept)

    def close(self) -> None:
        """Take no more."""
        if self._breather is not None:
            self._breather.cancel()
        self._loop.remove_reader(self._sock.fileno())
        while self._line:
            self._line.next().close()

    async def wait_closed(self) -> None:
        """Wait for those that are being opened."""
        await asyncio.gather(*self._opening, return_exceptions=True)

    def _accept(self) -> None:
        waited = len(self._line)
        for _ in range(self._most):
            try:
                sock, _address = self._sock.accept()
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno in _STARVED:
                    self._rest()
                    break
                continue  # its client went away in the backlog
            sock.setblocking(False)
            if _is_gone(sock) or not self._line.join(peer_uid(sock), sock):
                sock.close()
        if not waited:  # else they have a turn already
            self._open_some()

    def _open_some(self) -> None:
        for _ in range(min(self._turn, len(self._line))):
            task = self._loop.create_task(self._open(self._line.next()))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)
        if self._line:
            self._loop.call_soon(self._open_some)

    async def _open(self, sock: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._protocol, sock)
        except OSError:  # it was reset meanwhile
            sock.close()

    def _rest(self) -> None:
        """The backlog stays readable, so without a rest the loop would do nothing else."""
        self._starved()
        self._loop.remove_reader(self._sock.fileno())
        self._breather = self._loop.call_later(
            _BREATHER_S, self._loop.add_reader, self._sock.fileno(), self._accept
        )


def _is_gone(sock: socket.socket) -> bool:
    """Whether its client has left already: opening it would cost a hundred times as much."""
    try:
        return not sock.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True


class HttpServer(uvicorn.Server):
    """uvicorn with `Accepting` and `PeerProtocol`, without its signal handlers.

    ``up`` is set once it listens; ``table`` holds its connections, ``starved`` is called when there
    is no file descriptor for one more.
    """

    def __init__(self, app: object, table: Connections) -> None:
        super().__init__(
            uvicorn.Config(
                app,  # type: ignore[arg-type]
                http=PeerProtocol,
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="error",  # a warning a malformed request would let anybody fill the disk
                access_log=False,
                proxy_headers=False,
                server_header=False,
                date_header=False,
                timeout_keep_alive=KEEP_ALIVE_S,
            )
        )
        self.table = table
        self.starved = table.starved
        self.up = asyncio.Event()

    @property
    def connections(self) -> set[Any]:
        """Those there are."""
        return self.server_state.connections

    def stop(self) -> None:
        """Take no more, and end when what is under way has ended."""
        self.should_exit = True

    def cut(self) -> None:
        """End at once, whatever is under way."""
        self.force_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's, on sockets that are given."""
        protocol = partial(
            PeerProtocol,
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
            table=self.table,
        )
        self.servers = [
            Accepting(sock, protocol, self.table.turn, lambda: self.starved())  # type: ignore[misc]
            for sock in sockets or ()
        ]
        self.started = True
        self.up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the gateway's."""
        yield
