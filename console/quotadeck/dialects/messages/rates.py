"""Anthropic's anthropic-ratelimit-* headers of the project's own rates.

Source: "Response headers" of Anthropic's page on rate limits.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final

from quotadeck.domain.limits import MICRO
from quotadeck.domain.refusals import RateLevel
from quotadeck.domain.rules import LimitKind

_SECOND: Final = 1_000_000
"""In microseconds."""
_LINES: Final = {
    kind: (
        b"anthropic-ratelimit-%b-limit: %%d\r\n"
        b"anthropic-ratelimit-%b-remaining: %%d\r\n"
        b"anthropic-ratelimit-%b-reset: %%b\r\n" % (unit, unit, unit)
    )
    for kind, unit in ((LimitKind.RPM, b"requests"), (LimitKind.TPM, b"tokens"))
}
"""The rates that there is a place for."""


def rate_lines(rates: Iterable[RateLevel], now: Callable[[], datetime]) -> bytes:
    """Header lines: how full a bucket can be and is, and when it is full again, rounded up."""
    told = b""
    for rate in rates:
        lines = _LINES.get(rate.kind)
        if lines is None:
            continue
        limit, level = rate.limit, rate.level
        missing = max(0, limit.capacity - level)
        full_in_us = -(-missing * 60 * _SECOND // (limit.per_minute * MICRO))
        full_at = now() + timedelta(microseconds=full_in_us + _SECOND - 1)
        reset = full_at.isoformat(timespec="seconds").replace("+00:00", "Z").encode()
        told += lines % (limit.capacity // MICRO, max(0, level // MICRO), reset)
    return told
