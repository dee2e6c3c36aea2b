"""A real Unix socket whose HTTP answers are written by the test: for what a gateway never does."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from quotadeck.domain.notice import Notice
from quotadeck.domain.snapshot import Snapshot, Vitals

WHOAMI = b'{"actor": "mika", "role": "operator"}'
Script = Callable[[asyncio.StreamWriter], None]


def snapshot(now_ms: int = 1_000, problems: tuple[Notice, ...] = ()) -> Snapshot:
    """A small one."""
    vitals = Vitals("gw", "0.1.0", "src", 0, problems)
    return Snapshot(now_ms, now_ms * 1_000, vitals, (), (), (), ())


def event(name: str, data: bytes) -> bytes:
    """One server-sent event."""
    return b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"


def answer(body: bytes, status: str = "200 OK") -> Script:
    """A whole answer."""
    head = f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
    return lambda writer: writer.write(head.encode() + body)


def stream(*parts: bytes) -> Script:
    """The beginning of an endless answer."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
    return lambda writer: writer.write(head + b"".join(parts))


@asynccontextmanager
async def served(
    path: Path, scripts: Mapping[str, Script], *, hold: bool = False
) -> AsyncIterator[None]:
    """Answer ``/admin/v1/NAME`` by its script; ``hold`` keeps the stream's connection open."""
    held: list[asyncio.StreamWriter] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        name = head.split(b" ", 2)[1].decode().removeprefix("/admin/v1/").partition("?")[0]
        scripts[name](writer)
        await writer.drain()
        if hold and name == "stream":
            held.append(writer)
        else:
            writer.close()

    server = await asyncio.start_unix_server(talk, path)
    try:
        yield
    finally:
        for writer in held:
            writer.close()
        server.close()
        await server.wait_closed()
