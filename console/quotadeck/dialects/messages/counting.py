"""How many tokens a message would be: a request that counts as one, and costs and uses nothing.

Source: the "Count tokens in a Message" page of Anthropic's API reference.
"""

from collections.abc import Mapping
from types import MappingProxyType

from quotadeck.dialects import base
from quotadeck.dialects.counting import read_count
from quotadeck.dialects.messages.family import MessagesForm
from quotadeck.dialects.messages.reply import refuse_error
from quotadeck.dialects.messages.request import parse_count
from quotadeck.dialects.messages.stream import MessagesRelay


class CountTokens(MessagesForm):
    """There are no streams of it."""

    endpoints: Mapping[str, str] = MappingProxyType(
        {"/v1/messages/count_tokens": "/messages/count_tokens"}
    )

    def parse(self, path: str, body: bytes, headers: Mapping[bytes, bytes]) -> base.Ask:  # noqa: ARG002
        return parse_count(body, headers)

    def reply(self, body: bytes) -> base.Read:
        return read_count(body, refuse_error)

    def relay(self, ask: base.Ask) -> base.Relay:  # noqa: ARG002
        return MessagesRelay()

    def to_whole(self, events: bytes) -> bytes:  # noqa: ARG002
        raise base.NotAnAnswer("its reply is a stream, and counts have none")
