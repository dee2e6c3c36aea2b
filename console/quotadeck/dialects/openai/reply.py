"""What a whole reply of OpenAI's dialect says: its usage, or its error in any provider's form."""

from typing import Any

from quotadeck.dialects.base import NotAnAnswer, Read, UpstreamSaid
from quotadeck.dialects.loose_json import loads
from quotadeck.dialects.openai.usage import UsageReader, delivers
from quotadeck.domain.text import clean

MAX_RESPONSE_ID = 200
_READ_OF_TEXT = 64_000
"""So many bytes of an error that is not JSON are looked at."""
_DEPTH = 4


def read_reply(body: bytes) -> Read:
    """The usage and id of a completion. Raises NotAnAnswer where it is none."""
    try:
        parsed = loads(body)
    except ValueError:
        raise NotAnAnswer("its reply is not JSON") from None
    choices = parsed.get("choices") if isinstance(parsed, dict) else None
    if not isinstance(choices, list):
        raise NotAnAnswer("its reply is not a chat completion")
    reader = UsageReader()
    reader.see(parsed)
    delivered = any(
        isinstance(one, dict) and (delivers(one.get("message")) or bool(one.get("text")))
        for one in choices
    )
    response_id = parsed.get("id")
    return Read(
        reader.usage(delivered=delivered),
        clean(response_id, MAX_RESPONSE_ID) if isinstance(response_id, str) else "",
        body,
    )


def read_error(body: bytes) -> UpstreamSaid:
    """The error of a reply, whichever way it is told."""
    try:
        parsed = loads(body)
    except ValueError:
        return UpstreamSaid(body[:_READ_OF_TEXT].decode("utf-8", "replace"), "", None, None)
    if isinstance(parsed, list) and parsed:
        parsed = parsed[0]
    error = parsed.get("error") if isinstance(parsed, dict) else None
    return said(error if isinstance(error, dict) else parsed)


def said(error: Any) -> UpstreamSaid:
    """An error object, or whatever stands in its place."""

    def text(name: str) -> str:
        value = error.get(name) if isinstance(error, dict) else None
        return value if isinstance(value, str) else ""

    return UpstreamSaid(_words(error), text("type"), text("code") or None, text("param") or None)


def _words(error: object, depth: int = _DEPTH) -> str:
    """The message in an error of any form that providers give it; empty where it has none."""
    if isinstance(error, str):
        return error
    parts: list[object] = []
    if isinstance(error, dict):
        parts = [error.get(name) for name in ("message", "detail", "msg", "error")]
    elif isinstance(error, list):
        parts = error[:3]
    found = [words for part in parts if depth and (words := _words(part, depth - 1))]
    return "; ".join(found) if isinstance(error, list) else found[0] if found else ""
