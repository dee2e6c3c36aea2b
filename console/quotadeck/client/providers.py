"""The providers of a manager's clients, by host, model and key: named, and bounded in number.

A program may have a key for each of its customers, or one for each call where they live a minute.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

PROVIDERS_KEPT: Final = 256
"""Those that were asked last; more only while so many are being asked."""
_AT_ONCE: Final = 32
"""So many are forgotten in one go."""


class Kept(Protocol):
    """A provider. What ``under_way`` holds, an entry a call, is nobody's but `Providers`'."""

    under_way: deque[None]

    def buckets(self) -> Collection[str]:
        """The names of its buckets in the manager's limiter."""


class Place(NamedTuple):
    """``host`` is with its port, where that is none of the usual; ``key`` tells keys apart."""

    host: str
    model: str
    key: int


P = TypeVar("P", bound=Kept)


class Providers(Generic[P]):
    """To be asked under the manager's lock, all but `end`. ``drop`` forgets buckets."""

    def __init__(self, drop: Callable[[Iterable[str]], None]) -> None:
        self._drop = drop
        self._known: dict[Place, P] = {}
        """Who was asked last stands last."""
        self._numbers: dict[tuple[str, int], int] = {}
        """Of each key at its host, as long as a provider of both is known."""
        self._last: dict[str, int] = {}
        """By host, the highest number so far."""

    def __len__(self) -> int:
        return len(self._known)

    def values(self) -> Collection[P]:
        return self._known.values()

    def begin(self, place: Place, make: Callable[[str], P]) -> P:
        """The provider of a call that begins; its `end` is to be told. ``make`` gets the name."""
        known = self._known.pop(place, None)
        if known is None:
            if len(self._known) >= PROVIDERS_KEPT:
                self._forget_some()
            known = make(self._name(place))
        self._known[place] = known
        known.under_way.append(None)
        return known

    @staticmethod
    def end(provider: P) -> None:
        """The call has its reply, or none. Takes no lock: a collection may come to this."""
        provider.under_way.pop()

    def _name(self, place: Place) -> str:
        """A key after the first at a host is told by a number: keys are shown nowhere.

        No other key is given its number as long as the host is known.
        """
        host, model, key = place
        number = self._numbers.get((host, key))
        if number is None:
            number = self._numbers[host, key] = self._last[host] = self._last.get(host, 0) + 1
        return f"{host}/{model}" if number == 1 else f"{host}#{number}/{model}"

    def _forget_some(self) -> None:
        idle = [place for place, one in self._known.items() if not one.under_way]
        for place in idle[:_AT_ONCE]:
            self._drop(self._known.pop(place).buckets())
        left = {(place.host, place.key) for place in self._known}
        hosts = {host for host, _ in left}
        self._numbers = {at: number for at, number in self._numbers.items() if at in left}
        self._last = {host: last for host, last in self._last.items() if host in hosts}
