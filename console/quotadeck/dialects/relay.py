"""What is the same of streams in every dialect of events: framed, passed whole, ended once.

Whole events pass as they came; the terminal one is kept back: the call's record must be written
before the last byte leaves.
"""

from abc import ABC, abstractmethod
from typing import Any

from quotadeck.dialects.base import UpstreamSaid
from quotadeck.dialects.loose_json import loads
from quotadeck.dialects.said import said
from quotadeck.domain.sse import Blocks, SseEvent, read_block


class EventRelay(ABC):
    """Most of a `base.Relay`: a dialect adds how it reads an event, and its usage."""

    __slots__ = (
        *("_blocks", "_terminal", "begun", "broken", "deltas"),
        *("done", "error", "made", "response_id"),
    )

    def __init__(self) -> None:
        self._blocks = Blocks()
        self._terminal = b""
        """The last event's block, once it has come."""
        self.begun = False
        self.broken = ""
        self.deltas = 0
        self.done = False
        self.error: UpstreamSaid | None = None
        self.made: tuple[tuple[str, str], ...] = ()
        self.response_id = ""

    @abstractmethod
    def _pass(self, block: bytes) -> bytes:
        """Take what concerns us from a block; what the client should get of it."""

    def _whole(self) -> bool:
        """Whether the answer is whole although its stream ended without a terminal event."""
        return False

    @property
    def ended(self) -> bool:
        """Whether anything else that comes is of no use."""
        return self.done or self.error is not None or bool(self.broken)

    def feed(self, chunk: bytes) -> bytes:
        """What the client should get of the events that ``chunk`` completes."""
        events = self._passed(self._blocks.feed(chunk))
        if self._blocks.too_long and not self.ended:
            self.broken = "it sent an event without end"
        return events

    def close(self) -> bytes:
        """The upstream has ended. What of it the client should get still.

        A last event counts without its empty line, if it is whole.
        """
        events = b""
        if not self.ended:
            events = self._passed(self._blocks.rest())
            self.broken = ""  # an event that the end cut in two is no event
            if self.error is None:
                self.done = self.done or self._whole()
        return events

    def terminal(self, cost_usd: str | None) -> bytes:
        """The last event, when the record is written, and in its block the cost."""
        return cost_line(cost_usd) + self._terminal + b"\n\n"

    def _passed(self, blocks: list[bytes]) -> bytes:
        passed: list[bytes] = []
        for block in blocks:
            passed.append(self._pass(block))
            if self.ended:
                break
        return b"".join(passed)


class JsonEventRelay(EventRelay):
    """Of a form whose events are JSON, each known by its name or its type."""

    __slots__ = ()

    @abstractmethod
    def _take(self, block: bytes, event: SseEvent, parsed: Any) -> bytes:
        """Take what concerns us from an event, and give what the client should get of it."""

    def _pass(self, block: bytes) -> bytes:
        event = read_block(block)
        # Some keep the connection alive by data that is a comment's, or end as chats do.
        if not event.data or event.data.startswith((b":", b"[DONE]")):
            return event.quiet
        try:
            parsed = loads(event.data)
        except ValueError:
            if event.name == b"error":
                self.error = said(event.data.decode("utf-8", "replace"))
            else:
                self.broken = "it sent an event that is not JSON"
            return b""
        return self._take(block, event, parsed)


def cost_line(cost_usd: str | None) -> bytes:
    """What a call cost, where it is to be told.

    A comment: clients that know can read it, the SDKs skip it. It stands in the block of the event
    behind it, since the SDKs take a block of comments for an empty event.
    """
    return b"" if cost_usd is None else b": cost-usd %b\n" % cost_usd.encode()
