"""A provider's own limits, as its replies tell them, and how they hold a manager back.

They are buckets in the manager's limiter beside its own: who waits for a provider waits in the same
line, first in first out, and is told the instant. So is a pause that a provider asks for: a bucket
of seconds, a minute deep.
"""

import threading
from collections import deque
from collections.abc import Iterable
from typing import Final, NamedTuple

from quotadeck.client.core import Core
from quotadeck.client.transport.told import REQUESTS, Told, Unit
from quotadeck.client.transport.window import MINUTE_S, SURE, Window
from quotadeck.domain.limits import MAX_PER_MINUTE, MICRO, RateLimit, Take
from quotadeck.domain.rules import LimitKind
from quotadeck.limiter import MemoryLimiter

_PAUSE: Final = RateLimit(MINUTE_S, MINUTE_S)
"""A unit a second: a level of -3 units is a pause of 3 s. No pause is longer than a minute."""


class Mark(NamedTuple):
    """What stood when a request was sent, by unit: the level, what was corrected, what was sent."""

    levels: dict[str, tuple[int | None, int, int]]


_AGREE: Final = 8
"""So many replies at most, of those that were under way together, must agree on what is missing."""
_UNMARKED: Final = Mark({})


class Paced:
    """One limit of a provider's, kept as a bucket of the same size."""

    __slots__ = (*("_off", "_window", "corrected", "key", "limit", "sent", "told", "unit"),)

    def __init__(self, key: str, unit: Unit) -> None:
        self.key, self.unit = key, unit
        self.limit: RateLimit | None = None
        self.told: Told | None = None
        """As it was told last."""
        self.corrected = 0
        """Micro-units taken in all because the provider told of less than was believed."""
        self.sent = 0
        """Micro-units of all requests sent so far."""
        self._window = Window()
        self._off: deque[int] = deque(maxlen=_AGREE)
        """By how much the last replies told of less than was believed, corrections left out."""

    def learn(self, told: Told) -> bool:
        """Whether it has no rate, or its window begins anew at an instant: then only 0 counts."""
        before, self.told = self.told, told
        if before is not None and before.limit != told.limit:
            self._window = Window()
        window, full_ms = self._window, told.full_ms
        if full_ms is not None and told.left < told.limit:
            window.see(told, full_ms)
        seconds = window.seconds
        per_minute = min(MAX_PER_MINUTE, max(1, told.limit * MINUTE_S // seconds))
        known = self.limit
        if window.is_long:
            self.limit = None
        elif known is None or (known.per_minute, known.window_s) != (per_minute, seconds):
            self.limit = RateLimit(per_minute, seconds)
        return self.limit is None or window.begins_anew

    def missing(self, off: int, sent_since: int) -> int:
        """What is to be taken as gone, of a reply that tells of so much less than was believed.

        One that others may have overtaken counts only as far as the last ones agree with it.
        """
        if not sent_since:
            self._off.clear()
        self._off.append(off)
        under_way = sent_since // MICRO if self.unit is REQUESTS else _AGREE
        if sent_since and len(self._off) < min(_AGREE, under_way + 1):
            return 0
        return min(self._off) - self.corrected

    def is_as_known(self, told: Told) -> bool:
        """Whether it tells nothing new, and there is so much left that this is no matter."""
        before = self.told
        if (
            before is None
            or before.limit != told.limit
            or self._window.seen < SURE
            or told.is_tight
        ):
            return False
        self.told = told
        return True


class Provider:
    """What one of a client's providers allows for one model: its requests are bound by that, too.

    ``name`` is the host and the model, such as ``api.openai.com/gpt-4.1``.
    """

    has_budget = False
    ends_ns = None

    def __init__(self, name: str, core: Core) -> None:
        self.name = name
        self.refused = 0
        """Requests that it answered with a 429."""
        self.pause_key = f"provider:{name}:pause"
        self._token_key = f"provider:{name}:{LimitKind.TPM}"
        self.under_way: deque[None] = deque()
        self._core = core
        self._paced: dict[str, Paced] = {}
        self._ever_paused = False
        self._ready: tuple[tuple[str, int | None, RateLimit], ...] = ()
        """Bucket, amount (None: the tokens) and limit; others read it while it is replaced."""
        self._lock = threading.Lock()

    def buckets(self) -> tuple[str, ...]:
        """The names of all that it may have."""
        return (self.pause_key, *(paced.key for paced in self._paced.values()))

    def takes(self, tokens: int, cost_nano: int) -> list[Take]:  # noqa: ARG002 -- as all terms
        """What a request asks of each limit that is known."""
        return [
            Take(key, tokens * MICRO if amount is None else amount, limit)
            for key, amount, limit in self._ready
        ]

    def charged(self, tokens: int, cost_nano: int) -> tuple[tuple[str, int], ...]:  # noqa: ARG002
        """What so much leaves taken, by bucket."""
        return ((self._token_key, tokens * MICRO),)

    def must_go_on(self) -> None:
        """It does."""

    def ran_short(self, bucket: str, left: int, held: int, asked: int) -> None:
        """All of its buckets refill."""

    def sent(self, tokens: int) -> Mark:
        """A request of this size leaves now."""
        with self._lock:
            tight = False
            for paced in self._paced.values():
                paced.sent += MICRO if paced.unit is REQUESTS else tokens * MICRO
                tight = tight or (paced.told is not None and paced.told.is_tight)
            if not tight:
                return _UNMARKED
            keys = [paced.key for paced in self._paced.values()]
            states = self._core.ask(self._core.limiter.levels(keys))
            levels = {}
            for name, paced in self._paced.items():
                state = states.get(paced.key)
                levels[name] = state and state.level, paced.corrected, paced.sent
        return Mark(levels)

    def learn(self, mark: Mark, limits: Iterable[Told]) -> None:
        """What the reply to the request of ``mark`` tells.

        Headers are as old as the reply: what it says is left is held against what was believed
        when it was sent. What is missing has been used by somebody else, or was more than
        estimated.
        """
        with self._lock:
            for told in limits:
                if told.unit.paced:
                    self._learn(told, mark.levels.get(told.unit.name))
                elif not told.left and told.full_ms:
                    self._pause(told.full_ms)

    def _learn(self, told: Told, before: tuple[int | None, int, int] | None) -> None:
        name = told.unit.name
        paced = self._paced.get(name)
        if paced is None:
            paced = self._paced[name] = Paced(f"provider:{self.name}:{told.unit.kind}", told.unit)
        elif paced.is_as_known(told):
            return
        limit = paced.limit
        anew = paced.learn(told)
        if paced.limit is not limit:
            self._make_ready()
        if anew and not told.left and told.full_ms:
            self._pause(told.full_ms)
        if paced.limit is None:
            return
        left = told.left * MICRO
        if before is not None and not told.is_tight:
            return
        believed = None if before is None else before[0]
        if before is None or believed is None:
            self._start(paced.key, left, paced.limit)
            return
        _, corrected, sent = before
        missing = paced.missing(believed + corrected - left, paced.sent - sent)
        if missing > 0:
            paced.corrected += missing
            self._charge(paced.key, missing, paced.limit)

    def pause(self, wait_ms: int) -> None:
        """Nothing is sent there for so long, a minute at most; a longer pause stays."""
        with self._lock:
            self._pause(wait_ms)

    def _pause(self, wait_ms: int) -> None:
        if not self._ever_paused:
            self._ever_paused = True
            self._make_ready()
        self._start(self.pause_key, 0, _PAUSE)
        level = self._level(self.pause_key) or 0
        more = level + wait_ms * MICRO // 1_000
        if more > 0:
            self._charge(self.pause_key, more, _PAUSE)

    def _make_ready(self) -> None:
        pause = [(self.pause_key, 0, _PAUSE)] if self._ever_paused else []
        self._ready = (
            *pause,
            *(
                (paced.key, MICRO if paced.unit is REQUESTS else None, paced.limit)
                for paced in self._paced.values()
                if paced.limit is not None
            ),
        )

    def _level(self, key: str) -> int | None:
        """What is left in a bucket now; None: nobody has taken of it."""
        state = self._core.ask(self._core.limiter.levels((key,))).get(key)
        return None if state is None else state.level

    def _start(self, key: str, level: int, limit: RateLimit) -> None:
        """Begin a bucket at this level; one that exists stays."""
        self._core.ask(self._core.limiter.restore({key: (level, limit)}))

    def _charge(self, key: str, amount: int, limit: RateLimit) -> None:
        """Take so much, whatever is left, down to a debt of one capacity."""
        self._core.ask(_charge(self._core.limiter, key, amount, limit))


async def _charge(limiter: MemoryLimiter, key: str, amount: int, limit: RateLimit) -> None:
    name = f"told {key}"
    await limiter.hold(name, (Take(key, 0, limit),), 1_000)
    await limiter.settle(name, {key: amount})
