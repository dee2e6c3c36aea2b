"""What would lift a trouble, worked out from figures: a limit, a fallback, an end, another caller.

Told as a notice that reads behind "would be lifted by".
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil
from typing import Final

from quotadeck.domain.cause import Cause
from quotadeck.domain.notice import Notice, notice
from quotadeck.domain.rules import RULE_BY_CAUSE, Measure, Rule
from quotadeck.domain.series import Series
from quotadeck.domain.snapshot import (
    AnyRow,
    Flow,
    LimitedRow,
    ProjectRow,
    RouteRow,
    Snapshot,
    TargetRow,
    limit_on,
)
from quotadeck.domain.state import HELD_MONEY, NOT_COVERED, Held, StateKind
from quotadeck.domain.subject import Subject, SubjectKind

ASKED_MINUTES: Final = 15
"""So many of the newest minutes say how much is asked for."""
_FIGURES: Final = 100
"""A limit that would do is told in two significant figures, rounded up."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked of a subject in one minute: in 95 of 100 minutes no more.

    Of the refused nobody knows the size: each counts as much as those that passed.
    """

    requests: int
    tokens: int


def asked_of(series: Series) -> Asked | None:
    """From the newest minutes; None where nothing was recorded, or asked."""
    minutes = slice(-ASKED_MINUTES, None)
    asked = [one for one in series.asked[minutes] if one is not None]
    if not any(asked):
        return None
    ended = sum(one or 0 for one in series.ended[minutes])
    tokens = sum(one or 0 for one in series.tokens[minutes])
    most = _p95(asked)
    return Asked(most, most * tokens // ended if ended else 0)


def _p95(values: list[int]) -> int:
    return sorted(values)[ceil(0.95 * len(values)) - 1]


def lift(row: AnyRow, snapshot: Snapshot, asked: Asked | None = None) -> Notice | None:
    """What would end the worst that holds of the row; None where nothing is to be ended."""
    held = row.state
    failing = held.held(StateKind.FAILING)
    match held.kind:
        case StateKind.THROTTLED | StateKind.STORM if (
            failing and failing.count * 2 >= failing.asked
        ):
            # Who is refused comes again, and is sent to what fails.
            return notice("lift.failing", models=_movable(row, snapshot, failing=True))
        case StateKind.THROTTLED | StateKind.STORM:
            return _limited(row, held, snapshot, asked)
        case StateKind.SPENT:
            return _money(row, held)
        case StateKind.CUT_OFF if held.cause == Cause.KEY_REVOKED:
            return notice("lift.key")
        case StateKind.CUT_OFF:
            subject = Subject.parse(held.who)
            return notice(
                "lift.resume", of=subject.kind.value, name=subject.name, until_us=held.until_us
            )
        case StateKind.PAUSED:
            return notice("lift.resume.own", until_us=held.until_us)
        case StateKind.FAILING:
            return notice("lift.upstream", models=_movable(row, snapshot, failing=True))
        case StateKind.REJECTED:
            return notice("lift.caller")
        case StateKind.UNSERVED:
            return notice("lift.gateway")
    return None


def _limited(row: AnyRow, held: Held, snapshot: Snapshot, asked: Asked | None) -> Notice:
    storm = held.kind is StateKind.STORM
    if held.cause == HELD_MONEY:
        return notice("lift.held")
    rule = RULE_BY_CAUSE.get(held.cause)
    if rule is None:
        return notice("lift.storm" if storm else "lift.wait")
    who = Subject.parse(held.who)
    if rule.measure is Measure.MONEY:
        return _money(row, held)
    owner = _limited_row(who, snapshot) or (row if isinstance(row, LimitedRow) else None)
    limit = limit_on(owner, rule.field) if owner else None
    if limit is None:
        return notice("lift.storm" if storm else "lift.wait")
    if who.kind is SubjectKind.TARGET and not isinstance(row, TargetRow):
        models = _movable(row, snapshot, serving=who.name)
        return notice(
            "lift.target", field=rule.field, target=who.name, limit=limit.limit, models=models
        )
    needed = None
    if isinstance(row, ProjectRow) and asked is not None:
        needed = needed_of(rule, limit.limit, _at_least_now(asked, row.flow))
    kind = "lift.storm" if storm else "lift.limit" if needed else "lift.wait"
    return notice(kind, field=rule.field, limit=limit.limit, needed=needed)


def _at_least_now(asked: Asked, flow: Flow) -> Asked:
    """The last 60 s count as a minute, too: whole ones know nothing of what began in this one."""
    requests = flow.requests_60s + flow.refused_60s
    tokens = requests * flow.tokens_60s // flow.requests_60s if flow.requests_60s else 0
    return Asked(max(asked.requests, requests), max(asked.tokens, tokens))


def needed_of(rule: Rule, limit: int, asked: Asked | None) -> int | None:
    """A limit that would let through what is asked, if that is more than the limit there is."""
    if asked is None or rule.measure is not Measure.RATE:
        return None
    most = asked.requests if rule.counts is None else asked.tokens
    return _rounded(most) if most > limit else None


def _rounded(value: int) -> int:
    step = 1
    while value > _FIGURES * step:
        step *= 10
    return -(-value // step) * step


def _money(row: AnyRow, held: Held) -> Notice:
    if not isinstance(row, ProjectRow):
        return notice("lift.wait")
    kind = "lift.covered" if held.cause == NOT_COVERED else "lift.day"
    return notice(kind, limit_nano=row.budget.limit_nano, until_us=row.budget.ends_us)


def _limited_row(subject: Subject, snapshot: Snapshot) -> LimitedRow | None:
    rows: Iterable[LimitedRow] = ()
    if subject.kind is SubjectKind.PROJECT:
        rows = snapshot.projects
    elif subject.kind is SubjectKind.TARGET:
        rows = snapshot.targets
    return next((row for row in rows if row.id == subject.name), None)


def _movable(
    row: AnyRow, snapshot: Snapshot, *, serving: str = "", failing: bool = False
) -> tuple[str, ...]:
    """The models of the row that another target could serve instead of this one, or a failing."""
    bad = {
        target.id
        for target in snapshot.targets
        if target.id == serving or (failing and target.state.kind is StateKind.FAILING)
    }
    return tuple(
        route.id
        for route in snapshot.routes
        if route.serving in bad and set(route.targets) - bad and _uses(row, route)
    )


def _uses(row: AnyRow, route: RouteRow) -> bool:
    if isinstance(row, ProjectRow):
        return route.id in row.models
    return route.serving == row.id if isinstance(row, TargetRow) else route.id == row.id
