"""OpenAI's completions of old: a prompt, and what follows it.

Replies and streams are read as those of chat completions: their choices have text for a message.
Source: the "Create completion" page of OpenAI's API reference.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from quotadeck.dialects import base
from quotadeck.dialects.beyond import beyond_of
from quotadeck.dialects.fields import (
    count,
    flag,
    kind_of,
    model_of,
    most_tokens,
    read_object,
    retries,
)
from quotadeck.dialects.openai.family import RETRIES, OpenAIForm
from quotadeck.dialects.openai.reply import read_reply
from quotadeck.dialects.openai.request import MAX_CHOICES, chat_of, forward_chat
from quotadeck.dialects.openai.stream import OpenAIRelay
from quotadeck.domain.refusals import BadField

MAX_PROMPTS = 2_048
USUAL_MOST_TOKENS = 16
"""What the API gives where none is asked for."""


class Completions(OpenAIForm):
    """A request may hold many prompts; each has ``n`` choices, the best of ``best_of``."""

    form = "completions"
    endpoints: Mapping[str, str] = MappingProxyType({"/v1/completions": "/completions"})

    def parse(self, path: str, body: bytes, headers: Mapping[bytes, bytes]) -> base.Ask:  # noqa: ARG002
        fields = read_object(body, "prompt")
        model = model_of(fields)
        sent: dict[str, Any] = {}
        written = max(count(fields, name, MAX_CHOICES) or 1 for name in ("n", "best_of"))
        most = most_tokens(fields, "max_tokens", sent)
        if most is None and fields.get("max_tokens") is None:
            most = USUAL_MOST_TOKENS
        stream = flag(fields, "stream")
        size = len(body)
        return base.Ask(
            model,
            stream,
            most,
            written * prompts_in(fields, "prompt", MAX_PROMPTS),
            size,
            0,
            0,
            # A token is a number of one digit and a comma at least, or a byte of text.
            size,
            costs_more=False,
            retry=retries(headers.get(RETRIES, b"")),
            body=chat_of(body, fields, sent, stream=stream),
            beyond=beyond_of(fields),
        )

    def forward(self, ask: base.Ask, model: str, *, stream_usage: bool = True) -> bytes:
        return forward_chat(ask.body, model, stream_usage=stream_usage)

    def reply(self, body: bytes) -> base.Read:
        return read_reply(body)

    def relay(self, ask: base.Ask) -> base.Relay:
        return OpenAIRelay(include_usage=ask.body.include_usage or not ask.stream)


def prompts_in(fields: dict[str, Any], name: str, most: int) -> int:
    """How many texts the member holds: a string, tokens, or a list of either. Raises BadField."""
    value = fields.get(name)
    if value is None:
        raise BadField(name, "is missing")
    if isinstance(value, str):
        return 1
    if not isinstance(value, list) or not value:
        raise BadField(name, f"must be a string or a list of at least one, not {kind_of(value)}")
    if type(value[0]) is int:
        return 1
    if len(value) > most:
        raise BadField(name, f"holds {len(value):,} texts, and may hold {most:,}")
    for index, one in enumerate(value):
        if not isinstance(one, str | list):
            what = f"must be a string or a list of tokens, not {kind_of(one)}"
            raise BadField(f"{name}[{index}]", what)
    return len(value)
