"""An http proxy on a real socket: it opens tunnels, passes plain requests on, and keeps a log."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field


@dataclass(slots=True)
class HttpProxy:
    """``login`` is what it wants as proxy-authorization; ``says`` is its only answer, if any."""

    login: str = ""
    says: bytes = b""
    port: int = 0
    asked: list[str] = field(default_factory=list)
    """The first lines of what it was asked."""
    heads: list[bytes] = field(default_factory=list)
    passed: bytearray = field(default_factory=bytearray)
    """All bytes from clients, behind a tunnel's beginning."""

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["HttpProxy"]:
        running: set[asyncio.Task[None]] = set()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            running.add(task)
            try:
                with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                    await self._serve(reader, writer)
            finally:
                writer.close()
                running.discard(task)

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in list(running):
                task.cancel()
            await asyncio.gather(*running)
            await server.wait_closed()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        line = head.split(b"\r\n", 1)[0].decode()
        self.asked.append(line)
        self.heads.append(head)
        method, target, _ = line.split(" ")
        if self.says:
            writer.write(self.says)
            await writer.drain()
            await reader.read()
        elif self.login and f"proxy-authorization: {self.login}\r\n".encode() not in head:
            writer.write(b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
        elif method == "CONNECT":
            _, _, port = target.rpartition(":")
            there = await asyncio.open_connection("127.0.0.1", int(port))
            writer.write(b"HTTP/1.1 200 Connection established\r\nVia: a proxy\r\n\r\n")
            await self._both_ways((reader, writer), there)
        else:
            host, _, path = target.removeprefix("http://").partition("/")
            there = await asyncio.open_connection("127.0.0.1", int(host.rpartition(":")[2]))
            there[1].write(head.replace(target.encode(), b"/" + path.encode(), 1))
            await self._both_ways((reader, writer), there)

    async def _both_ways(
        self,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        there: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        async def pump(
            reader: asyncio.StreamReader, writer: asyncio.StreamWriter, log: bytearray | None
        ) -> None:
            while piece := await reader.read(1 << 16):
                if log is not None:
                    log += piece
                writer.write(piece)
                await writer.drain()
            writer.close()

        try:
            await asyncio.gather(
                pump(client[0], there[1], self.passed), pump(there[0], client[1], None)
            )
        finally:
            there[1].close()
