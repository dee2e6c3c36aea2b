"""The third format of the journal's records: made into the fourth's.

The fourth has records of several commands. All else is as it was: see `format_1`.
"""

from collections.abc import Sequence
from typing import Any


def upgraded(items: Sequence[Any]) -> list[Any]:
    """The items of a record as the fourth format has them. Raises ValueError."""
    if items[0] == "commands":
        raise ValueError("a record of several commands, which the third format has not")
    return list(items)
