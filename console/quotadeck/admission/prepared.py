"""All of an admission that is the same for each request of a project to a target, ready made.

It holds under the plan that it was made from; what it does not hold is the request and the day.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from quotadeck.admission.planned import PlannedLimit, ProjectPlan, TargetPlan
from quotadeck.admission.size import Size
from quotadeck.domain.limits import MICRO, BudgetLimit, Priority, RateLimit, SlotLimit, Take
from quotadeck.domain.refusals import RateLevel
from quotadeck.domain.rules import Amounts, LimitKind, Measure
from quotadeck.limiter import Levels


class _Rate(NamedTuple):
    """One of the project's own rates, and its place among the takes."""

    at: int
    kind: LimitKind
    limit: RateLimit


class _Counted(NamedTuple):
    """A limit of which each request takes its own amount, and its place among the takes.

    ``limit`` is None for money: a day's limit is another one tomorrow. ``scale`` is the bucket's
    unit in whole ones.
    """

    at: int
    key: str
    counts: Callable[[Amounts], int]
    scale: int
    limit: RateLimit | SlotLimit | None
    shared: bool
    shadow: bool


@dataclass(frozen=True, slots=True)
class Prepared:
    """What binds a project's requests to a target: the project's limits first, then the target's.

    ``takes`` are ready for those limits of which every request takes the same; of the others, at
    the places in ``counted``, the amount is each request's own.
    """

    project: ProjectPlan
    target: TargetPlan
    name: str
    priority: Priority
    limits: tuple[PlannedLimit, ...]
    takes: tuple[Take, ...]
    counted: tuple[_Counted, ...]
    rates: tuple[_Rate, ...]

    def takes_for(self, size: Size, budget: BudgetLimit) -> list[Take]:
        """What a request of this size asks of each; ``budget`` is the day's money."""
        takes = list(self.takes)
        for at, key, counts, scale, limit, shared, shadow in self.counted:
            takes[at] = Take(key, counts(size) * scale, limit or budget, shared, shadow)
        return takes

    def charged(self, used: Amounts) -> dict[str, int]:
        """What real usage leaves taken, by bucket; those that keep what was asked are not in it."""
        return {one.key: one.counts(used) * one.scale for one in self.counted}

    def given_up(self, used: Amounts | None) -> dict[str, int]:
        """What an attempt leaves taken of the buckets that it moves away from: the target's, and
        the day's money. ``used`` is None for one that was never sent."""
        own = self.target.limits
        return {
            each.key: 0 if used is None else each.ready.amount if each.ready else each.amount(used)
            for each in (self.project.budget, *own)
        }


def prepare(project: ProjectPlan, target: TargetPlan) -> Prepared:
    """Worked out once for a project and a target of one plan."""
    limits = project.limits + target.limits
    return Prepared(
        project,
        target,
        project.project.id,
        project.project.priority,
        limits,
        tuple(each.ready or _COUNTED for each in limits),
        tuple(_counted(limits)),
        tuple(_rates(project.limits)),
    )


def rates_of(prepared: Prepared, levels: Levels) -> tuple[RateLevel, ...]:
    """What is left of the project's own rates: of what the limiter answered for such a request."""
    return tuple([RateLevel(kind, limit, levels[at]) for at, kind, limit in prepared.rates])


def _counted(limits: Iterable[PlannedLimit]) -> Iterable[_Counted]:
    for at, each in enumerate(limits):
        if each.ready is None:
            counts, scale = each.rule.counts, 1 if each.limit is None else MICRO
            assert counts is not None
            yield _Counted(at, each.key, counts, scale, each.limit, each.shared, each.shadow)


def _rates(limits: Iterable[PlannedLimit]) -> Iterable[_Rate]:
    for at, each in enumerate(limits):
        if each.rule.measure is Measure.RATE:
            assert isinstance(each.limit, RateLimit)
            yield _Rate(at, each.rule.kind, each.limit)


_COUNTED = Take("", 0, BudgetLimit(0, "", 0))
"""In the place of one whose amount is each request's own."""
