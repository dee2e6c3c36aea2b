"""A chat completion's request for an upstream that speaks Anthropic's Messages: its members.

What that cannot say is refused by name, never left out. Left out are hints alone, which change no
word of an answer, and what asks for nothing: null, false, what is empty, and the usual values.
Sources: "Create chat completion" of OpenAI's API reference, "Create a Message" of Anthropic's.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from quotadeck.dialects.fields import flag
from quotadeck.dialects.request_json import write_json
from quotadeck.dialects.translate.chat_messages_turns import conversation
from quotadeck.dialects.translate.strict import MESSAGES, Part, asks_nothing, list_at, object_at
from quotadeck.domain.refusals import BadField

USUAL_MOST_TOKENS: Final = 4_096
"""A message needs a bound: this is sent where neither a client names one nor the config what the
target gives at most. Every model there can give as much."""
_SPOKEN_APART: Final = frozenset(
    {
        *("model", "messages", "max_tokens", "max_completion_tokens"),
        *("tool_choice", "parallel_tool_calls", "stream_options"),
        *("user", "safety_identifier"),
        *("prompt_cache_key", "prompt_cache_retention"),  # hints
    }
)
_USUAL: Final[Mapping[str, Any]] = {
    "n": 1,
    "frequency_penalty": 0,
    "presence_penalty": 0,
    "top_logprobs": 0,
    "modalities": ["text"],
    "verbosity": "medium",
    "function_call": "auto",
}
"""What they are where they are not sent."""
_EFFORTS: Final = {
    "minimal": "low",
    **{name: name for name in ("low", "medium", "high", "xhigh", "max")},
}
_CHOICES: Final = {"auto": "auto", "none": "none", "required": "any"}
_TIERS: Final = {"auto": "auto", "default": "standard_only"}
_OF_STREAM_OPTIONS: Final = frozenset({"include_usage", "include_obfuscation"})
_OF_A_CHOICE: Final = frozenset({"type", "function"})
_OF_A_FORMAT: Final = frozenset({"type", "json_schema"})
_OF_A_TOOL: Final = frozenset({"type", "function", "cache_control"})
_OF_A_FUNCTION: Final = frozenset({"name", "description", "parameters", "strict"})
_OF_A_SCHEMA: Final = frozenset({"name", "description", "schema", "strict"})


def message_body(fields: Mapping[str, Any], most: int | None, model: str) -> bytes:
    """The body of the message, with at most so many tokens of output. Raises BadField."""
    options = fields.get("stream_options") or {}
    MESSAGES.refuse_more(options, _OF_STREAM_OPTIONS, "stream_options")
    system, messages = conversation(fields["messages"])
    sent: Part = {"model": model, "max_tokens": most or USUAL_MOST_TOKENS, "messages": messages}
    if system:
        sent["system"] = system
    for name, value in fields.items():
        if name in _SPOKEN_APART or asks_nothing(value):
            continue
        write = _MEMBERS.get(name)
        if write is not None:
            _add(sent, write(value))
        elif name not in _USUAL or _USUAL[name] != value:
            raise MESSAGES.cannot(name)
    _add(sent, _who_asks(fields))
    _add(sent, _tool_choice(fields))
    return write_json(sent)


def _add(sent: Part, more: Part) -> None:
    """Two members may be one there: of an object both have parts."""
    for name, value in more.items():
        known = sent.get(name)
        if isinstance(known, dict) and isinstance(value, dict):
            value = {**known, **value}
        sent[name] = value


def _as_it_is(name: str) -> Callable[[Any], Part]:
    return lambda value: {name: value}


def _temperature(value: Any) -> Part:
    if isinstance(value, int | float) and value > 1:
        raise BadField(
            "temperature",
            f"is {str(value)[:30]}, and this model's upstream, which takes Anthropic's messages, "
            "takes at most 1",
        )
    return {"temperature": value}


def _stop(value: Any) -> Part:
    return {"stop_sequences": [value] if isinstance(value, str) else value}


def _effort(value: Any) -> Part:
    """What is to be thought: as much as the model finds right, guided by the effort."""
    if value == "none":
        return {"thinking": {"type": "disabled"}}
    effort = MESSAGES.one_of(value, _EFFORTS, "reasoning_effort")
    return {"thinking": {"type": "adaptive"}, "output_config": {"effort": effort}}


def _response_format(value: Any) -> Part:
    at = "response_format"
    stated = object_at(value, at)
    MESSAGES.refuse_more(stated, _OF_A_FORMAT, at)
    kind = stated.get("type")
    if kind == "text":
        return {}
    if kind != "json_schema":
        raise MESSAGES.cannot(f"{at}.type", repr(kind)[:30])
    asked = object_at(stated.get("json_schema"), f"{at}.json_schema")
    MESSAGES.refuse_more(asked, _OF_A_SCHEMA, f"{at}.json_schema")
    schema = object_at(asked.get("schema"), f"{at}.json_schema.schema")
    if asked.get("description"):  # for which there is no other place
        schema = {"description": asked["description"], **schema}
    return {"output_config": {"format": {"type": "json_schema", "schema": schema}}}


def _service_tier(value: Any) -> Part:
    return {"service_tier": MESSAGES.one_of(value, _TIERS, "service_tier")}


def _who_asks(fields: Mapping[str, Any]) -> Part:
    """There is one place for whom a request is made for, under its old name and its new one."""
    user, safety = fields.get("user"), fields.get("safety_identifier")
    if user and safety and user != safety:
        raise MESSAGES.cannot("safety_identifier", "beside another user it")
    return {"metadata": {"user_id": user or safety}} if user or safety else {}


def _tools(value: Any) -> Part:
    tools = enumerate(list_at(value, "tools"))
    return {"tools": [_tool(tool, f"tools[{index}]") for index, tool in tools]}


def _tool(tool: Any, where: str) -> Part:
    stated = object_at(tool, where)
    if stated.get("type", "function") != "function":
        raise MESSAGES.cannot(f"{where}.type", repr(stated["type"])[:60])
    MESSAGES.refuse_more(stated, _OF_A_TOOL, where)
    function = object_at(stated.get("function"), f"{where}.function")
    MESSAGES.refuse_more(function, _OF_A_FUNCTION, f"{where}.function")
    schema = function.get("parameters") or {"type": "object", "properties": {}}
    sent: Part = {"name": function.get("name"), "input_schema": schema}
    for place, name in ((function, "description"), (function, "strict"), (stated, "cache_control")):
        if place.get(name):
            sent[name] = place[name]
    return sent


def _tool_choice(fields: Mapping[str, Any]) -> Part:
    """Which tools are to be called, and whether several at once."""
    one = fields.get("parallel_tool_calls") is not None
    one = one and not flag(dict(fields), "parallel_tool_calls")
    asked = fields.get("tool_choice")
    if asked is None:
        choice: Part = {"type": "auto"} if one else {}
    elif isinstance(asked, str) and asked in _CHOICES:
        choice = {"type": _CHOICES[asked]}
    elif isinstance(asked, dict) and asked.get("type") == "function":
        MESSAGES.refuse_more(asked, _OF_A_CHOICE, "tool_choice")
        named = object_at(asked.get("function"), "tool_choice.function")
        MESSAGES.refuse_more(named, ("name",), "tool_choice.function")
        choice = {"type": "tool", "name": named.get("name")}
    else:
        kind = asked.get("type") if isinstance(asked, dict) else asked
        raise MESSAGES.cannot("tool_choice", repr(kind)[:30])
    if not fields.get("tools") and choice.get("type") in (None, "auto", "none"):
        return {}
    if one and choice["type"] != "none":
        choice["disable_parallel_tool_use"] = True
    return {"tool_choice": choice} if choice else {}


_MEMBERS: Final[Mapping[str, Callable[[Any], Part]]] = {
    "stream": _as_it_is("stream"),
    "temperature": _temperature,
    "top_p": _as_it_is("top_p"),
    "top_k": _as_it_is("top_k"),  # Anthropic's own, as extra members of a chat
    "thinking": _as_it_is("thinking"),
    "stop": _stop,
    "reasoning_effort": _effort,
    "response_format": _response_format,
    "service_tier": _service_tier,
    "tools": _tools,
}
