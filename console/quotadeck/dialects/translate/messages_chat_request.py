"""A request of Anthropic's Messages for an upstream that speaks OpenAI's chat completions.

What that cannot say is refused by name, never left out. Left out are hints alone, which change no
word of an answer: what is to be cached and for how long, and in what pieces it is streamed.
Sources: "Create a Message" of Anthropic's API reference, "Create chat completion" of OpenAI's.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from quotadeck.dialects.fields import flag, kind_of
from quotadeck.dialects.request_json import write_json
from quotadeck.dialects.translate.messages_chat_parts import HINTS, part, texts
from quotadeck.dialects.translate.strict import CHAT, Part, list_at, object_at, text_at, words_at
from quotadeck.dialects.translate.to_chat import Write, as_it_is
from quotadeck.domain.refusals import BadField

_LOW_BUDGET, _MEDIUM_BUDGET = 2_048, 8_192
"""Of tokens to think with: up to here it is little, or a middling lot."""
_EFFORTS: Final = {"low": "low", "medium": "medium", "high": "high", "max": "high"}
_CHOICES: Final = {"auto": "auto", "any": "required", "none": "none"}
_ROLES: Final = ("user", "assistant", "system")
_ONE_TOOL: Final = "disable_parallel_tool_use"
_OF_THINKING: Final = frozenset({"type", "budget_tokens", "display"})
_OF_A_TOOL: Final = frozenset({"type", "name", "description", "input_schema", "strict", *HINTS})
_OF_A_THOUGHT: Final = frozenset({"type", "thinking", "signature"})
"""The signature is for who made it."""
_OF_A_CALL: Final = frozenset({"type", "id", "name", "input", "caller", *HINTS})
_OF_A_RESULT: Final = frozenset({"type", "tool_use_id", "content", "is_error", *HINTS})


APART: Final = frozenset({"cache_control", "model", "messages", "system"})
"""What is said otherwise, or is a hint."""


def messages_of(fields: Mapping[str, Any]) -> list[Part]:
    """A request's conversation. Raises BadField."""
    found = list(_system(fields.get("system")))
    for index, message in enumerate(fields["messages"]):
        found += _message(message, f"messages[{index}]")
    return found


def _thinking(value: Any) -> Part:
    stated = object_at(value, "thinking")
    CHAT.refuse_more(stated, _OF_THINKING, "thinking")
    kind, budget = stated.get("type"), stated.get("budget_tokens", _MEDIUM_BUDGET)
    if kind == "disabled":
        return {}
    if kind == "adaptive":
        return {"reasoning_effort": "medium"}
    if kind != "enabled":
        raise CHAT.cannot("thinking.type", repr(kind))
    if type(budget) is not int:
        raise BadField("thinking.budget_tokens", f"must be a whole number, not {kind_of(budget)}")
    low, medium = budget <= _LOW_BUDGET, budget <= _MEDIUM_BUDGET
    return {"reasoning_effort": "low" if low else "medium" if medium else "high"}


def _output_config(value: Any) -> Part:
    stated = object_at(value, "output_config")
    CHAT.refuse_more(stated, ("effort", "format"), "output_config")
    sent: Part = {}
    if (effort := stated.get("effort")) is not None:
        sent["reasoning_effort"] = CHAT.one_of(effort, _EFFORTS, "output_config.effort")
    if (asked := stated.get("format")) is not None:
        at = "output_config.format"
        asked = object_at(asked, at)
        CHAT.refuse_more(asked, ("type", "schema"), at)
        if asked.get("type") != "json_schema":
            raise CHAT.cannot(f"{at}.type", repr(asked.get("type")))
        schema = {"name": "output", "schema": asked.get("schema"), "strict": True}
        sent["response_format"] = {"type": "json_schema", "json_schema": schema}
    return sent


def _metadata(value: Any) -> Part:
    stated = object_at(value, "metadata")
    CHAT.refuse_more(stated, ("user_id",), "metadata")
    return {"user": stated["user_id"]} if stated.get("user_id") else {}


def _service_tier(value: Any) -> Part:
    if value == "auto":
        return {}
    return {"service_tier": CHAT.one_of(value, {"standard_only": "default"}, "service_tier")}


def _tool_choice(value: Any) -> Part:
    stated = object_at(value, "tool_choice")
    CHAT.refuse_more(stated, ("type", "name", _ONE_TOOL), "tool_choice")
    sent: Part = {}
    if stated.get("type") == "tool":
        sent["tool_choice"] = {"type": "function", "function": {"name": stated.get("name")}}
    else:
        sent["tool_choice"] = CHAT.one_of(stated.get("type"), _CHOICES, "tool_choice.type")
    if flag(stated, _ONE_TOOL, "tool_choice."):
        sent["parallel_tool_calls"] = False
    return sent


def _tools(value: Any) -> Part:
    sent = []
    for index, tool in enumerate(list_at(value, "tools")):
        where = f"tools[{index}]"
        stated = object_at(tool, where)
        if stated.get("type") not in (None, "custom"):
            raise CHAT.cannot(where, f"the tool {stated['type']!r}")
        CHAT.refuse_more(stated, _OF_A_TOOL, where)
        function: Part = {"name": stated.get("name"), "parameters": stated.get("input_schema")}
        function |= {name: stated[name] for name in ("description", "strict") if name in stated}
        sent.append({"type": "function", "function": function})
    return {"tools": sent} if sent else {}


MEMBERS: Final[Mapping[str, Write]] = {
    "max_tokens": as_it_is("max_tokens"),
    "stream": as_it_is("stream"),
    "temperature": as_it_is("temperature"),
    "top_p": as_it_is("top_p"),
    "stop_sequences": as_it_is("stop"),
    "thinking": _thinking,
    "output_config": _output_config,
    "metadata": _metadata,
    "service_tier": _service_tier,
    "tool_choice": _tool_choice,
    "tools": _tools,
}


def _system(value: Any) -> Iterator[Part]:
    if isinstance(value, list):
        if value:
            yield {"role": "system", "content": texts(value, "system")}
    elif text := text_at(value, "system"):
        yield {"role": "system", "content": text}


def _message(message: Part, where: str) -> Iterator[Part]:
    role, content = message["role"], message.get("content")
    CHAT.refuse_more(message, ("role", "content"), where)
    if role not in _ROLES:
        raise CHAT.cannot(f"{where}.role", repr(role))
    if not isinstance(content, list):
        yield {"role": role, "content": content}
    elif role == "assistant":
        yield _said(content, f"{where}.content")
    elif role == "system":
        yield {"role": role, "content": texts(content, f"{where}.content")}
    else:
        yield from _asked(content, f"{where}.content")


def _said(blocks: list[Any], where: str) -> Part:
    """What the model said: its words, what it thought, and the tools that it called."""
    said, thoughts, calls = [], [], []
    for index, block in enumerate(blocks):
        at = f"{where}[{index}]"
        stated = object_at(block, at)
        match stated.get("type"):
            case "text":
                said.append(texts([stated], where, index))
            case "thinking":
                CHAT.refuse_more(stated, _OF_A_THOUGHT, at)
                thoughts.append(words_at(stated.get("thinking"), f"{at}.thinking"))
            case "tool_use":
                calls.append(_call(stated, at))
            case kind:
                raise CHAT.cannot(at, repr(kind))
    sent: Part = {"role": "assistant", "content": "".join(said) or None}
    if thoughts:
        sent["reasoning_content"] = "".join(thoughts)
    if calls:
        sent["tool_calls"] = calls
    return sent


def _call(block: Part, where: str) -> Part:
    CHAT.refuse_more(block, _OF_A_CALL, where)
    if block.get("caller") not in (None, {"type": "direct"}):  # code that ran at the provider's
        raise CHAT.cannot(f"{where}.caller")
    given = object_at(block.get("input") or {}, f"{where}.input")
    function = {"name": block.get("name"), "arguments": write_json(given).decode()}
    return {"id": block.get("id"), "type": "function", "function": function}


def _asked(blocks: list[Any], where: str) -> Iterator[Part]:
    """What tools gave comes first, as it must: each a message of its own. Then what was asked."""
    parts = []
    for index, block in enumerate(blocks):
        at = f"{where}[{index}]"
        stated = object_at(block, at)
        if stated.get("type") == "tool_result":
            yield _tool_result(stated, at)
        else:
            parts.append(part(stated, at))
    if parts:
        yield {"role": "user", "content": parts}


def _tool_result(block: Part, where: str) -> Part:
    CHAT.refuse_more(block, _OF_A_RESULT, where)
    content, at = block.get("content"), f"{where}.content"
    text = texts(content, at) if isinstance(content, list) else text_at(content, at)
    if flag(block, "is_error", f"{where}."):  # for which there is no member
        text = f"Error: {text}"
    return {"role": "tool", "tool_call_id": block.get("tool_use_id"), "content": text}
