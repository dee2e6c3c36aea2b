"""What is the same of all translations to chat completions: how they ask, and what they read.

The one source of what an answer is worth is the reader of chat completions: whole or as a stream,
its usage is what that has read.
"""

from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

import orjson

from quotadeck.dialects import base
from quotadeck.dialects.loose_json import loads
from quotadeck.dialects.openai import OPENAI
from quotadeck.dialects.openai.reply import read_reply
from quotadeck.dialects.openai.stream import OpenAIRelay
from quotadeck.dialects.request_json import write_json
from quotadeck.dialects.said import read_error
from quotadeck.dialects.translate.strict import CHAT, Part
from quotadeck.domain.refusals import NotSpoken
from quotadeck.domain.sse import read_block
from quotadeck.domain.usage import Usage

Write = Callable[[Any], Part]
"""What a member of the client's request is in a chat's. Raises BadField."""


class ToChat(NamedTuple):
    """See `base.Translator`.

    ``asked_at`` is the client's path that is translated; another of its form counts tokens, which
    chat cannot. ``write`` makes the messages of a request's fields, ``members`` the rest of it but
    for those ``apart``; ``tell`` makes the client's reply of a chat's, ``told_by`` its stream.
    """

    asked_at: str
    write: Callable[[Mapping[str, Any]], list[Part]]
    members: Mapping[str, Write]
    apart: Collection[str]
    tell: Callable[[Part, Usage | None], Part]
    told_by: Callable[[], base.Relay]

    def path(self, path: str) -> str:
        if path != self.asked_at:
            raise NotSpoken(path.rpartition("/")[2], "of this model", ("chat",))
        return "/chat/completions"

    def asks_with(self, key: str) -> tuple[tuple[bytes, bytes], ...]:
        return OPENAI.asks_with(key)

    def lines(self, ask: base.Ask) -> str:  # noqa: ARG002 -- the endpoint's say all
        return ""

    def forward(self, ask: base.Ask, model: str, *, stream_usage: bool = True) -> bytes:
        fields = ask.body.request.fields
        sent: Part = {"model": model, "messages": self.write(fields)}
        for name, value in fields.items():
            if value is None or name in self.apart:
                continue
            write = self.members.get(name)
            if write is None:
                raise CHAT.cannot(name)
            sent |= write(value)
        if sent.get("stream") and stream_usage:
            sent["stream_options"] = {"include_usage": True}
        return write_json(sent)

    def reply(self, body: bytes) -> base.Read:
        read = read_reply(body)
        try:
            told = self.tell(loads(body), read.usage)
        except base.NotAnAnswer as error:
            error.usage = read.usage
            raise
        return read._replace(body=orjson.dumps(told))

    def relay(self, ask: base.Ask) -> base.Relay:  # noqa: ARG002
        return self.told_by()

    def error(self, body: bytes) -> base.UpstreamSaid:
        return read_error(body)


class ChatToldRelay(OpenAIRelay):
    """A chat completion's stream, read as such and told as another form's."""

    __slots__ = ("_reason", "_started", "_told_end")

    def __init__(self) -> None:
        super().__init__(include_usage=True)
        self._reason: Any = None
        """Why the answer ended, as the chat says it."""
        self._started = self._told_end = False

    @abstractmethod
    def _start(self, chunk: Part) -> bytes:
        """What the form says before anything of an answer."""

    @abstractmethod
    def _add(self, delta: Part) -> bytes:
        """What it says of a delta."""

    @abstractmethod
    def _end(self) -> bytes:
        """What it says of a whole answer, before the terminal event."""

    def feed(self, chunk: bytes) -> bytes:
        return super().feed(chunk) + self._ended()

    def close(self) -> bytes:
        return super().close() + self._ended()

    def _told(self, block: bytes, parsed: Any) -> bytes:
        said = [read_block(block).quiet] if block.startswith(b":") else []
        if not isinstance(parsed, dict):
            return b"".join(said)
        if not self._started:
            self._started = True
            said.append(self._start(parsed))
        choices = parsed.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if not isinstance(choice, dict) or choice.get("index") not in (0, None):
                continue
            if isinstance(choice.get("delta"), dict):
                said.append(self._add(choice["delta"]))
            self._reason = choice.get("finish_reason") or self._reason
        return b"".join(said)

    def _ended(self) -> bytes:
        if not (self.done and self._started) or self._told_end:
            return b""
        self._told_end = True
        return self._end()


def as_it_is(name: str) -> Write:
    """A member that is a chat's under this name."""
    return lambda value: {name: value}


def first_choice(reply: Part) -> tuple[Part, Part]:
    """A reply's first choice, and its message."""
    choice = next((one for one in reply["choices"] if isinstance(one, dict)), {})
    message = choice.get("message")
    return choice, message if isinstance(message, dict) else {}


def named(event: Part) -> bytes:
    """An event under the name of its type."""
    return b"event: %b\ndata: %b\n\n" % (event["type"].encode(), orjson.dumps(event))
