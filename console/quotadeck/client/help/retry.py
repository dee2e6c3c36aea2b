"""When a failed call is tried again: after a 429, by what it says or by exponential back-off.

All other errors surface at once, and so does a 429 that says that no retry helps. Whoever retries
with this lets the SDK not do so itself (``max_retries=0``), or both do.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from quotadeck.client.backoff import Backoff
from quotadeck.client.help.awaited import answered
from quotadeck.client.help.failures import Failure, Kind, failure_of
from quotadeck.dialects.errors.waits import wait_ms_of

T = TypeVar("T")
_MOST_ADDED_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Retry:
    """A policy. ``backoff`` tells how often, how long and how far apart, and is the ceiling of what
    a ``Retry-After`` may ask for: providers have asked for weeks.

    A wait that was told is never shortened below the ceiling; up to a second of jitter comes on
    top, so that those refused together do not come back together.
    """

    backoff: Backoff = field(default_factory=Backoff)

    def wait_s(
        self, error: BaseException | Failure, tried: int, chance: float | None = None
    ) -> float | None:
        """Seconds until the next try, after ``tried`` of them (1 or more); None: there is none.

        ``chance`` (0 … 1) stands for what is drawn by lot.
        """
        failure = error if isinstance(error, Failure) else failure_of(error)
        if failure.kind is not Kind.LIMITED or failure.should_retry is False:
            return None
        if tried >= self.backoff.tries:
            return None
        chance = random.random() if chance is None else chance
        told_ms = wait_ms_of(failure.retry_after, failure.retry_after_ms)
        if told_ms is None or told_ms <= 0:  # who refuses and says "now" is asked a little later
            return self.backoff.wait_s(tried, chance)
        added_s = chance * min(_MOST_ADDED_S, self.backoff.base_s)
        return min(self.backoff.ceiling_s, told_ms / 1_000 + added_s)

    def run(self, call: Callable[[], T], sleep: Callable[[float], object] = time.sleep) -> T:
        """What ``call`` gives in the end. Raises its last error, and TypeError for a coroutine."""
        tried = 0
        while True:
            tried += 1
            try:
                return answered(call(), "run_async")
            except Exception as error:
                wait_s = self.wait_s(error, tried)
                if wait_s is None:
                    raise
            sleep(wait_s)

    async def run_async(
        self,
        call: Callable[[], Awaitable[T]],
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> T:
        """As `run`, for what is awaited."""
        tried = 0
        while True:
            tried += 1
            try:
                return await call()
            except Exception as error:
                wait_s = self.wait_s(error, tried)
                if wait_s is None:
                    raise
            await sleep(wait_s)
