"""Server-sent events of a gateway, cut out of bytes as they arrive."""

from quotadeck.domain.sse import MAX_BLOCK_BYTES, Blocks, read_block

MAX_EVENT_BYTES = MAX_BLOCK_BYTES
"""A snapshot of 10,000 projects is a fifth of this; more is not an event, it is a fault."""


class EventTooLarge(Exception):
    """The sender went on for more than `MAX_EVENT_BYTES` without ending an event."""


class Events:
    """The parser's state between two chunks."""

    __slots__ = ("_blocks",)

    def __init__(self) -> None:
        self._blocks = Blocks()

    def feed(self, chunk: bytes) -> list[tuple[str, bytes]]:
        """The events that the chunk completes, as (name, data); the name is ``message`` if absent.

        Raises EventTooLarge.
        """
        done = [
            (event.name.decode("utf-8", "replace") or "message", event.data)
            for event in map(read_block, self._blocks.feed(chunk))
            if event.data is not None
        ]
        if self._blocks.too_long:
            raise EventTooLarge
        return done
