"""What is found of a subject and the state before, made into the state now. Pure."""

from collections.abc import Iterable
from typing import Final

from quotadeck.domain.cause import Cause
from quotadeck.domain.state import AT_REST, NOT_COVERED, Held, State, StateKind, Urgency

HURTS_MS: Final = 600_000
"""A trouble that refused or failed nothing for so long hurts nobody now: attention."""
CLEARED_MS: Final = 300_000
"""So long what was cleared stays beside the row."""

TROUBLES: Final = frozenset(
    {
        StateKind.UNSERVED,
        StateKind.CUT_OFF,
        StateKind.STORM,
        StateKind.FAILING,
        StateKind.SPENT,
        StateKind.REJECTED,
    }
)


def settled(before: State, found: Iterable[Held], now_ms: int, *, hidden: bool) -> State:
    """The findings in order, each with its beginning; beside them what is over.

    What a pause or the gateway's own trouble hides is not over.
    """
    held = sorted((_begun(one, before, now_ms) for one in found), key=lambda one: one.place)
    worst = held[0] if held else Held()
    cleared, cleared_ms = before.cleared, before.cleared_ms
    was_trouble = before.kind in TROUBLES or before.urgency is Urgency.TROUBLE
    over = all(one.kind is not before.kind for one in held) and not goes_on(before, held)
    if was_trouble and over and not hidden:
        cleared, cleared_ms = before.kind, now_ms
    elif cleared_ms is not None and (
        now_ms - cleared_ms >= CLEARED_MS or any(one.kind is cleared for one in held)
    ):
        cleared, cleared_ms = None, None
    if not held and cleared is None:
        return AT_REST
    if not held:
        worst = Held(since_ms=before.since_ms if before.kind is StateKind.OK else now_ms)
    return state_of(worst, tuple(held[1:]), cleared, cleared_ms)


def goes_on(before: Held, held: Iterable[Held]) -> bool:
    """Whether the same refusals go on under another word: what grew into a storm is not over."""
    if before.kind is StateKind.THROTTLED and any(one.kind is StateKind.STORM for one in held):
        return True
    return before.kind in _LIMITED and any(
        one.kind in _LIMITED and {one.cause, before.cause} <= _MONEY for one in held
    )


_LIMITED: Final = frozenset({StateKind.STORM, StateKind.SPENT, StateKind.THROTTLED})
_MONEY: Final = frozenset({str(Cause.BUDGET), NOT_COVERED})


def state_of(
    worst: Held,
    others: tuple[Held, ...] = (),
    cleared: StateKind | None = None,
    cleared_ms: int | None = None,
) -> State:
    """The state whose word is ``worst``."""
    return State(
        worst.kind,
        worst.urgency,
        worst.cause,
        worst.who,
        worst.count,
        worst.asked,
        worst.since_ms,
        worst.last_ms,
        worst.until_us,
        worst.over_ms,
        others,
        cleared,
        cleared_ms,
    )


def _begun(one: Held, before: State, now_ms: int) -> Held:
    known = before.held(one.kind)
    since_ms = known.since_ms if known and known.since_ms is not None else now_ms
    hurt_ms = since_ms if one.last_ms is None else one.last_ms
    stale = one.urgency is Urgency.TROUBLE and now_ms - hurt_ms >= HURTS_MS
    return Held(
        one.kind,
        Urgency.ATTENTION if stale else one.urgency,
        one.cause,
        one.who,
        one.count,
        one.asked,
        since_ms,
        one.last_ms,
        one.until_us,
        one.over_ms,
    )
