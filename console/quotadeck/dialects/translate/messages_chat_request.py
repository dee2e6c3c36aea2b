"""A request of Anthropic's Messages for an upstream that speaks OpenAI's chat completions.

What that cannot say is refused by name, never left out. Left out are hints alone, which change no
word of an answer: what is to be cached and for how long, and in what pieces it is streamed.
Sources: "Create a Message" of Anthropic's API reference, "Create chat completion" of OpenAI's.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from quotadeck.dialects.fields import kind_of
from quotadeck.dialects.request_json import write_json
from quotadeck.dialects.translate.to_chat import Part, Write, as_it_is, cannot
from quotadeck.domain.refusals import BadField

_LOW_BUDGET, _MEDIUM_BUDGET = 2_048, 8_192
"""Of tokens to think with: up to here it is little, or a middling lot."""
_EFFORTS: Final = {"low": "low", "medium": "medium", "high": "high", "max": "high"}
_CHOICES: Final = {"auto": "auto", "any": "required", "none": "none"}
_HINTS: Final = frozenset({"cache_control", "eager_input_streaming"})


APART: Final = frozenset({"cache_control", "model", "messages", "system"})
"""What is said otherwise, or is a hint."""


def messages_of(fields: Mapping[str, Any]) -> list[Part]:
    """A request's conversation. Raises BadField."""
    found = list(_system(fields.get("system")))
    for index, message in enumerate(fields["messages"]):
        found += _message(message, f"messages[{index}]")
    return found


def _thinking(value: Any) -> Part:
    kind = value.get("type") if isinstance(value, dict) else None
    if kind == "disabled":
        return {}
    given = value.get("budget_tokens") if isinstance(value, dict) else None
    budget = given if isinstance(given, int) else _MEDIUM_BUDGET
    if kind == "adaptive":
        return {"reasoning_effort": "medium"}
    if kind != "enabled":
        raise cannot("thinking.type", repr(kind))
    low, medium = budget <= _LOW_BUDGET, budget <= _MEDIUM_BUDGET
    return {"reasoning_effort": "low" if low else "medium" if medium else "high"}


def _output_config(value: Any) -> Part:
    sent: Part = {}
    for name, each in value.items() if isinstance(value, dict) else ():
        if name == "effort" and isinstance(each, str) and each in _EFFORTS:
            sent["reasoning_effort"] = _EFFORTS[each]
        elif name == "format" and isinstance(each, dict) and each.get("type") == "json_schema":
            schema = {"name": "output", "schema": each.get("schema"), "strict": True}
            sent["response_format"] = {"type": "json_schema", "json_schema": schema}
        elif each is not None:
            raise cannot(f"output_config.{name}")
    return sent


def _metadata(value: Any) -> Part:
    for name in value if isinstance(value, dict) else ():
        if name != "user_id":
            raise cannot(f"metadata.{name}")
    user = value.get("user_id") if isinstance(value, dict) else None
    return {"user": user} if user else {}


def _service_tier(value: Any) -> Part:
    if value == "auto":
        return {}
    if value == "standard_only":
        return {"service_tier": "default"}
    raise cannot("service_tier", repr(value))


def _tool_choice(value: Any) -> Part:
    kind = value.get("type") if isinstance(value, dict) else None
    sent: Part = {}
    if kind == "tool":
        sent["tool_choice"] = {"type": "function", "function": {"name": value.get("name")}}
    elif isinstance(kind, str) and kind in _CHOICES:
        sent["tool_choice"] = _CHOICES[kind]
    else:
        raise cannot("tool_choice.type", repr(kind))
    if value.get("disable_parallel_tool_use"):
        sent["parallel_tool_calls"] = False
    return sent


def _tools(value: Any) -> Part:
    sent = []
    for index, tool in enumerate(value if isinstance(value, list) else ()):
        where = f"tools[{index}]"
        if not isinstance(tool, dict):
            raise BadField(where, f"must be an object, not {kind_of(tool)}")
        if tool.get("type") not in (None, "custom"):
            raise cannot(where, f"the tool {tool['type']!r}")
        function: Part = {"name": tool.get("name"), "parameters": tool.get("input_schema")}
        for name, each in tool.items():
            if name in ("description", "strict"):
                function[name] = each
            elif name not in ("name", "type", "input_schema", *_HINTS) and each:
                raise cannot(f"{where}.{name}")
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
    if isinstance(value, str) and value:
        yield {"role": "system", "content": value}
    elif isinstance(value, list) and value:
        yield {"role": "system", "content": _texts(value, "system")}


def _texts(blocks: list[Any], where: str) -> str:
    said = []
    for index, block in enumerate(blocks):
        if not isinstance(block, dict) or block.get("type") != "text":
            kind = block.get("type") if isinstance(block, dict) else kind_of(block)
            raise cannot(f"{where}[{index}]", f"{kind} here")
        said.append(str(block.get("text", "")))
    return "\n\n".join(said)


def _message(message: Part, where: str) -> Iterator[Part]:
    role, content = message["role"], message.get("content")
    if not isinstance(content, list):
        yield {"role": role, "content": content}
    elif role == "assistant":
        yield _said(content, where)
    elif role == "system":
        yield {"role": role, "content": _texts(content, f"{where}.content")}
    else:
        yield from _asked(content, where)


def _said(blocks: list[Any], where: str) -> Part:
    """What the model said: its words, what it thought, and the tools that it called."""
    texts, thoughts, calls = [], [], []
    for index, block in enumerate(blocks):
        kind = block.get("type") if isinstance(block, dict) else None
        if kind == "text":
            texts.append(str(block.get("text", "")))
        elif kind == "thinking":
            thoughts.append(str(block.get("thinking", "")))
        elif kind == "tool_use":
            arguments = write_json(block.get("input") or {}).decode()
            function = {"name": block.get("name"), "arguments": arguments}
            calls.append({"id": block.get("id"), "type": "function", "function": function})
        else:
            raise cannot(f"{where}.content[{index}]", f"{kind!r}")
    sent: Part = {"role": "assistant", "content": "".join(texts) or None}
    if thoughts:
        sent["reasoning_content"] = "".join(thoughts)
    if calls:
        sent["tool_calls"] = calls
    return sent


def _asked(blocks: list[Any], where: str) -> Iterator[Part]:
    """What tools gave comes first, as it must: each a message of its own. Then what was asked."""
    parts = []
    for index, block in enumerate(blocks):
        at = f"{where}.content[{index}]"
        if isinstance(block, dict) and block.get("type") == "tool_result":
            yield _tool_result(block, at)
        else:
            parts.append(_part(block, at))
    if parts:
        yield {"role": "user", "content": parts}


def _tool_result(block: Part, where: str) -> Part:
    content = block.get("content")
    text = _texts(content, f"{where}.content") if isinstance(content, list) else content or ""
    if block.get("is_error"):  # for which there is no member
        text = f"Error: {text}"
    return {"role": "tool", "tool_call_id": block.get("tool_use_id"), "content": text}


def _part(block: Any, where: str) -> Part:
    if not isinstance(block, dict):
        raise BadField(where, f"must be an object, not {kind_of(block)}")
    kind, given = str(block.get("type")), block.get("source")
    if kind == "text":
        return {"type": "text", "text": block.get("text")}
    source: Part = given if isinstance(given, dict) else {}
    made = _SOURCES.get((kind, str(source.get("type"))))
    cited = block.get("citations")
    if made is None or (cited and cited != {"enabled": False}):
        raise cannot(where, f"{kind!r} of this form")
    return made(block, source)


def _data_url(source: Part) -> str:
    return f"data:{source.get('media_type')};base64,{source.get('data')}"


def _file(block: Part, source: Part) -> Part:
    name = block.get("title") or "document.pdf"
    return {"type": "file", "file": {"filename": name, "file_data": _data_url(source)}}


_SOURCES: Final[Mapping[tuple[str, str], Callable[[Part, Part], Part]]] = {
    ("image", "base64"): lambda _, source: {
        "type": "image_url",
        "image_url": {"url": _data_url(source)},
    },
    ("image", "url"): lambda _, source: {
        "type": "image_url",
        "image_url": {"url": source.get("url")},
    },
    ("document", "base64"): _file,
    ("document", "text"): lambda _, source: {"type": "text", "text": source.get("data")},
}
