"""What an upstream tells in the headers of a reply, beside the reply itself.

A gateway such as LiteLLM passes its own upstream's headers on under names of its own, which count
as the plain ones where those are absent.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Final

from quotadeck.domain.ids import MAX_REQUEST_ID
from quotadeck.domain.text import clean
from quotadeck.gateway.upstream.keys import UpstreamKeys

_ASKED_FOR_BY: Final = (b"x-request-id", b"request-id", b"apim-request-id", b"x-litellm-call-id")
"""As OpenAI, Anthropic, Azure and LiteLLM call it."""
_PASSED_ON: Final = b"llm_provider-"
_COST: Final = b"x-litellm-response-cost"
_MOST_USD: Final = 1_000_000
"""No call costs more: what says so is no price."""
_NANO: Final = 1_000_000_000


def request_id_of(headers: Mapping[bytes, bytes], keys: UpstreamKeys) -> str:
    """The upstream's own name for the request, which its people ask for; empty without one."""
    for name in _ASKED_FOR_BY:
        if told := headers.get(name):
            return clean(keys.hide(told.decode("utf-8", "replace")), MAX_REQUEST_ID)
    return ""


def wait_of(headers: Mapping[bytes, bytes], name: bytes) -> str:
    """``retry-after`` or ``retry-after-ms`` as it was told; empty where it was not, or oddly."""
    value = (headers.get(name) or headers.get(_PASSED_ON + name, b"")).decode("utf-8", "replace")
    return value if value.isascii() and value.isprintable() and len(value) <= 64 else ""


def should_retry(headers: Mapping[bytes, bytes]) -> str:
    """``true`` or ``false``, which SDKs obey before all else; empty where it says neither."""
    told = headers.get(b"x-should-retry") or headers.get(_PASSED_ON + b"x-should-retry", b"")
    word = told.strip().lower()
    return word.decode() if word in (b"true", b"false") else ""


def stated_nano(headers: Mapping[bytes, bytes]) -> int | None:
    """What it says that the call cost, in nano-dollars; None where it says nothing of use."""
    told = headers.get(_COST)
    if told is None:
        return None
    try:
        usd = Decimal(told.decode("ascii")) if len(told) <= 64 else Decimal("nan")
    except (InvalidOperation, UnicodeDecodeError):
        return None
    return round(usd * _NANO) if usd.is_finite() and 0 <= usd <= _MOST_USD else None
