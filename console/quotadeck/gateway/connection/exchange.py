"""A request as its connection carries it, and the way back: what the data plane sees of HTTP."""

from collections.abc import Callable, Sequence
from typing import Protocol

from quotadeck.gateway.connection.connections import Seat

Header = tuple[bytes, bytes]
"""A field of a head: its name in lower case, and its value."""


class Exchange(Protocol):
    """One request and its answer.

    An answer's ``head`` is its header lines, each ``name: value\\r\\n``, without those that frame
    the body: they are the connection's.
    """

    method: str
    path: str
    """Without the query, percent signs taken for what they stand for."""
    headers: Sequence[Header]
    """As they were sent; names in lower case."""
    seat: Seat

    @property
    def begun(self) -> bool:
        """Whether something of an answer was given to the client."""
        ...

    async def body(self, grow: Callable[[int], None]) -> bytes:
        """The whole body; ``grow`` is told the size of each part, and its refusal is raised.

        Raises BodyCut where the client went away before it was whole, another Refusal where its
        rest is none, or is waited for no longer.
        """
        ...

    def watch(self, gone: Callable[[], None]) -> None:
        """Have ``gone`` called once if the client hangs up before it has its answer."""
        ...

    async def answer(self, status: int, head: bytes, body: bytes) -> None:
        """A whole answer."""
        ...

    async def begin(self, status: int, head: bytes) -> None:
        """The head of an answer in pieces, which the client gets at once."""
        ...

    async def write(self, data: bytes) -> None:
        """A piece of it. Waits while the client does not take what was written before."""
        ...

    @property
    def taking(self) -> bool:
        """Whether a piece can be written now: the client has taken what was written before."""
        ...

    def write_now(self, data: bytes) -> None:
        """A piece of it, while it is ``taking``."""
        ...

    async def finish(self, data: bytes) -> None:
        """Its last piece, and its end."""
        ...
