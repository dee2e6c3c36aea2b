"""Refusals in the shape of Anthropic's API, where a status and a type always agree.

Source: the "Errors" page of Anthropic's API reference; its SDKs read ``details.error_code``.
"""

from typing import Any, Final

import orjson

from quotadeck.dialects.base import ErrorReply
from quotadeck.dialects.errors.told import Told, told
from quotadeck.dialects.relay import cost_line

_JSON: Final = b"content-type: application/json\r\n"
_BY_STATUS: Final = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_OTHERS: Final = ("invalid_request_error", "api_error")
"""Of all that is the client's fault, and of what is not."""
_KINDS: Final = frozenset({*_BY_STATUS.values(), *_OTHERS})
_SPENT: Final = "insufficient_quota"


def refusal_reply(refusal: Exception, request_id: str = "") -> ErrorReply:
    """The reply for any refusal, without its rates; what is none is a fault of ours."""
    it = told(refusal)
    if it.code == _SPENT and it.members:
        # Ours, not an upstream's: clients that retry each 429 whatever else is said retry no 402.
        it = it._replace(status=402)
    return ErrorReply(it.status, _JSON + it.head, orjson.dumps(_body(it, request_id)))


def error_event(refusal: Exception, cost_usd: str | None) -> bytes:
    """An error in the middle of a stream: the SDKs raise on an event of this name."""
    return (
        cost_line(cost_usd)
        + b"event: error\ndata: "
        + orjson.dumps(_body(told(refusal), ""))
        + b"\n\n"
    )


def _body(it: Told, request_id: str) -> dict[str, Any]:
    error: dict[str, Any] = {"type": _kind(it), "message": it.message}
    if it.code:
        error["details"] = {"error_code": it.code, **it.members}
        if it.param:
            error["details"]["param"] = it.param
    return {"type": "error", "error": error, **({"request_id": request_id} if request_id else {})}


def _kind(it: Told) -> str:
    by_status = _BY_STATUS.get(it.status) or _OTHERS[it.status >= 500]
    passes = it.kind in _KINDS and it.status < 500 and it.status != 429
    return it.kind if passes else by_status
