"""How the limits of a project stood at an instant, from the picture of then."""

from collections.abc import Mapping
from typing import Final

from quotadeck.domain.rules import RULE_OF, Measure
from quotadeck.domain.snapshot import Gap, Snapshot

_OF: Final[Mapping[Measure, Gap]] = {
    Measure.RATE: Gap.FLOW,
    Measure.SLOTS: Gap.UNDER_WAY,
    Measure.MONEY: Gap.SPENT,
}
"""What a limit's figure is made of, and is missing with."""


def stood(then: Snapshot, project: str) -> dict[str, tuple[int, int]]:
    """(limit, taken) of each limit that it had, by its field; those not on record are left out."""
    row = next((one for one in then.projects if one.id == project), None)
    gaps = then.past.gaps if then.past else ()
    return {
        limit.field: (limit.limit, limit.used + limit.held)
        for limit in (row.limits if row else ())
        if limit.field in RULE_OF and _OF[RULE_OF[limit.field].measure] not in gaps
    }
