"""A request of OpenAI's Responses, checked as the provider would."""

from collections.abc import Mapping
from typing import Any

import orjson

from quotadeck.sim.ask import (
    Ask,
    canonical,
    count,
    fitting,
    flag,
    functions_of,
    items,
    openai_tiers,
    wrong_type,
)
from quotadeck.sim.catalogue import Model
from quotadeck.sim.errors import bad_request
from quotadeck.sim.tokens import TOKENS_PER_MESSAGE, TOKENS_PER_REQUEST, count_content, count_text

ECHOED = ("instructions", "metadata", "temperature", "top_p", "parallel_tool_calls", "user")


def parse_response(model: Model, body: Mapping[str, Any]) -> Ask:
    """Check everything that decides on the reply."""
    given, tools = body.get("input"), items(body, "tools")
    if not isinstance(given, str | list):
        raise wrong_type("input", "a string or an array of items", given)
    if not given and not body.get("previous_response_id"):
        raise bad_request("Missing required parameter: 'input'.", "input")
    if flag(body, "background") and not body.get("store", True):
        raise bad_request("Background mode requires 'store' to be true.", "background")
    reasoning = body.get("reasoning") or {}
    kinds = [tool.get("type") for tool in tools if isinstance(tool, dict)]
    given_functions = [
        tool for tool in tools if isinstance(tool, dict) and tool.get("type") == "function"
    ]
    choice = body.get("tool_choice") or "auto"
    functions, must_call = functions_of(given_functions, "parameters", choice)
    wanted = (body.get("text") or {}).get("format") or {"type": "text"}
    return Ask(
        model=model,
        content=canonical(model.id, given, body.get("instructions"), tools),
        prompt_tokens=fitting(model, _count(model, body, given, tools), "input"),
        max_tokens=min(
            count(body, "max_output_tokens", model.max_output_tokens), model.max_output_tokens
        ),
        stream=flag(body, "stream"),
        include_usage=True,
        reasons=isinstance(reasoning, dict) and reasoning.get("effort") not in (None, "none"),
        functions=functions,
        must_call=must_call,
        schema=None if wanted.get("type") == "text" else wanted.get("schema") or {},
        searches=any(str(kind).startswith("web_search") for kind in kinds),
        tiers=openai_tiers(body),
        context=str(body.get("previous_response_id") or ""),
        echo={
            **{name: body.get(name) for name in ECHOED},
            "text": {"format": wanted},
            "tools": tools,
            "tool_choice": choice,
            "max_output_tokens": body.get("max_output_tokens"),
            "previous_response_id": body.get("previous_response_id"),
            "store": body.get("store", True),
        },
    )


def _count(model: Model, body: Mapping[str, Any], given: str | list[Any], tools: list[Any]) -> int:
    total = TOKENS_PER_REQUEST
    for text in (body.get("instructions"), given):
        if isinstance(text, str):
            total += TOKENS_PER_MESSAGE + count_text(model, text)
    for item in given if isinstance(given, list) else ():
        if not isinstance(item, dict):
            raise wrong_type("input", "an array of items", item)
        total += TOKENS_PER_MESSAGE + count_content(model, item.get("content"))
        for name in ("arguments", "output", "name"):
            value = item.get(name)
            total += (
                count_text(model, value) if isinstance(value, str) else count_content(model, value)
            )
    return total + (count_text(model, orjson.dumps(tools).decode()) if tools else 0)
