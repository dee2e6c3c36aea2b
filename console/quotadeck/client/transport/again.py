"""Whether a reply is a reason to send a request once more, and how long to wait before."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from quotadeck.client.backoff import Backoff
from quotadeck.dialects.base import UpstreamSaid
from quotadeck.dialects.errors.waits import MOST_MS, wait_ms_of

_AGAIN: Final = frozenset((408, 409, 429))
"""Beside all from 500 on: what the official SDKs try again, too."""
_NO_WAIT_HELPS: Final = ("insufficient_quota", "billing_error")
"""A 429 by which a provider says that its account is empty."""
BUSY: Final = 429


class Verdict(NamedTuple):
    """``wait_ms`` before it is sent again; None: it is passed on.

    ``told_ms`` is what the provider says to wait, however long; None where it says nothing.
    ``pause_ms`` is how long nobody should ask it; 0: that is nobody else's affair.
    """

    wait_ms: int | None
    told_ms: int | None
    pause_ms: int = 0


def is_error(status: int) -> bool:
    return status >= 400


def judge(
    status: int,
    headers: Mapping[str, str],
    said: UpstreamSaid,
    tried: int,
    backoff: Backoff,
) -> Verdict:
    """Of an error; ``tried`` counts the attempts so far, this one too.

    A wait of over a minute is not waited for: nobody would know why his call hangs.
    """
    told_ms = wait_ms_of(headers.get("retry-after", ""), headers.get("retry-after-ms", ""))
    if told_ms is not None and told_ms <= 0:
        told_ms = None
    word = headers.get("x-should-retry", "").strip().lower()
    passes = word == "true" or status in _AGAIN or status >= 500
    if not passes or said.kind in _NO_WAIT_HELPS or said.code in _NO_WAIT_HELPS:
        return Verdict(None, told_ms)
    pause_ms = min(told_ms or 0, MOST_MS)
    if word == "false" or tried >= backoff.tries or pause_ms != (told_ms or 0):
        return Verdict(None, told_ms, pause_ms)
    wait_ms = told_ms or max(1, int(backoff.wait_s(tried) * 1_000))
    return Verdict(wait_ms, told_ms, wait_ms if status == BUSY else pause_ms)


def passed_on(verdict: Verdict) -> dict[str, str | None]:
    """The headers to set on an error that the SDK gets: it tries no more of its own.

    None takes one away: a wait of more than a minute, by which several clients sleep, up to 49
    days; it stands under another name.
    """
    heads: dict[str, str | None] = {"x-should-retry": "false"}
    if verdict.told_ms is not None and verdict.told_ms > MOST_MS:
        heads |= {"retry-after": None, "retry-after-ms": None}
        heads["x-provider-retry-after-ms"] = str(verdict.told_ms)
    return heads
