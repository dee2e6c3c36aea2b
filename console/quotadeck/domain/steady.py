"""UTC as it would be had nobody touched the wall clock: durations are measured on it.

It runs by the monotonic clock, so a step of the wall clock does not move it; its marks in the
journal carry it over a restart. It may lie beside the wall clock by all the steps there were.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from quotadeck.domain.clock import Clock
from quotadeck.domain.commands import Entry


@dataclass(frozen=True, slots=True)
class Mark:
    """An instant as every clock told it; ``boot`` names the run of the monotonic one."""

    wall_us: int
    steady_us: int
    boot: str
    monotonic_ns: int


class SteadyClock:
    """See the module. ``now_us`` never goes back."""

    def __init__(self, clock: Clock, start_us: int) -> None:
        self._clock = clock
        self._start_us = start_us
        self._start_ns = clock.monotonic_ns()

    @classmethod
    def resumed(cls, clock: Clock, last: Mark | None, entries: Iterable[Entry]) -> "SteadyClock":
        """Going on from the last mark, and from no earlier than any entry of the command log.

        In the same boot the monotonic clock tells how long the gateway was down. Over a reboot the
        wall clock has to, and where it went back meanwhile, no time has passed.
        """
        if last is None:
            now_us = clock.wall_us()
        elif last.boot == clock.boot and clock.monotonic_ns() >= last.monotonic_ns:
            now_us = last.steady_us + (clock.monotonic_ns() - last.monotonic_ns) // 1_000
        else:
            now_us = last.steady_us + max(0, clock.wall_us() - last.wall_us)
        return cls(clock, max(now_us, *(entry.steady_us for entry in entries), 0))

    def now_us(self) -> int:
        return self._start_us + (self._clock.monotonic_ns() - self._start_ns) // 1_000

    def mark(self) -> Mark:
        """To be kept, so that a restart finds the way on."""
        clock = self._clock
        return Mark(clock.wall_us(), self.now_us(), clock.boot, clock.monotonic_ns())
