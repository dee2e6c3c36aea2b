"""What a lease may hold of a project's quota: of its own limits, and of those that bind alone.

A lease takes from the very buckets that calls take from. Of slots it holds nothing: they are for
what is under way.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from quotadeck.admission.planned import ProjectPlan
from quotadeck.domain.lease import MONEY_PART, RATE_S, Amounts
from quotadeck.domain.limits import MICRO, BudgetLimit, Limit, RateLimit, SlotLimit, Take
from quotadeck.domain.rules import LimitKind
from quotadeck.limiter import BucketState

_FIELDS: Final[Mapping[LimitKind, str]] = {
    LimitKind.RPM: "requests",
    LimitKind.TPM: "tokens",
    LimitKind.BUDGET: "nano_usd",
}
_EACH: Final = Amounts(1, 1, 0)
"""The least that is of use."""


class Leasable(NamedTuple):
    """A limit of which a lease holds a part: in whole units, each ``scale`` of the bucket's."""

    field: str
    key: str
    limit: RateLimit | BudgetLimit
    scale: int

    def left(self, state: BucketState | None) -> int:
        """What is left in the bucket, in whole units; it may be less than nothing. Of a day's money
        that nobody has taken of yet, the bucket still has the day before's."""
        if state is None or _day(state.limit) != _day(self.limit):
            level = self.limit.capacity if isinstance(self.limit, RateLimit) else self.limit.amount
        else:
            level = state.level
        return level // self.scale

    def most(self, left: int) -> int:
        """What the leases of the project may hold of a rate together; what one may of money."""
        if isinstance(self.limit, RateLimit):
            return max(1, self.limit.per_minute * RATE_S // 60)
        return max(0, left) // MONEY_PART

    def take(self, amount: int) -> Take:
        return Take(self.key, amount * self.scale, self.limit)


def leasable(plan: ProjectPlan, budget: BudgetLimit) -> tuple[Leasable, ...]:
    """The project's limits of which leases hold a part; ``budget`` is the day's money."""
    found = []
    for each in plan.limits:
        field = _FIELDS.get(each.rule.kind)
        if field is None or not each.binds or isinstance(each.limit, SlotLimit):
            continue
        scale = 1 if each.limit is None else MICRO
        found.append(Leasable(field, each.key, each.limit or budget, scale))
    return tuple(found)


def _day(limit: Limit) -> str:
    return limit.day if isinstance(limit, BudgetLimit) else ""


class Bounds(NamedTuple):
    """What a lease may come to hold of a limit, in whole units.

    ``least`` is what it must hold to be of use, whether or not there is so much; ``wanted`` what it
    gets where there is; ``room`` what the bounds of leases leave it, which may be less than the
    least.
    """

    least: int
    wanted: int
    room: int


def bounds(
    each: Leasable,
    state: BucketState | None,
    held: int,
    others: int,
    asked: int | None,
    least: int | None,
) -> Bounds:
    """Of a lease that holds ``held``, while the project's other ones hold ``others``.

    ``asked`` and ``least`` are what it asks to hold, and to hold at least; None: the most that it
    may, and one request and one token of what it asks. What a lease holds it may keep.
    """
    left = each.left(state)
    most = each.most(left + held)
    if isinstance(each.limit, RateLimit):
        room = max(held, most - others)
    else:
        # One may hold a part of the money, and all together half of it: calls need some, too.
        room = max(held, min(most, max(0, left + held + others) // 2 - others))
    useful = getattr(_EACH, each.field) if asked is None else min(asked, getattr(_EACH, each.field))
    needed = min(most, useful if least is None else least)
    wanted = room if asked is None else min(room, max(asked, needed))
    there = held + max(0, left)
    return Bounds(needed, max(needed, min(wanted, there)), room)


def amounts(parts: Iterable[tuple[Leasable, int]]) -> Amounts:
    """Whole units by their names; None of what has no limit."""
    return Amounts(**{each.field: amount for each, amount in parts})
