"""What a failed call says of itself, whichever SDK or HTTP client raised it.

Nobody's classes are imported: the official SDKs', httpx's, requests', aiohttp's and urllib's errors
are known by what they carry, and those that carry no answer by their names.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

_LATE: Final = {"APITimeoutError", "TimeoutException", "Timeout", "ServerTimeoutError"}
_NOT_REACHED: Final = {
    "APIConnectionError", "TransportError", "RequestException", "ClientConnectionError", "URLError",
    "ClientPayloadError",
}  # fmt: skip
_MONEY: Final = {"insufficient_quota", "billing_error", "billing_hard_limit_reached",
                 "insufficient_balance", "insufficient_credits"}  # fmt: skip
_REQUEST_TIMEOUT: Final = 408
_PAYMENT_REQUIRED: Final = 402
_TOO_MANY: Final = 429


class Kind(StrEnum):
    """What went wrong, as far as it matters for what to do next."""

    LIMITED = "limited"
    """A rate limit: the same request may pass later."""
    NO_MONEY = "no_money"
    """A budget, a balance or a monthly quota: no wait helps."""
    LATE = "late"
    """No answer in time."""
    NOT_REACHED = "not_reached"
    """No connection, or it broke."""
    FAILED = "failed"
    """The provider's own trouble: 5xx."""
    REFUSED = "refused"
    """The request itself: any other 4xx."""
    OTHER = "other"
    """No failure of a call, such as a bug of ours."""


class Failure(NamedTuple):
    """A failed call. ``status`` is 0 where no answer came; ``code`` is the error's code, or else
    its type, or empty; ``headers`` have lower-case names."""

    kind: Kind
    status: int = 0
    code: str = ""
    headers: Mapping[str, str] = {}

    @property
    def retry_after(self) -> str:
        return self.headers.get("retry-after", "")

    @property
    def retry_after_ms(self) -> str:
        return self.headers.get("retry-after-ms", "")

    @property
    def should_retry(self) -> bool | None:
        """What the answer's ``x-should-retry`` says; None where it has none."""
        said = self.headers.get("x-should-retry", "").lower()
        return {"true": True, "false": False}.get(said)


def failure_of(error: BaseException) -> Failure:
    """What an error says, whichever client raised it."""
    response = getattr(error, "response", None)
    headers = _headers(getattr(response, "headers", None) or getattr(error, "headers", None))
    status = _status(error, response)
    codes = _codes(error)
    if status < 400:  # an error in the middle of a stream comes under the stream's own 200
        status = _status_of(codes)
    if status:
        return Failure(_kind(status, codes), status, next(iter(codes), ""), headers)
    names = {base.__name__ for base in type(error).__mro__}
    if isinstance(error, TimeoutError) or names & _LATE:
        return Failure(Kind.LATE)
    if isinstance(error, ConnectionError) or names & _NOT_REACHED:
        return Failure(Kind.NOT_REACHED)
    return Failure(Kind.OTHER)


def _kind(status: int, codes: list[str]) -> Kind:
    if status == _PAYMENT_REQUIRED or _MONEY.intersection(codes):
        return Kind.NO_MONEY
    if status == _TOO_MANY:
        return Kind.LIMITED
    if status == _REQUEST_TIMEOUT:
        return Kind.LATE
    return Kind.FAILED if status >= 500 else Kind.REFUSED


def _status(error: BaseException, response: Any) -> int:
    for holder, names in ((error, ("status_code", "status", "code")), (response, ("status_code",))):
        for name in names:
            value = getattr(holder, name, None)
            if type(value) is int and 100 <= value <= 599:
                return value
    return 0


def _codes(error: BaseException) -> list[str]:
    """The error's code and type, from itself or from the body that it carries; the code first."""
    body = getattr(error, "body", None)
    inner = body.get("error", body) if isinstance(body, dict) else None
    found = [getattr(error, name, None) for name in ("code", "type")]
    if isinstance(inner, dict):
        found += [inner.get("code"), inner.get("type")]
    return list(dict.fromkeys(one for one in found if isinstance(one, str) and one))


def _status_of(codes: list[str]) -> int:
    from quotadeck.dialects.said import STATUS_OF_KIND

    return next((STATUS_OF_KIND[code] for code in codes if code in STATUS_OF_KIND), 0)


def _headers(given: Any) -> Mapping[str, str]:
    try:
        return {str(name).lower(): str(value) for name, value in given.items()}
    except AttributeError:
        return {}
