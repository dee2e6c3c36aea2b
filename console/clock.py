"""The machine's time."""

import time


class MachineClock:
    """`console.domain.clock.Clock` as the machine has it."""

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()

    def wall_us(self) -> int:
        return time.time_ns() // 1_000
