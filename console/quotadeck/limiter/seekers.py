"""Who wants turns of what several share, so that nobody is promised all of it while others wait.

As long as one alone wants turns, he may have all that can be promised. From the moment that another
is refused one, each may have an equal part: what the first was promised stays, but he gets no more
before he is down to his part, and the other finds room when he comes again.
"""

from collections.abc import Iterable


class Seekers:
    """By bucket: who was refused a turn, and until when he is waited for."""

    __slots__ = ("_until_ns",)

    def __init__(self) -> None:
        self._until_ns: dict[str, dict[str, int]] = {}

    def refused(self, bucket: str, owner: str, until_ns: int) -> None:
        """There was no turn for him: he is waited for until then."""
        self._until_ns.setdefault(bucket, {})[owner] = until_ns

    def number(self, bucket: str, owner: str, holders: Iterable[str], now_ns: int) -> int:
        """How many want turns there: he, those who have some, and those who are waited for."""
        waited_for = self._until_ns.get(bucket, {})
        for late in [name for name, until_ns in waited_for.items() if until_ns < now_ns]:
            del waited_for[late]
        if bucket in self._until_ns and not waited_for:
            del self._until_ns[bucket]
        return len({owner, *holders, *waited_for})

    def drop(self, bucket: str) -> None:
        """The bucket is no more."""
        self._until_ns.pop(bucket, None)
