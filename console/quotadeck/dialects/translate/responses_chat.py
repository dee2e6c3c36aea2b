"""OpenAI's Responses for a client, chat completions for its upstream: the replies.

The one source of what an answer is worth is the reader of chat completions. A stream is told item
by item, and its terminal event holds the whole response, as the client's readers expect.
"""

from typing import Any, Final

import orjson

from quotadeck.dialects import base
from quotadeck.dialects.loose_json import loads
from quotadeck.dialects.openai import OPENAI
from quotadeck.dialects.openai.reply import read_reply
from quotadeck.dialects.openai.stream import OpenAIRelay
from quotadeck.dialects.said import read_error
from quotadeck.dialects.translate.chat_said import arguments_in, text_in
from quotadeck.dialects.translate.responses_chat_request import Part, chat_body
from quotadeck.domain.refusals import NotSpoken
from quotadeck.domain.sse import MAX_BLOCK_BYTES, read_block
from quotadeck.domain.usage import Usage

_PATHS: Final = {"/v1/responses": "/chat/completions"}
_INCOMPLETE: Final = {"length": "max_output_tokens", "content_filter": "content_filter"}
_THOUGHTS: Final = ("reasoning_content", "reasoning")
_USUAL: Final[Part] = {"parallel_tool_calls": True, "tool_choice": "auto", "tools": []}
_MOST_CALLS: Final = 1_024
_PIECE_BYTES: Final = 64


class ResponsesToChat:
    """See `base.Translator`."""

    def path(self, path: str) -> str:
        if path not in _PATHS:
            raise NotSpoken("input_tokens", "of this model", ("chat",))
        return _PATHS[path]

    def asks_with(self, key: str) -> tuple[tuple[bytes, bytes], ...]:
        return OPENAI.asks_with(key)

    def lines(self, ask: base.Ask) -> str:  # noqa: ARG002 -- the endpoint's say all
        return ""

    def forward(self, ask: base.Ask, model: str, *, stream_usage: bool = True) -> bytes:
        return chat_body(ask.body.request.fields, model, stream_usage=stream_usage)

    def reply(self, body: bytes) -> base.Read:
        read = read_reply(body)
        return read._replace(body=orjson.dumps(_response(loads(body), read.usage)))

    def relay(self, ask: base.Ask) -> base.Relay:  # noqa: ARG002
        return ChatToResponsesRelay()

    def error(self, body: bytes) -> base.UpstreamSaid:
        return read_error(body)


def _response(reply: Part, usage: Usage | None) -> Part:
    choices = [one for one in reply["choices"] if isinstance(one, dict)]
    choice: Part = choices[0] if choices else {}
    message = choice.get("message")
    said: Part = message if isinstance(message, dict) else {}
    items = _Items()
    items.think(_thoughts(said))
    items.say(text_in(said.get("content")), text_in(said.get("refusal")))
    for index, call in enumerate(_calls(said)):
        items.call(index, call)
    return _ended(_head(reply), items.whole(), choice.get("finish_reason"), usage)


def _head(chunk: Part) -> Part:
    identity = chunk.get("id")
    return {
        "id": identity if isinstance(identity, str) and identity else "resp_0",
        "object": "response",
        "created_at": chunk.get("created") or 0,
        "model": chunk.get("model"),
        "error": None,
        "incomplete_details": None,
        **_USUAL,
    }


def _ended(head: Part, output: list[Part], reason: Any, usage: Usage | None) -> Part:
    why = _INCOMPLETE.get(reason) if isinstance(reason, str) else None
    return {
        **head,
        "status": "incomplete" if why else "completed",
        "incomplete_details": {"reason": why} if why else None,
        "output": output,
        "usage": _usage(usage),
    }


def _usage(usage: Usage | None) -> Part | None:
    if usage is None:
        return None
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.total,
    }


def _thoughts(said: Part) -> str:
    return next((said[name] for name in _THOUGHTS if isinstance(said.get(name), str)), "")


def _calls(said: Part) -> list[Part]:
    calls = said.get("tool_calls")
    return [one for one in calls if isinstance(one, dict)] if isinstance(calls, list) else []


class _Item:
    """An item of the output as far as it has come. ``texts`` are its parts', in pieces, by kind."""

    __slots__ = ("at", "first", "texts")

    def __init__(self, at: int, first: Part) -> None:
        self.at = at
        self.first = first
        self.texts: dict[str, list[str]] = {}

    @property
    def id(self) -> str:
        return str(self.first["id"])

    def whole(self) -> Part:
        kind = self.first["type"]
        if kind == "function_call":
            given = "".join(self.texts.get("arguments", ()))
            return {**self.first, "arguments": given, "status": "completed"}
        parts = [_part(name, "".join(pieces)) for name, pieces in self.texts.items()]
        if kind == "reasoning":
            return {**self.first, "content": parts}
        return {**self.first, "content": parts, "status": "completed"}


def _part(kind: str, text: str) -> Part:
    if kind == "output_text":
        return {"type": kind, "text": text, "annotations": [], "logprobs": []}
    return {"type": kind, "refusal" if kind == "refusal" else "text": text}


_DELTAS: Final = {
    "output_text": "response.output_text.delta",
    "refusal": "response.refusal.delta",
    "reasoning_text": "response.reasoning_text.delta",
    "arguments": "response.function_call_arguments.delta",
}


class _Items:
    """The output's items, and the events that tell how they grow."""

    __slots__ = ("_calls", "_items", "_message", "_thoughts", "bytes", "events")

    def __init__(self) -> None:
        self._items: list[_Item] = []
        self._message: _Item | None = None
        self._thoughts: _Item | None = None
        self._calls: dict[int, _Item] = {}
        self.events: list[Part] = []
        self.bytes = 0
        """What all texts take, about: they are kept until the end, which tells them whole."""

    def think(self, text: str) -> None:
        if text:
            if self._thoughts is None:
                self._thoughts = self._begin("reasoning", "rs", summary=[])
            self._grow(self._thoughts, "reasoning_text", text)

    def say(self, text: str, refusal: str = "") -> None:
        for kind, more in (("output_text", text), ("refusal", refusal)):
            if more:
                if self._message is None:
                    self._message = self._begin("message", "msg", role="assistant")
                self._grow(self._message, kind, more)

    def call(self, index: int, call: Part) -> None:
        told = call.get("function")
        function: Part = told if isinstance(told, dict) else {}
        if index not in self._calls:
            if len(self._calls) >= _MOST_CALLS:
                return
            self._calls[index] = self._begin(
                "function_call", "fc", call_id=call.get("id"), name=function.get("name")
            )
        if arguments := arguments_in(function):
            self._grow(self._calls[index], "arguments", arguments)

    def whole(self) -> list[Part]:
        return [item.whole() for item in self._items]

    def end(self) -> None:
        """Tell that each of them is whole."""
        for item in self._items:
            self._end(item)

    def _begin(self, kind: str, prefix: str, **more: Any) -> _Item:
        at = len(self._items)
        item = _Item(at, {"id": f"{prefix}_{at}", "type": kind, **more})
        self._items.append(item)
        empty: Part = {"arguments": ""} if kind == "function_call" else {"content": []}
        begun = {**item.first, **empty, "status": "in_progress"}
        self._tell("response.output_item.added", output_index=at, item=begun)
        return item

    def _grow(self, item: _Item, kind: str, text: str) -> None:
        where: Part = {"output_index": item.at, "item_id": item.id}
        if kind != "arguments":
            if kind not in item.texts:
                part = _part(kind, "")
                index = len(item.texts)
                self._tell("response.content_part.added", **where, content_index=index, part=part)
                item.texts[kind] = []
            where["content_index"] = list(item.texts).index(kind)
        item.texts.setdefault(kind, []).append(text)
        self.bytes += len(text) + _PIECE_BYTES
        if kind == "output_text":
            where["logprobs"] = []
        self._tell(_DELTAS[kind], **where, delta=text)

    def _end(self, item: _Item) -> None:
        where: Part = {"output_index": item.at, "item_id": item.id}
        for index, (kind, pieces) in enumerate(item.texts.items()):
            text = "".join(pieces)
            done = _DELTAS[kind].removesuffix("delta") + "done"
            if kind == "arguments":
                self._tell(done, **where, arguments=text, name=item.first.get("name"))
                continue
            at: Part = {**where, "content_index": index}
            name = "refusal" if kind == "refusal" else "text"
            more: Part = {"logprobs": []} if kind == "output_text" else {}
            self._tell(done, **at, **{name: text}, **more)
            self._tell("response.content_part.done", **at, part=_part(kind, text))
        self._tell("response.output_item.done", output_index=item.at, item=item.whole())

    def _tell(self, kind: str, **more: Any) -> None:
        self.events.append({"type": kind, **more})


class ChatToResponsesRelay(OpenAIRelay):
    """A chat completion's stream, read as such and told as a response's."""

    __slots__ = ("_head", "_items", "_number", "_reason", "_told_end")

    def __init__(self) -> None:
        super().__init__(include_usage=True)
        self._items = _Items()
        self._head: Part | None = None
        self._number = 0
        self._reason: Any = None
        self._told_end = False

    def feed(self, chunk: bytes) -> bytes:
        return super().feed(chunk) + self._end()

    def close(self) -> bytes:
        return super().close() + self._end()

    def terminal(self, cost_usd: str | None) -> bytes:
        cost = b"" if cost_usd is None else b": cost-usd %b\n" % cost_usd.encode()
        response = _ended(self._head or {}, self._items.whole(), self._reason, self.usage)
        return cost + self._event({"type": f"response.{response['status']}", "response": response})

    def _told(self, block: bytes, parsed: Any) -> bytes:
        quiet = read_block(block).quiet if block.startswith(b":") else b""
        if not isinstance(parsed, dict):
            return quiet
        said = [quiet]
        if self._head is None:
            self._head = _head(parsed)
            begun = {**self._head, "status": "in_progress", "output": [], "usage": None}
            kinds = ("response.created", "response.in_progress")
            said += [self._event({"type": kind, "response": begun}) for kind in kinds]
        choices = parsed.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if not isinstance(choice, dict) or choice.get("index") not in (0, None):
                continue
            delta = choice.get("delta")
            if isinstance(delta, dict):
                self._add(delta)
            self._reason = choice.get("finish_reason") or self._reason
        if self._items.bytes > MAX_BLOCK_BYTES:
            self.broken = "its answer is too long to be told whole"
        return b"".join((*said, self._flushed()))

    def _add(self, delta: Part) -> None:
        self._items.think(_thoughts(delta))
        self._items.say(text_in(delta.get("content")), text_in(delta.get("refusal")))
        for call in _calls(delta):
            stated = call.get("index")
            self._items.call(stated if isinstance(stated, int) else 0, call)

    def _end(self) -> bytes:
        """What a response says before its terminal event, once."""
        if not (self.done and self._head is not None) or self._told_end:
            return b""
        self._told_end = True
        self._items.end()
        return self._flushed()

    def _flushed(self) -> bytes:
        events, self._items.events = self._items.events, []
        return b"".join(map(self._event, events))

    def _event(self, event: Part) -> bytes:
        numbered = {**event, "sequence_number": self._number}
        self._number += 1
        return b"event: %b\ndata: %b\n\n" % (event["type"].encode(), orjson.dumps(numbered))
