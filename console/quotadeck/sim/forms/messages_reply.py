"""A planned reply as an Anthropic message, whole or as its events.

Shapes and order follow the official SDK's types for `messages` and its streaming events.
"""

from collections.abc import Iterator
from typing import Any

import orjson

from quotadeck.sim.ask import Ask
from quotadeck.sim.catalogue import ADVISOR
from quotadeck.sim.pieces import Piece, Stamp, Usage, event
from quotadeck.sim.plan import Choice, Plan

STOPS = {"stop": "end_turn", "length": "max_tokens"}
SIGNATURE = "EqQBCkgIARABGAIiQL8Sim"


def true_usage(plan: Plan) -> dict[str, Any]:
    """The usage object of the form: its input is what no cache had to do with."""
    spent, (summed_in, summed_out) = plan.spent, plan.summary
    given = spent.input - spent.cached - spent.written - summed_in
    caches = {
        "cache_creation_input_tokens": spent.written,
        "cache_read_input_tokens": spent.cached,
        "cache_creation": {
            "ephemeral_5m_input_tokens": spent.written - spent.written_1h,
            "ephemeral_1h_input_tokens": spent.written_1h,
        },
    }
    output = spent.output - summed_out
    usage: dict[str, Any] = {
        "input_tokens": given,
        **caches,
        "output_tokens": output,
        "service_tier": plan.tier or "standard",
        "inference_geo": "us" if "us" in spent.tier else "global",
    }
    if "fast" in spent.tier:
        usage["speed"] = "fast"
    if spent.searches:
        counts = {"web_search_requests": spent.searches, "web_fetch_requests": 0}
        usage["server_tool_use"] = counts
    beside = []
    none = {"cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
    if summed_in:
        summary = {"input_tokens": summed_in, "output_tokens": summed_out, **none}
        beside.append({"type": "compaction", **summary})
    if plan.advice[0]:
        advice = {"input_tokens": plan.advice[0], "output_tokens": plan.advice[1], **none}
        beside.append({"type": "advisor_message", "model": ADVISOR, **advice})
    if beside:
        turn = {"input_tokens": given, "output_tokens": output, **caches}
        usage["iterations"] = [*beside, {"type": "message", **turn}]
    return usage


def _message(stamp: Stamp, ask: Ask, content: list[Any]) -> dict[str, Any]:
    return {
        "id": stamp.id,
        "type": "message",
        "role": "assistant",
        "model": ask.model.id,
        "content": content,
        "stop_reason": None,
        "stop_sequence": None,
    }


def _reason(choice: Choice) -> str:
    return (
        "tool_use"
        if choice.call and choice.finish_reason == "stop"
        else STOPS[choice.finish_reason]
    )


def _blocks(stamp: Stamp, plan: Plan) -> Iterator[dict[str, Any]]:
    """All that comes out, as it is when it is done."""
    (choice,) = plan.choices
    if plan.summary[0]:
        yield {"type": "compaction", "content": "What came before, in short."}
    if choice.reasoning:
        yield {"type": "thinking", "thinking": choice.thought, "signature": SIGNATURE}
    for at in range(plan.spent.searches):
        found = stamp.named("srvtoolu", at)
        named = {"id": found, "name": "web_search", "input": {"query": "quota"}}
        yield {"type": "server_tool_use", **named}
        yield {"type": "web_search_tool_result", "tool_use_id": found, "content": []}
    if not choice.call:
        # Where none were asked for there is no member "citations": strict clients refuse a null.
        yield {"type": "text", "text": choice.text}
        return
    # A call that was cut has no arguments that could be an object.
    given = orjson.loads(choice.text) if choice.finish_reason == "stop" else {}
    named = {"id": stamp.named("toolu"), "name": choice.call, "input": given}
    yield {"type": "tool_use", **named}


def whole(stamp: Stamp, ask: Ask, plan: Plan, usage: Usage) -> Piece:
    """The body of a reply that is not streamed."""
    body = _message(stamp, ask, list(_blocks(stamp, plan)))
    body["stop_reason"] = _reason(plan.choices[0])
    return Piece(orjson.dumps(usage.put_on(body)), plan.completion_tokens, plan.whole_s, last=True)


def stream(stamp: Stamp, ask: Ask, plan: Plan, usage: Usage) -> Iterator[Piece]:
    """The events of a streamed reply; its usage is told at both ends."""
    (choice,) = plan.choices
    begun = Usage(_begun(usage.value), usage.present).put_on(_message(stamp, ask, []))
    yield Piece(_said("message_start", message=begun), wait_s=plan.first_token_s)
    yield Piece(_said("ping"))
    for at, block in enumerate(_blocks(stamp, plan)):
        begin = {**block, **_UNBEGUN.get(block["type"], {})}
        yield Piece(_said("content_block_start", index=at, content_block=begin))
        for delta, tokens in _deltas(block, ask, choice):
            wait_s = plan.per_token_s * tokens
            data = _said("content_block_delta", index=at, delta=delta)
            yield Piece(data, tokens, wait_s)
        yield Piece(_said("content_block_stop", index=at))
    delta = {"stop_reason": _reason(choice), "stop_sequence": None}
    ending = Usage(_ended(usage.value), usage.present).put_on({"delta": delta})
    yield Piece(_said("message_delta", **ending))
    yield Piece(_said("message_stop"), last=True)


def _begun(value: Any) -> Any:
    """At the start little has been said, and searched, and summarised."""
    if not isinstance(value, dict):
        return value
    later = ("server_tool_use", "iterations")
    begun = {name: each for name, each in value.items() if name not in later}
    output = value.get("output_tokens")
    return {**begun, "output_tokens": min(1, output) if isinstance(output, int) else output}


def _ended(value: Any) -> Any:
    """At the end it does not say again how it was served."""
    if not isinstance(value, dict):
        return value
    once = ("service_tier", "inference_geo", "speed", "cache_creation")
    return {name: each for name, each in value.items() if name not in once}


_UNBEGUN: dict[str, dict[str, Any]] = {
    "text": {"text": ""},
    "thinking": {"thinking": "", "signature": ""},
    "tool_use": {"input": {}},
    "server_tool_use": {"input": {}},
    "compaction": {"content": None},
}
"""What of a block comes later."""


def _deltas(
    block: dict[str, Any], ask: Ask, choice: Choice
) -> Iterator[tuple[dict[str, Any], int]]:
    """What a block grows by, each with its tokens."""
    kind, step = block["type"], ask.model.tokens_per_chunk
    if kind == "compaction":
        yield {"type": "compaction_delta", "content": block["content"]}, 0
    elif kind == "server_tool_use":
        partial = orjson.dumps(block["input"]).decode()
        yield {"type": "input_json_delta", "partial_json": partial}, 0
    elif kind == "thinking":
        for token in choice.tokens[: choice.reasoning]:
            yield {"type": "thinking_delta", "thinking": token}, 1
        yield {"type": "signature_delta", "signature": block["signature"]}, 0
    elif kind in ("text", "tool_use"):
        for at in range(0, len(choice.said), step):
            said = "".join(choice.said[at : at + step])
            delta = {"type": "text_delta", "text": said}
            if kind == "tool_use":
                delta = {"type": "input_json_delta", "partial_json": said}
            yield delta, len(choice.said[at : at + step])


def _said(kind: str, **more: Any) -> bytes:
    return event({"type": kind, **more}, kind)
