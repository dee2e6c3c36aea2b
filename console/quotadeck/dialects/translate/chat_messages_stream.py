"""A message's stream as a chat completion's: an event of the one is a chunk of the other, or none.

It is read as any stream of Anthropic's, so its usage, its errors and its end are what they are
there.
"""

from typing import Any, Final

import orjson

from quotadeck.dialects.counts import part
from quotadeck.dialects.messages.stream import MessagesRelay
from quotadeck.dialects.relay import cost_line
from quotadeck.dialects.request_json import write_json
from quotadeck.dialects.translate.chat_messages_reply import (
    call_of,
    finish_reason,
    is_thought,
    refusal_of,
    text_of,
    thought_of,
    usage_members,
)
from quotadeck.domain.sse import SseEvent

_TO_COME: Final = b',"logprobs":null,"finish_reason":null}]}\n\n'
_MOST_BLOCKS: Final = 4_096
"""More than a message has; what lies beyond is not told."""


class _Open:
    """A block that is being told: what it is, its number among its kind, and whether it grew."""

    __slots__ = ("at", "begun_as", "grew", "kind")

    def __init__(self, begun_as: dict[str, Any], at: int) -> None:
        self.begun_as = begun_as
        self.kind = begun_as.get("type")
        self.at = at
        self.grew = False


class MessagesToChatRelay(MessagesRelay):
    """See `Relay`. ``created_s`` is Unix time, when the answer began."""

    __slots__ = (
        *("_calls", "_created_s", "_head", "_include_usage", "_model", "_open", "_stopped"),
        *("_thoughts", "_told"),
    )

    def __init__(self, created_s: int, *, include_usage: bool) -> None:
        super().__init__()
        self._created_s = created_s
        self._include_usage = include_usage
        self._model = ""
        self._head = b""
        self._open: dict[int, _Open] = {}
        self._calls = self._thoughts = 0
        self._stopped = False
        self._told = False

    def close(self) -> bytes:
        events = super().close()
        return events + self._last() if self.done else events

    def terminal(self, cost_usd: str | None) -> bytes:
        cost = cost_line(cost_usd)
        return cost + b"data: [DONE]\n\n"

    def _learn(self, block: bytes, event: SseEvent, parsed: dict[str, Any]) -> bytes:
        super()._learn(block, event, parsed)
        told = self._tell(parsed)
        return event.quiet + told if event.lines else told

    def _tell(self, parsed: dict[str, Any]) -> bytes:
        match parsed.get("type"):
            case "content_block_delta":
                return self._grow(_index(parsed), part(parsed, "delta"))
            case "content_block_start":
                return self._start(_index(parsed), part(parsed, "content_block"))
            case "content_block_stop":
                return self._stop(_index(parsed))
            case "message_start":
                self._model = text_of(part(parsed, "message"), "model")
                return self._chunk({"role": "assistant"})
            case "message_delta":
                return self._finish(part(parsed, "delta"))
            case "message_stop":
                return self._last()
        return b""

    def _chunk(self, delta: dict[str, Any]) -> bytes:
        self._head = self._head or self._first_part()
        return self._head + orjson.dumps(delta) + _TO_COME

    def _first_part(self) -> bytes:
        """All chunks begin alike."""
        head = orjson.dumps(self._members())
        return b'data: %b,"choices":[{"index":0,"delta":' % head[:-1]

    def _members(self) -> dict[str, Any]:
        return {
            "id": self.response_id,
            "object": "chat.completion.chunk",
            "created": self._created_s,
            "model": self._model,
        }

    def _grow(self, index: int, delta: dict[str, Any]) -> bytes:
        block = self._open.get(index)
        match delta.get("type"):
            case "text_delta":
                if text := text_of(delta, "text"):
                    return self._chunk({"content": text})
            case "input_json_delta":
                text = text_of(delta, "partial_json")
                if text and block and block.kind == "tool_use":
                    block.grew = True
                    return self._called(block.at, text)
            case "thinking_delta" | "signature_delta":
                if block and block.kind == "thinking":
                    return self._thought(block.at, delta)
        return b""

    def _called(self, at: int, arguments: str) -> bytes:
        return self._chunk({"tool_calls": [{"index": at, "function": {"arguments": arguments}}]})

    def _thought(self, at: int, delta: dict[str, Any]) -> bytes:
        name = "thinking" if delta["type"] == "thinking_delta" else "signature"
        text = text_of(delta, name)
        if not text:
            return b""
        told: dict[str, Any] = {"reasoning_content": text} if name == "thinking" else {}
        told["thinking_blocks"] = [{"index": at, "type": "thinking", name: text}]
        return self._chunk(told)

    def _start(self, index: int, begun_as: dict[str, Any]) -> bytes:
        kind = begun_as.get("type")
        if kind == "text":
            text = text_of(begun_as, "text")
            return self._chunk({"content": text}) if text else b""
        if len(self._open) >= _MOST_BLOCKS:
            return b""
        if kind == "tool_use":
            at, self._calls = self._calls, self._calls + 1
            self._open[index] = _Open(begun_as, at)
            return self._chunk({"tool_calls": [{"index": at, **call_of(begun_as, "")}]})
        if is_thought(begun_as):
            at, self._thoughts = self._thoughts, self._thoughts + 1
            self._open[index] = _Open(begun_as, at)
            text = text_of(begun_as, "thinking")
            told: dict[str, Any] = {"reasoning_content": text} if text else {}
            told["thinking_blocks"] = [{"index": at, **thought_of(begun_as)}]
            return self._chunk(told)
        return b""

    def _stop(self, index: int) -> bytes:
        """What a block has been all along, where it did not grow to that."""
        block = self._open.pop(index, None)
        if block is None or block.kind != "tool_use" or block.grew:
            return b""
        return self._called(block.at, write_json(part(block.begun_as, "input")).decode())

    def _finish(self, delta: dict[str, Any]) -> bytes:
        reason = delta.get("stop_reason")
        if self._stopped or not reason:
            return b""
        self._stopped = True
        said = b"".join([self._stop(index) for index in sorted(self._open)])
        if why := refusal_of(delta):
            said += self._chunk({"refusal": why})
        self._head = self._head or self._first_part()
        last = b'{},"logprobs":null,"finish_reason":%b}]}\n\n' % orjson.dumps(finish_reason(reason))
        return said + self._head + last

    def _last(self) -> bytes:
        """What follows the last word: a reason to end, where none came, and the usage."""
        if self._told:
            return b""
        self._told = True
        said = self._finish({"stop_reason": "end_turn"})
        if not self._include_usage:
            return said
        told = {**self._members(), "choices": [], **usage_members(self.usage)}
        return said + b"data: %b\n\n" % orjson.dumps(told) if "usage" in told else said


def _index(event: dict[str, Any]) -> int:
    index = event.get("index")
    return index if isinstance(index, int) else 0
