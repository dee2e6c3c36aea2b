"""A message's stream folded to the whole reply, and a whole reply told as a stream.

Providers answer in the one way where they were asked for the other. Nothing of an answer is lost
either way: blocks that we do not know pass as they are, and so do unknown members.
"""

from collections.abc import Iterator
from typing import Any, Final

import orjson

from quotadeck.dialects.counts import part
from quotadeck.dialects.growing import Text, written
from quotadeck.dialects.loose_json import loads
from quotadeck.domain.sse import Blocks, read_block

_GROWS: Final = {"text": "text", "thinking": "thinking", "signature": "signature"}
"""The texts that a block grows by, each the member of its delta that has it."""
_AT_THE_END: Final = ("stop_reason", "stop_sequence", "stop_details", "container")


def to_whole(events: bytes) -> bytes:
    """The whole reply that these events tell, each block ended."""
    message: dict[str, Any] = {}
    blocks: dict[int, dict[str, Any]] = {}
    partial: dict[int, list[str]] = {}
    for block in Blocks().feed(events):
        data = read_block(block).data
        event = loads(data) if data and not data.startswith((b":", b"[DONE]")) else None
        if not isinstance(event, dict):
            continue
        at = event.get("index")
        at = at if isinstance(at, int) else 0
        match event.get("type"):
            case "message_start":
                message = dict(part(event, "message"))
            case "content_block_start":
                blocks[at] = dict(part(event, "content_block"))
            case "content_block_delta":
                _grow(blocks.setdefault(at, {}), part(event, "delta"), partial, at)
            case "message_delta":
                _finish(message, event)
    for at, pieces in partial.items():
        blocks[at]["input"] = _json("".join(pieces))
    message["content"] = [blocks[at] for at in sorted(blocks)]
    return written(message)


def _grow(
    block: dict[str, Any], delta: dict[str, Any], partial: dict[int, list[str]], index: int
) -> None:
    if delta.get("type") == "input_json_delta":
        partial.setdefault(index, []).append(str(delta.get("partial_json", "")))
    elif delta.get("type") == "citations_delta":
        if not isinstance(block.get("citations"), list):
            block["citations"] = []
        block["citations"].append(delta.get("citation"))
    else:
        for name, value in delta.items():
            if name == "type":
                continue
            before = block.get(name)
            if isinstance(value, str) and isinstance(before, Text):
                before.pieces.append(value)
            elif isinstance(value, str) and isinstance(before, str):
                block[name] = Text(before, value)
            else:
                block[name] = value


def _finish(message: dict[str, Any], event: dict[str, Any]) -> None:
    message |= part(event, "delta")
    rest = {name: value for name, value in event.items() if name not in ("type", "delta", "usage")}
    message |= rest
    told = {name: value for name, value in part(event, "usage").items() if value is not None}
    message["usage"] = {**part(message, "usage"), **told}


def to_stream(body: bytes) -> bytes:
    """The events of a whole reply, the terminal one too."""
    return b"".join(
        b"event: %b\ndata: %b\n\n" % (event["type"].encode(), orjson.dumps(event))
        for event in _events(loads(body))
    )


def _events(reply: dict[str, Any]) -> Iterator[dict[str, Any]]:
    usage = part(reply, "usage")
    begun = {**usage, **({"output_tokens": 0} if "output_tokens" in usage else {})}
    at_first = dict.fromkeys((name for name in _AT_THE_END if name in reply), None)
    yield {
        "type": "message_start",
        "message": {**reply, **at_first, "content": [], **({"usage": begun} if usage else {})},
    }
    for index, block in enumerate(reply.get("content") or ()):
        if not isinstance(block, dict):
            continue
        first, deltas = _unfolded(block)
        yield {"type": "content_block_start", "index": index, "content_block": first}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    delta = {name: reply[name] for name in _AT_THE_END if name in reply}
    yield {"type": "message_delta", "delta": delta, **({"usage": usage} if usage else {})}
    yield {"type": "message_stop"}


def _unfolded(block: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A block as it begins, and what it grows by."""
    first, deltas = dict(block), []
    if isinstance(block.get("input"), dict) and str(block.get("type")).endswith("tool_use"):
        first["input"] = {}
        given = orjson.dumps(block["input"]).decode()
        deltas.append({"type": "input_json_delta", "partial_json": given})
        return first, deltas
    if block.get("type") not in ("text", "thinking"):
        return first, deltas
    for name, member in _GROWS.items():
        if block.get(name) and isinstance(block[name], str):
            first[name] = ""
            deltas.append({"type": f"{name}_delta", member: block[name]})
    if isinstance(block.get("citations"), list):
        first["citations"] = []
        cited = [{"type": "citations_delta", "citation": one} for one in block["citations"]]
        deltas = cited + deltas
    return first, deltas


def _json(text: str) -> Any:
    try:
        return loads(text.encode()) if text else {}
    except ValueError:
        return {}  # it was cut
