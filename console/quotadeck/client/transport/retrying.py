"""Whether a reply is a reason to send a request once more, and how long to wait before."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from quotadeck.client.backoff import Backoff
from quotadeck.dialects.base import UpstreamSaid
from quotadeck.dialects.errors.waits import MOST_MS, wait_ms_of

_AGAIN: Final = frozenset((408, 409, 429))
"""Statuses that the official SDKs try again, beside all from 500 on."""
_NO_WAIT_HELPS: Final = ("insufficient_quota", "billing_error")
"""What a 429 says of an account without money."""
BUSY: Final = 429


class Verdict(NamedTuple):
    """What becomes of an error.

    ``wait_ms``: the request is sent again after so long; None: the error is passed on.
    ``told_ms``: the wait that the provider told, however long; None where it told none.
    ``pause_ms``: no other call is sent to this provider for so long; 0: the others go on.
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
    """Judge an error; ``tried`` counts the attempts so far, with this one.

    A wait of more than a minute is passed on at once: nobody would know why the call hangs.
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


def without_lease(tried: int, backoff: Backoff) -> Verdict:
    """Of a call whose lease was over. The first time there is a new one: they end at any time."""
    if tried >= backoff.tries:
        return Verdict(None, None)
    return Verdict(0 if tried == 1 else int(backoff.wait_s(tried - 1) * 1_000), None)


def passed_on(verdict: Verdict) -> dict[str, str | None]:
    """The headers to set on an error that is passed on, so that the SDK does not try again; None
    takes a header away.

    A wait of more than a minute gets another name: SDKs would sleep by it, up to 49 days.
    """
    heads: dict[str, str | None] = {"x-should-retry": "false"}
    if verdict.told_ms is not None and verdict.told_ms > MOST_MS:
        heads |= {"retry-after": None, "retry-after-ms": None}
        heads["x-provider-retry-after-ms"] = str(verdict.told_ms)
    return heads
