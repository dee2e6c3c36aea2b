"""A least-recently-used store, bounded by its number of values, their bytes and their age."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple


class _Kept(NamedTuple):
    value: Any
    size_bytes: int
    until_s: float


class Kept:
    """Safe between threads. ``clock`` counts seconds."""

    def __init__(
        self, entries: int, most_bytes: int, ttl_s: float, clock: Callable[[], float]
    ) -> None:
        if entries < 1 or most_bytes < 1 or not ttl_s > 0:
            raise ValueError("a cache keeps at least one entry, of a byte, for some time")
        self._entries, self._most_bytes, self._ttl_s, self._clock = (
            entries,
            most_bytes,
            ttl_s,
            clock,
        )
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def size_bytes(self) -> int:
        """Of all values."""
        return self._bytes

    def get(self, key: str) -> Any:
        """The value of a key; None where there is none, or it is too old."""
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return None
            if found.until_s <= self._clock():
                self._drop(key)
                return None
            self._kept.move_to_end(key)
            return found.value

    def put(self, key: str, value: Any, size_bytes: int) -> None:
        """One that is larger than all that is kept together is not kept."""
        with self._lock:
            if key in self._kept:
                self._drop(key)
            if size_bytes > self._most_bytes:
                return
            self._kept[key] = _Kept(value, size_bytes, self._clock() + self._ttl_s)
            self._bytes += size_bytes
            while len(self._kept) > self._entries or self._bytes > self._most_bytes:
                self._drop(next(iter(self._kept)))

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._kept.clear()
            self._bytes = 0

    def _drop(self, key: str) -> None:
        self._bytes -= self._kept.pop(key).size_bytes
