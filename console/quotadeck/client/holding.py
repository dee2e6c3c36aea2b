"""What is held, and how a reservation ends: settled, given back, collected, or overdue."""

import threading
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from quotadeck.client import forks
from quotadeck.client.in_process import InProcess
from quotadeck.client.reservation import Charge
from quotadeck.client.waiting import Waiting
from quotadeck.client.want import Want
from quotadeck.domain.clock import Clock
from quotadeck.limiter import MemoryLimiter
from quotadeck.limiter.at_once import complete

T = TypeVar("T")
NS: Final = 1_000_000_000
PATIENCE_S: Final = 0.05
"""How long an end waits for the lock: others hold it shorter, but where a long report is made."""


class Holding(InProcess):
    """The limiter, what was admitted by it, and who waits. All of it changes under ``lock``."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.limiter = MemoryLimiter(clock)
        """To be called under the lock; from outside, by `ask`."""
        self.lock: Any = threading.Lock()
        forks.watch(self)
        self.waiting = Waiting(clock)
        self._open: dict[str, Want] = {}
        """What was admitted and has not ended."""
        self._endings: deque[tuple[Want, str, Charge | None]] = deque()
        """What has ended while the lock was not to be had; None: it was released."""
        self._next_look_ns = 0

    def ask(self, call: Coroutine[Any, Any, T]) -> T:
        """The result of a limiter's call, made under the lock."""
        with self.lock:
            return complete(call)

    def wake_heads(self) -> None:
        """Let the head of each line ask again. To be called under the lock."""
        self.waiting.wake()

    def settle(self, want: Want, name: str, charge: Charge) -> None:
        """End a reservation with what it really used: now, or before the next look at the state.

        The lock may be held by this very thread, where a garbage collection has closed a stream in
        the middle of another step. So it is waited for a moment only.
        """
        if not self._soon(self._settle, want, name, charge):
            self.ended(want, name, charge)

    def release(self, want: Want, name: str) -> None:
        """End a reservation without a charge, as `settle`: all it held is given back."""
        if not self._soon(self._release, want, name):
            self.ended(want, name, None)

    def ended(self, want: Want, name: str, charge: Charge | None) -> None:
        """As `settle` or (None) `release`, but without the lock: it takes effect before the next
        look at the state.

        The garbage collector calls it at any moment, also while its own thread holds the lock.
        """
        self._endings.append((want, name, charge))
        self.waiting.wake()

    def _soon(self, step: Callable[..., None], *told: Any) -> bool:
        """Take a step under the lock, where that is to be had within a moment; whether it was."""
        if not self.lock.acquire(timeout=PATIENCE_S):
            return False
        try:
            step(*told)
        finally:
            self.lock.release()
        return True

    def _release(self, want: Want, name: str) -> None:
        want.project.tally.released += 1
        complete(self.limiter.release(name))
        self._over(want, name, None)

    def _settle(self, want: Want, name: str, charge: Charge) -> None:
        used = want.charged(charge.input_tokens + charge.output_tokens, charge.cost_nano)
        complete(self.limiter.settle(name, used))
        want.project.tally.add(charge)
        self._over(want, name, charge)

    def _over(self, want: Want, name: str, charge: Charge | None) -> None:
        """A reservation has ended, in whichever way: it was charged, or (None) all was given back.

        Whoever waits for what it held is told, also where nothing came back. Without effect where
        it had ended before.
        """
        if self._open.pop(name, None) is not None and self.waiting.lines:
            self.waiting.ended(want, charge, self.limiter)

    def look_after(self) -> None:
        """Under the lock, before anything is decided: charge what has ended without it, and every
        second end the overdue reservations."""
        while self._endings:
            want, name, charge = self._endings.popleft()
            if charge is None:
                self._release(want, name)
            else:
                self._settle(want, name, charge)
        now_ns = self.clock.monotonic_ns()
        if now_ns >= self._next_look_ns:
            self._next_look_ns = now_ns + NS
            for name in complete(self.limiter.expire()):
                lost = self._open.get(name)
                if lost is not None:
                    self._over(lost, name, lost.as_estimated())
