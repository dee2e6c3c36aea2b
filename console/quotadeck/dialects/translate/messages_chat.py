"""Anthropic's Messages for a client, OpenAI's chat completions for its upstream: the replies."""

from collections.abc import Mapping
from typing import Any, Final

from quotadeck.dialects import base
from quotadeck.dialects.loose_json import loads
from quotadeck.dialects.relay import cost_line
from quotadeck.dialects.translate.chat_said import (
    MOST_CALLS,
    arguments_in,
    calls_in,
    function_of,
    text_in,
    thoughts_in,
)
from quotadeck.dialects.translate.messages_chat_request import APART, MEMBERS, messages_of
from quotadeck.dialects.translate.strict import Part
from quotadeck.dialects.translate.to_chat import ChatToldRelay, ToChat, first_choice, named
from quotadeck.domain.usage import Usage

_STOPS: Final[Mapping[str, str]] = {
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}


def _message(reply: Part, usage: Usage | None) -> Part:
    choice, said = first_choice(reply)
    content: list[Part] = []
    if thoughts := thoughts_in(said):
        content.append({"type": "thinking", "thinking": thoughts, "signature": ""})
    if text := text_in(said.get("content")) + text_in(said.get("refusal")):
        content.append({"type": "text", "text": text})
    content += [_tool_use(call) for call in calls_in(said)]
    return {
        "id": reply.get("id"),
        "type": "message",
        "role": "assistant",
        "model": reply.get("model"),
        "content": content,
        "stop_reason": _stop(choice.get("finish_reason"), refused=bool(said.get("refusal"))),
        "stop_sequence": None,
        "usage": _usage(usage),
    }


def _stop(reason: Any, *, refused: bool) -> str:
    known = _STOPS.get(reason, "end_turn") if isinstance(reason, str) else "end_turn"
    return "refusal" if refused else known


def _tool_use(call: Part) -> Part:
    function = function_of(call)
    try:
        given = loads((arguments_in(function) or "{}").encode())
    except ValueError:
        raise base.NotAnAnswer("its call of a tool is not JSON") from None
    return {
        "type": "tool_use",
        "id": call.get("id"),
        "name": function.get("name"),
        "input": given,
    }


def _usage(usage: Usage | None) -> dict[str, int]:
    """As Anthropic counts: what caches gave, or were given, stands beside the rest."""
    if usage is None:
        return {"input_tokens": 0, "output_tokens": 0}
    cached, written = usage.cached_tokens, usage.cache_write_tokens
    return {
        "input_tokens": usage.input_tokens - cached - written,
        "cache_read_input_tokens": cached,
        "cache_creation_input_tokens": written,
        "output_tokens": usage.output_tokens,
    }


class ChatToMessagesRelay(ChatToldRelay):
    """Text and thoughts are blocks one after the other. Calls of tools may come at once, so theirs
    stay open until the end.
    """

    __slots__ = ("_next", "_refused", "_talk", "_tools")

    def __init__(self) -> None:
        super().__init__()
        self._refused = False
        self._next = 0
        """The number of the next block."""
        self._talk: tuple[str, int] | None = None
        """The block of text or thoughts that is open, its kind and its number."""
        self._tools: dict[int, int] = {}
        """The number of each call's block, by that of the call."""

    def terminal(self, cost_usd: str | None) -> bytes:
        return cost_line(cost_usd) + named({"type": "message_stop"})

    def _start(self, chunk: Part) -> bytes:
        return named({"type": "message_start", "message": _begun(chunk)})

    def _add(self, delta: Part) -> bytes:
        said: list[bytes] = []
        if thoughts := thoughts_in(delta):
            self._grow("thinking", thoughts, said)
        refusal = text_in(delta.get("refusal"))
        self._refused = self._refused or bool(refusal)
        if text := text_in(delta.get("content")) + refusal:
            self._grow("text", text, said)
        for call in calls_in(delta):
            self._call(call, said)
        return b"".join(said)

    def _grow(self, kind: str, text: str, said: list[bytes]) -> None:
        if self._talk is None or self._talk[0] != kind:
            self._close_talk(said)
            block = {"type": kind, kind: ""}
            if kind == "thinking":
                block["signature"] = ""
            self._talk = kind, self._begin(block, said)
        said.append(_grown(self._talk[1], {"type": f"{kind}_delta", kind: text}))

    def _call(self, call: Part, said: list[bytes]) -> None:
        stated = call.get("index")
        index = stated if isinstance(stated, int) else len(self._tools)
        function = function_of(call)
        if index not in self._tools:
            if len(self._tools) >= MOST_CALLS:
                return
            self._close_talk(said)
            block = {"type": "tool_use", "id": call.get("id"), "name": function.get("name")}
            self._tools[index] = self._begin({**block, "input": {}}, said)
        if arguments := arguments_in(function):
            delta = {"type": "input_json_delta", "partial_json": arguments}
            said.append(_grown(self._tools[index], delta))

    def _begin(self, block: Part, said: list[bytes]) -> int:
        at, self._next = self._next, self._next + 1
        said.append(named({"type": "content_block_start", "index": at, "content_block": block}))
        return at

    def _close_talk(self, said: list[bytes]) -> None:
        if self._talk is not None:
            said.append(named({"type": "content_block_stop", "index": self._talk[1]}))
            self._talk = None

    def _end(self) -> bytes:
        said: list[bytes] = []
        self._close_talk(said)
        stops = [{"type": "content_block_stop", "index": at} for at in self._tools.values()]
        said += map(named, stops)
        stop = _stop(self._reason, refused=self._refused)
        delta = {"stop_reason": stop, "stop_sequence": None}
        end = {"type": "message_delta", "delta": delta, "usage": _usage(self.usage)}
        return b"".join((*said, named(end)))


def _begun(chunk: Part) -> Part:
    return {
        "id": chunk.get("id"),
        "type": "message",
        "role": "assistant",
        "model": chunk.get("model"),
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": _usage(None),
    }


def _grown(index: int, delta: Part) -> bytes:
    return named({"type": "content_block_delta", "index": index, "delta": delta})


MESSAGES_TO_CHAT: Final[base.Translator] = ToChat(
    "/v1/messages", messages_of, MEMBERS, APART, _message, ChatToMessagesRelay
)
