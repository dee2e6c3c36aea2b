"""An upstream's error in any form that providers give it: its words, its kind, its own status."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from quotadeck.dialects.base import UpstreamSaid
from quotadeck.dialects.loose_json import loads

_READ_OF_TEXT: Final = 64_000
"""So many bytes of an error that is not JSON are looked at."""
_DEPTH: Final = 4
_WORDS: Final = ("message", "detail", "msg", "error", "errors", "title", "reason")
_STATUS: Final = ("status", "status_code", "http_status", "code", "statusCode")
_KINDS: Final = ("type", "status", "code", "reason")
OF_WHAT_WAS_ASKED: Final = frozenset(
    {
        *("invalid_prompt", "bio_policy", "misalignment_policy_violation"),
        *("content_policy_violation", "image_content_policy_violation"),
        *("invalid_image", "invalid_image_format", "invalid_base64_image", "invalid_image_url"),
        *("invalid_image_mode", "unsupported_image_media_type", "image_parse_error"),
        *("image_too_large", "image_too_small", "image_file_too_large", "empty_image_file"),
        *("failed_to_download_image", "image_file_not_found"),
    }
)
"""Codes of what no other request can bring about, whenever it is told: of a response that had
begun, too. Source: the error codes of a response in OpenAI's API reference."""
STATUS_OF_KIND: Final[Mapping[str, int]] = MappingProxyType(
    {
        **dict.fromkeys(OF_WHAT_WAS_ASKED, 400),
        # OpenAI's and Anthropic's types and codes.
        "invalid_request_error": 400,
        "context_length_exceeded": 400,
        "authentication_error": 401,
        "invalid_api_key": 401,
        "billing_error": 402,
        "permission_error": 403,
        "not_found_error": 404,
        "model_not_found": 404,
        "request_too_large": 413,
        "rate_limit_error": 429,
        "rate_limit_exceeded": 429,
        "insufficient_quota": 429,
        "tokens": 429,
        "requests": 429,
        "api_error": 500,
        "server_error": 500,
        "internal_error": 500,
        "timeout_error": 504,
        "overloaded_error": 529,
        # Google's canonical codes (google.rpc.Code).
        "INVALID_ARGUMENT": 400,
        "FAILED_PRECONDITION": 400,
        "UNAUTHENTICATED": 401,
        "PERMISSION_DENIED": 403,
        "NOT_FOUND": 404,
        "RESOURCE_EXHAUSTED": 429,
        "INTERNAL": 500,
        "UNAVAILABLE": 503,
        "DEADLINE_EXCEEDED": 504,
        # vLLM's and others'.
        "BadRequestError": 400,
        "NotFoundError": 404,
        "InternalServerError": 500,
    }
)
"""What an error is worth that tells no number."""


def read_error(body: bytes) -> UpstreamSaid:
    """The error of a reply, whichever way it is told."""
    try:
        parsed = loads(body)
    except ValueError:
        return UpstreamSaid(body[:_READ_OF_TEXT].decode("utf-8", "replace"), "", None, None)
    return said(parsed)


def said(parsed: Any) -> UpstreamSaid:
    """An error object, what holds it, or whatever stands in its place."""
    if isinstance(parsed, list) and len(parsed) == 1:
        parsed = parsed[0]
    error = parsed.get("error") if isinstance(parsed, dict) else None
    inner = error if isinstance(error, dict) else parsed

    def text(name: str) -> str:
        value = inner.get(name) if isinstance(inner, dict) else None
        return value if isinstance(value, str) else ""

    return UpstreamSaid(
        _words(inner),
        text("type"),
        text("code") or None,
        text("param") or None,
        _status(inner) or _status(parsed),
    )


def is_error(parsed: Any) -> bool:
    """Whether it is an error, and no part of an answer: it has words of one, and no choices."""
    if isinstance(parsed, list):
        return bool(parsed) and is_error(parsed[0])
    if not isinstance(parsed, dict):
        return False
    if parsed.get("error"):
        return True
    if isinstance(parsed.get("choices"), list) or isinstance(parsed.get("usage"), dict):
        return False
    return parsed.get("object") == "error" or any(map(parsed.get, _WORDS))


def _status(error: Any) -> int:
    """What it tells as a status of HTTP's, by number or by kind; 0 where it tells none."""
    if not isinstance(error, dict):
        return 0
    for name in _STATUS:
        value = error.get(name)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) == 3:
            value = int(value)
        if type(value) is int and 400 <= value <= 599:
            return value
    kinds = (error.get(name) for name in _KINDS)
    known = (STATUS_OF_KIND.get(kind, 0) for kind in kinds if isinstance(kind, str))
    return next(filter(None, known), 0)


def _words(error: object, depth: int = _DEPTH) -> str:
    """The message in an error of any form that providers give it; empty where it has none."""
    if isinstance(error, str):
        return error
    parts: list[object] = []
    if isinstance(error, dict):
        parts = [error.get(name) for name in _WORDS]
    elif isinstance(error, list):
        parts = error[:3]
    found = [words for part in parts if depth and (words := _words(part, depth - 1))]
    return "; ".join(found) if isinstance(error, list) else found[0] if found else ""
