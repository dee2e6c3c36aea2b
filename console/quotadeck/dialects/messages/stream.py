"""A stream of Anthropic's dialect on its way to the client, read in passing.

Whole events pass as they came, those that we do not know too; the last one is kept back: the call's
record must be written before it leaves.
Source: "Streaming Messages" of Anthropic's API reference.
"""

from typing import Any, Final

from quotadeck.dialects.messages.reply import id_of, made_by, made_in, said
from quotadeck.dialects.messages.usage import UsageReader
from quotadeck.dialects.relay import JsonEventRelay
from quotadeck.domain.sse import SseEvent
from quotadeck.domain.usage import Usage

_STOP: Final = b'event: message_stop\ndata: {"type":"message_stop"}'
_MOST_MADE: Final = 1_000


class MessagesRelay(JsonEventRelay):
    """Feed it what the upstream sends; it gives back what the client should get. See `Relay`."""

    __slots__ = ("_delivered", "_finished", "_reader")

    def __init__(self) -> None:
        super().__init__()
        self._reader = UsageReader()
        self._delivered = False
        self._finished = False
        self._terminal = _STOP

    @property
    def usage(self) -> Usage | None:
        """None where it is absent or cannot be believed.

        What a stream says at its beginning is its input, and not yet what it used.
        """
        if self._reader.ended:
            return self._reader.usage(delivered=self._delivered)
        begun = self._reader.usage(delivered=False)
        if begun is None or not begun.input_tokens:
            return None
        return begun._replace(output_tokens=max(begun.output_tokens, self.deltas), is_estimate=True)

    def _whole(self) -> bool:
        """An answer that has given its reason to stop needs no terminal event."""
        return self._finished

    def _take(self, block: bytes, event: SseEvent, parsed: Any) -> bytes:
        if event.name == b"error" or _is_error(parsed):
            self.error = said(parsed)
            return b""
        return self._learn(block, event, parsed if isinstance(parsed, dict) else {})

    def _learn(self, block: bytes, event: SseEvent, parsed: dict[str, Any]) -> bytes:
        """Take what concerns us from an event, and give what the client should get of it."""
        kind = parsed.get("type")
        if not event.name and isinstance(kind, str) and kind.isidentifier():
            block = b"event: %b\n%b" % (kind.encode(), block)  # the SDKs skip what has no name
        match kind:
            case "content_block_delta":
                self.deltas += 1
                self._delivered = True
            case "message_start":
                self._begin(parsed.get("message"))
            case "content_block_start":
                # What a tool found comes whole at once.
                if b'"file_id"' in block:
                    self._make(*made_in(parsed.get("content_block")))
            case "message_delta":
                self._end(parsed)
            case "message_stop":
                self.done = True
                self._terminal = block
                return b""
        self.begun = self.begun or kind != "ping"
        return block + b"\n\n"

    def _begin(self, message: Any) -> None:
        self.response_id = self.response_id or id_of(message)
        if isinstance(message, dict):
            self._reader.see(message.get("usage"))
            self._make(*made_by(message))

    def _end(self, parsed: dict[str, Any]) -> None:
        delta = parsed.get("delta")
        self._reader.see(parsed.get("usage"))
        self._reader.ended = self._reader.ended or isinstance(parsed.get("usage"), dict)
        self._make(*made_by(delta))
        if isinstance(delta, dict) and delta.get("stop_reason"):
            self._finished = True

    def _make(self, *made: tuple[str, str]) -> None:
        if made:
            self.made = tuple(dict.fromkeys((*self.made, *made)))[:_MOST_MADE]


def _is_error(parsed: Any) -> bool:
    """Whether it is an error, by its type or by what it holds."""
    if not isinstance(parsed, dict):
        return False
    return parsed.get("type") == "error" or bool(parsed.get("error"))
