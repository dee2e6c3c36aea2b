"""OpenAI's embeddings: texts in, vectors out, and no output tokens.

Source: the "Create embeddings" page of OpenAI's API reference.
"""

from collections.abc import Mapping
from types import MappingProxyType

from quotadeck.dialects import base
from quotadeck.dialects.beyond import beyond_of
from quotadeck.dialects.fields import model_of, read_object, retries
from quotadeck.dialects.loose_json import loads
from quotadeck.dialects.openai.completions import prompts_in
from quotadeck.dialects.openai.family import RETRIES, OpenAIForm
from quotadeck.dialects.openai.request import chat_of, forward_chat
from quotadeck.dialects.openai.stream import OpenAIRelay
from quotadeck.dialects.openai.usage import embedded
from quotadeck.dialects.said import is_error, said

MAX_TEXTS = 2_048


class Embeddings(OpenAIForm):
    """There are no streams of them."""

    form = "embeddings"
    endpoints: Mapping[str, str] = MappingProxyType({"/v1/embeddings": "/embeddings"})

    def parse(self, path: str, body: bytes, headers: Mapping[bytes, bytes]) -> base.Ask:  # noqa: ARG002
        fields = read_object(body, "input")
        model = model_of(fields)
        prompts_in(fields, "input", MAX_TEXTS)
        size = len(body)
        return base.Ask(
            model,
            stream=False,
            max_tokens=0,
            choices=1,
            text_bytes=size,
            media=0,
            media_tokens=0,
            input_bound=size,
            costs_more=False,
            retry=retries(headers.get(RETRIES, b"")),
            body=chat_of(body, fields, {}, stream=False),
            beyond=beyond_of(fields),
        )

    def forward(self, ask: base.Ask, model: str, *, stream_usage: bool = True) -> bytes:
        return forward_chat(ask.body, model, stream_usage=stream_usage)

    def reply(self, body: bytes) -> base.Read:
        try:
            parsed = loads(body)
        except ValueError:
            raise base.NotAnAnswer("its reply is not JSON") from None
        if is_error(parsed):
            used = embedded(parsed) if isinstance(parsed, dict) else None
            raise base.NotAnAnswer("its reply is an error", said(parsed), used)
        if not isinstance(parsed, dict) or not isinstance(parsed.get("data"), list):
            raise base.NotAnAnswer("its reply is not a list of embeddings")
        return base.Read(embedded(parsed), "", body)

    def relay(self, ask: base.Ask) -> base.Relay:
        return OpenAIRelay(include_usage=ask.body.include_usage or not ask.stream)

    def to_whole(self, events: bytes) -> bytes:  # noqa: ARG002
        raise base.NotAnAnswer("its reply is a stream, and embeddings have none")
