"""Whose turn it is: a refused request that will come back gets an instant of its own.

What is kept for it, and until when, the limiter knows. Here stands to whom a turn is given, and how
a request is known again when it comes back: by its key and by what it sends. All of it is in
memory, and a restart forgets it.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final, NamedTuple

from quotadeck.domain.clock import Clock
from quotadeck.domain.refusals import LimitReached, Refusal
from quotadeck.gateway.data.keys import Caller, KeyRing
from quotadeck.limiter import Limiter, TurnName
from quotadeck.limiter.turns import LAPSE_NS

ANNOUNCES: Final = b"x-stainless-retry-count"
"""Sent by SDKs that come again when they are told when: the official ones send it each time."""
STRIKES: Final = 3
BARRED_NS: Final = 60_000_000_000
"""A key that let so many turns lapse, one after the other, gets none for so long."""
FIRST: Final = b"0"
"""What they send with it before they have come again."""
MOST_KEYS: Final = 10_000
FOREVER_NS: Final = 1 << 62
_NS_PER_MS: Final = 1_000_000


class Wanted(NamedTuple):
    """The turn under which somebody asks, and what he is known by when he comes again."""

    name: TurnName
    sent: bytes


class _Due(NamedTuple):
    """A turn that was given: its name, and when it lapses."""

    name: TurnName
    lapses_ns: int


@dataclass(slots=True)
class _Key:
    """What is known of one key: what it waits for by what was sent, and whether it comes back."""

    due: dict[bytes, deque[_Due]] = field(default_factory=dict)
    comes_back: bool = False
    strikes: int = 0
    barred_until_ns: int = 0

    def lapse(self, now_ns: int) -> list[TurnName]:
        """Count those that nobody claimed in time. Those that are kept for nobody any more, where
        it is barred for that."""
        for sent, waiting in list(self.due.items()):
            alive = deque([due for due in waiting if due.lapses_ns >= now_ns])
            self.strikes += len(waiting) - len(alive)
            if alive:
                self.due[sent] = alive
            else:
                del self.due[sent]
        if self.strikes < STRIKES:
            return []
        self.strikes, self.barred_until_ns, self.comes_back = 0, now_ns + BARRED_NS, False
        given_up = [due.name for waiting in self.due.values() for due in waiting]
        self.due.clear()
        return given_up


class TurnBook:
    """Gives turns, and knows those again who have one: requests, and managers that want a lease.

    ``storms`` tells of a project whether its callers mind no refusal: then nothing is promised.
    """

    def __init__(
        self, limiter: Limiter, clock: Clock, storms: Callable[[str], bool] = lambda _: False
    ) -> None:
        self._limiter = limiter
        self._clock = clock
        self._storms = storms
        self._keys: dict[str, _Key] = {}

    def of(
        self,
        caller: Caller,
        sent: bytes,
        request_id: str,
        *,
        announced: bool,
        first: bool = False,
    ) -> Wanted | None:
        """The turn under which a request asks: the one it was given before, or one of its own.

        None where none is to be promised. ``sent`` is what goes to the upstream, ``announced``
        whether it said that it comes again when it is told when, and ``first`` that it comes for
        the first time: then none of before is its own whose instant has not come. Others who send
        the same wait for those, and an application that comes again by itself comes in time.
        """
        known = self._keys.get(caller.key_id)
        if known is not None:
            if known.due and (waiting := known.due.get(_told_apart(caller, sent))):
                now_ns = self._clock.monotonic_ns()
                until_ns = now_ns + LAPSE_NS if first else FOREVER_NS
                for due in waiting:
                    if now_ns <= due.lapses_ns <= until_ns:
                        return Wanted(due.name, sent)
            if self._clock.monotonic_ns() < known.barred_until_ns:
                return None
            announced = announced or known.comes_back
        if not announced or self._storms(caller.project):
            return None
        return Wanted(TurnName(caller.project, request_id), sent)

    def given(self, caller: Caller, wanted: Wanted, refusal: Refusal) -> None:
        """A request that asked under this name was refused: maybe with a turn, maybe with none."""
        self._over(caller, wanted)
        if not isinstance(refusal, LimitReached) or not refusal.turn or refusal.wait_ms is None:
            return
        known = self._keys.get(caller.key_id)
        if known is None:
            if len(self._keys) >= MOST_KEYS:
                del self._keys[next(iter(self._keys))]
            known = self._keys[caller.key_id] = _Key()
        starts_ns = self._clock.monotonic_ns() + refusal.wait_ms * _NS_PER_MS
        due = _Due(wanted.name, starts_ns + LAPSE_NS)
        known.due.setdefault(_told_apart(caller, wanted.sent), deque()).append(due)

    def claimed(self, caller: Caller, wanted: Wanted) -> None:
        """A request that asked under this name was let through."""
        if self._over(caller, wanted):
            known = self._keys[caller.key_id]
            known.comes_back, known.strikes = True, 0

    async def given_up(self, caller: Caller, wanted: Wanted) -> None:
        """Whoever asked under this name needs nothing any more: it is free for all."""
        if self._over(caller, wanted):
            await self._limiter.forget(wanted.name)

    async def second(self) -> None:
        """Look who let turns lapse: what was promised to whoever is barred is free for all."""
        now_ns = self._clock.monotonic_ns()
        for known in self._keys.values():
            if known.due:
                for name in known.lapse(now_ns):
                    await self._limiter.forget(name)

    async def changed(self, paused: Callable[[str], bool], keys: KeyRing) -> None:
        """Commands took effect: those who may not come back keep nothing from others."""
        serving = keys.serving() if any(known.due for known in self._keys.values()) else {}
        for key_id, known in self._keys.items():
            for sent, waiting in list(known.due.items()):
                project = waiting[0].name.owner
                if paused(project) or project not in serving.get(key_id, ()):
                    del known.due[sent]
                    for due in waiting:
                        await self._limiter.forget(due.name)

    def _over(self, caller: Caller, wanted: Wanted) -> bool:
        """Cross a turn off, if it was given; whether it was."""
        known = self._keys.get(caller.key_id)
        if known is None or not known.due:
            return False
        told_apart = _told_apart(caller, wanted.sent)
        waiting = known.due.get(told_apart, ())
        due = next((due for due in waiting if due.name == wanted.name), None)
        if due is None:
            return False
        known.due[told_apart].remove(due)
        if not known.due[told_apart]:
            del known.due[told_apart]
        return True


def _told_apart(caller: Caller, sent: bytes) -> bytes:
    return blake2b(sent, digest_size=16, key=caller.project.encode()[:64]).digest()
