"""How long an upstream says to wait: seconds, milliseconds, or a date (RFC 9110, 10.2.3)."""

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

MOST_MS: Final = 60_000
"""Of a longer wait nobody is told to sleep by: an SDK does, up to 49 days."""


def wait_ms_of(retry_after: str, retry_after_ms: str) -> int | None:
    """The longer of both; None where neither can be read."""
    waits = (_number(retry_after_ms, 1), _number(retry_after, 1_000) or _until(retry_after))
    return max((wait for wait in waits if wait is not None), default=None)


def _number(text: str, ms: int) -> int | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return None if math.isnan(value) else int(max(0.0, min(value, 1e12)) * ms)


def _until(text: str) -> int | None:
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return int((at - datetime.now(UTC)).total_seconds() * 1_000)
