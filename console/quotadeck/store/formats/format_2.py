"""The second format of the journal's records: made into the third's.

The third has moves, and lists with an open the attempts that failed before it. This stays as it is:
see `format_1`.
"""

from collections.abc import Sequence
from typing import Any, Final

_OPEN: Final = 23


def upgraded(items: Sequence[Any]) -> list[Any]:
    """The items of a record as the third format has them. Raises ValueError."""
    if items[0] != "open":
        return list(items)
    if len(items) != _OPEN:
        raise ValueError(f"an open of {len(items)} items where {_OPEN} belong")
    return [*items, []]
