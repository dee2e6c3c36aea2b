"""Server-sent events, framed as WHATWG HTML, section 9.2, says: ours, and providers' on their way.

Blocks leave with ``\\n`` as their line end whatever came. Only a block with data ends in an empty
line: one without dispatches nothing, and yet the official SDKs take it for an event.
"""

from typing import NamedTuple

MAX_BLOCK_BYTES = 16 * 1024 * 1024
"""An image of 12 MB in base64; so much memory may one stream take before it is given up."""
_BOM = b"\xef\xbb\xbf"


class Blocks:
    """Cuts a stream into blocks. Linear in the bytes, however the network cuts them up."""

    __slots__ = ("_after_cr", "_at_start", "_pending")

    def __init__(self) -> None:
        self._pending = bytearray()
        self._after_cr = False
        self._at_start = True

    @property
    def too_long(self) -> bool:
        """Whether more has come of one block than is kept."""
        return len(self._pending) > MAX_BLOCK_BYTES

    def feed(self, chunk: bytes) -> list[bytes]:
        """The blocks that ``chunk`` completes, without the empty lines around them."""
        chunk = self._newlines(chunk)
        found = chunk.rfind(b"\n\n")
        at_seam = self._pending.endswith(b"\n") and chunk.startswith(b"\n")
        end = found + 2 if found >= 0 else int(at_seam)
        if not end:
            self._pending += chunk
            return []
        whole = bytes(self._pending) + chunk[:end] if self._pending else chunk[:end]
        self._pending = bytearray(chunk[end:])
        return self._split(whole)

    def rest(self) -> list[bytes]:
        """What came after the last empty line, at the stream's end."""
        whole, self._pending = bytes(self._pending), bytearray()
        return self._split(whole)

    def _newlines(self, chunk: bytes) -> bytes:
        """All three line ends as one; a ``\\r\\n`` may come in two pieces."""
        if not chunk:
            return chunk
        if self._after_cr:
            chunk = chunk.removeprefix(b"\n")
        self._after_cr = chunk.endswith(b"\r")
        if b"\r" in chunk:
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return chunk

    def _split(self, whole: bytes) -> list[bytes]:
        if self._at_start:
            whole = whole.removeprefix(_BOM)
            self._at_start = False
        if not whole.isascii():
            whole = whole.decode("utf-8", "replace").encode()
        return [block for one in whole.split(b"\n\n") if (block := one.strip(b"\n"))]


class SseEvent(NamedTuple):
    """A block taken apart: its data (None: it has none), its name, and its other lines."""

    data: bytes | None
    name: bytes
    lines: tuple[bytes, ...]
    """Comments, ids and retries, without line ends."""

    @property
    def named(self) -> bytes:
        """Its name as a line."""
        return b"event: %b\n" % self.name if self.name else b""

    @property
    def quiet(self) -> bytes:
        """The other lines alone, to stand at the head of the next block: they dispatch nothing."""
        return b"".join(line + b"\n" for line in self.lines)


def read_block(block: bytes) -> SseEvent:
    """Take a block apart."""
    if block.startswith(b"data: ") and b"\n" not in block:
        return SseEvent(block[6:], b"", ())
    data: list[bytes] = []
    name = b""
    lines: list[bytes] = []
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        if field == b"data":
            data.append(value.removeprefix(b" "))
        elif field == b"event":
            name = value.removeprefix(b" ")
        else:
            lines.append(line)
    return SseEvent(b"\n".join(data) if data else None, name, tuple(lines))
