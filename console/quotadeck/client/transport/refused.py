"""A refusal of the manager's own as the provider would tell it, so that an SDK raises its error."""

from typing import Final, NamedTuple

from quotadeck.client.errors import BudgetSpent, NeverFits, QuotaError
from quotadeck.dialects.base import Dialect
from quotadeck.dialects.head import wait_lines
from quotadeck.domain.cause import Cause
from quotadeck.domain.refusals import UpstreamRefused

_NEVER: Final = "x-should-retry", "false"


class Answer(NamedTuple):
    """A reply that no provider gave."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def answer_to(refusal: QuotaError, dialect: Dialect) -> Answer:
    """A 429, by which the official SDKs raise their RateLimitError: once, for it has waited.

    The headers tell the wait all the same, to whoever looks at them.
    """
    money = isinstance(refusal, BudgetSpent)
    told = UpstreamRefused(
        400 if isinstance(refusal, NeverFits) else 429,
        str(refusal),
        "insufficient_quota" if money else "requests",
        "insufficient_quota" if money else "rate_limit_exceeded",
        None,
        "",
        "",
        Cause.BUDGET if money else Cause.RPM,
        should_retry="false",
    )
    status, head, body = dialect.refusal(told)
    wait_s: float | None = getattr(refusal, "wait_s", None)
    head += wait_lines(None if wait_s is None else int(wait_s * 1_000))
    lines = [line.partition(": ") for line in head.decode("latin-1").splitlines()]
    headers = [(name, value) for name, _, value in lines]
    if _NEVER not in headers:
        headers.append(_NEVER)
    headers.append(("content-length", str(len(body))))
    return Answer(status, headers, body)
