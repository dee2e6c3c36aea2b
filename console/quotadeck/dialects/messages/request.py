"""A request of Anthropic's dialect, checked as far as admission depends on it.

What we do not act upon goes to the upstream as it came; it knows its own parameters best.
Source: the "Create a Message" page of Anthropic's API reference, version 2026-10-21.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from quotadeck.dialects.base import Ask
from quotadeck.dialects.counting import asks_for_count
from quotadeck.dialects.fields import (
    MAX_OUTPUT_TOKENS,
    count,
    flag,
    kind_of,
    model_of,
    read_object,
    retries,
    typed,
)
from quotadeck.dialects.media import MEDIA_TOKENS, media_in
from quotadeck.dialects.messages.beyond import beyond_message
from quotadeck.dialects.raw_json import RawRequest, raw_request
from quotadeck.domain.refusals import BadField, BadHeader

_VERSION: Final = b"anthropic-version"
_BETA: Final = b"anthropic-beta"
_RETRIES: Final = b"x-stainless-retry-count"
_USUAL_VERSION: Final = "2023-06-01"
"""Of those who name none."""
_VISIBLE: Final = re.compile(rb"[!-~ \t]{1,4096}")
_BYTES_OF_TEMPLATE: Final = 64
_BYTES_OF_TOOL_TEMPLATE: Final = 1_024
_BYTES_OF_A_KNOWN_TOOL: Final = 2_048
"""One that the request names only by its type is described to the model by the provider: in up to
750 tokens, as Anthropic says of the longest."""
_TEMPLATED: Final = ("tools", "output_config", "output_format", "mcp_servers")


class Asked(NamedTuple):
    """What of a request only this dialect knows; ``lines`` are its own header lines."""

    request: RawRequest
    lines: str


def parse_message(body: bytes, headers: Mapping[bytes, bytes]) -> Ask:
    """Check a body. Raises NotJson, BadField, or BadHeader."""
    fields = read_object(body, "messages")
    model = model_of(fields)
    most = _max_tokens(fields)
    media, media_bytes, plain = _check_messages(fields)
    text_bytes, media_tokens = len(body) - media_bytes, media * MEDIA_TOKENS
    return Ask(
        model,
        flag(fields, "stream"),
        most,
        1,
        text_bytes,
        media,
        media_tokens,
        text_bytes + _template(fields) + media_tokens,
        costs_more=False,
        retry=retries(headers.get(_RETRIES, b"")),
        body=Asked(raw_request(body, fields), _lines(headers)),
        beyond=beyond_message(fields, files=not plain),
    )


def parse_count(body: bytes, headers: Mapping[bytes, bytes]) -> Ask:
    """Check a request for a count, which uses nothing. Raises as `parse_message`."""
    fields = read_object(body, "messages")
    model = model_of(fields)
    _, _, plain = _check_messages(fields)
    asked = Asked(raw_request(body, fields), _lines(headers))
    beyond = beyond_message(fields, files=not plain)
    return asks_for_count(model, retries(headers.get(_RETRIES, b"")), asked, beyond)


def _max_tokens(fields: dict[str, Any]) -> int:
    """The most output tokens; 0 fills the caches and answers nothing."""
    given = fields.get("max_tokens")
    if given == 0 and not isinstance(given, bool):
        return 0
    most = count(fields, "max_tokens", MAX_OUTPUT_TOKENS)
    if most is None:
        raise BadField("max_tokens", "is missing")
    return most


def _template(fields: dict[str, Any]) -> int:
    """At most so many bytes are added to what the client sent."""
    if not any(map(fields.get, _TEMPLATED)):
        return _BYTES_OF_TEMPLATE
    tools = fields.get("tools")
    known = [
        tool
        for tool in (tools if isinstance(tools, list) else ())
        if isinstance(tool, dict) and "input_schema" not in tool
    ]
    return _BYTES_OF_TOOL_TEMPLATE + len(known) * _BYTES_OF_A_KNOWN_TOOL


def _check_messages(fields: dict[str, Any]) -> tuple[int, int, bool]:
    """How many media the messages hold, how many bytes they are, and whether all is plain text."""
    messages = typed(fields, "messages", list)
    if not messages:
        raise BadField("messages", "must hold at least one message")
    media = media_bytes = 0
    plain = True
    for index, message in enumerate(messages):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise _no_message(index, message)
        content = message.get("content")
        if isinstance(content, list):
            plain = False
            more, bytes_more = media_in(content)
            media, media_bytes = media + more, media_bytes + bytes_more
        elif not isinstance(content, str):
            what = f"must be a string or a list of blocks, not {kind_of(content)}"
            raise BadField(f"messages[{index}].content", what)
    return media, media_bytes, plain


def _no_message(index: int, message: Any) -> BadField:
    if not isinstance(message, dict):
        return BadField(f"messages[{index}]", f"must be an object, not {kind_of(message)}")
    what = f"must be a string, not {kind_of(message.get('role'))}"
    return BadField(f"messages[{index}].role", what)


def _lines(headers: Mapping[bytes, bytes]) -> str:
    """The client's headers that are the upstream's to obey, each behind the line before it."""
    version = _plain(headers, _VERSION) or _USUAL_VERSION
    beta = _plain(headers, _BETA)
    lines = f"\r\nanthropic-version: {version}"
    return f"{lines}\r\nanthropic-beta: {beta}" if beta else lines


def _plain(headers: Mapping[bytes, bytes], name: bytes) -> str:
    value = headers.get(name, b"").strip(b" \t")
    if value and not _VISIBLE.fullmatch(value):
        raise BadHeader(name.decode(), "must be visible ASCII characters")
    return value.decode("ascii")
