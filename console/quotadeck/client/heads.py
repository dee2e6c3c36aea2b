"""Who goes first at a bucket that several projects share, among heads that have no turn.

Mostly the limiter promises each head a turn, one after the other. It promises none to a request
that asks for more than may be promised beside others, or whose wait it cannot compute. Every
newcomer would pass such a one. So at the bucket that binds it, nobody else asks before it has its
turn.
"""

from collections.abc import Iterable
from typing import Any

from quotadeck.client.line import Waiter
from quotadeck.domain.limits import Take


class Heads:
    """The heads without a turn, by the bucket that binds them, in the order they came there."""

    __slots__ = ("_at",)

    def __init__(self) -> None:
        self._at: dict[str, list[Waiter[Any]]] = {}

    def before(self, takes: Iterable[Take], waiter: Waiter[Any] | None = None) -> str:
        """The bucket of these at which another head goes first; "" where it may ask itself.

        ``waiter`` is the head that asks, None for a request that has just come.
        """
        if self._at:
            for take in takes:
                stand = self._at.get(take.key)
                if stand and stand[0] is not waiter:
                    return take.key
        return ""

    def stand(self, waiter: Waiter[Any], bucket: str) -> None:
        """The head was promised no turn: nobody else asks at this bucket until it has one."""
        if waiter.stands_at != bucket:
            self.go(waiter)
            waiter.stands_at = bucket
            self._at.setdefault(bucket, []).append(waiter)

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
