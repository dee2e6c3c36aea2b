"""OpenAI's x-ratelimit-* headers of the project's own rates.

Source: "Rate limits in headers" of OpenAI's guide to rate limits.
"""

from collections.abc import Iterable
from typing import Final

from quotadeck.domain.limits import MICRO
from quotadeck.domain.refusals import RateLevel
from quotadeck.domain.rules import LimitKind

_LINES: Final = {
    kind: (
        b"x-ratelimit-limit-%b: %%d\r\n"
        b"x-ratelimit-remaining-%b: %%d\r\n"
        b"x-ratelimit-reset-%b: %%b\r\n" % (unit, unit, unit)
    )
    for kind, unit in ((LimitKind.RPM, b"requests"), (LimitKind.TPM, b"tokens"))
}
"""The rates that there is a place for."""


def rate_lines(rates: Iterable[RateLevel]) -> bytes:
    """Header lines: what the bucket holds at most, what is in it, and the time to a full one.

    So the limit is that of the bucket's window, as what remains of it is, and not a minute's: a
    client that sends what remains is not refused.
    """
    told = b""
    for rate in rates:
        lines = _LINES.get(rate.kind)
        if lines is None:
            continue
        limit, level = rate.limit, rate.level
        missing = max(0, limit.capacity - level)
        to_full_ms = -(-missing * 60_000 // (limit.per_minute * MICRO))
        left = max(0, level // MICRO)
        told += lines % (limit.capacity // MICRO, left, go_duration(to_full_ms).encode())
    return told


def go_duration(ms: int) -> str:
    """A duration as Go prints it, which is how OpenAI writes resets: 12ms, 1.5s, 6m0s."""
    if ms < 1_000:
        return f"{ms}ms"
    minutes, rest = divmod(ms, 60_000)
    seconds = f"{rest / 1_000:.3f}".rstrip("0").rstrip(".") + "s"
    return f"{minutes}m{seconds}" if minutes else seconds
