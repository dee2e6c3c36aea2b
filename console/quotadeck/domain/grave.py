"""Which changes of a limit are as grave as a pause: who makes them means to stop the traffic."""

from typing import Final

from quotadeck.domain.commands import Field
from quotadeck.domain.rules import RULE_OF, is_money

LEFT_PERCENT: Final = 10
"""A limit lowered to this share of itself, or less, is nearly nothing."""
SERVED_PERCENT: Final = 50
"""So is one under which no more than this share of what came in the last minute passes."""


def stops_nearly_all(name: Field, was: int | None, becomes: int | None, used: int) -> bool:
    """Whether lowering a limit from ``was`` to ``becomes`` stops nearly everything.

    Both are in the limit's unit (per minute, slots, nano-dollars a day), None for no limit.
    ``used`` is in the same unit: what was taken in the last minute, the requests under way, or what
    is spent and held of today's budget; a budget that is spent already stops everything at once.
    """
    if becomes is None or (was is not None and becomes >= was):
        return False
    if becomes <= RULE_OF[name].trifle:
        return True
    if is_money(name) and becomes <= used:
        return True
    if not is_money(name) and becomes * 100 <= used * SERVED_PERCENT:
        return True
    return was is not None and becomes * 100 <= was * LEFT_PERCENT
