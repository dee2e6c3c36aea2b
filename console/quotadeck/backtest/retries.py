"""Which requests would not have come, had an earlier one been let through.

A client that is refused asks again, and what it asks again must not count twice: a try after one
that the replay admits is dropped. What is a try of what, records tell in two ways:

- the caller's own name for the request (``X-Client-Request-Id``) is the same;
- its client counts its tries (``x-stainless-retry-count``, as the SDKs of OpenAI do), and this one
  is the next number of the same project, key, model and size, within the wait that was told and
  `PATIENCE_US`.

What bears neither mark is a request of its own: rather too many than too few, so that a limit is
never promised to be enough that is not.
"""

from typing import Final

from quotadeck.backtest.asked import Request
from quotadeck.domain.days import MICROS

PATIENCE_US: Final = 65 * MICROS
"""The SDKs wait as long as they are told, up to a minute, or up to 8 s of their own."""

_Whose = tuple[str, str, str]


class Retries:
    """Of one replay, asked and told in the order in which requests came."""

    def __init__(self) -> None:
        self._served: dict[_Whose, list[tuple[int, int, Request]]] = {}
        """(number of the try, until when its next may come, it), of those served for once."""
        self._names: set[str] = set()

    def let_through(self, one: Request) -> None:
        """A request was admitted that had been refused."""
        if one.client_id:
            self._names.add(one.client_id)
        self._wait(one.retry, one)

    def is_one(self, one: Request) -> bool:
        """Whether this would not have come; then the next try of it would not have, either."""
        if one.client_id and one.client_id in self._names:
            return True
        if not one.retry:
            return False
        waiting = self._served.get((one.project, one.key_id, one.model))
        if not waiting:
            return False
        for at, (tried, until_us, first) in enumerate(waiting):
            if tried == one.retry - 1 and one.at_us <= until_us and _alike(first, one):
                del waiting[at]
                self._wait(one.retry, one)
                return True
        return False

    def _wait(self, tried: int, one: Request) -> None:
        until_us = one.at_us + one.wait_ms * 1_000 + PATIENCE_US
        waiting = self._served.setdefault((one.project, one.key_id, one.model), [])
        # The oldest first: those that nobody came back for are forgotten.
        while waiting and waiting[0][1] < one.at_us:
            del waiting[0]
        waiting.append((tried, until_us, one))


def _alike(first: Request, again: Request) -> bool:
    """Whether they are of one size, as far as that is known."""
    if first.unsized or again.unsized or first.counted or again.counted:
        return True
    return first.size[:2] == again.size[:2]
