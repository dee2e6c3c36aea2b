"""A planned reply as a response: its items, whole or each event by event.

Shapes and order follow the official SDK's types for `responses` and its streaming events.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from quotadeck.sim.ask import Ask
from quotadeck.sim.pieces import Piece, Stamp, Usage, event
from quotadeck.sim.plan import Choice, Plan


def true_usage(plan: Plan) -> dict[str, Any]:
    """The usage object of the form."""
    spent = plan.spent
    return {
        "input_tokens": spent.input,
        "input_tokens_details": {
            "cached_tokens": spent.cached,
            "cache_write_tokens": spent.written,
        },
        "output_tokens": spent.output,
        "output_tokens_details": {"reasoning_tokens": spent.reasoning},
        "total_tokens": spent.input + spent.output,
    }


def _response(stamp: Stamp, ask: Ask, plan: Plan, status: str, output: list[Any]) -> dict[str, Any]:
    echo = ask.echo
    searches = (
        {"web_search": {"num_requests": plan.spent.searches}} if plan.spent.searches else None
    )
    response = {
        "id": stamp.id,
        "object": "response",
        "created_at": stamp.created,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
        **echo,
        "parallel_tool_calls": echo["parallel_tool_calls"] is not False,
        "metadata": echo["metadata"] or {},
        "model": ask.model.id,
        "output": output,
        "reasoning": {"effort": "medium" if ask.reasons else None, "summary": None},
        "service_tier": plan.tier or "default",
        "truncation": "disabled",
        "usage": None,
    }
    return {**response, "tool_usage": searches} if searches else response


def _items(stamp: Stamp, plan: Plan) -> list[dict[str, Any]]:
    """All that comes out, as it is when it is done."""
    (choice,) = plan.choices
    found: list[dict[str, Any]] = []
    if choice.reasoning:
        summary = [{"type": "summary_text", "text": choice.thought}]
        found.append({"id": stamp.named("rs"), "type": "reasoning", "summary": summary})
    for at in range(plan.spent.searches):
        action = {"type": "search", "query": "quota", "queries": ["quota"]}
        item = {"id": stamp.named("ws", at), "type": "web_search_call", "status": "completed"}
        found.append({**item, "action": action})
    done = "completed" if choice.finish_reason == "stop" else "incomplete"
    if choice.call:
        item = {"id": stamp.named("fc"), "type": "function_call", "status": done}
        call = {"call_id": stamp.named("call"), "name": choice.call, "arguments": choice.text}
        return [*found, {**item, **call}]
    item = {"id": stamp.named("msg"), "type": "message", "status": done, "role": "assistant"}
    return [*found, {**item, "content": [_text(choice.text)]}]


def _text(text: str) -> dict[str, Any]:
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}


def _status(choice: Choice) -> str:
    return "completed" if choice.finish_reason == "stop" else "incomplete"


def whole(stamp: Stamp, ask: Ask, plan: Plan, usage: Usage) -> Piece:
    """The body of a reply that is not streamed."""
    status = _status(plan.choices[0])
    body = _response(stamp, ask, plan, status, _items(stamp, plan))
    said = usage.put_on(body)
    return Piece(orjson.dumps(said), plan.completion_tokens, plan.whole_s, last=True)


@dataclass(slots=True)
class _Numbered:
    """Events with their numbers."""

    next: int = 0

    def piece(self, kind: str, tokens: int = 0, wait_s: float = 0.0, **more: Any) -> Piece:
        value = {"type": kind, "sequence_number": self.next, **more}
        self.next += 1
        return Piece(event(value, kind), tokens, wait_s)


def stream(stamp: Stamp, ask: Ask, plan: Plan, usage: Usage) -> Iterator[Piece]:
    """The events of a streamed reply: the last of them holds all of it."""
    (choice,), numbered = plan.choices, _Numbered()
    begun = _response(stamp, ask, plan, "in_progress", [])
    yield numbered.piece("response.created", wait_s=plan.first_token_s, response=begun)
    yield numbered.piece("response.in_progress", response=begun)
    output = _items(stamp, plan)
    for at, item in enumerate(output):
        where = {"output_index": at, "item_id": item["id"]}
        begin = {**item, **_UNBEGUN.get(item["type"], {})}
        if "status" in item:
            begin["status"] = "in_progress"
        yield numbered.piece("response.output_item.added", output_index=at, item=begin)
        yield from _INSIDE[item["type"]](numbered, where, item, ask, plan)
        yield numbered.piece("response.output_item.done", output_index=at, item=item)
    status = _status(choice)
    last = usage.put_on(_response(stamp, ask, plan, status, output))
    piece = numbered.piece(f"response.{status}", response=last)
    yield Piece(piece.data, last=True)


_UNBEGUN: dict[str, dict[str, Any]] = {
    "message": {"content": []},
    "reasoning": {"summary": []},
    "function_call": {"arguments": ""},
}
"""What of an item comes later."""


def _thought(
    numbered: _Numbered, where: dict[str, Any], item: dict[str, Any], ask: Ask, plan: Plan
) -> Iterator[Piece]:
    del ask
    at, tokens = {**where, "summary_index": 0}, plan.choices[0].tokens[: plan.choices[0].reasoning]
    part, wait_s = item["summary"][0], plan.per_token_s
    kind = "response.reasoning_summary"
    yield numbered.piece(f"{kind}_part.added", **at, part={**part, "text": ""})
    for token in tokens:
        yield numbered.piece(f"{kind}_text.delta", 1, wait_s, **at, delta=token)
    yield numbered.piece(f"{kind}_text.done", **at, text=part["text"])
    yield numbered.piece(f"{kind}_part.done", **at, part=part)


def _searched(
    numbered: _Numbered, where: dict[str, Any], item: dict[str, Any], ask: Ask, plan: Plan
) -> Iterator[Piece]:
    del item, ask, plan
    for step in ("in_progress", "searching", "completed"):
        yield numbered.piece(f"response.web_search_call.{step}", **where)


def _deltas(
    numbered: _Numbered, kind: str, where: dict[str, Any], ask: Ask, plan: Plan
) -> Iterator[Piece]:
    choice, step = plan.choices[0], ask.model.tokens_per_chunk
    for at in range(0, len(choice.said), step):
        said, tokens = choice.said[at : at + step], len(choice.said[at : at + step])
        wait_s = plan.per_token_s * step
        yield numbered.piece(kind, tokens, wait_s, **where, delta="".join(said))


def _called(
    numbered: _Numbered, where: dict[str, Any], item: dict[str, Any], ask: Ask, plan: Plan
) -> Iterator[Piece]:
    kind = "response.function_call_arguments"
    yield from _deltas(numbered, f"{kind}.delta", where, ask, plan)
    named = {"name": item["name"], "arguments": item["arguments"]}
    yield numbered.piece(f"{kind}.done", **where, **named)


def _said(
    numbered: _Numbered, where: dict[str, Any], item: dict[str, Any], ask: Ask, plan: Plan
) -> Iterator[Piece]:
    at, (part,) = {**where, "content_index": 0}, item["content"]
    yield numbered.piece("response.content_part.added", **at, part=_text(""))
    yield from _deltas(numbered, "response.output_text.delta", {**at, "logprobs": []}, ask, plan)
    yield numbered.piece("response.output_text.done", **at, logprobs=[], text=part["text"])
    yield numbered.piece("response.content_part.done", **at, part=part)


_INSIDE = {
    "reasoning": _thought,
    "web_search_call": _searched,
    "function_call": _called,
    "message": _said,
}
"""What comes between an item's beginning and its end."""
