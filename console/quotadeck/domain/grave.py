"""Which changes of a limit are as grave as a pause: who makes them means to stop the traffic."""

from collections.abc import Mapping
from typing import Final

from quotadeck.domain.commands import Field

LEFT_PERCENT: Final = 10
"""A limit lowered to this share of itself, or less, is nearly nothing."""
SERVED_PERCENT: Final = 50
"""So is one under which no more than this share of what came in the last minute passes."""

_NEXT_TO_NOTHING: Final[Mapping[Field, int]] = {
    Field.RPM: 1,
    Field.TPM: 1_000,
    Field.CONCURRENCY: 1,
    Field.BUDGET: 10_000_000,
}
"""About one request a minute, one at a time, a cent a day; whatever it was before."""


def stops_nearly_all(name: Field, was: int | None, becomes: int | None, used: int) -> bool:
    """Whether lowering a limit from ``was`` to ``becomes`` stops nearly everything.

    Both are in the limit's unit (per minute, slots, nano-dollars a day), None for no limit.
    ``used`` is in the same unit: what was taken in the last minute, the requests under way, or what
    is spent and held of today's budget; a budget that is spent already stops everything at once.
    """
    if becomes is None or (was is not None and becomes >= was):
        return False
    if becomes <= _NEXT_TO_NOTHING.get(name, 0):
        return True
    if name is Field.BUDGET and becomes <= used:
        return True
    if name is not Field.BUDGET and becomes * 100 <= used * SERVED_PERCENT:
        return True
    return was is not None and becomes * 100 <= was * LEFT_PERCENT
