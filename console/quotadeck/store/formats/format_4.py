"""The fourth format of the journal's records: made into the fifth's.

The fifth tells of a usage its searches, its tier and what the upstream said that it cost. This
stays as it is: see `format_1`.
"""

from collections.abc import Sequence
from typing import Any, Final

_USAGE_FROM_END: Final = -5
_USAGE: Final = 7


def upgraded(items: Sequence[Any]) -> list[Any]:
    """The items of a record as the fifth format has them. Raises ValueError."""
    made = list(items)
    if made[0] == "end":
        usage = made[_USAGE_FROM_END]
        if len(usage) != _USAGE:
            raise ValueError(f"a usage of {len(usage)} items where {_USAGE} belong")
        searches, tier, stated_nano = 0, "", None
        made[_USAGE_FROM_END] = [*usage, searches, tier, stated_nano]
    return made
