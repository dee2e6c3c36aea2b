"""How many input tokens a whole request likely is: chat completions, Messages or Responses.

A message is its content and about four tokens around it; tools, schemas and arguments are counted
as the JSON that they are.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from quotadeck.client.help.pictures import UNKNOWN, tokens_of_part
from quotadeck.client.help.tokens import Count, estimate

AROUND_A_MESSAGE: Final = 4
"""Its role and separators."""
_LINES_OF_TEXT: Final = ("instructions", "system")
_LISTS: Final = ("messages", "input")
_JSON: Final = ("tools", "functions", "response_format", "text", "output_config")
_OTHER_MEDIA: Final = ("audio", "video", "file", "document", "pdf")
_DEPTH: Final = 6


def request_tokens(body: Mapping[str, Any], count: Count = estimate) -> int:
    """Likely input tokens of a request's body, at least 1. ``count`` may be a tokenizer."""
    total = sum(_content(body.get(name), count) for name in _LINES_OF_TEXT)
    for name in _LISTS:
        given = body.get(name)
        if isinstance(given, str):
            total += AROUND_A_MESSAGE + count(given)
        elif isinstance(given, list):
            total += messages_tokens(given, count)
    total += sum(_json(body[name], count) for name in _JSON if body.get(name))
    return max(1, total)


def messages_tokens(messages: Iterable[Any], count: Count = estimate) -> int:
    """Likely tokens of messages, or of a Responses request's items."""
    return sum(message_tokens(message, count) for message in messages)


def message_tokens(message: Any, count: Count = estimate) -> int:
    """Likely tokens of one of them."""
    if isinstance(message, str):
        return AROUND_A_MESSAGE + count(message)
    if not isinstance(message, Mapping):
        return _json(message, count)
    total = AROUND_A_MESSAGE + _content(message.get("content"), count)
    total += _content(message.get("output"), count) + _content(message.get("name"), count)
    total += _content(message.get("arguments"), count)
    if message.get("tool_calls"):
        total += _json(message["tool_calls"], count)
    return total


def _content(content: Any, count: Count, depth: int = _DEPTH) -> int:
    """Of a text, or of parts in any form."""
    if isinstance(content, str):
        return count(content)
    if isinstance(content, Mapping):
        return _part(content, count, depth)
    if isinstance(content, list | tuple) and depth:
        return sum(_content(part, count, depth - 1) for part in content)
    return 0


def _part(part: Mapping[str, Any], count: Count, depth: int) -> int:
    kind = str(part.get("type", ""))
    if "image" in kind or "screenshot" in kind:
        return tokens_of_part(dict(part))
    source = part.get("source")
    if isinstance(source, Mapping) and source.get("type") == "text":
        return _content(source.get("data"), count)
    if any(word in kind for word in _OTHER_MEDIA):
        return UNKNOWN
    said = [part.get(name) for name in ("text", "thinking", "content", "output")]
    total = sum(_content(one, count, depth - 1) for one in said if one)
    if kind == "tool_use":
        total += _json(part.get("input"), count) + _content(part.get("name"), count)
    return total


def _json(value: Any, count: Count) -> int:
    return count(json.dumps(value, ensure_ascii=False, default=str)) if value else 0
