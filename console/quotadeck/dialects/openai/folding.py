"""A chat completion's stream folded to the whole reply, and a whole reply told as a stream.

Providers answer in the one way where they were asked for the other. Nothing of an answer is lost
either way: what is in one form's choices is in the other's, and members that we do not know too.
"""

from typing import Any, Final

import orjson

from quotadeck.dialects.growing import Parts, Text, written
from quotadeck.dialects.loose_json import loads
from quotadeck.domain.sse import Blocks, read_block

_WHOLE, _CHUNK = "chat.completion", "chat.completion.chunk"
_OF_A_CHOICE: Final = ("delta", "message", "index")


def to_whole(events: bytes) -> bytes:
    """The whole reply that these events tell, each block ended."""
    reply: dict[str, Any] = {}
    choices: dict[int, dict[str, Any]] = {}
    for block in Blocks().feed(events):
        data = read_block(block).data
        event = loads(data) if data and not data.startswith((b":", b"[DONE]")) else None
        if not isinstance(event, dict):
            continue
        reply |= {name: value for name, value in event.items() if name != "choices" and value}
        told = event.get("choices")
        for choice in told if isinstance(told, list) else ():
            if isinstance(choice, dict):
                _fold_choice(choices, choice)
    if reply.get("object") == _CHUNK:
        reply["object"] = _WHOLE
    reply["choices"] = [choices[index] for index in sorted(choices)]
    return written(reply)


def _fold_choice(choices: dict[int, dict[str, Any]], choice: dict[str, Any]) -> None:
    stated = choice.get("index")
    index = stated if isinstance(stated, int) else 0
    known = choices.setdefault(index, {"index": index, "finish_reason": None})
    if isinstance(choice.get("text"), str):  # completions of old
        _add(known, {"text": choice["text"]})
    if isinstance(choice.get("delta"), dict):
        message = known.setdefault("message", {"role": "assistant", "content": None})
        _add(message, choice["delta"])
    for name, value in choice.items():
        if name in (*_OF_A_CHOICE, "text"):
            continue
        if name == "logprobs" and isinstance(value, dict):
            _add(known, {name: value})
        elif value is not None:
            known[name] = value


def _add(known: dict[str, Any], delta: dict[str, Any]) -> None:
    """Texts are continued, lists with an index are matched by it, others are continued too."""
    for name, value in delta.items():
        before = known.get(name)
        if isinstance(value, str) and name not in ("role", "id", "type"):
            if isinstance(before, Text):
                before.pieces.append(value)
            else:
                known[name] = Text(before, value) if isinstance(before, str) else value
        elif isinstance(value, dict):
            inner = known[name] = before if isinstance(before, dict) else {}
            _add(inner, value)
        elif isinstance(value, list):
            known[name] = _joined(before if isinstance(before, Parts) else Parts(), value)
        elif value is not None or name not in known:
            known[name] = value


def _joined(before: Parts, more: list[Any]) -> Parts:
    for part in more:
        index = part.get("index") if isinstance(part, dict) else None
        if isinstance(index, int):
            rest = {name: value for name, value in part.items() if name != "index"}
            _add(before.at(index), rest)
        else:
            before.append(part)
    return before


def to_stream(body: bytes) -> bytes:
    """The events of a whole reply, as an upstream would send them that was asked for its usage."""
    reply = loads(body)
    usage = reply.get("usage")
    head = {name: value for name, value in reply.items() if name not in ("choices", "usage")}
    if head.get("object") == _WHOLE:
        head["object"] = _CHUNK
    events = []
    for at, choice in enumerate(reply["choices"]):
        if not isinstance(choice, dict):
            continue
        rest = {name: value for name, value in choice.items() if name != "message"}
        rest.setdefault("index", at)
        if isinstance(choice.get("message"), dict):
            rest["delta"] = _as_delta(choice["message"])
        reason = rest.pop("finish_reason", None)
        events.append({**head, "choices": [{**rest, "finish_reason": None}]})
        last: dict[str, Any] = {"index": rest["index"], "finish_reason": reason or "stop"}
        last["delta" if "delta" in rest else "text"] = {} if "delta" in rest else ""
        events.append({**head, "choices": [last]})
    if usage:
        events.append({**head, "choices": [], "usage": usage})
    told = b"".join(b"data: " + orjson.dumps(event) + b"\n\n" for event in events)
    return told + b"data: [DONE]\n\n"


def _as_delta(message: dict[str, Any]) -> dict[str, Any]:
    calls = message.get("tool_calls")
    if not isinstance(calls, list):
        return {name: value for name, value in message.items() if value is not None}
    numbered = [
        {"index": at, **call} if isinstance(call, dict) else call for at, call in enumerate(calls)
    ]
    given = {name: value for name, value in message.items() if value is not None}
    return {**given, "tool_calls": numbered}
