"""A limit in force on a project or a target, ready for the requests that it binds."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from quotadeck.admission.size import Size
from quotadeck.domain.calls import Cause
from quotadeck.domain.limits import MICRO, BudgetLimit, RateLimit, SlotLimit, Take
from quotadeck.domain.rules import Amounts, Measure, Rule, Windows, bucket_key
from quotadeck.domain.subject import Subject, SubjectKind


@dataclass(frozen=True, slots=True)
class PlannedLimit:
    """``value`` is in the limit's own unit; None only for money that has no limit.

    ``limit`` is the bucket's, None for money: a day's limit is another one tomorrow. ``shared``
    buckets serve several projects; ``shadow`` limits refuse nothing. ``ready`` is the take of a
    limit of which every request takes the same.
    """

    rule: Rule
    key: str
    value: int | None
    limit: RateLimit | SlotLimit | None
    cause: Cause
    shared: bool = False
    shadow: bool = False
    ready: Take | None = field(init=False)

    def __post_init__(self) -> None:
        ready = None
        if self.limit is not None and self.rule.counts is None:
            amount = MICRO if self.rule.measure is Measure.RATE else 1
            ready = Take(self.key, amount, self.limit, self.shared, self.shadow)
        object.__setattr__(self, "ready", ready)

    @property
    def binds(self) -> bool:
        """Whether it can refuse a request."""
        return self.value is not None and not self.shadow


def planned(
    rule: Rule, subject: Subject, value: int | None, windows: Windows, *, shadow: bool = False
) -> PlannedLimit | None:
    """The limit of this rule on a subject; None where there is none, but money always counts."""
    if value is None:
        if rule.measure is not Measure.MONEY:
            return None
        limit = None
    else:
        limit = windows.limit(rule, value)
    return PlannedLimit(
        rule,
        bucket_key(subject, rule.kind),
        value,
        limit,
        rule.causes[subject.kind],
        subject.kind is SubjectKind.TARGET,
        shadow,
    )


def takes_of(limits: Iterable[PlannedLimit], size: Size, budget: BudgetLimit) -> list[Take]:
    """What a request of this size asks of each; ``budget`` is the day's money."""
    return [each.ready or _take(each, size, budget) for each in limits]


def _take(each: PlannedLimit, size: Size, budget: BudgetLimit) -> Take:
    assert each.rule.counts is not None
    amount = each.rule.counts(size)
    if each.limit is None:
        return Take(each.key, amount, budget, each.shared, each.shadow)
    return Take(each.key, amount * MICRO, each.limit, each.shared, each.shadow)


def charged(limits: Iterable[PlannedLimit], used: Amounts) -> dict[str, int]:
    """What real usage leaves taken, by bucket; those that keep what was asked are not in it."""
    return {
        each.key: each.rule.counts(used) * (1 if each.limit is None else MICRO)
        for each in limits
        if each.rule.counts is not None
    }
