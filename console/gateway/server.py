"""The gateway as a process: two servers on one loop, our own signals, an orderly end.

uvicorn would wait for ever on an open event stream and raises the signal again after `serve`, so
that nothing behind it runs; hence the signals are ours, and the servers are told when to stop.
"""

import asyncio
import contextlib
import logging
import os
import resource
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import uvicorn
import uvloop

from console.gateway.assembly import Gateway, open_gateway
from console.gateway.peer import BoundSocket, bind_socket
from console.gateway.protocol import IDLE_S, PeerProtocol
from console.wire.config import GatewayConfig

DRAIN_S = 30.0
LINGER_S = 2.0
ADMIN_CONNECTIONS = 128
OTHER_FILES = 256
"""Descriptors that are no client's and no upstream's: admin connections, journal, SQLite."""
MAX_CONNECTIONS = 10_000
LOG = logging.getLogger(__name__)


class ListenFailed(Exception):
    """The data plane's address cannot be had; the text says which and what to do."""


@dataclass(frozen=True, slots=True)
class Ready:
    """Where a started gateway listens."""

    base_url: str
    socket: Path


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers, and with an event for its start."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def run(
    config: GatewayConfig, *, ready: Callable[[Ready], None], exit_with_parent: bool = False
) -> int:
    """`serve` on a uvloop of its own, with a log on standard error."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(serve(config, ready=ready, exit_with_parent=exit_with_parent))


async def serve(
    config: GatewayConfig, *, ready: Callable[[Ready], None], exit_with_parent: bool = False
) -> int:
    """Run until SIGTERM or SIGINT (or, if asked, the end of standard input); the exit code.

    Raises ListenFailed, SocketError or StoreError, with nothing touched, before ``ready`` is
    called.
    """
    data_socket = _listen(config.listen_host, config.listen_port)
    try:
        admin_socket = bind_socket(config.socket, config.socket_group)
    except BaseException:
        data_socket.close()
        raise
    try:
        gateway = await open_gateway(config)
    except BaseException:
        data_socket.close()
        admin_socket.remove()
        admin_socket.sock.close()
        raise
    stop, cut = asyncio.Event(), asyncio.Event()
    host, port = data_socket.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    try:
        async with _signals(stop, cut, exit_with_parent=exit_with_parent):
            await _run(
                gateway,
                data_socket,
                admin_socket,
                lambda: ready(Ready(f"http://{shown}:{port}/v1", config.socket)),
                stop,
                cut,
            )
    finally:
        admin_socket.remove()
        await gateway.close()
    return 0


async def _run(
    gateway: Gateway,
    data_socket: socket.socket,
    admin_socket: BoundSocket,
    ready: Callable[[], None],
    stop: asyncio.Event,
    cut: asyncio.Event,
) -> None:
    data = _server(gateway.data_plane, _room())
    admin = _server(gateway.admin, ADMIN_CONNECTIONS)
    serving = [
        asyncio.ensure_future(data.serve([data_socket])),
        asyncio.ensure_future(admin.serve([admin_socket.sock])),
    ]
    jobs = [*gateway.jobs(), _cut_idle(data, admin)]
    background = [asyncio.ensure_future(job) for job in jobs]
    waiting = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.gather(data.up.wait(), admin.up.wait())
        ready()
        await asyncio.wait([waiting, *serving, *background], return_when=asyncio.FIRST_COMPLETED)
        await _drain(gateway, cut)
    finally:
        waiting.cancel()
        gateway.feed.close()
        data.should_exit = admin.should_exit = True
        for job in background:
            job.cancel()
        # What is written goes out first; an idle connection is closed at once either way.
        await asyncio.wait(serving, timeout=LINGER_S)
        data.force_exit = admin.force_exit = True
        results = await asyncio.gather(*serving, *background, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result


async def _drain(gateway: Gateway, cut: asyncio.Event) -> None:
    """Refuse what is new; give what is under way its time, unless told again."""
    gateway.data_plane.draining = True
    done = asyncio.ensure_future(gateway.deck.empty.wait())
    cutting = asyncio.ensure_future(cut.wait())
    try:
        await asyncio.wait([done, cutting], timeout=DRAIN_S, return_when=asyncio.FIRST_COMPLETED)
    finally:
        done.cancel()
        cutting.cancel()
    left = [flight.task for flight in gateway.deck.under_way.values() if flight.task]
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


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


async def _cut_idle(*servers: _Server) -> None:
    """Runs for the gateway's life: who sends half a request holds no connection for ever."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(IDLE_S / 2)
        for server in servers:
            for connection in list(server.server_state.connections):
                if isinstance(connection, PeerProtocol):
                    connection.cut_if_idle(loop.time())


def _server(app: object, connections: int) -> _Server:
    return _Server(
        uvicorn.Config(
            app,  # type: ignore[arg-type]
            http=PeerProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="error",  # a warning a malformed request would let anybody fill the disk
            access_log=False,
            limit_concurrency=connections,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            backlog=2_048,
            timeout_keep_alive=75,
        )
    )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(2_048)
    except OSError as error:
        sock.close()
        raise ListenFailed(
            f"cannot listen on {host}:{port}: {error.strerror or error}; "
            "stop what holds it, or change `listen` in the config"
        ) from None
    return sock


@contextlib.asynccontextmanager
async def _signals(
    stop: asyncio.Event, cut: asyncio.Event, *, exit_with_parent: bool
) -> AsyncIterator[None]:
    """The first signal drains, the second cuts; so does the parent's end of the pipe, if asked."""
    loop = asyncio.get_running_loop()

    def told() -> None:
        (cut if stop.is_set() else stop).set()

    def parent_said() -> None:
        if not os.read(0, 4_096):
            loop.remove_reader(0)
            stop.set()
            cut.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told)
    if exit_with_parent:
        loop.add_reader(0, parent_said)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
        if exit_with_parent:
            loop.remove_reader(0)
