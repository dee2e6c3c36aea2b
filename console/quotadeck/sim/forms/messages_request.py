"""A request of Anthropic's Messages, checked as its API of October 2026 would."""

from collections.abc import Iterator, Mapping
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
    stops,
    wrong_type,
)
from quotadeck.sim.catalogue import ADVISOR, Model
from quotadeck.sim.errors import bad_request
from quotadeck.sim.tokens import TOKENS_PER_MESSAGE, TOKENS_PER_REQUEST, count_content, count_text

ROLES = frozenset({"user", "assistant", "system"})
REMOVED = ("temperature", "top_p", "top_k")
REMOVED_SINCE = "2026-10-21"
"""The version of the API that takes them no longer."""
AUTO_PRIORITY_PERCENT = 30
"""So often a request that leaves the tier open is served in the better one."""


def parse_message(model: Model, body: Mapping[str, Any]) -> Ask:
    """Check everything that decides on the reply."""
    if body.get("max_tokens") is None:
        raise bad_request("max_tokens: Field required", "max_tokens")
    tools, thinking = items(body, "tools"), body.get("thinking") or {}
    blocks = list(_blocks(model, body, tools))
    given = [tool for tool in tools if isinstance(tool, dict) and "input_schema" in tool]
    functions, must_call = functions_of(given, "input_schema", body.get("tool_choice"))
    total = sum(tokens for tokens, _ in blocks)
    return Ask(
        model=model,
        content=canonical(model.id, body.get("system"), body["messages"], tools),
        prompt_tokens=fitting(model, total, "messages"),
        max_tokens=min(count(body, "max_tokens", 1), model.max_output_tokens),
        stop=stops(body, "stop_sequences"),
        stream=flag(body, "stream"),
        include_usage=True,
        reasons=thinking.get("type") in ("enabled", "adaptive"),
        functions=functions,
        must_call=must_call,
        schema=(_format(body) or {}).get("schema"),
        searches=any(str(tool.get("type", "")).startswith("web_search") for tool in tools),
        advised=model.id != ADVISOR
        and any(str(tool.get("type", "")).startswith("advisor") for tool in tools),
        compacts=bool(body.get("context_management")),
        tiers=tuple(_tiers(body)),
        marks=tuple(_marks(blocks, body.get("cache_control"))),
    )


def check_version(body: Mapping[str, Any], version: str) -> None:
    """Refuse what the version that the request names takes no longer."""
    for name in REMOVED if version >= REMOVED_SINCE else ():
        if name in body:
            raise bad_request(f"{name}: Extra inputs are not permitted", name)


def _format(body: Mapping[str, Any]) -> Any:
    """Of the output, under its name of today or of its beta."""
    return (body.get("output_config") or {}).get("format") or body.get("output_format")


def count_message(model: Model, body: Mapping[str, Any]) -> int:
    """The tokens of such a request, which needs no bound."""
    return sum(tokens for tokens, _ in _blocks(model, body, items(body, "tools")))


def _tiers(body: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    if body.get("service_tier", "auto") == "auto":
        yield "priority", AUTO_PRIORITY_PERCENT
    if body.get("speed") == "fast":
        yield "fast", 100
    if body.get("inference_geo") == "us":
        yield "us", 100


Block = tuple[int, object]
"""Its tokens, and what it says of being cached."""


def _blocks(model: Model, body: Mapping[str, Any], tools: list[Any]) -> Iterator[Block]:
    """All of the input in the order in which it is cached: tools, system, messages."""
    for tool in tools:
        yield count_text(model, orjson.dumps(tool).decode()), _control(tool)
    yield TOKENS_PER_REQUEST, None
    yield from _parts(model, body.get("system") or [])
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise bad_request("messages: at least one message is required", "messages")
    for at, message in enumerate(messages):
        if not isinstance(message, dict) or message.get("role") not in ROLES:
            raise bad_request(f"messages.{at}.role: Input should be 'user' or 'assistant'")
        content = message.get("content")
        if not isinstance(content, str | list):
            raise wrong_type(f"messages.{at}.content", "a string or an array of blocks", content)
        yield TOKENS_PER_MESSAGE, None
        yield from _parts(model, content)


def _parts(model: Model, content: str | list[Any]) -> Iterator[Block]:
    if isinstance(content, str):
        yield count_text(model, content), None
        return
    for part in content:
        tokens = count_content(model, [part])
        for name in ("input", "content"):
            if isinstance(part, dict) and name in part:
                tokens += count_text(model, orjson.dumps(part[name]).decode())
        yield tokens, _control(part)


def _control(part: Any) -> object:
    return part.get("cache_control") if isinstance(part, dict) else None


def _marks(blocks: list[Block], whole: object) -> Iterator[tuple[int, bool]]:
    """Each mark, with the tokens since the one before; one for all of the request comes last."""
    since = 0
    for at, (tokens, control) in enumerate(blocks):
        since += tokens
        control = control or (whole if at == len(blocks) - 1 else None)
        if isinstance(control, dict):
            yield since, control.get("ttl") == "1h"
            since = 0
