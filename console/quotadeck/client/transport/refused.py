"""A refusal of the manager as the provider would tell it, so that the SDK raises its own error."""

from typing import Final, NamedTuple

from quotadeck.client.errors import BudgetSpent, GatewayRefused, NeverFits, QuotaError
from quotadeck.dialects.base import Dialect
from quotadeck.dialects.head import wait_lines
from quotadeck.domain.cause import Cause
from quotadeck.domain.refusals import UpstreamRefused

_AS_A_RULE: Final = 429, "requests", "rate_limit_exceeded"
_TOLD: Final[dict[type[QuotaError], tuple[int, str, str]]] = {
    BudgetSpent: (429, "insufficient_quota", "insufficient_quota"),
    NeverFits: (400, "requests", "rate_limit_exceeded"),
    GatewayRefused: (403, "permission_error", "gateway_refused"),
}
"""Status, type and code."""


class Answer(NamedTuple):
    """A reply of ours, in the provider's place."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def leases_refused(gateway: str, project: str, tried: int, said: str) -> GatewayRefused:
    """The gateway knows none of the leases that it gives to this manager."""
    times = "once" if tried == 1 else f"{tried} times in a row"
    return GatewayRefused(
        f"the gateway at {gateway} has refused this call {times} for the lease that it names: "
        "check that the SDK has the very key that the quota manager was made with, and that one "
        f"gateway alone answers at that address. The gateway said: {said}",
        project,
    )


def answer_to(refusal: QuotaError, dialect: Dialect) -> Answer:
    """A 429 as a rule, by which the official SDKs raise their RateLimitError: once, for it has
    waited. What never fits is a 400, and what the gateway does not serve a 403.

    The headers tell the wait all the same, to whoever looks at them.
    """
    status, kind, code = _TOLD.get(type(refusal), _AS_A_RULE)
    told = UpstreamRefused(
        status,
        str(refusal),
        kind,
        code,
        None,
        "",
        "",
        Cause.BUDGET if isinstance(refusal, BudgetSpent) else Cause.RPM,
        should_retry="false",
    )
    status, head, body = dialect.refusal(told)
    wait_s: float | None = getattr(refusal, "wait_s", None)
    head += wait_lines(None if wait_s is None else int(wait_s * 1_000))
    lines = [line.partition(": ") for line in head.decode("latin-1").splitlines()]
    headers = [(name, value) for name, _, value in lines]
    headers.append(("content-length", str(len(body))))
    return Answer(status, headers, body)
