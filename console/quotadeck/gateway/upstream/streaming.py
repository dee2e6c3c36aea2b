"""A reply read as it comes, off its connection."""

from collections.abc import Callable, Mapping

from quotadeck.gateway.upstream.client import Broken, Into, Poured
from quotadeck.gateway.upstream.decoding import decoder_of
from quotadeck.gateway.upstream.wire import Wire


class WireStream:
    """`StreamReply` over a wire, which goes back to ``release`` with its last byte."""

    __slots__ = ("_decoder", "_release", "_wire", "bounds", "headers", "status")

    def __init__(self, wire: Wire, release: Callable[[Wire], None]) -> None:
        self.status = wire.status
        self.headers: Mapping[bytes, bytes] = wire.headers
        self.bounds = wire.bounds
        self._wire: Wire | None = wire
        self._release = release
        coding = wire.headers.get(b"content-encoding")
        self._decoder = None if coding is None else decoder_of(coding)

    async def next(self) -> bytes:
        """See `StreamReply`."""
        if (wire := self._wire) is None:
            return b""
        while True:
            if self._decoder is not None and (piece := self._decoder.take()):
                return piece
            if parts := wire.take():
                if self._decoder is None:
                    return parts[0] if len(parts) == 1 else b"".join(parts)
                self._decoder.feed(parts)
            elif wire.error is not None:
                raise wire.error
            elif wire.ended:
                if self._decoder is not None:
                    self._decoder.end()
                self._let_go()
                return b""
            else:
                await wire.more()

    async def pour(self, into: Into) -> None:
        """See `StreamReply`."""
        wire, faults = self._wire, list[BaseException]()
        if wire is None or self._decoder is not None or wire.has_news:
            return

        def sink(chunk: bytes) -> Poured:
            try:
                return into(chunk)
            except BaseException as fault:  # noqa: BLE001 -- the parser would make its own of it
                faults.append(fault)
                return Poured.ENOUGH

        try:
            await wire.pour(sink)
        finally:
            wire.pour_no_more()
        if faults:
            raise faults[0]

    def cut(self) -> None:
        """See `StreamReply`."""
        if self._wire is not None:
            self._wire.take()
            self._wire.fail(Broken("it was cut from here"))

    def close(self) -> None:
        """See `StreamReply`."""
        wire = self._wire
        if wire is None:
            return
        if wire.ended or wire.error is not None:
            self._let_go()
        else:
            self._wire = None
            wire.leave()

    def _let_go(self) -> None:
        wire, self._wire = self._wire, None
        if wire is not None:
            self._release(wire)
