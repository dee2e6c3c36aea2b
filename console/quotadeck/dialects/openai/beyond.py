"""What a chat completion asks for beyond its own bytes."""

from collections.abc import Mapping
from typing import Any

from quotadeck.dialects.base import Beyond
from quotadeck.dialects.beyond import beyond_of


def beyond_chat(fields: Mapping[str, Any], media: int) -> Beyond:
    """Of a request whose messages hold so many media: only those can be files."""
    if not media:
        return beyond_of(fields)
    return beyond_of(fields, fields.get("messages"), "messages")
