"""Refused commands on record: each by itself while there are few, a storm of them counted.

An account has so many rows of the command log, and gets a few more a minute; what is refused
beyond them is counted, by action and kind of refusal, into the next row that it gets. So a storm
can make neither the log nor the memory grow by more than that, and nothing refused goes untold.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from quotadeck.domain.bucket import refill
from quotadeck.domain.clock import Clock
from quotadeck.domain.commands import Entry, Role
from quotadeck.domain.limits import MICRO, RateLimit

ROWS: Final[Mapping[Role, RateLimit]] = {
    Role.VIEWER: RateLimit(4, window_s=300),
    Role.OPERATOR: RateLimit(20, window_s=600),
    Role.ADMIN: RateLimit(20, window_s=600),
}
"""Rows of refused commands that an account gets, 20 or 200 of them at once.

A viewer's storm of a day is 5,800 rows, 4 MB.
"""


@dataclass(slots=True)
class CountedCommands:
    """Refusals of one kind of one account that wait for a row."""

    last: Entry
    since_us: int
    count: int = 0
    unread: int = 0
    """Turned away before they were read, for coming too fast."""

    def row(self) -> Entry:
        """Them as an entry, without id and number; at the instant of the last one."""
        assert self.last.refused is not None
        storm = replace(
            self.last.refused, times=self.count, since_us=self.since_us, unread=self.unread
        )
        return replace(self.last, refused=storm, idempotency_key="")


@dataclass(slots=True)
class _Account:
    rows: RateLimit
    level: int
    """What is left of its rows, in millionths, at ``at_ns``."""
    at_ns: int
    counted: dict[tuple[str, str], CountedCommands] = field(default_factory=dict)
    last: Entry | None = None

    def refill(self, now_ns: int) -> None:
        self.level, self.at_ns = refill(self.level, self.at_ns, self.rows, now_ns)

    def takes_row(self, now_ns: int) -> bool:
        self.refill(now_ns)
        if self.level < MICRO:
            return False
        self.level -= MICRO
        return True

    def kind(self, entry: Entry) -> CountedCommands:
        kind = (entry.action, entry.refused.code if entry.refused else "")
        return self.counted.setdefault(kind, CountedCommands(entry, entry.at_us))


class RefusedCommands:
    """`due` is to be asked about once a second. Used from one event loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._accounts: dict[str, _Account] = {}

    def takes_row(self, entry: Entry) -> bool:
        """Whether a refused command is to be written by itself; otherwise it is counted."""
        now_ns = self._clock.monotonic_ns()
        account = self._accounts.get(entry.actor)
        if account is None:
            rows = ROWS[entry.role]
            account = self._accounts[entry.actor] = _Account(rows, rows.capacity, now_ns)
        account.last = entry
        if account.takes_row(now_ns):
            return True
        counted = account.kind(entry)
        counted.last = entry
        counted.count += 1
        return False

    def turned_away(self, actor: str) -> None:
        """Count a command that was not even read to the kind of the account's last refusal."""
        account = self._accounts.get(actor)
        if account is not None and account.last is not None:
            account.kind(account.last).unread += 1

    def due(self, *, ending: bool = False) -> Iterator[CountedCommands]:
        """What gets a row now; all of it when the process is ``ending``.

        It is counted no more: what cannot be written comes back by `put_back`.
        """
        now_ns = self._clock.monotonic_ns()
        for actor, account in list(self._accounts.items()):
            for kind in list(account.counted):
                if ending or account.takes_row(now_ns):
                    yield account.counted.pop(kind)
            account.refill(now_ns)
            if account.level == account.rows.capacity and not account.counted:
                del self._accounts[actor]

    def put_back(self, counted: CountedCommands) -> None:
        """It could not be written: it is counted on."""
        now = self._accounts[counted.last.actor].kind(counted.last)
        now.since_us = counted.since_us
        now.count += counted.count
        now.unread += counted.unread
