"""OpenAI's Responses for a client, chat completions for its upstream: the replies.

The one source of what an answer is worth is the reader of chat completions. A stream is told item
by item, and its terminal event holds the whole response, as the client's readers expect.
"""

from typing import Any, Final

from quotadeck.dialects import base
from quotadeck.dialects.relay import cost_line
from quotadeck.dialects.translate.chat_said import (
    MOST_CALLS,
    arguments_in,
    calls_in,
    text_in,
    thoughts_in,
)
from quotadeck.dialects.translate.responses_chat_request import APART, MEMBERS, messages_of
from quotadeck.dialects.translate.strict import Part
from quotadeck.dialects.translate.to_chat import ChatToldRelay, ToChat, first_choice, named
from quotadeck.domain.sse import MAX_BLOCK_BYTES
from quotadeck.domain.usage import Usage

_INCOMPLETE: Final = {"length": "max_output_tokens", "content_filter": "content_filter"}
_USUAL: Final[Part] = {"parallel_tool_calls": True, "tool_choice": "auto", "tools": []}
_PIECE_BYTES: Final = 64


def _response(reply: Part, usage: Usage | None) -> Part:
    choice, said = first_choice(reply)
    items = _Items()
    items.think(thoughts_in(said))
    items.say(text_in(said.get("content")), text_in(said.get("refusal")))
    for index, call in enumerate(calls_in(said)):
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
            if len(self._calls) >= MOST_CALLS:
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


class ChatToResponsesRelay(ChatToldRelay):
    """What it has told is kept: the terminal event has all of it."""

    __slots__ = ("_head", "_items", "_number")

    def __init__(self) -> None:
        super().__init__()
        self._items = _Items()
        self._head: Part = {}
        self._number = 0

    def terminal(self, cost_usd: str | None) -> bytes:
        response = _ended(self._head, self._items.whole(), self._reason, self.usage)
        end = self._event({"type": f"response.{response['status']}", "response": response})
        return cost_line(cost_usd) + end

    def _start(self, chunk: Part) -> bytes:
        self._head = _head(chunk)
        begun = {**self._head, "status": "in_progress", "output": [], "usage": None}
        kinds = ("response.created", "response.in_progress")
        return b"".join([self._event({"type": kind, "response": begun}) for kind in kinds])

    def _add(self, delta: Part) -> bytes:
        self._items.think(thoughts_in(delta))
        self._items.say(text_in(delta.get("content")), text_in(delta.get("refusal")))
        for call in calls_in(delta):
            stated = call.get("index")
            self._items.call(stated if isinstance(stated, int) else 0, call)
        if self._items.bytes > MAX_BLOCK_BYTES:
            self.broken = "its answer is too long to be told whole"
        return self._flushed()

    def _end(self) -> bytes:
        self._items.end()
        return self._flushed()

    def _flushed(self) -> bytes:
        events, self._items.events = self._items.events, []
        return b"".join(map(self._event, events))

    def _event(self, event: Part) -> bytes:
        numbered = {**event, "sequence_number": self._number}
        self._number += 1
        return named(numbered)


RESPONSES_TO_CHAT: Final[base.Translator] = ToChat(
    "/v1/responses", messages_of, MEMBERS, APART, _response, ChatToResponsesRelay
)
