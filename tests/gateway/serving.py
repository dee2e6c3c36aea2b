"""A real uvicorn server on a real Unix socket in the test's own loop, and a client for it."""

import asyncio
import os
import pwd
import socket
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from quotadeck.admission.days import BudgetDays
from quotadeck.domain.commands import Role
from quotadeck.domain.rules import Windows
from quotadeck.domain.snapshot import Vitals
from quotadeck.gateway.connection.accepting import HttpServer
from quotadeck.gateway.connection.connections import Connections
from quotadeck.gateway.connection.http1_server import Http1Server
from quotadeck.gateway.connection.http1_service import Handle
from quotadeck.gateway.connection.peer import bind_socket
from quotadeck.gateway.control.admin import create_admin
from quotadeck.gateway.plan import compile_plan
from quotadeck.gateway.watch.feed import Feed
from quotadeck.gateway.watch.live import Live
from quotadeck.limiter import MemoryLimiter
from tests.gateway.desks import CATALOGUE, Bench, bench
from tests.gateway.echoing import refused
from tests.gateway.over_asgi import over_asgi
from tests.gateway.rig import SECRET

ME = pwd.getpwuid(os.getuid()).pw_name


@asynccontextmanager
async def served(app: Any, sock: socket.socket, most: int = 100) -> AsyncIterator[Collection[Any]]:
    """The app behind a listening socket, until the block ends; then connections are cut.

    Gives the live connections, of which there may be ``most``.

    Without uvicorn's main loop, which looks only every tenth of a second whether it may end.
    """
    server = HttpServer(app, Connections("connections", most))
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup([sock])
    try:
        yield server.server_state.connections
    finally:
        for listening in server.servers:
            listening.close()
            await listening.wait_closed()
        for connection in list(server.server_state.connections):
            connection.transport.abort()
        await asyncio.gather(*server.server_state.tasks, return_exceptions=True)
        sock.close()


@asynccontextmanager
async def served_as(
    kind: str, handle: Handle, sock: socket.socket, most: int = 100
) -> AsyncIterator[Collection[Any]]:
    """As `served`, of a handler, by the server of this kind."""
    if kind == "admin":
        async with served(over_asgi(handle), sock, most) as connections:
            yield connections
        return
    server = Http1Server(handle, refused, Connections("connections", most))
    server.listen([sock])
    try:
        yield server.connections
    finally:
        await server.close()
        sock.close()


@asynccontextmanager
async def asked_over_http(handle: Handle, key: str = SECRET) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a data plane's own server, with this project key."""
    sock = socket.create_server(("127.0.0.1", 0))
    at = f"http://127.0.0.1:{sock.getsockname()[1]}"
    async with (
        served_as("own", handle, sock),
        httpx.AsyncClient(
            base_url=at,
            headers={"authorization": f"Bearer {key}"},
            trust_env=False,
            verify=False,  # no TLS here, and to read the authorities takes longer than to ask
        ) as http,
    ):
        yield http


def short(directory: Path) -> Path:
    """The directory by a name of a few bytes: a socket's path has room for about a hundred."""
    return Path(os.path.relpath(directory))


@dataclass
class Admin:
    """An admin API being served, and one that asks it."""

    at: Bench
    http: httpx.AsyncClient
    feed: Feed
    live: Live
    socket: Path


@asynccontextmanager
async def admin_api(
    directory: Path,
    *,
    roles: Mapping[Role, tuple[str, ...]] | None = None,
    own_uid: int | None = None,
) -> AsyncIterator[Admin]:
    """``own_uid`` other than ours leaves us the role that ``roles`` give."""
    async with bench(directory / "state") as at:

        def vitals() -> Vitals:
            return Vitals("gw", "1", at.ledger.source_id, at.clock.wall_us())

        def plan() -> Any:
            return compile_plan(CATALOGUE, at.desk.layers, Windows(10, 60), at.clock.wall_us())

        limiter = MemoryLimiter(at.clock)
        days = BudgetDays(limiter, at.ledger.reader.spent_on)
        live = Live(
            catalogue=CATALOGUE,
            plan=plan,
            limiter=limiter,
            days=days,
            clock=at.clock,
            vitals=vitals,
        )
        feed = Feed(live.snapshot, interval_s=3_600, least_gap_s=0)
        app = create_admin(
            desk=at.desk,
            ledger=at.ledger,
            feed=feed,
            clock=at.clock,
            roles=roles or {},
            own_uid=own_uid,
        )
        bound = bind_socket(short(directory) / "run" / "s", None)
        transport = httpx.AsyncHTTPTransport(uds=str(bound.path), verify=False)
        async with served(app, bound.sock):
            try:
                async with httpx.AsyncClient(
                    transport=transport, base_url="http://gateway", timeout=10
                ) as http:
                    yield Admin(at, http, feed, live, bound.path)
            finally:
                feed.close()
        bound.remove()
