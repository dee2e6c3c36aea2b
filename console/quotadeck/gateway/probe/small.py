"""The smallest request of each form: a word is asked for, and a few tokens are allowed.

Sources: the API references of OpenAI and, for messages, of Anthropic.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import orjson

MOST_TOKENS: Final = 16
"""Responses takes no less."""
_SAY: Final = "Say ok."


class Small(NamedTuple):
    """One request. ``usage`` asks a stream for its usage; ``newer`` bounds the tokens by the name
    that newer models want."""

    form: str
    stream: bool = False
    usage: bool = False
    newer: bool = False

    def body(self, model: str) -> bytes:
        """As the upstream gets it, which calls the model ``model``."""
        return orjson.dumps(_asked(self, model))


def _asked(small: Small, model: str) -> dict[str, Any]:
    message = [{"role": "user", "content": _SAY}]
    match small.form:
        case "responses":
            asked: dict[str, Any] = {"input": _SAY, "max_output_tokens": MOST_TOKENS}
        case "messages":
            asked = {"messages": message, "max_tokens": MOST_TOKENS}
        case "completions":
            asked = {"prompt": _SAY, "max_tokens": MOST_TOKENS}
        case "embeddings":
            return {"model": model, "input": _SAY}
        case _:
            bound = "max_completion_tokens" if small.newer else "max_tokens"
            asked = {"messages": message, bound: MOST_TOKENS}
    if small.usage:
        asked["stream_options"] = {"include_usage": True}
    return {"model": model, **asked, "stream": small.stream}


CALLS: Final[Mapping[str, int]] = MappingProxyType(
    {"chat": 4, "responses": 2, "messages": 2, "completions": 2, "embeddings": 1}
)
"""How many calls each form may take: one as a whole, one as a stream, and of chat a second of both
where a field was refused."""
TALKS: Final = ("chat", "responses", "messages")
"""The forms of the usual models; the others are asked where none of these is answered."""
PATHS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "chat": "/chat/completions",
        "completions": "/completions",
        "embeddings": "/embeddings",
        "responses": "/responses",
        "messages": "/messages",
    }
)
"""What follows an upstream's base URL."""
NONSENSE: Final = b'{"model":"no-such-model-of-quotadeck"}'
"""No request of any form, and for no model: where the form is known it is refused, and costs
nothing. Without a model a gateway may take its default one."""
NO_PATH: Final = "/no-such-path-of-quotadeck"
"""How what is not known is answered there."""
