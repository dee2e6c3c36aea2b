"""OpenAI's chat completions as a dialect: the verbs, each in a file beside this one."""

from collections.abc import Mapping
from types import MappingProxyType

from quotadeck.dialects import base
from quotadeck.dialects.openai.family import RETRIES, OpenAIForm
from quotadeck.dialects.openai.reply import read_reply
from quotadeck.dialects.openai.request import forward_chat, parse_chat
from quotadeck.dialects.openai.stream import OpenAIRelay


class OpenAI(OpenAIForm):
    """The dialect of OpenAI and of all who speak it."""

    form = "chat"
    endpoints: Mapping[str, str] = MappingProxyType(
        {
            "/v1/chat/completions": "/chat/completions",
            "/chat/completions": "/chat/completions",
        }
    )
    listing = "/v1/models"

    def parse(self, path: str, body: bytes, headers: Mapping[bytes, bytes]) -> base.Ask:  # noqa: ARG002
        return parse_chat(body, headers.get(RETRIES, b""))

    def forward(self, ask: base.Ask, model: str, *, stream_usage: bool = True) -> bytes:
        return forward_chat(ask.body, model, stream_usage=stream_usage)

    def reply(self, body: bytes) -> base.Read:
        return read_reply(body)

    def relay(self, ask: base.Ask) -> base.Relay:
        return OpenAIRelay(include_usage=ask.body.include_usage or not ask.stream)
