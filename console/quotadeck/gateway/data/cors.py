"""Which web pages may call: the Fetch standard's CORS protocol, under /v1 alone.

No answer lets a page send cookies or the like along: a key is what counts here, and the page has to
have it.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final

from quotadeck.gateway.connection.exchange import Exchange, Header

UNDER: Final = "/v1/"
ANY: Final = "*"
_TOKENS: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z, -]{1,2000}")
_METHODS: Final = b"access-control-allow-methods: GET, HEAD, POST, DELETE\r\n"
_EXPOSED: Final = (
    b"access-control-expose-headers: x-request-id, x-project-id, x-cost-usd, x-served-model, "
    b"x-fallback-step, retry-after, retry-after-ms, x-should-retry\r\n"
)
_REMEMBERED: Final = b"access-control-max-age: 600\r\n"


class CrossOrigin:
    """The pages that may call, by their origins."""

    def __init__(self, origins: Sequence[str]) -> None:
        self._any = ANY in origins
        self._origins = frozenset(origin.encode() for origin in origins)

    def of(self, exchange: Exchange) -> Exchange:
        """The exchange, whose answers say that the page may read them, where it may."""
        origin = _one(exchange.headers, b"origin")
        if not origin or not exchange.path.startswith(UNDER):
            return exchange
        # Whoever keeps an answer for others has to know that it is another one for other pages.
        lines = b"vary: origin\r\n"
        if self._any:
            lines = b"access-control-allow-origin: *\r\n" + _EXPOSED
        elif origin in self._origins:
            lines += b"access-control-allow-origin: %b\r\n" % origin + _EXPOSED
        return _Allowed(exchange, lines)

    def is_question(self, exchange: Exchange) -> bool:
        """Whether a browser asks what a page may do, before the page does it."""
        return (
            exchange.method == "OPTIONS"
            and exchange.path.startswith(UNDER)
            and bool(_one(exchange.headers, b"origin"))
            and bool(_one(exchange.headers, b"access-control-request-method"))
        )

    async def answer(self, exchange: Exchange) -> None:
        """Answer such a question; ``exchange`` is one of `of`."""
        head = _METHODS + _REMEMBERED
        asked = _one(exchange.headers, b"access-control-request-headers")
        if _TOKENS.fullmatch(asked):
            head += b"access-control-allow-headers: %b\r\n" % asked
        await exchange.answer(204, head, b"")


class _Allowed:
    """An exchange whose answers have these lines in their heads."""

    __slots__ = ("_exchange", "_lines", "headers", "method", "path", "seat")

    def __init__(self, exchange: Exchange, lines: bytes) -> None:
        self._exchange = exchange
        self._lines = lines
        self.method, self.path = exchange.method, exchange.path
        self.headers, self.seat = exchange.headers, exchange.seat

    @property
    def begun(self) -> bool:
        return self._exchange.begun

    @property
    def taking(self) -> bool:
        return self._exchange.taking

    async def body(self, grow: Callable[[int], None]) -> bytes:
        return await self._exchange.body(grow)

    def watch(self, gone: Callable[[], None]) -> None:
        self._exchange.watch(gone)

    async def answer(self, status: int, head: bytes, body: bytes) -> None:
        await self._exchange.answer(status, head + self._lines, body)

    async def begin(self, status: int, head: bytes) -> None:
        await self._exchange.begin(status, head + self._lines)

    async def write(self, data: bytes) -> None:
        await self._exchange.write(data)

    def write_now(self, data: bytes) -> None:
        self._exchange.write_now(data)

    async def finish(self, data: bytes) -> None:
        await self._exchange.finish(data)


def _one(headers: Sequence[Header], wanted: bytes) -> bytes:
    """The value of a header that came once; empty where it came twice, or not."""
    found = [value.strip(b" \t") for name, value in headers if name == wanted]
    return found[0] if len(found) == 1 else b""
