"""A response's stream folded to the whole reply, and a whole reply told as a stream.

The terminal event has all of the answer, so to fold is to take it out.
"""

from collections.abc import Iterator
from typing import Any, Final

import orjson

from quotadeck.dialects.loose_json import loads
from quotadeck.domain.sse import Blocks, read_block

_WHOLE: Final = ("response.completed", "response.incomplete")


def to_whole(events: bytes) -> bytes:
    """The whole reply that these events tell."""
    whole: Any = {}
    for block in Blocks().feed(events):
        data = read_block(block).data
        event = loads(data) if data and not data.startswith((b":", b"[DONE]")) else None
        if isinstance(event, dict) and event.get("type") in _WHOLE:
            whole = event.get("response")
    return orjson.dumps(whole)


def to_stream(body: bytes) -> bytes:
    """The events of a whole reply, as an upstream would send them."""
    told = []
    for number, event in enumerate(_events(loads(body))):
        event["sequence_number"] = number
        told.append(b"event: %b\ndata: %b\n\n" % (event["type"].encode(), orjson.dumps(event)))
    return b"".join(told)


def _events(response: dict[str, Any]) -> Iterator[dict[str, Any]]:
    begun = {**response, "status": "in_progress", "output": [], "usage": None}
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    for index, item in enumerate(response["output"]):
        if isinstance(item, dict):
            yield from _item(index, item)
    incomplete = response.get("status") == "incomplete"
    yield {"type": _WHOLE[incomplete], "response": response}


def _item(index: int, item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    where = {"output_index": index, "item_id": item.get("id")}
    first = {**item, "status": "in_progress"} if "status" in item else dict(item)
    if item.get("type") == "message":
        first["content"] = []
    if item.get("type") == "function_call":
        first["arguments"] = ""
    yield {"type": "response.output_item.added", "output_index": index, "item": first}
    if item.get("type") == "function_call":
        given = item.get("arguments")
        kind = "response.function_call_arguments"
        yield {"type": f"{kind}.delta", **where, "delta": given}
        yield {"type": f"{kind}.done", **where, "arguments": given, "name": item.get("name")}
    content = item.get("content") if item.get("type") == "message" else None
    for at, part in enumerate(content if isinstance(content, list) else ()):
        if isinstance(part, dict):
            yield from _part({**where, "content_index": at}, part)
    yield {"type": "response.output_item.done", "output_index": index, "item": item}


_TEXTS: Final = {
    "output_text": ("response.output_text", "text"),
    "refusal": ("response.refusal", "refusal"),
}


def _part(where: dict[str, Any], part: dict[str, Any]) -> Iterator[dict[str, Any]]:
    kind, name = _TEXTS.get(str(part.get("type")), ("", ""))
    first = {**part, **({name: ""} if name else {})}
    yield {"type": "response.content_part.added", **where, "part": first}
    if kind:
        logprobs: dict[str, list[Any]] = {"logprobs": []} if name == "text" else {}
        yield {"type": f"{kind}.delta", **where, "delta": part.get(name), **logprobs}
        yield {"type": f"{kind}.done", **where, name: part.get(name), **logprobs}
    yield {"type": "response.content_part.done", **where, "part": part}
