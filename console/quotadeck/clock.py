"""The machine's time."""

import time
from functools import partial
from typing import Final

_MONOTONIC: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Linux' plain monotonic clock stands still while a laptop sleeps: an hour's pause would not end,
and buckets would not refill, in a time that everybody else lived through."""
_BOOT_ID: Final = "/proc/sys/kernel/random/boot_id"


monotonic_ns: Final = partial(time.clock_gettime_ns, _MONOTONIC)
"""What every reading of the monotonic clock in a process must come from. Read a dozen times a
request: so without a call of Python's."""


class MachineClock:
    """`quotadeck.domain.clock.Clock` as the machine has it."""

    def __init__(self) -> None:
        # Elsewhere a restart counts as a reboot.
        try:
            # A program that embeds a manager loads this: pathlib takes 4 ms.
            with open(_BOOT_ID) as told:  # noqa: PTH123
                self.boot = told.read().strip()
        except OSError:
            self.boot = str(time.time_ns())

    monotonic_ns = monotonic_ns

    def wall_us(self) -> int:
        return time.time_ns() // 1_000
