"""Who goes first at a bucket that several projects share, among heads that have no turn.

Mostly the limiter promises each head a turn, one after the other. It promises none to a request
that asks for more than may be promised beside others, or whose wait it cannot compute. Every
newcomer would pass such a one. So it stands at the bucket that binds it, and no head that came to
stand later, nor a newcomer, asks there before it has its turn.

All that stand are in one order, whichever bucket they stand at, and each keeps its place: it waits
only for those before it, and the first for nobody. So no two wait for each other.

None stands for money. Rates refill and slots come back, so that who stands for them delays the
others, no more. Held money may never come back, and the others would wait for what they do not
need. Who waits for it keeps its own project's line waiting, nobody else's. Others may take what it
waits for; it is told at once when what is left and held cannot be enough any more.
"""

from bisect import insort
from collections.abc import Iterable
from itertools import count
from typing import Any

from quotadeck.client.line import Waiter
from quotadeck.domain.limits import Take


class Heads:
    """The heads without a turn, by the bucket they stand at, in one order for all buckets."""

    __slots__ = ("_at", "_numbers")

    def __init__(self) -> None:
        self._at: dict[str, list[Waiter[Any]]] = {}
        self._numbers = count(1)

    def before(self, takes: Iterable[Take], waiter: Waiter[Any] | None = None) -> str:
        """The bucket of these at which another head goes first; "" where it may ask itself.

        ``waiter`` is the head that asks, None for a request that has just come.
        """
        if self._at:
            mine = waiter.stood if waiter else 0
            for take in takes:
                stand = self._at.get(take.key)
                if stand and stand[0] is not waiter and not 0 < mine < stand[0].stood:
                    return take.key
        return ""

    def stand(self, waiter: Waiter[Any], bucket: str) -> Waiter[Any] | None:
        """The head was promised no turn: none behind it asks at this bucket until it has one.

        Who is first instead where it stood until now, if it was first there.
        """
        if waiter.stands_at == bucket:
            return None
        after = self.go(waiter)
        waiter.stood = waiter.stood or next(self._numbers)
        waiter.stands_at = bucket
        insort(self._at.setdefault(bucket, []), waiter, key=lambda one: one.stood)
        return after

    def go(self, waiter: Waiter[Any]) -> Waiter[Any] | None:
        """The head has a turn now, or went away; who is first there instead, if it was first."""
        bucket = waiter.stands_at
        if not bucket:
            return None
        waiter.stands_at = ""
        stand = self._at[bucket]
        was_first = stand[0] is waiter
        stand.remove(waiter)
        if not stand:
            del self._at[bucket]
            return None
        return stand[0] if was_first else None

    def first(self, bucket: str) -> Waiter[Any] | None:
        """The head without a turn that goes first at this bucket."""
        stand = self._at.get(bucket)
        return stand[0] if stand else None
