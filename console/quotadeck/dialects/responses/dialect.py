"""OpenAI's Responses as a dialect: the verbs, each in a file beside this one."""

from collections.abc import Mapping
from types import MappingProxyType

from quotadeck.dialects import base
from quotadeck.dialects.counting import read_count
from quotadeck.dialects.openai.family import RETRIES, OpenAIForm
from quotadeck.dialects.openai.refusals import refusal_reply
from quotadeck.dialects.responses.folding import to_stream, to_whole
from quotadeck.dialects.responses.reply import read_reply, refuse_failure
from quotadeck.dialects.responses.request import parse_input_tokens, parse_response
from quotadeck.dialects.responses.stream import ResponsesRelay, error_event


class _Form(OpenAIForm):
    form = "responses"

    def forward(self, ask: base.Ask, model: str, *, stream_usage: bool = True) -> bytes:  # noqa: ARG002 -- it is always told
        body: bytes = ask.body.request.to(model)
        return body

    def relay(self, ask: base.Ask) -> base.Relay:  # noqa: ARG002
        return ResponsesRelay()

    def to_stream(self, body: bytes, ask: base.Ask) -> bytes:  # noqa: ARG002
        return to_stream(body)

    def to_whole(self, events: bytes) -> bytes:
        return to_whole(events)

    def error_event(self, refusal: Exception, cost_usd: str | None) -> bytes:
        return error_event(refusal_reply(refusal).body, cost_usd)


class Responses(_Form):
    """The dialect that six of 24 frameworks speak by default."""

    endpoints: Mapping[str, str] = MappingProxyType({"/v1/responses": "/responses"})

    def parse(self, path: str, body: bytes, headers: Mapping[bytes, bytes]) -> base.Ask:  # noqa: ARG002
        return parse_response(body, headers.get(RETRIES, b""))

    def reply(self, body: bytes) -> base.Read:
        return read_reply(body)


class InputTokens(_Form):
    """How many tokens an input would be. There are no streams of it."""

    endpoints: Mapping[str, str] = MappingProxyType(
        {"/v1/responses/input_tokens": "/responses/input_tokens"}
    )

    def parse(self, path: str, body: bytes, headers: Mapping[bytes, bytes]) -> base.Ask:  # noqa: ARG002
        return parse_input_tokens(body, headers.get(RETRIES, b""))

    def reply(self, body: bytes) -> base.Read:
        return read_count(body, refuse_failure)
