"""What the connections of one server share: who answers, and which of them there are."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from quotadeck.domain.refusals import Refusal
from quotadeck.gateway.connection.connections import Connections
from quotadeck.gateway.connection.exchange import Exchange
from quotadeck.gateway.connection.starting import Starting

Handle = Callable[[Exchange], Awaitable[None]]
Refused = Callable[[Refusal], tuple[int, bytes, bytes]]
"""The answer to what is no request: its status, head lines and body."""


class Connection(Protocol):
    """One of them, as the server sees it."""

    transport: asyncio.Transport

    def shutdown(self) -> None:
        """Finish the answer that is under way, and wait for nothing else."""

    def cut_if_idle(self, now_s: float) -> None:
        """End it where its peer owes us something for too long."""


@dataclass(frozen=True, slots=True)
class Service:
    """What all connections of a server share.

    ``handle`` answers a request; where it ends without a whole answer the connection is cut.
    ``connections`` and ``tasks`` are those there are: a request may outlive its connection.
    """

    handle: Handle
    refused: Refused
    table: Connections
    connections: set[Connection] = field(default_factory=set)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    starting: Starting = field(default_factory=Starting)
    fewer: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever one of them has ended."""

    def lost(self, connection: Connection) -> None:
        """A connection is no more."""
        self.connections.discard(connection)
        self.fewer.set()

    def done(self, task: asyncio.Task[None]) -> None:
        """A request has ended."""
        self.tasks.discard(task)
        self.fewer.set()
