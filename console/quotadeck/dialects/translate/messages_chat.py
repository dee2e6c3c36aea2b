"""Anthropic's Messages for a client, OpenAI's chat completions for its upstream: the replies.

The one source of what an answer is worth is the reader of chat completions: whole or as a stream,
its usage is what that has read.
"""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from quotadeck.dialects import base
from quotadeck.dialects.loose_json import loads
from quotadeck.dialects.openai import OPENAI
from quotadeck.dialects.openai.reply import read_reply
from quotadeck.dialects.openai.stream import OpenAIRelay
from quotadeck.dialects.said import read_error
from quotadeck.dialects.translate.chat_said import arguments_in, text_in
from quotadeck.dialects.translate.messages_chat_request import Part, chat_body
from quotadeck.domain.refusals import NotSpoken
from quotadeck.domain.sse import read_block
from quotadeck.domain.usage import Usage

_PATHS: Final = {"/v1/messages": "/chat/completions"}
_STOPS: Final[Mapping[str, str]] = {
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}
_THOUGHTS: Final = ("reasoning_content", "reasoning")
"""Where providers put what a model thinks: DeepSeek's and vLLM's name, and OpenRouter's."""
_MOST_CALLS: Final = 1_024


class MessagesToChat:
    """See `base.Translator`."""

    def path(self, path: str) -> str:
        if path not in _PATHS:
            raise NotSpoken("count_tokens", "of this model", ("chat",))
        return _PATHS[path]

    def asks_with(self, key: str) -> tuple[tuple[bytes, bytes], ...]:
        return OPENAI.asks_with(key)

    def lines(self, ask: base.Ask) -> str:  # noqa: ARG002 -- they are Anthropic's
        return ""

    def forward(self, ask: base.Ask, model: str, *, stream_usage: bool = True) -> bytes:
        return chat_body(ask.body.request.fields, model, stream_usage=stream_usage)

    def reply(self, body: bytes) -> base.Read:
        read = read_reply(body)
        return read._replace(body=orjson.dumps(_message(loads(body), read.usage)))

    def relay(self, ask: base.Ask) -> base.Relay:  # noqa: ARG002
        return ChatToMessagesRelay()

    def error(self, body: bytes) -> base.UpstreamSaid:
        return read_error(body)


def _message(reply: Part, usage: Usage | None) -> Part:
    choices = [one for one in reply["choices"] if isinstance(one, dict)]
    choice: Part = choices[0] if choices else {}
    said = choice.get("message")
    said = said if isinstance(said, dict) else {}
    content: list[Part] = []
    if thoughts := _thoughts(said):
        content.append({"type": "thinking", "thinking": thoughts, "signature": ""})
    if text := text_in(said.get("content")) or text_in(said.get("refusal")):
        content.append({"type": "text", "text": text})
    content += [_tool_use(call) for call in _calls(said)]
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


def _thoughts(said: Part) -> str:
    return next((said[name] for name in _THOUGHTS if isinstance(said.get(name), str)), "")


def _calls(said: Part) -> list[Part]:
    calls = said.get("tool_calls")
    return [one for one in calls if isinstance(one, dict)] if isinstance(calls, list) else []


def _function(call: Part) -> Part:
    function = call.get("function")
    return function if isinstance(function, dict) else {}


def _tool_use(call: Part) -> Part:
    function = _function(call)
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


class ChatToMessagesRelay(OpenAIRelay):
    """A chat completion's stream, read as such and told as a message's.

    Text and thoughts are blocks one after the other. Calls of tools may come at once, so theirs
    stay open until the end.
    """

    __slots__ = ("_next", "_started", "_stop", "_talk", "_told_end", "_tools")

    def __init__(self) -> None:
        super().__init__(include_usage=True)
        self._next = 0
        """The number of the next block."""
        self._talk: tuple[str, int] | None = None
        """The block of text or thoughts that is open, its kind and its number."""
        self._tools: dict[int, int] = {}
        """The number of each call's block, by that of the call."""
        self._stop: Any = None
        self._started = self._told_end = False

    def feed(self, chunk: bytes) -> bytes:
        return super().feed(chunk) + self._end()

    def close(self) -> bytes:
        return super().close() + self._end()

    def terminal(self, cost_usd: str | None) -> bytes:
        cost = b"" if cost_usd is None else b": cost-usd %b\n" % cost_usd.encode()
        return cost + _event({"type": "message_stop"})

    def _told(self, block: bytes, parsed: Any) -> bytes:
        said: list[bytes] = []
        quiet = read_block(block).quiet if block.startswith(b":") else b""
        if quiet:
            said.append(quiet)
        if not isinstance(parsed, dict):
            return quiet
        if not self._started:
            self._started = True
            said.append(_event({"type": "message_start", "message": _begun(parsed)}))
        choices = parsed.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if not isinstance(choice, dict) or choice.get("index") not in (0, None):
                continue
            delta = choice.get("delta")
            if isinstance(delta, dict):
                self._add(delta, said)
            self._stop = choice.get("finish_reason") or self._stop
        return b"".join(said)

    def _add(self, delta: Part, said: list[bytes]) -> None:
        if thoughts := _thoughts(delta):
            self._grow("thinking", thoughts, said)
        if text := text_in(delta.get("content")):
            self._grow("text", text, said)
        if isinstance(delta.get("refusal"), str) and delta["refusal"]:
            self._stop = "content_filter"
            self._grow("text", delta["refusal"], said)
        for call in _calls(delta):
            self._call(call, said)

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
        function = _function(call)
        if index not in self._tools:
            if len(self._tools) >= _MOST_CALLS:
                return
            self._close_talk(said)
            block = {"type": "tool_use", "id": call.get("id"), "name": function.get("name")}
            self._tools[index] = self._begin({**block, "input": {}}, said)
        if arguments := arguments_in(function):
            delta = {"type": "input_json_delta", "partial_json": arguments}
            said.append(_grown(self._tools[index], delta))

    def _begin(self, block: Part, said: list[bytes]) -> int:
        at, self._next = self._next, self._next + 1
        said.append(_event({"type": "content_block_start", "index": at, "content_block": block}))
        return at

    def _close_talk(self, said: list[bytes]) -> None:
        if self._talk is not None:
            said.append(_event({"type": "content_block_stop", "index": self._talk[1]}))
            self._talk = None

    def _end(self) -> bytes:
        """What a message says at its end, once; the terminal event is behind it."""
        if not (self.done and self._started) or self._told_end:
            return b""
        self._told_end = True
        said: list[bytes] = []
        self._close_talk(said)
        stops = [{"type": "content_block_stop", "index": at} for at in self._tools.values()]
        said += map(_event, stops)
        delta = {"stop_reason": _stop(self._stop, refused=False), "stop_sequence": None}
        end = {"type": "message_delta", "delta": delta, "usage": _usage(self.usage)}
        return b"".join((*said, _event(end)))


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
    return _event({"type": "content_block_delta", "index": index, "delta": delta})


def _event(event: Part) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (event["type"].encode(), orjson.dumps(event))
