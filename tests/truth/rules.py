"""What no frame may say of a subject, as the ledger knows it: a table of contradictions.

Each row has what is said and what then may not have been. The spans leave a second's room at both
ends, because the gateway counts by the second; a frame that is wrong for a second is not found, and
one that is wrong for two is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from quotadeck.domain.cause import WRONG, Cause
from quotadeck.domain.judgement import RATES
from quotadeck.domain.snapshot import AnyRow, ProjectRow, RouteRow
from quotadeck.domain.state import NOT_COVERED, Held, State, StateKind, Urgency
from tests.truth.ledger import SECOND_US, Record

_REFUSED_BY_LIMITS: Final = RATES | {Cause.BUDGET}


@dataclass(frozen=True, slots=True)
class Seen:
    """What a frame says of one subject, and what the ledger knows of it. Spans are seconds ago."""

    row: AnyRow
    record: Record
    now_us: int
    changed_us: int
    """When an operator changed anything last: what was refused before is history."""

    @property
    def state(self) -> State:
        return self.row.state

    def held(self, *kinds: StateKind) -> list[Held]:
        """What is said of these kinds, in the first place or behind it."""
        return [one for one in (self.state, *self.state.others) if one.kind in kinds]

    def admitted(self, since_s: float, until_s: float = 0) -> int:
        return self.record.admitted(self._ago(since_s), self._ago(until_s))

    def ended(self, how: str, since_s: float, until_s: float = 0) -> int:
        return self.record.ended(how, self._ago(since_s), self._ago(until_s))

    def surely(self, causes: frozenset[Cause], since_s: float = 9, until_s: float = 0.8) -> int:
        """At least so many were refused, under what is in force."""
        from_us = max(self._ago(since_s), self.changed_us)
        return self.record.refused_least(from_us, self._ago(until_s), causes)

    def perhaps(self, causes: frozenset[Cause], since_s: float = 11.5) -> int:
        """At most so many were refused."""
        return self.record.refused_most(self._ago(since_s), self.now_us, causes)

    def _ago(self, seconds: float) -> int:
        return self.now_us - round(seconds * SECOND_US)


class Rule(NamedTuple):
    """``says``: what the frame says; ``denied``: whether the ledger contradicts it."""

    name: str
    says: Callable[[Seen], bool]
    denied: Callable[[Seen], bool]


_TELLS_OF_REFUSALS: Final = (
    StateKind.CUT_OFF,
    StateKind.STORM,
    StateKind.SPENT,
    StateKind.THROTTLED,
    StateKind.PAUSED,
    StateKind.UNSERVED,
)


def _is_refused(seen: Seen) -> bool:
    refused = seen.surely(_REFUSED_BY_LIMITS)
    return refused >= 3 and refused * 10 >= refused + seen.admitted(11)


def _fails(seen: Seen) -> bool:
    failed = seen.ended("failed", 9, 0.8)
    return failed >= 3 and failed * 2 >= seen.ended("", 11)


def _fails_now(seen: Seen) -> bool:
    return any(one.urgency is Urgency.TROUBLE and one.count for one in seen.held(StateKind.FAILING))


def _shown_share_of_failures(seen: Seen) -> bool:
    """More is said to fail, or less, than failed within any span about ten seconds long."""
    ended = seen.ended("", 8.5, 0.8)
    if ended < 15:
        return False  # then it is of the last ten, however long ago
    shares = [
        (failed / asked)
        for since_s in (8.5, 9, 9.5, 10, 10.5, 11)
        for until_s in (0, 0.4, 0.8)
        if (asked := seen.ended("", since_s, until_s))
        for failed in [seen.ended("failed", since_s, until_s)]
    ]
    return any(
        not min(shares) - 0.03 <= one.count / one.asked <= max(shares) + 0.03
        for one in seen.held(StateKind.FAILING)
        if one.count and one.asked
    )


def _project(seen: Seen) -> ProjectRow | None:
    return seen.row if isinstance(seen.row, ProjectRow) else None


def _budget_left(seen: Seen) -> bool:
    row = _project(seen)
    return bool(row and row.budget.limit_nano and row.budget.spent_nano < row.budget.limit_nano)


def _money_is_other(seen: Seen) -> bool:
    row = _project(seen)
    if row is None:
        return False
    least = seen.record.cost(seen.now_us - SECOND_US)
    most = seen.record.cost(seen.now_us + SECOND_US // 2)
    return not least <= row.budget.spent_nano <= most


def _minute_is_other(seen: Seen) -> bool:
    """The requests of the last 60 s, with a second's room."""
    if isinstance(seen.row, RouteRow):
        return False
    flow = seen.row.flow
    tokens = seen.record.tokens(seen.now_us - 58_500_000, seen.now_us - 500_000)
    most = seen.record.tokens(seen.now_us - 61_000_000, seen.now_us + 500_000)
    return (
        not seen.admitted(58.5, 0.5) <= flow.requests_60s <= seen.admitted(61.5, -0.5)
        or not tokens <= flow.tokens_60s <= most
        or flow.refused_60s > seen.record.refused_most(0, seen.now_us + SECOND_US)
    )


def _bar_is_other(seen: Seen) -> bool:
    """A limit's reading is that of the flow beside it."""
    if isinstance(seen.row, RouteRow):
        return False
    flow = seen.row.flow
    of = {"rpm": flow.requests_60s, "tpm": flow.tokens_60s, "concurrency": flow.in_flight}
    if row := _project(seen):
        of["daily_budget_usd"] = row.budget.spent_nano
    return any(one.used != of.get(one.field, one.used) for one in seen.row.limits)


def _under_way_is_other(seen: Seen) -> bool:
    if isinstance(seen.row, RouteRow):
        return False
    around = [
        seen.record.under_way(seen.now_us + round(at_s * SECOND_US))
        for at_s in (-1.2, -0.9, -0.6, -0.4, -0.2, -0.1, 0, 0.1, 0.2, 0.4)
    ]
    return not min(around) - 4 <= seen.row.flow.in_flight <= max(around) + 4


def _always(_: Seen) -> bool:
    return True


RULES: Final = (
    Rule(
        "nothing is refused, while a limit refuses a tenth of it",
        lambda seen: not isinstance(seen.row, RouteRow) and not seen.held(*_TELLS_OF_REFUSALS),
        _is_refused,
    ),
    Rule(
        "no word of a pause, while one refuses",
        lambda seen: not seen.held(StateKind.CUT_OFF, StateKind.PAUSED),
        lambda seen: (
            seen.surely(frozenset({Cause.PAUSED}), 4) >= 2
            and seen.surely(frozenset({Cause.PAUSED}), 1.8) >= 1
        ),
    ),
    Rule(
        "nothing is wrong with what is sent, while most of it is refused as wrong",
        lambda seen: not seen.held(StateKind.REJECTED, *_TELLS_OF_REFUSALS),
        lambda seen: (
            (n := seen.surely(WRONG | {Cause.KEY_REVOKED})) >= 4 and n > 1.2 * seen.admitted(11)
        ),
    ),
    Rule(
        "nothing fails, while half of it does",
        lambda seen: not seen.held(StateKind.FAILING, StateKind.PAUSED, StateKind.UNSERVED),
        _fails,
    ),
    Rule(
        "it fails now, while nothing has failed for eleven seconds and some went well",
        _fails_now,
        lambda seen: not seen.ended("failed", 11.5) and seen.ended("well", 11, 0.8) > 0,
    ),
    Rule(
        "another share of it fails than in the last ten seconds",
        _fails_now,
        _shown_share_of_failures,
    ),
    Rule(
        "it has not recovered, after forty seconds of successes",
        lambda seen: bool(seen.held(StateKind.FAILING)),
        lambda seen: (
            not seen.ended("failed", 40)
            and seen.ended("well", 40, 32) > 0
            and seen.ended("well", 2, 0.5) > 0
        ),
    ),
    Rule(
        "it has not recovered, after twenty successes and ten seconds without a failure",
        lambda seen: bool(seen.held(StateKind.FAILING)),
        lambda seen: not seen.ended("failed", 11.5) and seen.ended("well", 11, 0.8) > 20,
    ),
    Rule(
        "the budget is spent, while some is left",
        lambda seen: any(one.cause == Cause.BUDGET for one in seen.held(StateKind.SPENT)),
        _budget_left,
    ),
    Rule(
        "what is left covers no request, while requests are let through and none is refused",
        lambda seen: any(one.cause == NOT_COVERED for one in seen.held(StateKind.SPENT)),
        lambda seen: not seen.perhaps(frozenset({Cause.BUDGET})) and seen.admitted(9, 0.8) >= 3,
    ),
    Rule(
        "a limit refuses, while nothing was refused for eleven seconds and some let through",
        lambda seen: bool(seen.held(StateKind.STORM, StateKind.THROTTLED)),
        lambda seen: not seen.perhaps(_REFUSED_BY_LIMITS) and seen.admitted(9, 0.8) > 0,
    ),
    Rule(
        "a storm, of fewer than fifteen refusals in a minute, or by money that is gone",
        lambda seen: bool(seen.held(StateKind.STORM)),
        lambda seen: seen.perhaps(RATES, 62) < 15,
    ),
    Rule(
        "more was refused than was",
        lambda seen: bool(seen.held(StateKind.STORM, StateKind.THROTTLED)),
        lambda seen: (
            seen.admitted(9, 0.8) >= 10
            and any(
                one.count > seen.perhaps(_REFUSED_BY_LIMITS, 62 if one.over_ms else 12)
                for one in seen.held(StateKind.STORM, StateKind.THROTTLED)
            )
        ),
    ),
    Rule(
        "cut off, while nothing is refused by a pause or a key and ten are let through",
        lambda seen: bool(seen.held(StateKind.CUT_OFF)),
        lambda seen: (
            not seen.perhaps(frozenset({Cause.PAUSED, Cause.KEY_REVOKED}))
            and seen.admitted(9, 0.8) >= 10
        ),
    ),
    Rule(
        "paused, while requests are let through",
        lambda seen: isinstance(seen.row, ProjectRow) and seen.row.paused,
        lambda seen: seen.now_us - seen.changed_us > 2 * SECOND_US and seen.admitted(1, 0.2) > 0,
    ),
    Rule("another sum of money than was charged", _always, _money_is_other),
    Rule("another minute than there was", _always, _minute_is_other),
    Rule("a bar that is not the figure beside it", _always, _bar_is_other),
    Rule("others under way than were", _always, _under_way_is_other),
)
