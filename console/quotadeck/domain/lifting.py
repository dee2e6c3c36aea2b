"""What would lift a trouble, worked out from figures: a limit, a fallback, an end, another caller.

Told as a notice that reads behind "would be lifted by".
"""

from collections.abc import Iterable

from quotadeck.domain.cause import Cause
from quotadeck.domain.needed import NEEDED, needed
from quotadeck.domain.notice import Notice, notice
from quotadeck.domain.rules import RULE_BY_CAUSE, Measure
from quotadeck.domain.series import Series
from quotadeck.domain.snapshot import (
    AnyRow,
    LimitedRow,
    ProjectRow,
    RouteRow,
    Snapshot,
    TargetRow,
    limit_on,
)
from quotadeck.domain.state import HELD_MONEY, NOT_COVERED, Held, StateKind
from quotadeck.domain.subject import Subject, SubjectKind


def lift(row: AnyRow, snapshot: Snapshot, asked: Series | None = None) -> Notice | None:
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


def _limited(row: AnyRow, held: Held, snapshot: Snapshot, asked: Series | None) -> Notice:
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
    most = None
    if isinstance(row, ProjectRow) and asked is not None and rule.field in NEEDED:
        most = needed(rule.field, asked, row.flow)
        most = most if most and most > limit.limit else None
    kind = "lift.storm" if storm else "lift.limit" if most else "lift.wait"
    return notice(kind, field=rule.field, limit=limit.limit, needed=most)


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
