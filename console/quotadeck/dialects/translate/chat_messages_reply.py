"""A message of Anthropic's as a chat completion: its words, its calls, what it used.

What is thought is ``reasoning_content``, and once more, with its signatures, ``thinking_blocks``:
the one is for people, the other is sent back with the conversation. Blocks of what a chat cannot
ask for, such as a provider's own tools, do not come.
"""

from typing import Any, Final

from quotadeck.dialects.counts import part
from quotadeck.dialects.loose_json import loads
from quotadeck.dialects.request_json import read_json, write_json
from quotadeck.domain.refusals import BadField, NotJson
from quotadeck.domain.usage import Usage

_REASONS: Final = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


def exact(body: bytes) -> Any:
    """The value of a reply that can be read, with whole numbers of any length as they are."""
    try:
        return read_json(body, "")
    except (NotJson, BadField):
        return loads(body)


def completion(
    message: dict[str, Any], identity: str, usage: Usage | None, created_s: int
) -> dict[str, Any]:
    """The whole completion that the message is."""
    blocks = [block for block in message["content"] if isinstance(block, dict)]
    texts = [text_of(block, "text") for block in blocks if block.get("type") == "text"]
    said: dict[str, Any] = {
        "role": "assistant",
        "content": "".join(texts) or None,
        "refusal": refusal_of(message) or None,
    }
    if thoughts := [thought_of(block) for block in blocks if is_thought(block)]:
        said["thinking_blocks"] = thoughts
        if text := "".join([text_of(one, "thinking") for one in thoughts]):
            said["reasoning_content"] = text
    if calls := [_call(block) for block in blocks if block.get("type") == "tool_use"]:
        said["tool_calls"] = calls
    reason = finish_reason(message.get("stop_reason"))
    choice = {"index": 0, "message": said, "logprobs": None, "finish_reason": reason}
    return {
        "id": identity,
        "object": "chat.completion",
        "created": created_s,
        "model": text_of(message, "model"),
        "choices": [choice],
        **usage_members(usage),
    }


def finish_reason(reason: Any) -> str:
    """Of a reason to stop; what is none that we know ended as it was to end."""
    return _REASONS.get(reason, "stop") if isinstance(reason, str) else "stop"


def refusal_of(place: dict[str, Any]) -> str:
    """Why a model would not go on, in its provider's words; empty where it did, or none came."""
    refused = place.get("stop_reason") == "refusal"
    return text_of(part(place, "stop_details"), "explanation") if refused else ""


def is_thought(block: dict[str, Any]) -> bool:
    return block.get("type") in ("thinking", "redacted_thinking")


def thought_of(block: dict[str, Any]) -> dict[str, Any]:
    """A thought as it is sent back."""
    if block.get("type") == "redacted_thinking":
        return {"type": "redacted_thinking", "data": text_of(block, "data")}
    names = ("thinking", "signature")
    return {"type": "thinking", **{name: text_of(block, name) for name in names}}


def text_of(place: dict[str, Any], name: str) -> str:
    """A member that is text; empty where it is not there."""
    value = place.get(name)
    return value if isinstance(value, str) else ""


def call_of(block: dict[str, Any], arguments: str) -> dict[str, Any]:
    """A call of a tool, as it begins or as a whole."""
    return {
        "id": text_of(block, "id"),
        "type": "function",
        "function": {"name": text_of(block, "name"), "arguments": arguments},
    }


def _call(block: dict[str, Any]) -> dict[str, Any]:
    return call_of(block, write_json(part(block, "input")).decode())


def usage_members(usage: Usage | None) -> dict[str, Any]:
    """The members that tell what was used, and in which tier; none where that is not known.

    All of the input is told, what caches gave and took among it.
    """
    if usage is None:
        return {}
    told: dict[str, Any] = {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }
    if usage.cache_write_1h_tokens:
        told["cache_creation"] = {"ephemeral_1h_input_tokens": usage.cache_write_1h_tokens}
    if usage.web_searches:
        told["server_tool_use"] = {"web_search_requests": usage.web_searches}
    tier = usage.tier.partition("+")[0]
    return {"usage": told, **({"service_tier": tier} if tier == "priority" else {})}
