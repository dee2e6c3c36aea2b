"""A planned reply as a chat completion: one JSON body, or the events of a stream.

Both are sequences of pieces, so that the faults of the wire (faults/wire.py) can bend either.
Shapes and order follow OpenAI's API reference for chat completions and its streaming events.
"""

from collections.abc import Iterator
from typing import Any

import orjson

from quotadeck.sim.ask import Ask
from quotadeck.sim.pieces import DONE, Piece, Stamp, Usage, event
from quotadeck.sim.plan import Choice, Plan

FINGERPRINT = "fp_sim5f1c2e7a90"


def true_usage(plan: Plan) -> dict[str, Any]:
    """OpenAI's usage object. Cached tokens are part of the prompt's, reasoning of the output's."""
    spent = plan.spent
    details = {"cached_tokens": spent.cached, "audio_tokens": 0}
    if spent.written:
        details["cache_write_tokens"] = spent.written
    return {
        "prompt_tokens": spent.input,
        "completion_tokens": spent.output,
        "total_tokens": spent.input + spent.output,
        "prompt_tokens_details": details,
        "completion_tokens_details": {
            "reasoning_tokens": spent.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def json_piece(stamp: Stamp, ask: Ask, plan: Plan, usage: Usage) -> Piece:
    """The body of a reply that is not streamed."""
    body = _head(stamp, ask, plan, "chat.completion")
    body["choices"] = [
        {
            "index": index,
            "message": _message(stamp, index, choice),
            "logprobs": None,
            "finish_reason": _finish(choice),
        }
        for index, choice in enumerate(plan.choices)
    ]
    return Piece(
        orjson.dumps(usage.put_on(body)),
        tokens=plan.completion_tokens,
        wait_s=plan.whole_s,
        last=True,
    )


def _message(stamp: Stamp, index: int, choice: Choice) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": choice.text}
    if choice.call:
        call = {"name": choice.call, "arguments": choice.text}
        message["content"] = None
        message["tool_calls"] = [
            {"id": stamp.named("call", index), "type": "function", "function": call}
        ]
    return {**message, "refusal": None, "annotations": []}


def _finish(choice: Choice) -> str:
    return "tool_calls" if choice.call and choice.finish_reason == "stop" else choice.finish_reason


def stream_pieces(stamp: Stamp, ask: Ask, plan: Plan, usage: Usage) -> Iterator[Piece]:
    """The events of a streamed reply, `[DONE]` included."""
    head = _head(stamp, ask, plan, "chat.completion.chunk")
    own_chunk = ask.include_usage and usage.present and not usage.on_finish
    on_finish = ask.include_usage and usage.present and usage.on_finish
    if own_chunk:
        # "All other chunks will also include a usage field, but with a null value."
        head["usage"] = None
    for index, choice in enumerate(plan.choices):
        start: dict[str, Any] = {"role": "assistant", "content": "", "refusal": None}
        if choice.call:
            call = {"name": choice.call, "arguments": ""}
            named = {"index": 0, "id": stamp.named("call", index), "type": "function"}
            start |= {"content": None, "tool_calls": [{**named, "function": call}]}
        wait_s = plan.first_token_s if index == 0 else 0.0
        yield _event(head, index, start, tokens=choice.reasoning, wait_s=wait_s)
    yield from _content(head, ask, plan)
    for index, choice in enumerate(plan.choices):
        ending = head
        if on_finish and index == ask.n - 1:
            ending = {**head, "usage": usage.value}
        yield _event(ending, index, {}, _finish(choice))
    if own_chunk:
        yield Piece(event({**head, "choices": [], "usage": usage.value}))
    yield Piece(DONE, last=True)


def _content(head: dict[str, Any], ask: Ask, plan: Plan) -> Iterator[Piece]:
    """All choices grow together, as they do where `n` is more than one."""
    step = ask.model.tokens_per_chunk
    longest = max(len(choice.said) for choice in plan.choices)
    for at in range(0, longest, step):
        wait_s = plan.per_token_s * step
        for index, choice in enumerate(plan.choices):
            tokens = choice.said[at : at + step]
            if not tokens:
                continue
            text = "".join(choice.said[at : at + step])
            delta: dict[str, Any] = {"content": text}
            if choice.call:
                delta = {"tool_calls": [{"index": 0, "function": {"arguments": text}}]}
            yield _event(head, index, delta, tokens=len(tokens), wait_s=wait_s)
            wait_s = 0.0


def _event(
    head: dict[str, Any],
    index: int,
    delta: dict[str, Any],
    finish_reason: str | None = None,
    *,
    tokens: int = 0,
    wait_s: float = 0.0,
) -> Piece:
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    return Piece(event({**head, "choices": [choice]}), tokens, wait_s)


def _head(stamp: Stamp, ask: Ask, plan: Plan, kind: str) -> dict[str, Any]:
    return {
        "id": stamp.id,
        "object": kind,
        "created": stamp.created,
        "model": ask.model.id,
        "service_tier": plan.tier or "default",
        "system_fingerprint": FINGERPRINT,
    }
