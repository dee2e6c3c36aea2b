"""Who of the heads of all lines goes first at a bucket that several projects share.

As a rule the limiter promises each a turn, one after the other. Who is promised none, because he
asks for more than may be promised beside others or because no instant can be told, would be passed
by everybody who comes anew: so at the bucket that binds him nobody asks before he has his turn.
"""

from collections.abc import Iterable
from typing import Any

from quotadeck.client.line import Waiter
from quotadeck.domain.limits import Take


class Heads:
    """Those who were promised no turn, by the bucket that binds them, in the order they came."""

    __slots__ = ("_at",)

    def __init__(self) -> None:
        self._at: dict[str, list[Waiter[Any]]] = {}

    def before(self, takes: Iterable[Take], waiter: Waiter[Any] | None = None) -> str:
        """The bucket at which another goes before this one, or before a newcomer; or ""."""
        if self._at:
            for take in takes:
                stand = self._at.get(take.key)
                if stand and stand[0] is not waiter:
                    return take.key
        return ""

    def stand(self, waiter: Waiter[Any], bucket: str) -> None:
        """He has no turn: nobody asks at this bucket before he has."""
        if waiter.stands_at != bucket:
            self.go(waiter)
            waiter.stands_at = bucket
            self._at.setdefault(bucket, []).append(waiter)

    def go(self, waiter: Waiter[Any]) -> Waiter[Any] | None:
        """He has his turn, or went away; who is first there now, if he was it."""
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
        """Who goes first there of those without a turn."""
        stand = self._at.get(bucket)
        return stand[0] if stand else None
