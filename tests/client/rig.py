"""Time that runs as fast as a loop can: its timers are due on a hand clock, which it turns."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

from tests.clocks import HandClock

T = TypeVar("T")


class _Selector(selectors.DefaultSelector):
    """Instead of waiting for a timer, turns the clock to it."""

    clock: HandClock

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if ready or not timeout:
            return ready if ready or timeout == 0 else super().select(timeout)
        self.clock.advance_ns(round(timeout * 1e9) + 1)
        return []


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, clock: HandClock) -> None:
        selector = _Selector()
        selector.clock = clock
        self._hand = clock
        super().__init__(selector)

    def time(self) -> float:
        return self._hand.monotonic_ns() / 1e9


def simulated(clock: HandClock, work: Coroutine[Any, Any, T]) -> T:
    """Run it with every sleep of no length in real time."""
    with asyncio.Runner(loop_factory=lambda: _Loop(clock)) as runner:
        return runner.run(work)
