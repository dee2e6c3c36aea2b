"""A handler that says what it was asked, and a client that sees every byte of the answers."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import h11
import uvicorn
from uvicorn.server import ServerState

from quotadeck.dialects.openai import OPENAI
from quotadeck.domain.refusals import BodyCut, Refusal
from quotadeck.gateway.connection.connections import Connections
from quotadeck.gateway.connection.exchange import Exchange
from quotadeck.gateway.connection.http1 import Http1Connection
from quotadeck.gateway.connection.http1_service import Handle, Service
from quotadeck.gateway.connection.protocol import PeerProtocol
from quotadeck.gateway.connection.states import State
from tests.gateway.over_asgi import over_asgi

Asked = tuple[str, str, list[tuple[str, str]], bytes]
"""A request: method, path, headers and body."""
EARLY = "/early"
"""The path that is answered before its body was read."""
KINDS = ("admin", "own")
DATE = b"date: Thu, 26 Nov 2026 03:00:00 GMT\r\n"


def dated(answer: bytes) -> bytes:
    """With the date that `now_is_known` gives every answer."""
    return answer.replace(b"\r\n", b"\r\n" + DATE, 1)


"""The admin API's connections, and the data plane's."""
_WAITS = (State.ANSWERING, State.STREAMING)
"""In which the server, and not its client, is to act."""


def count_nothing(_size: int) -> None:
    """A body of any size is taken."""


async def echo(exchange: Exchange) -> None:
    """Answers with method, path, headers and body as it got them, each at its turn."""
    body = b""
    if exchange.path != EARLY:
        try:
            body = await exchange.body(count_nothing)
        except BodyCut:
            return
        except Refusal as refusal:
            await exchange.answer(*refused(refusal))
            return
    headers = [
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in exchange.headers
    ]
    said = json.dumps([exchange.method, exchange.path, headers, body.decode("latin-1")]).encode()
    await exchange.answer(200, b"", said)


async def never(_exchange: Exchange) -> None:
    """Answers nobody, and takes nothing."""
    await asyncio.Event().wait()


def refused(refusal: Refusal) -> tuple[int, bytes, bytes]:
    """What is no request is told so in the API's shape, and with what another may look it up by."""
    status, head, body = OPENAI.refusal(refusal)
    return status, b"x-request-id: trace\r\n" + head, body


@dataclass
class Answer:
    """One answer: its status, whether it ends the connection, and its body."""

    status: int
    closes: bool
    body: bytes

    @property
    def why(self) -> str:
        """What a refusal says."""
        if self.body.startswith(b"{"):
            return str(json.loads(self.body)["error"]["message"])
        return self.body.decode()

    @property
    def asked(self) -> Asked:
        """What `echo` was asked."""
        method, target, headers, body = json.loads(self.body)
        return method, target, [(name, value) for name, value in headers], body.encode("latin-1")


@dataclass
class Client:
    """A connection to a handler, at both of its ends."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    connection: Any
    tasks: set[Any]

    async def send(self, *parts: bytes) -> None:
        """Each part is a read of its own for the server, however the kernel would join them."""
        for part in parts:
            if self.connection.transport.is_closing():
                return
            if part:
                self.connection.data_received(part)
            for _ in range(3):
                await asyncio.sleep(0)

    async def waited_for(self) -> None:
        """The server has answered what it can, and waits for more."""
        async with asyncio.timeout(10):
            while self.tasks and not self.waits:  # noqa: ASYNC110 -- no event
                await asyncio.sleep(0)

    async def nothing_under_way(self) -> None:
        """Every request's task has ended."""
        async with asyncio.timeout(10):
            while self.tasks:  # noqa: ASYNC110 -- no event
                await asyncio.sleep(0)

    async def cut(self) -> None:
        """The server has ended the connection."""
        async with asyncio.timeout(10):
            while not self.is_closing():  # noqa: ASYNC110 -- no event
                await asyncio.sleep(0)

    @property
    def waits(self) -> bool:
        """The server waits for its client."""
        at = self.connection
        if isinstance(at, Http1Connection):
            return at.state not in _WAITS
        return not at.pipeline and bool(at.cycle.response_complete or at.cycle.more_body)

    def reads_no_more(self) -> bool:
        at = self.connection
        return bool(at.read_paused if isinstance(at, Http1Connection) else at.flow.read_paused)

    def is_stalled(self) -> bool:
        at = self.connection
        return bool(at.write_paused if isinstance(at, Http1Connection) else at.flow.write_paused)

    @property
    def held_bytes(self) -> int:
        return len(self.connection._held)

    def is_closing(self) -> bool:
        return bool(self.connection.transport.is_closing())

    def look(self, later_s: float = 0.0) -> None:
        """The server looks for what its client owes it, as if so much later."""
        self.connection.cut_if_idle(asyncio.get_running_loop().time() + later_s)

    async def answers(self, methods: Sequence[str] = ("GET",) * 10_000) -> list[Answer]:
        """All answers until the server closes; also what is asked last is answered."""
        async with asyncio.timeout(10):
            return parsed(await self.reader.read(), methods)

    async def last_answers(self, methods: Sequence[str] = ("GET",) * 10_000) -> list[Answer]:
        """All answers, and then that of a last request, which shows that nothing is between."""
        await self.send(b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        *answers, last = await self.answers(methods)
        assert last.asked[:2] == ("GET", "/last")
        assert last.closes
        return answers


def parsed(raw: bytes, methods: Sequence[str]) -> list[Answer]:
    """The answers in these bytes, by another's parser; ``methods`` are those that were asked."""
    answers: list[Answer] = []
    rest = raw
    while rest:
        peer = h11.Connection(h11.CLIENT, max_incomplete_event_size=1_000_000)
        peer.send(h11.Request(method=methods[len(answers)], target="/", headers=[("Host", "x")]))
        peer.receive_data(rest)
        peer.receive_data(b"")
        status, closes, body = 0, False, b""
        while True:
            event: Any = peer.next_event()
            if isinstance(event, h11.Response):
                status = event.status_code
                closes = (b"connection", b"close") in list(event.headers)
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                break
            else:
                assert isinstance(event, h11.InformationalResponse), (event, raw)
        rest = peer.trailing_data[0]
        answers.append(Answer(status, closes, body))
    return answers


def _connection(kind: str, handle: Handle, table: Connections) -> tuple[Any, set[Any]]:
    if kind == "own":
        service = Service(handle, refused, table)
        return Http1Connection(service), service.tasks
    config = uvicorn.Config(
        over_asgi(handle),
        http=PeerProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
    )
    config.load()
    state = ServerState()
    return PeerProtocol(config, state, {}, table=table), state.tasks


@asynccontextmanager
async def asked(
    kind: str, handle: Handle = echo, table: Connections | None = None
) -> AsyncIterator[Client]:
    """A connection of a handler: both ends of a socket, without a server that listens."""
    ours, theirs = socket.socketpair()
    if table is None:
        table = Connections("connections", 100)
    connection, tasks = _connection(kind, handle, table)
    await asyncio.get_running_loop().connect_accepted_socket(lambda: connection, theirs)
    reader, writer = await asyncio.open_connection(sock=ours, limit=2**26)
    try:
        yield Client(reader, writer, connection, tasks)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        connection.transport.abort()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
