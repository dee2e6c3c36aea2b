"""A request of OpenAI's Responses for an upstream that speaks chat completions.

What that cannot say is refused by name, never left out. Left out are hints alone, which change no
word of an answer: what is to be cached under which key, whether the provider keeps it, and whether
it sums up its thoughts.
Sources: "Create a model response" and "Create chat completion" of OpenAI's API reference.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from quotadeck.dialects.translate.responses_chat_items import conversation
from quotadeck.dialects.translate.strict import CHAT, Part, list_at, object_at, text_at
from quotadeck.dialects.translate.to_chat import Write, as_it_is
from quotadeck.domain.refusals import BadField

_HINTS: Final = frozenset(
    {"store", "prompt_cache_key", "prompt_cache_retention", "safety_identifier", "truncation"}
)
APART: Final = _HINTS | {"model", "input", "instructions"}
"""What is said otherwise, or is a hint."""
_SEALED: Final = "reasoning.encrypted_content"
"""What a provider keeps sealed of its own thoughts has nothing to be sealed there."""


def messages_of(fields: Mapping[str, Any]) -> list[Part]:
    """A request's conversation. Raises BadField."""
    found: list[Part] = []
    if instructions := text_at(fields.get("instructions"), "instructions"):
        found.append({"role": "system", "content": instructions})
    found += conversation(fields.get("input"))
    if not found:
        raise BadField("input", "is missing")
    return found


def _only(name: str, usual: Any) -> Callable[[Any], Part]:
    """A member of which chat knows the usual value alone, by not naming it."""

    def write(value: Any) -> Part:
        if value != usual:
            raise CHAT.cannot(name, repr(value))
        return {}

    return write


def _include(value: Any) -> Part:
    for one in list_at(value, "include"):
        if one != _SEALED:
            raise CHAT.cannot("include", repr(one))
    return {}


def _reasoning(value: Any) -> Part:
    stated = object_at(value, "reasoning")
    CHAT.refuse_more(stated, ("effort", "summary"), "reasoning")
    return {"reasoning_effort": stated["effort"]} if stated.get("effort") else {}


def _text(value: Any) -> Part:
    stated = object_at(value, "text")
    CHAT.refuse_more(stated, ("format", "verbosity"), "text")
    sent: Part = {"verbosity": stated["verbosity"]} if stated.get("verbosity") else {}
    if stated.get("format"):
        sent |= _format(object_at(stated["format"], "text.format"))
    return sent


def _format(value: Part) -> Part:
    kind = value.get("type")
    schema = {name: each for name, each in value.items() if name != "type" and each is not None}
    if kind == "json_schema":
        return {"response_format": {"type": "json_schema", "json_schema": schema}}
    if kind not in ("text", "json_object"):
        raise CHAT.cannot("text.format.type", repr(kind))
    CHAT.refuse_more(value, ("type",), "text.format")
    return {} if kind == "text" else {"response_format": {"type": kind}}


def _tools(value: Any) -> Part:
    sent = []
    for index, tool in enumerate(list_at(value, "tools")):
        stated = object_at(tool, f"tools[{index}]")
        if stated.get("type") != "function":
            raise CHAT.cannot(f"tools[{index}]", f"the tool {stated.get('type')!r}")
        function = {
            name: each for name, each in stated.items() if name != "type" and each is not None
        }
        sent.append({"type": "function", "function": function})
    return {"tools": sent} if sent else {}


def _tool_choice(value: Any) -> Part:
    if isinstance(value, str):
        return {"tool_choice": value}
    stated = object_at(value, "tool_choice")
    if stated.get("type") != "function":
        raise CHAT.cannot("tool_choice.type", repr(stated.get("type")))
    CHAT.refuse_more(stated, ("type", "name"), "tool_choice")
    return {"tool_choice": {"type": "function", "function": {"name": stated.get("name")}}}


MEMBERS: Final[Mapping[str, Write]] = {
    "max_output_tokens": as_it_is("max_tokens"),
    "stream": as_it_is("stream"),
    "background": _only("background", False),
    "stream_options": _only("stream_options", {"include_obfuscation": False}),
    "temperature": as_it_is("temperature"),
    "top_p": as_it_is("top_p"),
    "top_logprobs": lambda value: {"logprobs": True, "top_logprobs": value},
    "metadata": as_it_is("metadata"),
    "user": as_it_is("user"),
    "service_tier": as_it_is("service_tier"),
    "parallel_tool_calls": as_it_is("parallel_tool_calls"),
    "tools": _tools,
    "tool_choice": _tool_choice,
    "text": _text,
    "reasoning": _reasoning,
    "include": _include,
}
