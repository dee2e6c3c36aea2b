"""Which columns of a row say nothing where a part of the past is not on record."""

from collections.abc import Collection, Mapping
from typing import Final

from quotadeck.domain.snapshot import Gap

_ROWS: Final = (Gap.BEFORE, Gap.DOWN)
"""Without these no figure of any row is known."""
_NEEDS: Final[Mapping[str, tuple[Gap, ...]]] = {
    "mark": (Gap.STATES,),
    "state": (Gap.STATES,),
    "why": (Gap.STATES,),
    "minutes": (Gap.FLOW,),
    "rpm": (Gap.FLOW,),
    "tpm": (Gap.FLOW,),
    "requests": (Gap.FLOW,),
    "asked": (Gap.FLOW,),
    "served": (Gap.FLOW,),
    "refused": (Gap.FLOW,),
    "failed": (Gap.FLOW,),
    "fails": (Gap.FLOW,),
    "limited": (Gap.FLOW, Gap.TARGETS),
    "429": (Gap.FLOW, Gap.TARGETS),
    "slots": (Gap.UNDER_WAY,),
    "in_flight": (Gap.UNDER_WAY,),
    "use": (Gap.FLOW, Gap.SPENT),
    "p95": (Gap.LATENCY,),
    "took": (Gap.LATENCY,),
    "today": (Gap.SPENT,),
    "budget": (Gap.SPENT,),
    "next": (Gap.SPENT,),
    "cost": (Gap.FLOW,),
    "costs": (Gap.FLOW,),
    "hour": (Gap.FLOW,),
}
_OF_OTHERS: Final = (Gap.FLOW,)
"""What a column that is not named here needs: so it is with most."""
_ALWAYS: Final = ("cursor", "name", "model", "priority")


def is_lacking(column: str, lacks: Collection[str]) -> bool:
    """Whether that column's figure is not on record where so much is lacking."""
    if not lacks or column in _ALWAYS:
        return False
    return any(gap in lacks for gap in (*_ROWS, *_NEEDS.get(column, _OF_OTHERS)))
