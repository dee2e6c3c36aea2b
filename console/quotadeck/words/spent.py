"""Money that was spent, and how many calls are not in it, since nobody knows what they cost."""

from quotadeck.domain.money import usd_short
from quotadeck.words import text


def spent(nano: int, unpriced: int = 0) -> str:
    """``$1.2``; ``$1.2 + 3 unknown`` with so many calls of unknown price."""
    told = usd_short(nano)
    return text("spent.unpriced", spent=told, count=unpriced) if unpriced else told
