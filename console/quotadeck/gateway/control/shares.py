"""Each account's share of the time that the admin API takes from the data plane's loop.

What a request costs depends on how many projects and rows there are, so nobody prices it: the time
that it takes is measured, and who is in debt waits. Refused commands have a rate of their own,
whatever they cost.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import perf_counter_ns
from typing import Final

from quotadeck.domain.bucket import refill, wait_ns
from quotadeck.domain.clock import Clock
from quotadeck.domain.commands import Role
from quotadeck.domain.limits import MICRO, RateLimit
from quotadeck.gateway.control.admin_seats import REQUESTS_OF_A_UID, STREAMS_OF_A_UID

TURNS: Final = REQUESTS_OF_A_UID[Role.VIEWER] - STREAMS_OF_A_UID
"""Requests of an account under way at once besides its streams: they find a place always."""
_MS_NS: Final = 1_000_000
_SECOND_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Share:
    """What the accounts of a role may take."""

    burst_ms: int
    ms_per_s: int
    """At once after a rest, and then: of all of them together, in equal parts."""
    least_burst_ms: int
    least_ms_per_s: int
    """Of each, however many they are."""
    refused: RateLimit
    """Refused commands, each account."""


SHARES: Final[Mapping[Role, Share]] = {
    Role.VIEWER: Share(300, 100, 50, 10, RateLimit(300, window_s=20)),
    Role.OPERATOR: Share(10_000, 500, 500, 50, RateLimit(3_000, window_s=20)),
    Role.ADMIN: Share(10_000, 500, 500, 50, RateLimit(3_000, window_s=20)),
}
"""An open console takes about a millisecond a second, a command 2, a page of a thousand rows 90."""


class Account:
    """What one account has left: of the loop's time in nanoseconds, and of commands to be refused.

    Both may fall below nothing.
    """

    def __init__(self, share: Share, now_ns: int) -> None:
        self.share = share
        self.reading = asyncio.Lock()
        self.under_way = 0
        self.turn = asyncio.Semaphore(TURNS)
        """Requests beyond these wait, so that a script with fifty processes is served, in turns."""
        self._full_ns = self._left_ns = share.burst_ms * _MS_NS
        self.ms_per_s = share.ms_per_s
        self._at_ns = self._refusals_at_ns = now_ns
        self._refusals = share.refused.capacity

    def refill(self, now_ns: int, accounts: int) -> None:
        """Up to now, as one of so many accounts of its role."""
        passed_ns, self._at_ns = now_ns - self._at_ns, now_ns
        self._full_ns = _MS_NS * max(self.share.least_burst_ms, self.share.burst_ms // accounts)
        self.ms_per_s = max(self.share.least_ms_per_s, self.share.ms_per_s // accounts)
        earned_ns = passed_ns * self.ms_per_s // 1_000
        self._left_ns = min(self._full_ns, self._left_ns + earned_ns)
        self._refusals, self._refusals_at_ns = refill(
            self._refusals, self._refusals_at_ns, self.share.refused, now_ns
        )

    @property
    def rested(self) -> bool:
        """Whether it is as if it had never asked for anything."""
        full = (self._full_ns, self.share.refused.capacity)
        return (self._left_ns, self._refusals) == full and not self.under_way

    @property
    def wait_ns(self) -> int:
        """How long until it may ask again; 0 when it may now."""
        return max(0, -self._left_ns) * 1_000 // self.ms_per_s

    @property
    def command_wait_ns(self) -> int:
        """How long until it may send a command again, after those that were refused."""
        return wait_ns(self._refusals, self._refusals_at_ns, MICRO, self.share.refused, self._at_ns)

    def spend(self, ns: int) -> None:
        """It took so much of the loop's time."""
        self._left_ns -= ns

    def refused(self) -> None:
        """One of its commands was refused."""
        self._refusals -= MICRO


class Shares:
    """The accounts that asked lately. Used from one event loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._accounts: dict[tuple[int, Role], Account] = {}
        self._of_role = Counter[Role]()
        self._store = asyncio.Lock()
        self._tidied_ns = clock.monotonic_ns()

    def of(self, uid: int, role: Role) -> Account:
        """The account as of now."""
        now_ns = self._clock.monotonic_ns()
        if now_ns - self._tidied_ns > _SECOND_NS:
            self._tidied_ns = now_ns
            self._tidy(now_ns)
        account = self._accounts.get((uid, role))
        if account is None:
            account = self._accounts[uid, role] = Account(SHARES[role], now_ns)
            self._of_role[role] += 1
        account.refill(now_ns, self._of_role[role])
        return account

    @asynccontextmanager
    async def reading(self, account: Account) -> AsyncIterator[None]:
        """A turn at the store, which serves one at a time; its time is charged.

        At most one request of each account waits for it, so that they take turns.
        """
        async with account.reading, self._store:
            began_ns = perf_counter_ns()
            try:
                yield
            finally:
                account.spend(perf_counter_ns() - began_ns)

    def _tidy(self, now_ns: int) -> None:
        for (uid, role), account in list(self._accounts.items()):
            account.refill(now_ns, self._of_role[role])
            if account.rested:
                del self._accounts[uid, role]
                self._of_role[role] -= 1
