"""Anthropic's Messages as a dialect: the verbs, each in a file beside this one."""

from collections.abc import Mapping
from types import MappingProxyType

from quotadeck.dialects import base
from quotadeck.dialects.messages.family import MessagesForm
from quotadeck.dialects.messages.reply import read_reply
from quotadeck.dialects.messages.request import parse_message
from quotadeck.dialects.messages.stream import MessagesRelay


class Messages(MessagesForm):
    """The dialect of Anthropic and of all who speak it."""

    endpoints: Mapping[str, str] = MappingProxyType({"/v1/messages": "/messages"})
    listing = "/v1/models"

    def parse(self, path: str, body: bytes, headers: Mapping[bytes, bytes]) -> base.Ask:  # noqa: ARG002
        return parse_message(body, headers)

    def reply(self, body: bytes) -> base.Read:
        return read_reply(body)

    def relay(self, ask: base.Ask) -> base.Relay:  # noqa: ARG002
        return MessagesRelay()
