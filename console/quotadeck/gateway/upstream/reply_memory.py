"""The memory that whole replies hold, all together: from the first byte until the client took them.

What counts is a reply's size, and what it was packed in besides; it is in memory twice for the
moment in which its pieces are joined or it is parsed.
"""

from typing import Final

from quotadeck.gateway.upstream.client import Broken, too_large

SMALL_BYTES: Final = 64 * 1024
"""The beginning of each reply, which is the whole of most, does not count: large replies that
nobody takes leave room for small ones."""
ALL_LARGE_BYTES: Final = 128 * 1024 * 1024
"""What all replies have beyond their beginnings: eight of the largest."""
_BYTES_A_SECOND: Final = 50_000_000
"""So many bytes of large replies are parsed and passed on in a second, so that small ones have
their turns between."""
_LARGE_BYTES: Final = 1024 * 1024
"""A smaller one is parsed in a few milliseconds, and waits for no turn."""


class ReplyMemory:
    """What is held now, beyond the beginnings."""

    def __init__(self, most_bytes: int = ALL_LARGE_BYTES) -> None:
        self.most_bytes = most_bytes
        self.held_bytes = 0
        self._free_s = float("-inf")

    def wait_s(self, size: int, now_s: float) -> float:
        """How long a reply that has all come waits for its turn: only large ones do."""
        if size <= _LARGE_BYTES:
            return 0.0
        turn_s = max(now_s, self._free_s)
        self._free_s = turn_s + size / _BYTES_A_SECOND
        return turn_s - now_s


class HeldReply:
    """One reply, as it grows."""

    __slots__ = ("_came", "_memory", "_most_bytes", "_size")

    def __init__(self, memory: ReplyMemory, most_bytes: int) -> None:
        self._memory = memory
        self._most_bytes = most_bytes
        self._came = self._size = 0

    def came(self, size: int) -> None:
        """So many bytes more have come. Raises Broken where it is too large, and as `grow` does."""
        self._came += size
        if self._came > self._most_bytes:
            raise too_large(self._most_bytes)
        self.grow(size)

    def grow(self, size: int) -> None:
        """So many bytes more are held. Raises Broken where all together are too many."""
        memory, before = self._memory, self._size
        self._size = after = before + size
        if after > SMALL_BYTES:
            memory.held_bytes += after - max(before, SMALL_BYTES)
            if memory.held_bytes > memory.most_bytes:
                raise Broken(f"all replies that are held are over {memory.most_bytes:,} bytes")

    def let_go(self) -> None:
        """It is needed no more."""
        self._memory.held_bytes -= max(0, self._size - SMALL_BYTES)
        self._size = 0
