"""The one judgement: from the state before and today's evidence to the state now. Pure.

Counts come before shares, and what is in by one bound is out by a lower one, so that no word flips
at an edge.
"""

from collections.abc import Iterable
from typing import Final

from quotadeck.domain.cause import WAITED_OUT, WRONG, Cause
from quotadeck.domain.evidence import HOUR_MS, PRESENT_MS, Decided, Evidence, RefusedLately, Use
from quotadeck.domain.rules import RULE_BY_CAUSE, RULES, Measure
from quotadeck.domain.state import AT_REST, HELD_MONEY, NOT_COVERED, Held, State, StateKind, Urgency
from quotadeck.domain.state_change import HURTS_MS, settled
from quotadeck.domain.usual import unusual

RATES: Final = WAITED_OUT | {
    cause for rule in RULES if rule.measure is not Measure.MONEY for cause in rule.causes.values()
}
"""Refusals that a wait heals."""

FAILURES: Final = 3
FAILING_PERCENT: Final = 5
RECOVERED_AFTER: Final = 20
RECOVERED_MS: Final = 30_000
PASSED_MS: Final = 30_000
"""So long after a small request went past a refusal by budget, the money covers some."""
MINUTE_MS: Final = 60_000
STORM_IN: Final = (20, 30)
"""So many refused in 10 s, or in 60 s, begin a storm, if five times as many were asked for.

More than the ten newest decisions, which may reach back an hour."""
STORM_OUT: Final = (5, 15)
STORM_RATIO_IN, STORM_RATIO_OUT = 5, 3
THROTTLED_PERCENT: Final = 10
NEAR_IN_PERCENT, NEAR_OUT_PERCENT = 80, 70
NEAR_LEAST: Final = 10
"""Limits smaller than this a minute are never near: one request would be a tenth of them."""


def judge(before: State, now: Evidence) -> State:
    """The state of any subject: what does not concern its kind is not in its evidence."""
    unserved = list(_unserved(now))
    if unserved:
        held = unserved
    elif now.paused:
        # Nothing passes a pause: what was judged of the traffic is history, spent money is not.
        held = [*_spent(now), _paused(now)]
    elif not now.decided.refused and not now.ended.troubled:
        held = [*_spent(now), *unusual(before, now.usual, now.lately), *_near(before, now)]
    else:
        held = [
            *_cut_off(now),
            *_refused_often(before, now),
            *_failing(before, now),
            *_spent(now),
            *_rejected(now),
            *unusual(before, now.usual, now.lately),
            *_near(before, now),
        ]
    if not held and before is AT_REST:
        return AT_REST
    return settled(before, held, now.now_ms, hidden=bool(unserved) or now.paused)


def _unserved(now: Evidence) -> Iterable[Held]:
    """The gateway cannot serve at all, or could not record a request of just this subject."""
    lost = now.decided.by({Cause.UNRECORDED})
    if now.unserved:
        yield Held(StateKind.UNSERVED, Urgency.TROUBLE, now.unserved, last_ms=now.now_ms)
    elif lost and (now.decided.in_row or now.now_ms - lost[0].last_ms < PRESENT_MS):
        count = sum(one.count for one in lost)
        yield Held(
            StateKind.UNSERVED,
            Urgency.TROUBLE,
            str(Cause.UNRECORDED),
            "",
            count,
            now.decided.asked,
            last_ms=lost[0].last_ms,
        )


def _cut_off(now: Evidence) -> Iterable[Held]:
    for found in (now.decided.by({Cause.PAUSED}), _revoked(now)):
        if found:
            yield Held(
                StateKind.CUT_OFF,
                Urgency.TROUBLE,
                str(found[0].cause),
                str(found[0].gate),
                sum(one.count for one in found),
                now.decided.asked,
                last_ms=max(one.last_ms for one in found),
                until_us=found[0].until_us if len(found) == 1 else None,
            )


def _revoked(now: Evidence) -> tuple[RefusedLately, ...]:
    """The refusals of a revoked key that leave the project none that works."""
    revoked = now.decided.by({Cause.KEY_REVOKED})
    return revoked if now.keyless or now.decided.admitted == 0 else ()


def _refused_often(before: State, now: Evidence) -> Iterable[Held]:
    """Storm or throttled: a limit refuses, and the callers do or do not mind."""
    decided = now.decided
    causes = RATES if _no_money_left(now) else RATES | {Cause.BUDGET}
    rates = [one for one in decided.refused if one.cause in causes]
    if not rates:
        return
    last_ms = max(one.last_ms for one in rates)
    ago_ms = now.now_ms - last_ms
    if ago_ms >= _calm_after_ms(decided, causes) and now.now_ms >= _fits_ms(decided, causes):
        return
    storm = _storm(before, decided, rates)
    if storm:
        yield storm
        return
    worst = max(rates, key=_how_often)
    cause = str(worst.cause)
    if worst.cause is Cause.BUDGET and decided.money_held:
        cause = HELD_MONEY
    count = sum(one.count for one in rates)
    if not count:
        return  # a second's fraction short of calm
    often = count * 100 >= THROTTLED_PERCENT * decided.asked
    urgency = Urgency.TROUBLE if often else Urgency.ATTENTION
    yield Held(
        StateKind.THROTTLED, urgency, cause, str(worst.gate), count, decided.asked, last_ms=last_ms
    )


def _calm_after_ms(decided: Decided, causes: frozenset[Cause]) -> int:
    """How long without a refusal is calm: longer for callers who rarely ask and never get in."""
    in_row = [cause for cause in decided.in_row if cause in causes]
    if len(in_row) < FAILURES:
        return PRESENT_MS
    return max(PRESENT_MS, min(HURTS_MS, 2 * decided.apart_ms))


def _fits_ms(decided: Decided, causes: frozenset[Cause]) -> int:
    """Until when what was refused last would be refused again."""
    return decided.fits_ms if any(cause in causes for cause in decided.in_row) else 0


def _ratio(refused: int, admitted: int) -> int:
    """How many times what is admitted is asked for."""
    return (refused + admitted) // max(1, admitted)


def _how_often(one: RefusedLately) -> tuple[int, int]:
    return one.count, one.last_ms


def _storm(before: State, decided: Decided, rates: Iterable[RefusedLately]) -> Held | None:
    """Many times as much is asked for as fits.

    Of money nothing fits when it is gone, and the usual requests are no storm then. Through a gate
    that is shared others go, too: whom a neighbour leaves no room is no storm either.
    """
    found = [one for one in rates if one.cause is not Cause.BUDGET]
    if not found:
        return None
    worst = max(found, key=_how_often)
    count, minute = sum(one.count for one in found), sum(one.count_60s for one in found)
    sudden = _ratio(count, max(decided.admitted, worst.passed))
    lasting = _ratio(minute, max(decided.admitted_60s, worst.passed_60s))
    least, times, held_to = STORM_IN, STORM_RATIO_IN, count
    if before.held(StateKind.STORM):
        least, times, held_to = STORM_OUT, STORM_RATIO_OUT, min(count, minute)
    if not ((held_to >= least[0] and sudden >= times) or (minute >= least[1] and lasting >= times)):
        return None
    over_ms, admitted = MINUTE_MS, decided.admitted_60s
    if _ratio(count, decided.admitted) >= _ratio(minute, admitted):
        over_ms, admitted, minute = 0, decided.admitted, count
    return Held(
        StateKind.STORM,
        Urgency.TROUBLE,
        str(worst.cause),
        str(worst.gate),
        minute,
        admitted + minute,
        last_ms=max(one.last_ms for one in found),
        over_ms=over_ms,
    )


def _failing(before: State, now: Evidence) -> Iterable[Held]:
    ended = now.ended
    if ended.last_failed_ms is None or now.now_ms - ended.last_failed_ms > HOUR_MS:
        return
    many = (
        ended.failed_60s >= FAILURES and ended.failed_60s * 100 >= FAILING_PERCENT * ended.ended_60s
    )
    if not (before.held(StateKind.FAILING) or many or ended.failed_in_row >= FAILURES):
        return
    if recovered(now):
        return
    lately = ended.well_in_row == 0 or now.now_ms - ended.last_failed_ms < PRESENT_MS
    hurts = lately and ended.failed > 0
    # The share of the present: the minute knows of an outage a minute late.
    count, asked = (ended.failed, ended.present) if hurts else (0, ended.well_in_row)
    if hurts and not ended.ended_60s:
        count, asked = 0, 0  # nobody has asked since
    yield Held(
        StateKind.FAILING,
        Urgency.TROUBLE if hurts else Urgency.ATTENTION,
        ended.cause,
        "",
        count,
        asked,
        last_ms=ended.last_failed_ms,
    )


def recovered(now: Evidence) -> bool:
    """Whether enough went well since the last failure for the failures to be history.

    Twenty in a row say little where one in twenty fails, and much where all did: they count if
    they would have held some failures at the minute's rate, or if none failed for ten seconds.
    """
    ended = now.ended
    if not ended.well_in_row or ended.last_failed_ms is None:
        return False
    assert ended.well_since_ms is not None
    assert ended.last_well_ms is not None
    if ended.last_well_ms - ended.well_since_ms >= RECOVERED_MS:
        return True
    if ended.well_in_row < RECOVERED_AFTER:
        return False
    calm = now.now_ms - ended.last_failed_ms >= PRESENT_MS
    return calm or ended.well_in_row * ended.failed_60s >= 4 * ended.ended_60s


def _no_money_left(now: Evidence) -> bool:
    """Whether the day's money is gone, or no longer covers what is asked; held money comes back."""
    money, decided = now.money, now.decided
    if money is None:
        return False
    if money.spent >= money.limit:
        return True
    in_row = decided.in_row.count(Cause.BUDGET)
    if not in_row or decided.money_held:
        return False
    # A large request that does not fit says nothing of the small ones that go through beside it.
    past = decided.past_budget_ms
    if past is not None and now.now_ms - past < PASSED_MS:
        return False
    through = decided.last_admitted_ms
    return in_row >= FAILURES or through is None or now.now_ms - through >= PRESENT_MS


def _spent(now: Evidence) -> Iterable[Held]:
    if now.money is None or not _no_money_left(now):
        return
    refused = [one for one in now.decided.refused if one.cause is Cause.BUDGET]
    gone = now.money.spent >= now.money.limit
    yield Held(
        StateKind.SPENT,
        Urgency.TROUBLE,
        str(Cause.BUDGET) if gone else NOT_COVERED,
        "",
        sum(one.count for one in refused),
        now.decided.asked,
        last_ms=max((one.last_ms for one in refused), default=None),
        until_us=now.money.ends_us,
    )


def _rejected(now: Evidence) -> Iterable[Held]:
    causes = WRONG if _revoked(now) else WRONG | {Cause.KEY_REVOKED}
    found = now.decided.by(causes)
    ours = sum(one.count for one in found)
    asked = now.decided.asked
    upstreams = now.ended.invalid * now.decided.admitted // max(1, now.ended.present)
    count = ours + min(upstreams, now.decided.admitted)
    if count < FAILURES or count * 2 <= asked:
        return
    last = [one.last_ms for one in found]
    if now.ended.last_invalid_ms is not None:
        last.append(now.ended.last_invalid_ms)
    cause = str(found[0].cause) if ours >= upstreams else str(Cause.UPSTREAM_4XX)
    yield Held(StateKind.REJECTED, Urgency.TROUBLE, cause, "", count, asked, last_ms=max(last))


def _near(before: State, now: Evidence) -> Iterable[Held]:
    money = now.money
    uses = list(now.uses)
    if money is not None and money.spent < money.limit:
        if money.spent + money.held < money.limit:
            uses.append(Use("budget", money.spent, money.limit))
        elif not now.decided.by({Cause.BUDGET}):  # else it is told of the refusals
            yield Held(StateKind.NEAR, Urgency.ATTENTION, HELD_MONEY, "", money.spent, money.limit)
    for use in uses:
        if use.unit != "budget" and use.limit < NEAR_LEAST:
            continue
        refused = (RULE_BY_CAUSE.get(one.cause) for one in now.decided.refused)
        if any(rule and rule.kind == use.unit for rule in refused):
            continue  # at it, not near it
        bound = NEAR_OUT_PERCENT if before.held(StateKind.NEAR, use.unit) else NEAR_IN_PERCENT
        if use.used * 100 >= bound * use.limit > 0:
            over_ms = 0 if use.unit == "budget" else MINUTE_MS
            yield Held(
                StateKind.NEAR,
                Urgency.ATTENTION,
                use.unit,
                "",
                use.used,
                use.limit,
                over_ms=over_ms,
            )


def _paused(now: Evidence) -> Held:
    refused = now.decided.by({Cause.PAUSED})
    return Held(
        StateKind.PAUSED,
        Urgency.CALM,
        str(Cause.PAUSED),
        ", ".join(now.cuts_off),
        sum(one.count for one in refused),
        now.decided.asked,
        last_ms=max((one.last_ms for one in refused), default=None),
        until_us=now.until_us,
    )
