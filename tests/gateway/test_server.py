"""The two servers of a gateway put together: what each does is tried elsewhere, here that both do.

In this process and over real sockets; the end of the process is tried in `tests/e2e`.
"""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from quotadeck.gateway.connection import http1, protocol
from quotadeck.gateway.connection.accepting import HttpServer
from quotadeck.gateway.connection.connections import Connections
from quotadeck.gateway.connection.http1_server import Http1Server
from quotadeck.gateway.connection.peer import bind_socket
from quotadeck.gateway.process import server
from quotadeck.gateway.process.assembly import Gateway, open_gateway
from quotadeck.gateway.process.signals import Told
from tests.gateway.stories import Story
from tests.wording import said

HALF_A_HEAD = b"GET /healthz HTTP/1.1\r\nHost: gate"
WHOLE = b"GET /healthz HTTP/1.1\r\nHost: gateway\r\n\r\n"
WITHIN_S = 8.0
Opened = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Served:
    """A gateway that serves, with connections to both of its doors."""

    data: Http1Server
    admin: HttpServer
    gateway: Gateway
    told: Told
    running: "asyncio.Future[int]"

    def __init__(self, path: Path) -> None:
        self._socket = path
        self.port = 0
        self._opened: list[asyncio.StreamWriter] = []

    async def connect(self) -> list[Opened]:
        """One to the data plane, and one to the admin API."""
        both = [
            await asyncio.open_connection("127.0.0.1", self.port),
            await asyncio.open_unix_connection(str(self._socket)),
        ]
        self._opened += [writer for _, writer in both]
        return both

    async def close(self) -> None:
        for writer in self._opened:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


@pytest.fixture
async def served(
    tmp_path: Path, small_ballast: None, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Served]:
    it = Served(tmp_path / "s")

    class Data(Http1Server):
        def __init__(self, *given: object) -> None:
            super().__init__(*given)  # type: ignore[arg-type]
            it.data = self

    class Admin(HttpServer):
        def __init__(self, app: object, table: Connections) -> None:
            super().__init__(app, table)
            it.admin = self

    monkeypatch.setattr(server, "Http1Server", Data)
    monkeypatch.setattr(server, "HttpServer", Admin)
    monkeypatch.setattr(server, "_room", lambda: 200)
    monkeypatch.setattr(server, "LOOK_S", 0.0)
    it.told, up = Told(), asyncio.Event()
    it.gateway = await open_gateway(Story(1, tmp_path).config)
    data, admin = server._listen("127.0.0.1", 0), bind_socket(it._socket, None)
    it.port = data.getsockname()[1]
    it.running = asyncio.ensure_future(server._run(it.gateway, data, admin, up.set, it.told))
    try:
        await asyncio.wait(
            [it.running, asyncio.ensure_future(up.wait())], return_when=asyncio.FIRST_COMPLETED
        )
        yield it
    finally:
        await it.close()
        it.told.stop.set()
        await it.running
        admin.remove()
        admin.sock.close()
        data.close()
        await it.gateway.close()
        gc.unfreeze()


async def ended(reader: asyncio.StreamReader) -> None:
    """The other side has closed."""
    async with asyncio.timeout(WITHIN_S):
        with suppress(ConnectionError):
            await reader.read()


async def answered(served: Served) -> list[Opened]:
    """A connection to each door that waits for its next request."""
    both = await served.connect()
    for reader, writer in both:
        writer.write(WHOLE)
        assert b" 200 " in await reader.readline()
    return both


async def test_connections_of_both_are_told(served: Served) -> None:
    before = served.gateway.vitals.read()
    await answered(served)
    now = served.gateway.vitals.read()
    assert now.connections > before.connections
    assert now.admin_connections > before.admin_connections
    assert now.connections_most == 200
    assert now.admin_connections_most == server.ADMIN_CONNECTIONS


@pytest.mark.parametrize("door", ["data", "admin"])
async def test_either_makes_room_in_both_where_it_has_no_descriptor(
    served: Served, door: str
) -> None:
    both = await answered(served)
    getattr(served, door).starved()
    for reader, _ in both:
        await ended(reader)
    told = said(served.gateway.vitals.read().problems)
    assert any("ulimit -n" in problem for problem in told)


async def test_nobody_holds_a_connection_to_either_by_being_slow(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = await served.connect()
    for _, writer in both:
        writer.write(HALF_A_HEAD)
    for name in ("IDLE_S", "STRANGER_S"):
        monkeypatch.setattr(protocol, name, 0.0)
    monkeypatch.setattr(http1, "_OWED_S", dict.fromkeys(http1._OWED_S, (0.0, 0.0)))
    for reader, _ in both:
        await ended(reader)


async def test_what_is_done_every_second_is_done_beside_them(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = asyncio.Event()

    async def second(_: Gateway) -> None:
        done.set()

    monkeypatch.setattr(Gateway, "second", second)
    async with asyncio.timeout(WITHIN_S):
        await done.wait()


async def test_their_end_waits_for_nobody_who_asks_nothing(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    await answered(served)
    monkeypatch.setattr(server, "LINGER_S", 10 * WITHIN_S)
    served.told.stop.set()
    async with asyncio.timeout(WITHIN_S):
        await asyncio.wait([served.running])
