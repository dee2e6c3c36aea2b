"""Time as a value that is passed in: tests turn it, the product reads the machine's."""

from typing import Protocol


class Clock(Protocol):
    """Two readings of time; `quotadeck.clock` gives the machine's."""

    boot: str
    """Names the run of the monotonic clock: it goes on over a process's end, not over a reboot."""

    def monotonic_ns(self) -> int:
        """Nanoseconds that never go backwards: for buckets, waits, latencies and durations."""
        ...

    def wall_us(self) -> int:
        """UTC microseconds since 1970: for records, times of day and calendar days."""
        ...
