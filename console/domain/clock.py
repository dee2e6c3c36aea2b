"""Time as a value that is passed in: tests turn it, the product reads the machine's."""

from typing import Protocol


class Clock(Protocol):
    """Two readings of time; `console.clock` gives the machine's."""

    def monotonic_ns(self) -> int:
        """Nanoseconds that never go backwards: for buckets, waits and latencies."""
        ...

    def wall_us(self) -> int:
        """UTC microseconds since 1970: for records, expiries and calendar days."""
        ...
