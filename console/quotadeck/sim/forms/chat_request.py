"""A chat completion request, checked as the provider would."""

from collections.abc import Mapping
from typing import Any

from quotadeck.sim.ask import (
    Ask,
    canonical,
    count,
    fitting,
    flag,
    functions_of,
    items,
    openai_tiers,
    stops,
    usage_wanted,
    wrong_type,
)
from quotadeck.sim.catalogue import Model
from quotadeck.sim.errors import bad_request
from quotadeck.sim.tokens import count_input

ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
MAX_CHOICES = 128


def parse_chat(model: Model, body: Mapping[str, Any]) -> Ask:
    """Check everything that decides on the reply."""
    messages = _messages(body)
    tools = items(body, "tools")
    stream = flag(body, "stream")
    content = canonical(model.id, messages, tools)
    given = [tool["function"] for tool in tools if isinstance(tool, dict) and "function" in tool]
    functions, must_call = functions_of(given, "parameters", body.get("tool_choice"))
    return Ask(
        model=model,
        content=content,
        prompt_tokens=fitting(model, count_input(model, messages, tools), "messages"),
        max_tokens=_max_tokens(model, body),
        n=count(body, "n", 1, MAX_CHOICES),
        stop=stops(body),
        stream=stream,
        include_usage=usage_wanted(body, stream),
        reasons=body.get("reasoning_effort") not in (None, "none"),
        functions=functions,
        must_call=must_call,
        schema=_schema(body.get("response_format")),
        tiers=openai_tiers(body),
    )


def _schema(wanted: object) -> Mapping[str, Any] | None:
    if not isinstance(wanted, dict) or wanted.get("type") not in ("json_schema", "json_object"):
        return None
    return (wanted.get("json_schema") or {}).get("schema") or {}


def _messages(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    messages = body.get("messages")
    if messages is None:
        raise bad_request("Missing required parameter: 'messages'.", "messages")
    if not isinstance(messages, list):
        raise wrong_type("messages", "an array of objects", messages)
    if not messages:
        raise bad_request(
            "Invalid 'messages': empty array. Expected an array with minimum length 1.",
            "messages",
            "empty_array",
        )
    for index, message in enumerate(messages):
        where = f"messages[{index}]"
        if not isinstance(message, dict):
            raise wrong_type(where, "an object", message)
        if message.get("role") not in ROLES:
            raise bad_request(
                f"Invalid value: {message.get('role')!r}. Supported values are: "
                f"{', '.join(repr(role) for role in sorted(ROLES))}.",
                f"{where}.role",
                "invalid_value",
            )
        content = message.get("content")
        if not isinstance(content, str | list | None):
            raise wrong_type(f"{where}.content", "a string or an array of parts", content)
    return messages


def _max_tokens(model: Model, body: Mapping[str, Any]) -> int:
    name = "max_tokens" if body.get("max_completion_tokens") is None else "max_completion_tokens"
    return min(count(body, name, model.max_output_tokens), model.max_output_tokens)
