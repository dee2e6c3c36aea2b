"""An application that says what it was asked, and a client that sees every byte of the answers."""

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
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from quotadeck.gateway.connection.connections import Connections
from quotadeck.gateway.connection.protocol import PeerProtocol

Asked = tuple[str, str, list[tuple[str, str]], bytes]
"""A request: method, target, headers and body."""
EARLY = b"/early"
"""The target that is answered before its body was read."""


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with method, target, headers and body as it got them, each at its turn."""
    body = b""
    while scope["raw_path"] != EARLY:
        message = await receive()
        if message["type"] != "http.request":
            return
        body += message["body"]
        if not message["more_body"]:
            break
    target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
    headers = [
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]
    ]
    said = json.dumps([scope["method"], target.decode(), headers, body.decode("latin-1")]).encode()
    length = [(b"content-length", b"%d" % len(said))]
    await send({"type": "http.response.start", "status": 200, "headers": length})
    await send({"type": "http.response.body", "body": said})


@dataclass
class Answer:
    """One answer: its status, whether it ends the connection, and its body."""

    status: int
    closes: bool
    body: bytes

    @property
    def asked(self) -> Asked:
        """What `echo` was asked."""
        method, target, headers, body = json.loads(self.body)
        return method, target, [(name, value) for name, value in headers], body.encode("latin-1")


@dataclass
class Client:
    """A connection to `echo`, at both of its ends."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    connection: PeerProtocol

    async def send(self, *parts: bytes) -> None:
        """Each part is a read of its own for the server, however the kernel would join them."""
        for part in parts:
            if self.connection.transport.is_closing():
                return
            self.connection.data_received(part)
            for _ in range(3):
                await asyncio.sleep(0)

    async def waited_for(self) -> None:
        """The server has answered what it can, and waits for more."""
        at = self.connection
        while at.server_state.tasks and not (at.cycle.response_complete or at.cycle.more_body):  # noqa: ASYNC110 -- no event
            await asyncio.sleep(0)

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


@asynccontextmanager
async def asked(app: Any = echo) -> AsyncIterator[Client]:
    """A connection of an application: both ends of a socket, without a server that listens."""
    config = uvicorn.Config(app, http=PeerProtocol, ws="none", lifespan="off", log_config=None)
    config.load()
    state = ServerState()
    ours, theirs = socket.socketpair()
    _, connection = await asyncio.get_running_loop().connect_accepted_socket(
        lambda: PeerProtocol(config, state, {}, table=Connections("connections", 100)), theirs
    )
    reader, writer = await asyncio.open_connection(sock=ours, limit=2**26)
    try:
        yield Client(reader, writer, connection)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        connection.transport.abort()
        for task in state.tasks:
            task.cancel()
        await asyncio.gather(*state.tasks, return_exceptions=True)
