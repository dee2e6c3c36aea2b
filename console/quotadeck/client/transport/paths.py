"""Which requests of an SDK are calls of a model, and in which dialect: by the end of their path.

A provider's base URL is anything: ``/v1``, ``/api/v1``, ``/openai/deployments/NAME``. What the SDK
adds to it is the dialect's path under an upstream's.
"""

from functools import lru_cache
from typing import Final, NamedTuple

from quotadeck.dialects.base import Dialect
from quotadeck.dialects.messages import MESSAGES
from quotadeck.dialects.openai import COMPLETIONS, EMBEDDINGS, OPENAI
from quotadeck.dialects.responses import RESPONSES


class Endpoint(NamedTuple):
    """A dialect, and the path under which it knows a request of this kind."""

    dialect: Dialect
    path: str


_DIALECTS: Final[tuple[Dialect, ...]] = (OPENAI, COMPLETIONS, EMBEDDINGS, RESPONSES, MESSAGES)
"""Not those that count tokens: nothing is used by that."""
_BY_END: Final = sorted(
    (
        (end, Endpoint(dialect, path))
        for dialect in _DIALECTS
        for path, end in dialect.endpoints.items()
        if path.startswith("/v1/")
    ),
    key=lambda row: -len(row[0]),
)
"""The longest first: ``/chat/completions`` ends as ``/completions`` does."""
_NO_MODELS: Final = "/threads/"
"""Messages that are put into a thread of OpenAI's Assistants call no model."""


@lru_cache(256)
def endpoint_of(path: str) -> Endpoint | None:
    """None for what is no call of a model, as far as any dialect knows."""
    if _NO_MODELS in path:
        return None
    return next((found for end, found in _BY_END if path.endswith(end)), None)
