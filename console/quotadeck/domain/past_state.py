"""The state of a subject at a past instant: what was entered and not left, with figures of then.

What was entered and left is on record; how it went meanwhile is not, so its counts are of the
minute before the instant, from the calls, and say so.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from quotadeck.domain.cause import WRONG, Cause
from quotadeck.domain.commands import Field
from quotadeck.domain.evidence import PRESENT_MS
from quotadeck.domain.history import StateSpan
from quotadeck.domain.judgement import MINUTE_MS, RATES, THROTTLED_PERCENT
from quotadeck.domain.passed import Sums
from quotadeck.domain.rules import RULES, is_money
from quotadeck.domain.snapshot import LimitReading
from quotadeck.domain.state import AT_REST, HELD_MONEY, Held, State, StateKind, Urgency
from quotadeck.domain.state_change import CLEARED_MS, HURTS_MS, TROUBLES, goes_on, state_of

_NEVER_US: Final = 1 << 62
_AS_ENTERED: Final = frozenset({StateKind.SLOW, StateKind.SPENDING})
"""Of these the figures are those with which they began: no count of calls makes them."""
_HIDING: Final = frozenset({StateKind.PAUSED, StateKind.UNSERVED})
CLEARED_US: Final = CLEARED_MS * 1_000
Ends = Callable[[Held], int | None]
"""When something that holds ends by itself, where that is known."""

_REFUSALS: Final = {
    StateKind.STORM: RATES | {Cause.BUDGET},
    StateKind.THROTTLED: RATES | {Cause.BUDGET},
    StateKind.SPENT: {Cause.BUDGET},
    StateKind.PAUSED: {Cause.PAUSED},
    StateKind.REJECTED: WRONG | {Cause.KEY_REVOKED},
    StateKind.UNSERVED: {Cause.UNRECORDED},
}
"""Whose refusals a kind counts; of the others, those of its cause."""
_FIELD_OF: Final[dict[str, str]] = {
    **{rule.kind: rule.field for rule in RULES},
    HELD_MONEY: Field.BUDGET,
}
"""By the cause of what is near, the limit that it is near to."""


def past_state(
    spans: Sequence[StateSpan],
    at_us: int,
    sums: Sums | None,
    limits: Iterable[LimitReading] = (),
    ends: Ends = lambda _: None,
    cuts_off: str = "",
) -> State:
    """What held of one subject at the instant, the worst first; ``sums`` None: not on record.

    ``cuts_off`` are those whom a pause of it cuts off.
    """
    if not spans:
        return AT_REST
    living = [span for span in spans if span.left_us is None or span.left_us > at_us]
    limited = {limit.field: limit for limit in limits}
    found = sorted(
        (_held(span, at_us, sums, limited, ends, cuts_off) for span in living),
        key=lambda one: one.place,
    )
    cleared = _cleared(spans, at_us, {one.kind for one in found})
    if not found and cleared is None:
        return AT_REST
    if not found:
        found = [Held(since_ms=max(map(_left_us, spans)) // 1_000)]
    return state_of(found[0], tuple(found[1:]), *(cleared or (None, None)))


def _held(
    span: StateSpan,
    at_us: int,
    sums: Sums | None,
    limits: dict[str, LimitReading],
    ends: Ends,
    cuts_off: str,
) -> Held:
    held = _word(span)
    kind, urgency = held.kind, held.urgency
    count, asked, last_us = _counted(held, sums, limits)
    if kind is StateKind.FAILING and sums:
        lately = last_us > sums.well_us or at_us - last_us < PRESENT_MS * 1_000
        urgency = Urgency.TROUBLE if lately and asked else Urgency.ATTENTION
    elif kind in TROUBLES or kind is StateKind.THROTTLED:
        urgency = _urgency(held, count, asked, (at_us - last_us) // 1_000)
    of_the_day = kind is StateKind.NEAR and is_money(_FIELD_OF.get(held.cause))
    return Held(
        kind,
        urgency if sums else held.urgency,
        held.cause,
        cuts_off if kind is StateKind.PAUSED else held.who,
        count,
        asked,
        held.since_ms,
        last_us // 1_000 if last_us else held.since_ms,
        ends(held),
        0 if of_the_day or not asked else MINUTE_MS,
    )


def _counted(
    held: Held, sums: Sums | None, limits: dict[str, LimitReading]
) -> tuple[int, int, int]:
    """Count, asked, and when it hurt last (0 where that is longer ago)."""
    if held.kind in _AS_ENTERED:
        return held.count, held.asked, 0
    if sums is None:
        return 0, 0, 0
    if held.kind is StateKind.FAILING:
        return sums.failed, sums.ended, sums.failed_us
    if held.kind is StateKind.NEAR:
        limit = limits.get(_FIELD_OF.get(held.cause, held.cause))
        return (limit.used, limit.limit, 0) if limit else (0, 0, 0)
    causes = {str(one) for one in _REFUSALS.get(held.kind, ())} or {held.cause}
    count = sum(sums.refused[cause] for cause in causes)
    last_us = max((sums.refused_us.get(cause, 0) for cause in causes), default=0)
    if held.kind is StateKind.REJECTED:
        count += sums.invalid
    return count, sums.asked, last_us


def _urgency(held: Held, count: int, asked: int, ago_ms: int) -> Urgency:
    """As it is judged of the present: a trouble that hurts nobody any more is attention."""
    if ago_ms >= HURTS_MS:
        return Urgency.ATTENTION if held.kind is not StateKind.UNSERVED else held.urgency
    if held.kind is StateKind.THROTTLED and asked:
        often = count * 100 >= THROTTLED_PERCENT * asked
        return Urgency.TROUBLE if often else Urgency.ATTENTION
    return Urgency.TROUBLE


def _cleared(
    spans: Sequence[StateSpan], at_us: int, held: set[StateKind]
) -> tuple[StateKind, int] | None:
    """The trouble that was over last, within five minutes, and when; as `settled` tells it."""
    cleared = None
    for left_us in sorted({_left_us(one) for one in spans}):
        if not at_us - CLEARED_US < left_us <= at_us:
            continue
        before = [one for one in spans if one.entered_us < left_us <= _left_us(one)]
        after = [_word(one) for one in spans if one.entered_us <= left_us < _left_us(one)]
        worst = min(
            (_word(one, left_us) for one in before), key=lambda one: one.place, default=None
        )
        if worst is None or worst.kind in {one.kind for one in after}:
            continue
        hidden = any(one.kind in _HIDING for one in after)
        trouble = worst.kind in TROUBLES or worst.urgency is Urgency.TROUBLE
        if trouble and not hidden and not goes_on(worst, after):
            cleared = worst.kind, left_us
    if cleared is None:
        return None
    kind, left_us = cleared
    again = any(one.kind == kind and left_us < one.entered_us <= at_us for one in spans)
    return None if again or kind in held else (kind, left_us // 1_000)


def _left_us(span: StateSpan) -> int:
    return _NEVER_US if span.left_us is None else span.left_us


def _word(span: StateSpan, left_us: int = 0) -> Held:
    """What was said of it as it was entered, or as it was left where that is the instant."""
    facts = span.left_facts if span.left_us == left_us else span.facts
    try:
        return Held(
            StateKind(span.kind),
            Urgency(str(facts.get("urgency"))),
            span.cause,
            str(span.facts.get("who", "")),
            int(span.facts.get("count", 0)),
            int(span.facts.get("asked", 0)),
            since_ms=span.entered_us // 1_000,
        )
    except ValueError:
        return Held(StateKind.OTHER, Urgency.ATTENTION, span.cause)
