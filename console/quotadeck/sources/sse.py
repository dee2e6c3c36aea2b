"""Server-sent events, cut out of bytes as they arrive (WHATWG HTML, section 9.2.6).

Of the standard's three line endings LF and CRLF are understood, the two that servers send.
"""

from dataclasses import dataclass, field

MAX_EVENT_BYTES = 16 * 1024 * 1024
"""A snapshot of 10,000 projects is a fifth of this; more is not an event, it is a fault."""


class EventTooLarge(Exception):
    """The sender went on for more than `MAX_EVENT_BYTES` without ending an event."""


@dataclass(slots=True)
class Events:
    """The parser's state between two chunks."""

    _rest: bytearray = field(default_factory=bytearray)
    _seen: int = 0
    _name: str = ""
    _data: list[bytes] = field(default_factory=list)
    _size: int = 0

    def feed(self, chunk: bytes) -> list[tuple[str, bytes]]:
        """The events that the chunk completes, as (name, data); the name is ``message`` if absent.

        Raises EventTooLarge.
        """
        self._rest += chunk
        done: list[tuple[str, bytes]] = []
        start = 0
        while (end := self._rest.find(b"\n", max(start, self._seen))) >= 0:
            line = bytes(self._rest[start:end]).removesuffix(b"\r")
            start = end + 1
            if line:
                self._take(line)
            elif self._data:
                done.append((self._name or "message", b"\n".join(self._data)))
                self._reset()
            else:
                self._reset()
        del self._rest[:start]
        self._seen = len(self._rest)
        if self._size + self._seen > MAX_EVENT_BYTES:
            raise EventTooLarge
        return done

    def _reset(self) -> None:
        self._name, self._data, self._size = "", [], 0

    def _take(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
            self._size += len(value)
        elif name == b"event":
            self._name = value.decode("utf-8", "replace")
