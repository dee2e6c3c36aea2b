"""A scripted provider on a real socket: each test says byte by byte how it behaves."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from quotadeck.dialects.openai import OPENAI
from quotadeck.domain.catalogue import Upstream
from quotadeck.gateway.upstream.client import Reply, StreamReply, UpstreamClient
from quotadeck.gateway.upstream.endpoint import Endpoint, endpoint_of

PATIENCE_S = 5.0
KEY = "sk-a-secret-that-no-error-may-name"
PATH = "/chat/completions"
JSON = b'{"model":"m"}'


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as the provider read it."""

    line: str
    headers: dict[str, str]
    body: bytes


class Peer:
    """The provider's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.done = asyncio.Event()
        """The script is."""

    async def request(self) -> Asked | None:
        """The next request; None when the gateway hung up."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
            line, *lines = head.decode("latin-1").rstrip().split("\r\n")
            headers = {name.lower(): value for name, value in (one.split(": ", 1) for one in lines)}
            body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        return Asked(line, headers, body)

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, body: bytes, status: str = "200 OK", *headers: str) -> None:
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
        await self.send("\r\n".join(lines).encode() + body)

    async def begin_chunks(self) -> None:
        await self.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")

    async def chunk(self, data: bytes) -> None:
        """One chunk; an empty one is the end."""
        await self.send(b"%x\r\n%b\r\n" % (len(data), data))

    def reset(self) -> None:
        """Hang up with a RST instead of a FIN."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Script = Callable[[Peer], Awaitable[None]]


@dataclass(slots=True)
class Provider:
    """A scripted provider on a port of its own."""

    port: int
    server: asyncio.Server = field(init=False)
    peers: list[Peer] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    def upstream(self, timeout_s: float = PATIENCE_S, key: str = KEY) -> Upstream:
        return Upstream("openai", f"http://127.0.0.1:{self.port}/v1", key, timeout_s)


@asynccontextmanager
async def provider(
    script: Script, tls: ssl.SSLContext | None = None, patience_s: float = PATIENCE_S
) -> AsyncIterator[Provider]:
    """Each connection runs the script once; what fails in it fails the test."""
    faults: list[Exception] = []
    running: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        peer = Peer(reader, writer)
        it.peers.append(peer)
        try:
            await script(peer)
        except (ConnectionError, ssl.SSLError, asyncio.CancelledError):
            pass
        except Exception as fault:  # noqa: BLE001 -- told to the test below
            faults.append(fault)
        finally:
            writer.close()
            peer.done.set()
            running.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 24, ssl=tls)
    it = Provider(server.sockets[0].getsockname()[1])
    it.server = server
    try:
        async with asyncio.timeout(patience_s):
            yield it
    finally:
        server.close()
        for task in list(running):
            task.cancel()
        await asyncio.gather(*running)
        await server.wait_closed()
    assert not faults, faults


def always(answer: Callable[[Peer], Awaitable[None]], it: list[Asked] | None = None) -> Script:
    """Answer request after request on one connection."""

    async def script(peer: Peer) -> None:
        while asked := await peer.request():
            if it is not None:
                it.append(asked)
            await answer(peer)

    return script


async def hello(peer: Peer) -> None:
    await peer.answer(b'{"hello":1}')


async def call(client: UpstreamClient, upstream: Upstream, body: bytes = JSON) -> Reply:
    """One whole reply."""
    return await client.call(endpoint(upstream), body, "req_1")


@asynccontextmanager
async def stream(client: UpstreamClient, upstream: Upstream) -> AsyncIterator[StreamReply]:
    """A reply as it comes; an error in the context cuts it."""
    reply = await client.stream(endpoint(upstream), JSON, "req_1")
    try:
        yield reply
    except BaseException:
        reply.cut()
        raise
    finally:
        reply.close()


async def soon(is_so: Callable[[], bool]) -> None:
    """Turns of the loop, until it is so."""
    loop = asyncio.get_running_loop()
    end_s = loop.time() + PATIENCE_S
    while not is_so():
        assert loop.time() < end_s, "it did not become so"
        await asyncio.sleep(0)


async def chunks(reply: StreamReply) -> AsyncIterator[bytes]:
    """What is left of a reply."""
    while chunk := await reply.next():
        yield chunk


def endpoint(upstream: Upstream) -> Endpoint:
    """Where the tests post to, with the key as OpenAI wants it."""
    return endpoint_of(upstream, PATH, OPENAI.asks_with(upstream.key))
