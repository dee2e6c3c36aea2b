"""The way to a provider: two methods, one JSON reply or one stream, and typed failures.

Who goes there is `pool.py`. Redirects are not followed and proxy variables not honoured: the key
goes to the configured host only, by the configured proxy.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, Protocol

from quotadeck.gateway.upstream.endpoint import Endpoint

MAX_REPLY_BYTES: Final = 16 * 1024 * 1024
"""An image of 12 MB in base64, as for an event of a stream."""
MAX_ERROR_BYTES: Final = 1024 * 1024
"""Nobody's words are longer."""
CONNECT_TIMEOUT_S: Final = 10.0
TAIL_S: Final = 0.25
"""So long a stream left at its last event may take to end, so that its connection serves on."""

STALE_S: Final = 1.0
"""A journey there and back: so soon a connection shows that it was closed before we sent."""


class UpstreamError(Exception):
    """No usable answer; ``args[0]`` says why, without secrets."""


class Unreachable(UpstreamError):
    """The request never reached the upstream: nothing was used."""


class TimedOut(UpstreamError):
    """Sent, but not answered in time: it may have been billed."""


class Broken(UpstreamError):
    """Sent, but the answer was cut or is not HTTP: it may have been billed."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one reply may take."""

    reply_bytes: int = MAX_REPLY_BYTES
    """Of a whole reply, unpacked or not."""
    error_bytes: int = MAX_ERROR_BYTES
    """Of an error where a stream was asked for."""
    connect_s: float = CONNECT_TIMEOUT_S
    """At most; and never more than half of the endpoint's time."""
    tail_s: float = TAIL_S
    stale_s: float = STALE_S


BOUNDS: Final = Bounds()


@dataclass(frozen=True, slots=True)
class Reply:
    """``headers`` have names in lower case; of a name that comes twice, the first."""

    status: int
    headers: Mapping[bytes, bytes]
    body: bytes
    let_go: Callable[[], None] = lambda: None
    """To be called when it is needed no more: until then it counts as held."""


class Poured(Enum):
    """What became of a chunk."""

    TAKEN = auto()
    KEPT = auto()
    """It is left to `StreamReply.next`."""
    ENOUGH = auto()
    """It was taken, and no more is wanted."""


Into = Callable[[bytes], Poured]


class StreamReply(Protocol):
    """A reply as it comes. Whoever leaves it closes it, and cuts it first if that is for an error.

    ``headers`` as in `Reply`.
    """

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[bytes, bytes]: ...
    @property
    def bounds(self) -> Bounds: ...

    async def next(self) -> bytes:
        """What has come; b"" at the end. Raises UpstreamError: it broke, or was cut from here."""
        ...

    async def pour(self, into: Into) -> None:
        """Give what comes to ``into``, in the very callback that brings it, while it takes it.

        Returns where it does not, where the reply has ended or broken, or at once: then `next` has
        what is to come. So a chunk costs no wake of a task. Raises what ``into`` raises.
        """
        ...

    def cut(self) -> None:
        """Drop the connection at once; whoever waits for `next` gets an UpstreamError."""
        ...

    def close(self) -> None:
        """Be done with it, once or more often. The connection serves on if it ends at once."""
        ...


class UpstreamClient(Protocol):
    """Posts to endpoints. ``request_id`` may have further header lines behind it."""

    async def call(self, endpoint: Endpoint, body: bytes, request_id: str) -> Reply:
        """The whole reply, whatever its status."""
        ...

    async def stream(self, endpoint: Endpoint, body: bytes, request_id: str) -> StreamReply:
        """The reply once its head has come, whatever its status."""
        ...


def too_large(most_bytes: int) -> Broken:
    """Of a reply that goes on beyond its bound."""
    return Broken(f"its reply is over {most_bytes:,} bytes")


async def read_whole(reply: StreamReply) -> bytes:
    """All chunks of an error. Raises UpstreamError, also for more than its bounds allow."""
    return await gathered(reply.next, reply.bounds.error_bytes)


async def gathered(next_piece: Callable[[], Awaitable[bytes]], most_bytes: int) -> bytes:
    """All pieces until an empty one. Raises Broken for more than ``most_bytes``."""
    parts: list[bytes] = []
    size = 0
    while piece := await next_piece():
        size += len(piece)
        if size > most_bytes:
            raise too_large(most_bytes)
        parts.append(piece)
    return b"".join(parts)
