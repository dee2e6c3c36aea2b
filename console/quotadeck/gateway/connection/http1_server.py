"""The server of the data plane: connections of `http1.py` on sockets that are given."""

import asyncio
import socket
from collections.abc import Sequence

from quotadeck.gateway.connection.accepting import Accepting
from quotadeck.gateway.connection.connections import Connections
from quotadeck.gateway.connection.http1 import Http1Connection
from quotadeck.gateway.connection.http1_service import Connection, Handle, Refused, Service


class Http1Server:
    """Serves until told to `stop`; ``up`` is set once it listens.

    ``table`` holds its connections, ``starved`` is called when there is no file descriptor for one
    more.
    """

    def __init__(self, handle: Handle, refused: Refused, table: Connections) -> None:
        self._service = Service(handle, refused, table)
        self._listening: list[Accepting] = []
        self._stopping = asyncio.Event()
        self._cutting = False
        self.table = table
        self.starved = table.starved
        self.up = asyncio.Event()

    @property
    def connections(self) -> set[Connection]:
        """Those there are."""
        return self._service.connections

    async def serve(self, sockets: Sequence[socket.socket]) -> None:
        """Take connections until told to stop; then what is under way is answered."""
        self.listen(sockets)
        try:
            await self._stopping.wait()
            await self.refuse_new()
            for connection in list(self.connections):
                connection.shutdown()
            while not self._cutting and (self.connections or self._service.tasks):
                await self._fewer()
        finally:
            await self.close()

    def listen(self, sockets: Sequence[socket.socket]) -> None:
        """Begin to take connections."""
        self._listening = [
            Accepting(
                sock,
                lambda: Http1Connection(self._service),
                self.table.turn,
                lambda: self.starved(),
            )
            for sock in sockets
        ]
        self.up.set()

    def stop(self) -> None:
        """Take no more, and end when what is under way has ended."""
        self._stopping.set()

    def cut(self) -> None:
        """End at once, whatever is under way."""
        self._cutting = True
        self._stopping.set()
        self._service.fewer.set()

    async def refuse_new(self) -> None:
        """Take no more."""
        listening, self._listening = self._listening, []
        for one in listening:
            one.close()
            await one.wait_closed()

    async def close(self) -> None:
        """End all that there is, and its requests."""
        await self.refuse_new()
        for connection in list(self.connections):
            connection.transport.abort()
        tasks = list(self._service.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        while self.connections:
            await self._fewer()

    async def _fewer(self) -> None:
        self._service.fewer.clear()
        await self._service.fewer.wait()
