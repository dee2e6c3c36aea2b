"""Requests that ask how many tokens another would be: nothing is run for them, nothing is used.

They cost nothing, hold nothing, and nothing of them is without a bound; whose the ids are that they
name counts all the same.
"""

from collections.abc import Callable
from typing import Any

from quotadeck.dialects.base import Ask, Beyond, NotAnAnswer, Read
from quotadeck.dialects.loose_json import loads
from quotadeck.domain.usage import NOTHING_USED


def asks_for_count(model: str, retry: int, body: Any, beyond: Beyond) -> Ask:
    """The request; what it asks for ``beyond`` its bytes is as if it were run."""
    return Ask(
        model,
        stream=False,
        max_tokens=0,
        choices=1,
        text_bytes=0,
        media=0,
        media_tokens=0,
        input_bound=0,
        costs_more=False,
        retry=retry,
        body=body,
        beyond=beyond._replace(unbounded=()),
    )


def read_count(body: bytes, refuse_error: Callable[[Any], None]) -> Read:
    """Read a whole reply; ``refuse_error`` raises for an error in its place. Raises NotAnAnswer."""
    try:
        parsed = loads(body)
    except ValueError:
        raise NotAnAnswer("its reply is not JSON") from None
    refuse_error(parsed)
    if not isinstance(parsed, dict) or type(parsed.get("input_tokens")) is not int:
        raise NotAnAnswer("its reply is not a count of tokens")
    return Read(NOTHING_USED, "", body)
