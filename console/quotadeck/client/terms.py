"""A quota as buckets: what each request takes of them, worked out once for all requests."""

from collections.abc import Iterable
from typing import Final

from quotadeck.client.quotas import Quota
from quotadeck.domain.clock import Clock
from quotadeck.domain.limits import MICRO, BudgetLimit, RateLimit, SlotLimit, Take

NO_BUDGET_NANO: Final = 1 << 62
"""In the place of a budget that is none. The money of a project is always counted, so that a budget
set later in the day knows what was spent before."""


def money_of(takes: Iterable[Take]) -> tuple[tuple[str, int], ...]:
    """What they ask of money that has a limit, by bucket."""
    return tuple(
        [
            (take.key, take.amount)
            for take in takes
            if isinstance(take.limit, BudgetLimit) and take.limit.nano_usd != NO_BUDGET_NANO
        ]
    )


class Day:
    """A bucket of money that begins anew at each midnight of a zone; ``nano`` is None: no limit."""

    __slots__ = ("_clock", "_limit", "key", "nano", "zone")

    def __init__(self, key: str, nano: int | None, zone: str, clock: Clock) -> None:
        self.key, self.nano, self.zone, self._clock = key, nano, zone, clock
        self._limit = BudgetLimit(0, "", 0)

    def now(self) -> BudgetLimit:
        """The limit of the day that it is now: the same object as long as that lasts."""
        known, now_us = self._limit, self._clock.wall_us()
        if known.starts_at_us <= now_us < known.ends_at_us:
            return known
        from quotadeck.domain.days import day_at

        day = day_at(now_us, self.zone)
        nano = NO_BUDGET_NANO if self.nano is None else self.nano
        self._limit = BudgetLimit(nano, day.name, day.end_us, day.start_us)
        return self._limit


class Terms:
    """The limits in force of a subject: a project, or everything (a `Bound`).

    ``name`` is the subject in the names of its buckets: ``project:analytics``, ``all``. ``windows``
    are the seconds of requests, and of tokens, that a bucket holds. Shared limits keep reserves for
    the higher classes.
    """

    __slots__ = ("day", "fixed", "money", "name", "quota", "token_key", "token_rate")

    def __init__(
        self,
        name: str,
        quota: Quota,
        *,
        windows: tuple[int, int],
        zone: str,
        clock: Clock,
        shared: bool = False,
    ) -> None:
        request_s, token_s = windows
        self.name, self.quota = name, quota
        fixed: list[Take] = []
        if quota.rpm is not None:
            limit = RateLimit(quota.rpm, request_s)
            fixed.append(Take(f"{name}:rpm", MICRO, limit, shared))
        if quota.concurrency is not None:
            fixed.append(Take(f"{name}:concurrency", 1, SlotLimit(quota.concurrency)))
        self.fixed = tuple(fixed)
        """Of these every request takes the same."""
        self.token_key = f"{name}:tpm"
        self.token_rate = (
            None
            if quota.tpm is None
            else Take(self.token_key, 0, RateLimit(quota.tpm, token_s), shared)
        )
        self.day = Day(f"{name}:budget", quota.budget_nano, zone, clock)
        self.money = not shared or quota.budget_nano is not None
        """Whether money is counted: of a project always, see `NO_BUDGET_NANO`."""

    def takes(self, tokens: int, cost_nano: int) -> list[Take]:
        """What a request of this size takes of each bucket, money last."""
        takes = [*self.fixed]
        if self.token_rate is not None:
            key, _, limit, shared, _ = self.token_rate
            takes.append(Take(key, tokens * MICRO, limit, shared))
        if self.money:
            takes.append(Take(self.day.key, cost_nano, self.day.now()))
        return takes

    def charged(self, tokens: int, cost_nano: int) -> tuple[tuple[str, int], ...]:
        """See `Bound.charged`: only tokens and money depend on what was used."""
        return ((self.token_key, tokens * MICRO), (self.day.key, cost_nano))

    @property
    def has_budget(self) -> bool:
        """Whether its money has a limit."""
        return self.quota.budget_nano is not None

    @property
    def ends_ns(self) -> int | None:
        """None: limits never end by themselves."""
        return None

    def must_go_on(self) -> None:
        """Limits always go on."""

    def ran_short(self, bucket: str, left: int, held: int, asked: int) -> None:
        """Money that is spent comes back with the next day."""

    @property
    def limits(self) -> "dict[str, RateLimit | SlotLimit | BudgetLimit]":
        """Every limit in force by its bucket."""
        found: dict[str, RateLimit | SlotLimit | BudgetLimit] = {}
        for take in self.takes(0, 0):
            found[take.key] = take.limit
        return found
