"""What is the same in all forms of OpenAI's API: heads, errors, rates, the listing of models."""

from collections.abc import Iterable, Mapping
from typing import Final

from quotadeck.dialects import base
from quotadeck.dialects.openai.folding import to_stream, to_whole
from quotadeck.dialects.openai.models import model_list
from quotadeck.dialects.openai.rates import rate_lines
from quotadeck.dialects.openai.refusals import refusal_reply
from quotadeck.dialects.openai.stream import error_event
from quotadeck.dialects.said import read_error
from quotadeck.domain.refusals import RateLevel

RETRIES: Final = b"x-stainless-retry-count"
"""The header in which the official SDKs say how often they tried before."""


class OpenAIForm:
    """A form adds its paths and its way to parse, forward, reply and relay."""

    endpoints: Mapping[str, str]
    listing = ""
    known_by = b""
    id_lines = b"x-request-id: %(id)b\r\n"
    whole_head = b"content-type: application/json\r\n"
    stream_head = b"content-type: text/event-stream; charset=utf-8\r\n"

    def path(self, path: str) -> str:
        return self.endpoints[path]

    def models(self, owners: Mapping[str, str], since_s: int, wanted: str) -> bytes:
        return model_list(owners, since_s, wanted)

    def asks_with(self, key: str) -> tuple[tuple[bytes, bytes], ...]:
        content_type = b"content-type", b"application/json"
        return (
            (content_type, (b"authorization", b"Bearer " + key.encode()))
            if key
            else (content_type,)
        )

    def lines(self, ask: base.Ask) -> str:  # noqa: ARG002 -- the endpoint's say all
        return ""

    def refusal(self, refusal: Exception, request_id: str = "") -> base.ErrorReply:  # noqa: ARG002
        return refusal_reply(refusal)

    def error(self, body: bytes) -> base.UpstreamSaid:
        return read_error(body)

    def to_stream(self, body: bytes, ask: base.Ask) -> bytes:  # noqa: ARG002
        return to_stream(body)

    def to_whole(self, events: bytes) -> bytes:
        return to_whole(events)

    def error_event(self, refusal: Exception, cost_usd: str | None) -> bytes:
        return error_event(refusal_reply(refusal).body, cost_usd)

    def rates(self, rates: Iterable[RateLevel]) -> bytes:
        return rate_lines(rates)
