"""A provider's own limits, learned from its replies' headers, and how they bind a manager's calls.

Each limit is a bucket in the manager's limiter. So a call that a provider's limit holds back waits
in its project's line, first in first out, and is told for how long. A pause that a provider asks
for (``Retry-After``) is a bucket, too: of seconds, a minute deep.
"""

import threading
from collections import deque
from collections.abc import Iterable
from typing import Final, NamedTuple

from quotadeck.client.core import Core
from quotadeck.client.transport.rate_headers import REQUESTS, Told, Unit
from quotadeck.client.transport.window import MINUTE_S, SURE, Window
from quotadeck.domain.limits import MAX_PER_MINUTE, MICRO, RateLimit, Take
from quotadeck.domain.rules import LimitKind
from quotadeck.limiter import MemoryLimiter

_PAUSE: Final = RateLimit(MINUTE_S, MINUTE_S)
"""A unit a second is refilled: a level of -3 units is a pause of 3 s. A minute is the longest."""


class Mark(NamedTuple):
    """What was believed as a request was sent, to hold its reply against it.

    By unit: the bucket's level (None: no bucket yet), `Paced.corrected` and `Paced.sent`.
    """

    levels: dict[str, tuple[int | None, int, int]]


_AGREE: Final = 8
"""How many replies that were under way together must agree on what is missing, at most."""
_UNMARKED: Final = Mark({})


class Paced:
    """One limit of a provider, as a bucket of the same size, and what its replies told of it."""

    __slots__ = (*("_off", "_window", "corrected", "key", "limit", "sent", "told", "unit"),)

    def __init__(self, key: str, unit: Unit) -> None:
        self.key, self.unit = key, unit
        self.limit: RateLimit | None = None
        self.told: Told | None = None
        """What the last reply told; None before any did."""
        self.corrected = 0
        """Micro-units that were taken because the provider told of less than was believed."""
        self.sent = 0
        """Micro-units of all requests sent so far."""
        self._window = Window()
        self._off: deque[int] = deque(maxlen=_AGREE)
        """By how much the last replies told of less than was believed, corrections left out."""

    def learn(self, told: Told) -> bool:
        """Take in what a reply told. True where the limit is no steady rate: it has too long a
        window, or one that begins anew at an instant. Then only a limit used up holds back."""
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
        """Micro-units to take now, after a reply told of ``off`` less than was believed.

        ``sent_since`` are those of the requests sent after its own: replies overtake each other, so
        while others are under way, only what the last replies agree on is taken.
        """
        if not sent_since:
            self._off.clear()
        self._off.append(off)
        under_way = sent_since // MICRO if self.unit is REQUESTS else _AGREE
        if sent_since and len(self._off) < min(_AGREE, under_way + 1):
            return 0
        return min(self._off) - self.corrected

    def is_as_known(self, told: Told) -> bool:
        """Whether a reply tells nothing new, and so much is left that it need not be looked at."""
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
    """The limits that a provider has for one model and one key (a `Bound`).

    ``name`` is the host and the model, such as ``api.openai.com/gpt-4.1``.
    """

    has_budget = False
    ends_ns = None

    def __init__(self, name: str, core: Core) -> None:
        self.name = name
        self.refused = 0
        """How many requests it has answered with a 429."""
        self.pause_key = f"provider:{name}:pause"
        self._token_key = f"provider:{name}:{LimitKind.TPM}"
        self.under_way: deque[None] = deque()
        self._core = core
        self._paced: dict[str, Paced] = {}
        self._ever_paused = False
        self._ready: tuple[tuple[str, int | None, RateLimit], ...] = ()
        """Bucket, amount (None: the request's tokens) and limit of what binds, for `takes`. It is
        replaced as a whole, for other threads read it meanwhile."""
        self._lock = threading.Lock()

    def buckets(self) -> tuple[str, ...]:
        """The names of all that it may have."""
        return (self.pause_key, *(paced.key for paced in self._paced.values()))

    def takes(self, tokens: int, cost_nano: int) -> list[Take]:  # noqa: ARG002 -- as all terms
        """What a request takes of each limit that is known."""
        return [
            Take(key, tokens * MICRO if amount is None else amount, limit)
            for key, amount, limit in self._ready
        ]

    def charged(self, tokens: int, cost_nano: int) -> tuple[tuple[str, int], ...]:  # noqa: ARG002
        """See `Bound.charged`: only tokens depend on what was used."""
        return ((self._token_key, tokens * MICRO),)

    def must_go_on(self) -> None:
        """A provider always goes on."""

    def ran_short(self, bucket: str, left: int, held: int, asked: int) -> None:
        """All buckets of a provider refill."""

    def sent(self, tokens: int) -> Mark:
        """A request of this size is sent now; its mark is for the reply."""
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
        """Take in what the headers of the reply to the request of ``mark`` tell.

        They are as old as the reply. So what it says is left is held against what was believed when
        its request was sent: what is missing was used by somebody else with the same key, or was
        more than estimated.
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
        """Let nothing be sent there for so long, a minute at most; a longer pause stays."""
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
        """What is left in a bucket now, in micro-units; None: there is no such bucket yet."""
        state = self._core.ask(self._core.limiter.levels((key,))).get(key)
        return None if state is None else state.level

    def _start(self, key: str, level: int, limit: RateLimit) -> None:
        """Begin a bucket at this level; one that exists stays as it is."""
        self._core.ask(self._core.limiter.restore({key: (level, limit)}))

    def _charge(self, key: str, amount: int, limit: RateLimit) -> None:
        """Take so much, whatever is left: down to a debt of the bucket's capacity."""
        self._core.ask(_charge(self._core.limiter, key, amount, limit))


async def _charge(limiter: MemoryLimiter, key: str, amount: int, limit: RateLimit) -> None:
    name = f"told {key}"
    await limiter.hold(name, (Take(key, 0, limit),), 1_000)
    await limiter.settle(name, {key: amount})
