"""How the simulated upstream counts input: a rule with the shape of a byte-level tokenizer.

English runs at about four bytes a token, other scripts at about two; and, as with every
byte-level tokenizer, a text never has more tokens than UTF-8 bytes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from quotadeck.sim.catalogue import Model

TOKENS_PER_MESSAGE = 3
"""Role and separators, as OpenAI's cookbook counts them."""
TOKENS_PER_REQUEST = 1
"""The start of the reply. With the three above: at most four a message, whatever it says."""
TOKENS_PER_IMAGE = 85
"""A low-detail image in OpenAI's price list."""


def count_text(model: Model, text: str) -> int:
    """Tokens of one piece of text, at least one unless it is empty, at most its bytes."""
    if text.isascii():
        return -(-len(text) * 100 // model.ascii_bytes_per_100_tokens)
    size = len(text.encode("utf-8", "replace"))
    plain = len(text.encode("ascii", "ignore"))
    return -(-plain * 100 // model.ascii_bytes_per_100_tokens) + -(-(size - plain) // 2)


def count_input(
    model: Model, messages: Sequence[Mapping[str, Any]], tools: Sequence[Any] = ()
) -> int:
    """Prompt tokens of a whole request."""
    total = TOKENS_PER_REQUEST
    for message in messages:
        total += TOKENS_PER_MESSAGE + count_content(model, message.get("content"))
        if isinstance(name := message.get("name"), str):
            total += count_text(model, name)
        if calls := message.get("tool_calls"):
            total += _count_json(model, calls)
    if tools:
        total += _count_json(model, tools)
    return total


def count_content(model: Model, content: object) -> int:
    """Tokens of a message's content: a text, or parts."""
    if isinstance(content, str):
        return count_text(model, content)
    if not isinstance(content, list):
        return 0
    return sum(_count_part(model, part) for part in content if isinstance(part, dict))


def _count_part(model: Model, part: Mapping[str, Any]) -> int:
    if isinstance(text := part.get("text"), str):
        return count_text(model, text)
    # Capped by its bytes, to keep the promise that input never exceeds them.
    return min(TOKENS_PER_IMAGE, len(orjson.dumps(part)))


def _count_json(model: Model, value: object) -> int:
    return count_text(model, orjson.dumps(value).decode())
