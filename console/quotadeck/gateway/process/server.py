"""The gateway as a process: two servers on one loop, our own signals, an orderly end.

The data plane's connections are our own, those of the admin API uvicorn's. That would wait for ever
on an open event stream and raises the signal again after `serve`, so that nothing behind it runs;
hence the signals are ours, and the servers are told when to stop.
"""

import asyncio
import contextlib
import gc
import logging
import resource
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import uvloop

from quotadeck.domain.notice import NoticeError
from quotadeck.gateway.connection.accepting import BACKLOG, HttpServer
from quotadeck.gateway.connection.body_memory import give_back_large
from quotadeck.gateway.connection.connections import Connections
from quotadeck.gateway.connection.http1_server import Http1Server
from quotadeck.gateway.connection.peer import BoundSocket, bind_socket
from quotadeck.gateway.log.handler import logged
from quotadeck.gateway.log.life import say_serving, say_stopped, say_stopping
from quotadeck.gateway.process.assembly import Gateway, open_gateway
from quotadeck.gateway.process.signals import Told, endings, hangups
from quotadeck.wire.config import GatewayConfig

DRAIN_S = 30.0
LINGER_S = 2.0
LOOK_S = 5.0
"""Between two looks for connections whose peers owe us something."""
_A_LOOK = 500
"""Connections looked at before the event loop gets a turn: well under a millisecond."""
ADMIN_CONNECTIONS = 128
OTHER_FILES = 256
"""Descriptors that are no client's and no upstream's: admin connections, journal, SQLite."""
MAX_CONNECTIONS = 10_000
LOG = logging.getLogger(__name__)


class ListenFailed(NoticeError):
    """The data plane's address cannot be had."""


@dataclass(frozen=True, slots=True)
class Ready:
    """Where a started gateway listens."""

    base_url: str
    socket: Path


def run(
    config: GatewayConfig, *, ready: Callable[[Ready], None], exit_with_parent: bool = False
) -> int:
    """`serve` on a uvloop of its own, with a log on standard error."""
    with (
        logged(config.log),
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        return runner.run(serve(config, ready=ready, exit_with_parent=exit_with_parent))


async def serve(
    config: GatewayConfig, *, ready: Callable[[Ready], None], exit_with_parent: bool = False
) -> int:
    """Run until SIGTERM or SIGINT (or, if asked, the end of standard input); the exit code.

    Raises ListenFailed, SocketError or StoreError, with nothing touched, before ``ready`` is
    called.
    """
    give_back_large()
    told = Told()
    with (
        hangups(told),
        endings(told, exit_with_parent=exit_with_parent),
        contextlib.closing(_listen(config.listen_host, config.listen_port)) as data_socket,
    ):
        admin_socket = bind_socket(config.socket, config.socket_group)
        try:
            gateway = await _opened(config, told)
            if gateway is None:
                return 0
            host, port = data_socket.getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            cut = 0
            at = Ready(f"http://{shown}:{port}/v1", config.socket)
            try:
                say_serving(config, at.base_url)
                cut = await _run(gateway, data_socket, admin_socket, lambda: ready(at), told)
            finally:
                admin_socket.remove()
                await gateway.close()
                say_stopped(cut)
        finally:
            admin_socket.remove()
            admin_socket.sock.close()
    return 0


async def _opened(config: GatewayConfig, told: Told) -> Gateway | None:
    """The gateway, which may take a while to start; None where it is told to end meanwhile."""
    opening = asyncio.ensure_future(open_gateway(config))
    stopping = asyncio.ensure_future(told.stop.wait())
    try:
        await asyncio.wait([opening, stopping], return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
    opening.cancel()  # does nothing to one that is done
    try:
        return await opening
    except asyncio.CancelledError:
        return None


async def _run(
    gateway: Gateway,
    data_socket: socket.socket,
    admin_socket: BoundSocket,
    ready: Callable[[], None],
    told: Told,
) -> int:
    """Serve until told to end; how many calls were cut by the end."""
    plane = gateway.data_plane
    data = Http1Server(plane, plane.refused, Connections("connections", _room()))
    admin = HttpServer(gateway.admin, Connections("admin_connections", ADMIN_CONNECTIONS))
    gateway.vitals.watch(data.table, admin.table)

    def starved() -> None:
        # Descriptors are the process's: idle ones of either server make room for both.
        data.table.starved()
        admin.table.starved()

    data.starved = admin.starved = starved
    serving = [
        asyncio.ensure_future(data.serve([data_socket])),
        asyncio.ensure_future(admin.serve([admin_socket.sock])),
    ]
    jobs = [*gateway.jobs(), _cut_idle(data, admin)]
    background = [asyncio.ensure_future(job) for job in jobs]
    waiting = asyncio.ensure_future(told.stop.wait())
    try:
        await asyncio.gather(data.up.wait(), admin.up.wait())
        # What a start made stays: a collection that looks through it would stall every request.
        gc.freeze()
        gc.enable()
        ready()
        await asyncio.wait([waiting, *serving, *background], return_when=asyncio.FIRST_COMPLETED)
        say_stopping(told.why, len(gateway.flights.under_way), DRAIN_S)
        cut = await _drain(gateway, told.cut)
    finally:
        waiting.cancel()
        gateway.feed.close()
        data.stop()
        admin.stop()
        for job in background:
            job.cancel()
        # What is written goes out first; an idle connection is closed at once either way.
        await asyncio.wait(serving, timeout=LINGER_S)
        data.cut()
        admin.cut()
        results = await asyncio.gather(*serving, *background, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result
    return cut


async def _drain(gateway: Gateway, cut: asyncio.Event) -> int:
    """Refuse what is new; give what is under way its time, unless told again. How many were cut."""
    gateway.drain()
    done = asyncio.ensure_future(gateway.flights.empty.wait())
    cutting = asyncio.ensure_future(cut.wait())
    try:
        await asyncio.wait([done, cutting], timeout=DRAIN_S, return_when=asyncio.FIRST_COMPLETED)
    finally:
        done.cancel()
        cutting.cancel()
    left = [flight.task for flight in gateway.flights.under_way.values() if flight.task]
    for task in left:
        task.cancel()
    if left:  # each tells its client, which may not be reading
        await asyncio.wait(left, timeout=LINGER_S)
    return len(left)


def _room() -> int:
    """How many clients the open files allow, each with a connection to an upstream of its own.

    Takes all the files that the system lets us have; the usual default of 1,024 is for programs
    that call select().
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):  # macOS allows less than it says
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    if soft == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return max(16, min(MAX_CONNECTIONS, (soft - OTHER_FILES) // 2))


async def _cut_idle(*servers: HttpServer | Http1Server) -> None:
    """Runs for the gateway's life: nobody holds a connection for ever by being slow."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(LOOK_S)
        for server in servers:
            for index, connection in enumerate(list(server.connections)):
                connection.cut_if_idle(loop.time())
                if index % _A_LOOK == _A_LOOK - 1:
                    await asyncio.sleep(0)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise ListenFailed(
            "listen.failed", host=host, port=str(port), what=error.strerror or str(error)
        ) from None
    return sock
