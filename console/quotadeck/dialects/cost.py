"""What an upstream's usage says that a call costs, read with distrust: in whichever dialect."""

import math
from decimal import Decimal
from typing import Any, Final

from quotadeck.domain.money import MAX_NANO_USD, NANO_PER_USD

_TICKS_PER_NANO: Final = 10


def dearer(known_nano: int | None, told: dict[str, Any]) -> int | None:
    """The greater of what was known, in nano-dollars, and what a usage object tells, if any."""
    if "cost" not in told and "cost_in_usd_ticks" not in told:
        return known_nano
    nano = _nano(told)
    return known_nano if nano is None else max(known_nano or 0, nano)


def _nano(told: dict[str, Any]) -> int | None:
    """In dollars (OpenRouter, LiteLLM), or as xAI counts them."""
    ticks, dollars = told.get("cost_in_usd_ticks"), told.get("cost")
    if type(ticks) is int and 0 <= ticks <= MAX_NANO_USD * _TICKS_PER_NANO:
        return round(Decimal(ticks) / _TICKS_PER_NANO)
    # A boolean is a number, too.
    if not isinstance(dollars, int | float) or dollars is True or not math.isfinite(dollars):
        return None
    nano = round(Decimal(str(dollars)) * NANO_PER_USD)
    return nano if 0 <= nano <= MAX_NANO_USD else None
