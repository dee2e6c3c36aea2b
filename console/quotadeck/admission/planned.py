"""What is in force on a project or a target, ready for the requests that its limits bind."""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from quotadeck.domain.catalogue import Project, Target, Upstream
from quotadeck.domain.cause import Cause
from quotadeck.domain.commands import Entry
from quotadeck.domain.layers import InForce
from quotadeck.domain.limits import MICRO, RateLimit, SlotLimit, Take
from quotadeck.domain.rules import Amounts, LimitKind, Measure, Rule, Windows, bucket_key
from quotadeck.domain.subject import Subject, SubjectKind


class PlannedLimit(NamedTuple):
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
    ready: Take | None = None

    @property
    def binds(self) -> bool:
        """Whether it can refuse a request."""
        return self.value is not None and not self.shadow

    def amount(self, of: Amounts) -> int:
        """What so much takes of it, in the bucket's unit; not of one that has a ready take."""
        counts = self.rule.counts
        assert counts is not None
        return counts(of) if self.limit is None else counts(of) * MICRO


@dataclass(frozen=True, slots=True)
class ProjectPlan:
    """A project's values in force. ``budget`` is the one of ``limits`` that is money."""

    project: Project
    version: int
    paused: Entry | None
    limits: tuple[PlannedLimit, ...]
    budget: PlannedLimit
    changes: tuple[InForce, ...]


@dataclass(frozen=True, slots=True)
class TargetPlan:
    """A target's values in force; its buckets are shared by projects."""

    target: Target
    upstream: Upstream
    version: int
    limits: tuple[PlannedLimit, ...]
    changes: tuple[InForce, ...]


def planned(
    subject: Subject,
    values: Iterable[tuple[Rule, int | None]],
    windows: Windows,
    shadow: Container[LimitKind] = (),
) -> tuple[PlannedLimit, ...]:
    """A subject's limits in force: those of its rules that have a value, and money, which is
    counted also where it has no limit."""
    found, name, shared = [], str(subject), subject.kind is SubjectKind.TARGET
    for rule, value in values:
        limit, ready, key = None, None, bucket_key(name, rule.kind)
        hidden = rule.kind in shadow
        if rule.measure is not Measure.MONEY:
            if value is None:
                continue
            limit = windows.limit(rule, value)
            if rule.counts is None:
                amount = MICRO if rule.measure is Measure.RATE else 1
                ready = Take(key, amount, limit, shared, hidden)
        cause = rule.causes[subject.kind]
        found.append(PlannedLimit(rule, key, value, limit, cause, shared, hidden, ready))
    return tuple(found)
