"""The body of an HTTP/1 request: where it ends, and what it is without its framing."""

import re
from typing import Final, Protocol

from quotadeck.gateway.connection.heads import (
    HEAD_LIMIT_BYTES,
    BadRequest,
    HeadTooLarge,
    must_be_whole_lines,
    read_fields,
)

HELD_BYTES: Final = 64 * 1024
"""Of a body that nobody takes, and of the requests that wait behind the one being answered; then
nothing more is read."""
UNREAD_BODY_BYTES: Final = 10 * 1024 * 1024
"""A body whose request is answered is read to its end, so that the peer gets to read the answer."""
_SIZE: Final = rb"([0-9A-Fa-f]{1,16})((?:;[\t -~\x80-\xff]*+)?)\r\n"
_PART_OF_SIZE: Final = rb"(?:[0-9A-Fa-f]{1,16}(?:;[\t -~\x80-\xff]*+)?\r?)?"
_FIRST: Final = re.compile(_SIZE), re.compile(_PART_OF_SIZE)
# Each chunk begins with the line end that its predecessor owes.
_NEXT: Final = re.compile(rb"\r\n" + _SIZE), re.compile(rb"\r?|\r\n" + _PART_OF_SIZE)
_SIZE_LINE_BYTES: Final = 4 * 1024
MOST_CHUNKS: Final = 256
"""Taken at once: a quarter of a millisecond, however small they are."""


class Body(Protocol):
    """What is still to come of a request's body."""

    ended: bool
    more: bool
    """The last `take` did not look at all that is there: it should be asked again, soon."""

    def take(self, held: bytearray) -> bytes:
        """Take what is there of the body out of ``held``, and not a byte behind its end.

        Raises BadRequest or HeadTooLarge.
        """


class SizedBody:
    """A body of so many bytes."""

    __slots__ = ("_left", "ended")
    more = False

    def __init__(self, size: int) -> None:
        self._left = size
        self.ended = False

    def take(self, held: bytearray) -> bytes:
        part = bytes(held[: self._left])
        del held[: self._left]
        self._left -= len(part)
        self.ended = not self._left
        return part


class ChunkedBody:
    """A body in chunks (RFC 9112, 7.1). Extensions and trailers are checked, and go nowhere."""

    __slots__ = ("_left", "_line", "_seen", "_spare", "ended", "more")

    def __init__(self) -> None:
        self._line: tuple[re.Pattern[bytes], re.Pattern[bytes]] | None = _FIRST
        """What the next size line looks like, whole and in part; None behind the last one."""
        self._left = 0
        self._seen = 0
        self._spare = HEAD_LIMIT_BYTES
        """For extensions, which could be thousands of times the body."""
        self.ended = self.more = False

    def take(self, held: bytearray) -> bytes:
        taken = bytearray()
        at = chunks = 0
        while self._line and chunks < MOST_CHUNKS:
            if self._left:
                part = held[at : at + self._left]
                taken += part
                at += len(part)
                self._left -= len(part)
            found = self._line[0].match(held, at, at + _SIZE_LINE_BYTES)
            if not found:
                if not self._left:
                    self._may_become_size(held, at)
                break
            at = found.end()
            chunks += 1
            self._spare -= len(found[2])
            if self._spare < 0:
                raise BadRequest("The body has more than 32 KB of chunk extensions.")
            self._left = int(found[1], 16)
            self._line = _NEXT if self._left else None
        del held[:at]
        self.more = self._line is not None and chunks == MOST_CHUNKS
        if not self._line:
            self._trailers(held)
        return bytes(taken)

    def _may_become_size(self, held: bytearray, at: int) -> None:
        assert self._line
        if len(held) - at >= _SIZE_LINE_BYTES or not self._line[1].fullmatch(held, at):
            raise BadRequest(
                "A chunk of the body is not framed as its size in hexadecimal digits, a line "
                "end, so many bytes and a line end."
            )

    def _trailers(self, held: bytearray) -> None:
        if held.startswith(b"\r\n"):
            del held[:2]
            self.ended = True
            return
        end = held.find(b"\r\n\r\n", max(0, self._seen - 3))
        if max(end, len(held) if end < 0 else 0) > HEAD_LIMIT_BYTES:
            raise HeadTooLarge
        if end < 0:
            must_be_whole_lines(held, self._seen)
            self._seen = len(held)
            return
        read_fields(b"\r\n" + held[:end])
        del held[: end + 4]
        self.ended = True
