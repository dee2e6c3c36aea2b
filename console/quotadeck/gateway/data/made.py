"""The ids that replies made (of responses, conversations, files), and whose project each is.

The newest are kept in memory, those of 30 days in the ledger.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from quotadeck.domain.refusals import LedgerUnavailable
from quotadeck.store import StoreError
from quotadeck.words import say

MOST: Final = 20_000
"""How many are kept in memory, in some 6 MB."""
_Made = tuple[str, str]
"""Kind and id."""


class MadeIds:
    """``recorded`` asks the ledger for the project of a kind and an id, "" where there is none."""

    def __init__(self, recorded: Callable[[str, str], Awaitable[str]], most: int = MOST) -> None:
        self._recorded = recorded
        self._most = most
        self._known: OrderedDict[_Made, str] = OrderedDict()

    def made(self, project: str, ids: Iterable[_Made]) -> None:
        """A reply to the project made these; what was another's already stays that."""
        for one in ids:
            self._known.setdefault(one, project)
            self._known.move_to_end(one)
        while len(self._known) > self._most:
            self._known.popitem(last=False)

    async def owner(self, kind: str, identity: str) -> str:
        """See `Owners`."""
        known = self._known.get((kind, identity))
        if known is not None:
            return known
        try:
            return await self._recorded(kind, identity)
        except StoreError as error:
            raise LedgerUnavailable(say(error.told)) from None
