"""Refusals in the shape of OpenAI's API: an ``error`` object.

Source: the error object of OpenAI's API reference.
"""

from typing import Any, Final

import orjson

from quotadeck.dialects.base import ErrorReply
from quotadeck.dialects.errors.told import told
from quotadeck.dialects.openai.rates import rate_lines
from quotadeck.domain.refusals import Refusal

_JSON: Final = b"content-type: application/json\r\n"


def refusal_reply(refusal: Exception) -> ErrorReply:
    """The reply for any refusal, its rates included; what is no refusal is a fault of ours."""
    it = told(refusal)
    error: dict[str, Any] = {
        "message": it.message,
        "type": _kind(it.kind, it.status),
        "param": it.param,
        "code": it.code,
        **it.members,
    }
    rates = rate_lines(refusal.rates) if isinstance(refusal, Refusal) and refusal.rates else b""
    return ErrorReply(it.status, _JSON + it.head + rates, orjson.dumps({"error": error}))


def _kind(said: str, status: int) -> str:
    """What was said, where it agrees with the status."""
    belied = said == "invalid_request_error" and (status == 429 or status >= 500)
    return said if said and not belied else _kind_of(status)


def _kind_of(status: int) -> str:
    """Below 500 it is the client's fault, and ours from there."""
    if status == 429:
        return "rate_limit_error"
    return "server_error" if status >= 500 else "invalid_request_error"
