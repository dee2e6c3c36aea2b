"""Whose turn it is: a refused request that will come back gets an instant of its own.

What is kept for it, and until when, the limiter knows. Here stands to whom a turn is given, and how
a request is known again when it comes back: by its key and by what it sends. All of it is in
memory, and a restart forgets it.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final, NamedTuple

from quotadeck.domain.clock import Clock
from quotadeck.domain.refusals import LimitReached
from quotadeck.gateway.data.keys import Caller
from quotadeck.limiter.turns import LAPSE_NS

ANNOUNCES: Final = b"x-stainless-retry-count"
"""Sent by SDKs that come again when they are told when: the official ones send it each time."""
STRIKES: Final = 3
BARRED_NS: Final = 60_000_000_000
"""A key that let so many turns lapse, one after the other, gets none for so long."""
MOST_KEYS: Final = 10_000
_NS_PER_MS: Final = 1_000_000


class _Due(NamedTuple):
    """A turn that was given: its name, and when it lapses."""

    name: str
    lapses_ns: int


@dataclass(slots=True)
class _Key:
    """What is known of one key: what it waits for by what was sent, and whether it comes back."""

    due: dict[bytes, deque[_Due]] = field(default_factory=dict)
    comes_back: bool = False
    strikes: int = 0
    barred_until_ns: int = 0

    def lapse(self, now_ns: int) -> None:
        for sent, waiting in list(self.due.items()):
            while waiting and waiting[0].lapses_ns < now_ns:
                waiting.popleft()
                self.strikes += 1
            if not waiting:
                del self.due[sent]
        if self.strikes >= STRIKES:
            self.strikes, self.barred_until_ns = 0, now_ns + BARRED_NS
            self.comes_back = False


class TurnBook:
    """Gives turns, and knows those again who have one.

    ``storms`` tells of a project whether its callers mind no refusal: then nothing is promised.
    """

    def __init__(self, clock: Clock, storms: Callable[[str], bool] = lambda _: False) -> None:
        self._clock = clock
        self._storms = storms
        self._keys: dict[str, _Key] = {}

    def of(
        self, caller: Caller, headers: Mapping[bytes, bytes], sent: bytes, request_id: str
    ) -> str:
        """The turn under which a request asks: the one it was given before, or one of its own.

        Empty where none is to be promised. ``sent`` is what goes to the upstream.
        """
        known = self._keys.get(caller.key_id)
        now_ns = self._clock.monotonic_ns()
        if known is not None and known.due:
            known.lapse(now_ns)
            if known.due and (waiting := known.due.get(_told_apart(caller, sent))):
                return waiting[0].name
        announced = ANNOUNCES in headers or (known is not None and known.comes_back)
        if not announced or (known is not None and now_ns < known.barred_until_ns):
            return ""
        return "" if self._storms(caller.project) else request_id

    def given(self, caller: Caller, turn: str, sent: bytes, refusal: LimitReached) -> None:
        """A request that asked under this name was refused: maybe with a turn, maybe with none."""
        self._over(caller, turn, sent)
        if not refusal.turn or refusal.wait_ms is None:
            return
        known = self._keys.get(caller.key_id)
        if known is None:
            if len(self._keys) >= MOST_KEYS:
                del self._keys[next(iter(self._keys))]
            known = self._keys[caller.key_id] = _Key()
        starts_ns = self._clock.monotonic_ns() + refusal.wait_ms * _NS_PER_MS
        due = _Due(turn, starts_ns + LAPSE_NS)
        known.due.setdefault(_told_apart(caller, sent), deque()).append(due)

    def claimed(self, caller: Caller, turn: str, sent: bytes) -> None:
        """A request that asked under this name was let through."""
        if self._over(caller, turn, sent):
            known = self._keys[caller.key_id]
            known.comes_back, known.strikes = True, 0

    def _over(self, caller: Caller, turn: str, sent: bytes) -> bool:
        """Cross a turn off, if it was given; whether it was."""
        known = self._keys.get(caller.key_id)
        if known is None or not known.due:
            return False
        told_apart = _told_apart(caller, sent)
        waiting = known.due.get(told_apart)
        if not waiting or waiting[0].name != turn:
            return False
        waiting.popleft()
        if not waiting:
            del known.due[told_apart]
        return True


def _told_apart(caller: Caller, sent: bytes) -> bytes:
    return blake2b(sent, digest_size=16, key=caller.project.encode()[:64]).digest()
