"""OpenAI's chat completions for a client, Anthropic's Messages for its upstream.

What is spoken is version 2023-06-01 of its API, and named with each request: it takes
``temperature``, ``top_p`` and ``top_k``, which clients of chat completions send, and which version
2026-10-21 refuses.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from quotadeck.dialects import base
from quotadeck.dialects.messages import MESSAGES
from quotadeck.dialects.messages.reply import read_error, read_reply
from quotadeck.dialects.request_json import write_json
from quotadeck.dialects.translate.chat_messages_reply import completion, exact
from quotadeck.dialects.translate.chat_messages_request import message_body
from quotadeck.dialects.translate.chat_messages_stream import MessagesToChatRelay

_VERSION: Final = "\r\nanthropic-version: 2023-06-01"


def _now_s() -> float:
    return datetime.now(UTC).timestamp()


class ChatToMessages:
    """See `base.Translator`. ``now_s`` is Unix time, which a message does not tell of itself."""

    def __init__(self, now_s: Callable[[], float] = _now_s) -> None:
        self._now_s = now_s

    def path(self, path: str) -> str:  # noqa: ARG002 -- all of a chat's
        return "/messages"

    def asks_with(self, key: str) -> tuple[tuple[bytes, bytes], ...]:
        return MESSAGES.asks_with(key)

    def lines(self, ask: base.Ask) -> str:  # noqa: ARG002
        return _VERSION

    def forward(self, ask: base.Ask, model: str, *, stream_usage: bool = True) -> bytes:  # noqa: ARG002 -- it is always told
        return message_body(ask.body.request.fields, ask.max_tokens, model)

    def reply(self, body: bytes) -> base.Read:
        read = read_reply(body)
        told = completion(exact(body), read.response_id, read.usage, int(self._now_s()))
        return read._replace(body=write_json(told))

    def relay(self, ask: base.Ask) -> base.Relay:
        usage = ask.body.include_usage or not ask.stream
        return MessagesToChatRelay(int(self._now_s()), include_usage=usage)

    def error(self, body: bytes) -> base.UpstreamSaid:
        return read_error(body)
