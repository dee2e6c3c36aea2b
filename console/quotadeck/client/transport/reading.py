"""A reply read on its way to the SDK: what it used, in the words of its dialect.

The bytes pass as they came. The one exception is a stream whose usage was asked for in the
client's stead: the event that tells it is taken out again, for clients that know it not.
"""

import logging
from collections.abc import Mapping
from typing import Final, NamedTuple

from quotadeck.client.transport.unpacking import Unpacked
from quotadeck.dialects.base import Ask, Dialect, NotAnAnswer, Relay
from quotadeck.domain.sse import Blocks
from quotadeck.domain.usage import Usage

LOG: Final = logging.getLogger(__name__)
_EVENTS: Final = "text/event-stream"
_MOST_BYTES: Final = 256 * 1024 * 1024
"""The largest whole reply that is read for its usage."""
_BYTES_A_TOKEN: Final = 4
_END: Final = b"\n\n"


def tripped(over: str, error: Exception) -> None:
    """A fault of ours, and no reason for a call to fail that its provider has answered, and
    bills."""
    LOG.warning("reading %s failed; it passes, charged as estimated", over, exc_info=error)


class Spent(NamedTuple):
    """What a reply used. ``usage`` is None where it told nothing that can be believed.

    ``output_tokens`` is then about what came of the output, 0 where nothing came.
    """

    usage: Usage | None
    output_tokens: int


class Whole:
    """A reply in one piece: its bytes pass unchanged, and are read when all have come."""

    __slots__ = ("_ended", "_parts", "_read", "_size", "_unpacked")

    def __init__(self, dialect: Dialect, coding: str) -> None:
        self._read = dialect.reply
        self._unpacked = Unpacked(coding)
        self._parts: list[bytes] = []
        self._size = 0
        self._ended = False

    def feed(self, chunk: bytes) -> bytes:
        part = self._unpacked.feed(chunk)
        self._size += len(part)
        if self._size > _MOST_BYTES:
            self._unpacked.lost = True
            self._parts.clear()
        else:
            self._parts.append(part)
        return chunk

    def end(self) -> bytes:
        self._ended = True
        return b""

    def spent(self) -> Spent:
        output = max(1, self._size // _BYTES_A_TOKEN) if self._size else 0
        if not self._ended or self._unpacked.lost:
            return Spent(None, output)
        body = b"".join(self._parts)
        try:
            return Spent(self._read(body).usage, output)
        except NotAnAnswer:
            return Spent(None, output)
        except Exception as error:  # noqa: BLE001 -- see `tripped`
            tripped("a reply", error)
            return Spent(None, output)


class Followed:
    """A relay that has ended where its dialect trips over what it is fed."""

    __slots__ = ("_relay", "lost")

    def __init__(self, relay: Relay) -> None:
        self._relay, self.lost = relay, False

    @property
    def ended(self) -> bool:
        return self.lost or self._relay.ended

    @property
    def broken(self) -> bool:
        return bool(self._relay.broken)

    def feed(self, chunk: bytes) -> bytes:
        try:
            return self._relay.feed(chunk)
        except Exception as error:  # noqa: BLE001 -- see `tripped`
            tripped("a stream", error)
            self.lost = True
            return b""

    def close(self) -> None:
        try:
            self._relay.close()
        except Exception as error:  # noqa: BLE001 -- see `tripped`
            tripped("a stream", error)
            self.lost = True

    def spent(self) -> Spent:
        relay = self._relay
        whole = relay.done and relay.error is None and not self.lost
        # Anthropic's streams tell a usage at their beginning: of one that was cut it is not all.
        return Spent(relay.usage if whole else None, relay.deltas)


class Events:
    """A stream of events: its bytes pass unchanged, and are read as they do."""

    __slots__ = ("_ended", "_relay", "_unpacked")

    def __init__(self, relay: Followed, coding: str) -> None:
        self._relay = relay
        self._unpacked = Unpacked(coding)
        self._ended = False

    def feed(self, chunk: bytes) -> bytes:
        if not self._relay.ended:
            self._relay.feed(self._unpacked.feed(chunk))
        return chunk

    def end(self) -> bytes:
        if not self._ended and not self._relay.ended:
            self._relay.close()
        self._ended = True
        return b""

    def spent(self) -> Spent:
        return self._relay.spent()


class OwnUsage:
    """A stream whose usage we asked for, not the client: the event that tells it does not pass."""

    __slots__ = ("_blocks", "_relay")

    def __init__(self, relay: Followed) -> None:
        self._relay = relay
        self._blocks = Blocks()

    def feed(self, chunk: bytes) -> bytes:
        return b"".join([self._passed(block) for block in self._blocks.feed(chunk)])

    def end(self) -> bytes:
        rest = b"".join([self._passed(block) for block in self._blocks.rest()])
        if not self._relay.ended:
            self._relay.close()
        # What the end has cut in two is no event, and is not made one.
        return rest.removesuffix(_END) if self._relay.broken else rest

    def spent(self) -> Spent:
        return self._relay.spent()

    def _passed(self, block: bytes) -> bytes:
        """The block as the client gets it: all but the usage passes as it came, so also what the
        relay keeps for itself (the end, an error, what is no event)."""
        relay = self._relay
        passed = b"" if relay.ended else relay.feed(block + _END)
        return block + _END if relay.ended else passed


Reading = Whole | Events | OwnUsage


def reading_of(
    dialect: Dialect, ask: Ask, headers: Mapping[str, str], *, own_usage: bool
) -> Reading:
    """The reading of an answer with these headers. ``own_usage``: the usage was not asked for by
    the client, and is kept from it."""
    kind = headers.get("content-type", "")
    coding = headers.get("content-encoding", "")
    if not kind.startswith(_EVENTS) and (kind or not ask.stream):
        return Whole(dialect, coding)
    plain = coding.strip().lower() in ("", "identity")
    relay = Followed(dialect.relay(ask))
    return OwnUsage(relay) if own_usage and plain else Events(relay, coding)
