"""OpenAI's chat completions as a dialect: the verbs, each in a file beside this one."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from quotadeck.dialects import base
from quotadeck.dialects.openai.errors import refusal_reply
from quotadeck.dialects.openai.models import model_list
from quotadeck.dialects.openai.rates import rate_lines
from quotadeck.dialects.openai.reply import read_error, read_reply
from quotadeck.dialects.openai.request import forward_chat, parse_chat
from quotadeck.dialects.openai.stream import OpenAIRelay, error_event
from quotadeck.domain.refusals import RateLevel

_ENDPOINTS: Final = MappingProxyType({"/v1/chat/completions": "/chat/completions"})


class OpenAI:
    """The dialect of OpenAI and of all who speak it."""

    form = "chat"
    endpoints: Mapping[str, str] = _ENDPOINTS
    listing = "/v1/models"
    whole_head = b"content-type: application/json\r\n"
    stream_head = b"content-type: text/event-stream; charset=utf-8\r\n"

    def models(self, owners: Mapping[str, str], since_s: int, wanted: str) -> bytes:
        return model_list(owners, since_s, wanted)

    def parse(self, path: str, body: bytes, headers: Mapping[bytes, bytes]) -> base.Ask:  # noqa: ARG002
        return parse_chat(body, headers.get(b"x-stainless-retry-count", b""))

    def path(self, path: str) -> str:
        return self.endpoints[path]

    def forward(self, ask: base.Ask, model: str) -> bytes:
        return forward_chat(ask.body, model)

    def asks_with(self, key: str) -> tuple[tuple[bytes, bytes], ...]:
        content_type = b"content-type", b"application/json"
        return (
            (content_type, (b"authorization", b"Bearer " + key.encode()))
            if key
            else (content_type,)
        )

    def reply(self, body: bytes) -> base.Read:
        return read_reply(body)

    def relay(self, ask: base.Ask) -> base.Relay:
        return OpenAIRelay(include_usage=ask.body.include_usage)

    def refusal(self, refusal: Exception) -> base.ErrorReply:
        return refusal_reply(refusal)

    def error(self, body: bytes) -> base.UpstreamSaid:
        return read_error(body)

    def error_event(self, refusal: Exception, cost_usd: str | None) -> bytes:
        return error_event(refusal_reply(refusal).body, cost_usd)

    def rates(self, rates: Iterable[RateLevel]) -> bytes:
        return rate_lines(rates)
