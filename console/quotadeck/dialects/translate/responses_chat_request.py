"""A request of OpenAI's Responses for an upstream that speaks chat completions.

What that cannot say is refused by name, never left out. Left out are hints alone, which change no
word of an answer: what is to be cached under which key, and whether the provider keeps it.
Sources: "Create a model response" and "Create chat completion" of OpenAI's API reference.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from quotadeck.dialects.fields import kind_of
from quotadeck.dialects.translate.to_chat import Part, Write, as_it_is, cannot
from quotadeck.domain.refusals import BadField

_HINTS: Final = frozenset(
    {"store", "prompt_cache_key", "prompt_cache_retention", "safety_identifier", "truncation"}
)


APART: Final = _HINTS | {"model", "input", "instructions"}
"""What is said otherwise, or is a hint."""


def messages_of(fields: Mapping[str, Any]) -> list[Part]:
    """A request's conversation. Raises BadField."""
    found: list[Part] = []
    if instructions := fields.get("instructions"):
        found.append({"role": "system", "content": instructions})
    found += _messages(fields.get("input"))
    if not found:
        raise BadField("input", "is missing")
    return found


def _only(name: str, usual: Any) -> Callable[[Any], Part]:
    """A member of which chat knows the usual value alone, by not naming it."""

    def write(value: Any) -> Part:
        if value != usual:
            raise cannot(name, repr(value))
        return {}

    return write


def _include(value: Any) -> Part:
    """What a provider keeps sealed of its own thoughts has nothing to be sealed there."""
    for one in value if isinstance(value, list) else ():
        if one != "reasoning.encrypted_content":
            raise cannot("include", repr(one))
    return {}


def _reasoning(value: Any) -> Part:
    effort = value.get("effort") if isinstance(value, dict) else None
    members = value.items() if isinstance(value, dict) else ()
    others = [name for name, each in members if name not in ("effort", "summary") and each]
    if others:
        raise cannot(f"reasoning.{others[0]}")
    return {"reasoning_effort": effort} if effort else {}


def _text(value: Any) -> Part:
    sent: Part = {}
    for name, each in value.items() if isinstance(value, dict) else ():
        if name == "verbosity" and each:
            sent["verbosity"] = each
        elif name == "format" and isinstance(each, dict):
            sent |= _format(each)
        elif each:
            raise cannot(f"text.{name}")
    return sent


def _format(value: Part) -> Part:
    kind = value.get("type")
    if kind == "text":
        return {}
    if kind == "json_object":
        return {"response_format": {"type": "json_object"}}
    if kind != "json_schema":
        raise cannot("text.format", repr(kind))
    schema = {name: each for name, each in value.items() if name != "type" and each is not None}
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


def _tools(value: Any) -> Part:
    sent = []
    for index, tool in enumerate(value if isinstance(value, list) else ()):
        kind = tool.get("type") if isinstance(tool, dict) else kind_of(tool)
        if kind != "function":
            raise cannot(f"tools[{index}]", f"the tool {kind!r}")
        function = {
            name: each for name, each in tool.items() if name != "type" and each is not None
        }
        sent.append({"type": "function", "function": function})
    return {"tools": sent} if sent else {}


def _tool_choice(value: Any) -> Part:
    if isinstance(value, str):
        return {"tool_choice": value}
    if isinstance(value, dict) and value.get("type") == "function":
        function = {"name": value.get("name")}
        return {"tool_choice": {"type": "function", "function": function}}
    raise cannot("tool_choice", repr(value.get("type") if isinstance(value, dict) else value))


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


def _messages(given: Any) -> Iterator[Part]:
    if isinstance(given, str):
        yield {"role": "user", "content": given}
        return
    said: Part | None = None
    """What the model said last: its words and its calls are items of their own, and one message."""
    for index, item in enumerate(given if isinstance(given, list) else ()):
        where, kind = f"input[{index}]", item.get("type") or "message"
        if kind == "function_call" or (kind == "message" and item.get("role") == "assistant"):
            if said is None or (kind == "message" and said.get("content") is not None):
                if said is not None:
                    yield said
                said = {"role": "assistant", "content": None}
            _add(said, item, where)
            continue
        if kind == "reasoning" and not item.get("content"):
            continue  # what only the provider that made it can read
        if said is not None:
            yield said
            said = None
        yield _message(item, kind, where)
    if said is not None:
        yield said


def _add(said: Part, item: Part, where: str) -> None:
    if item.get("type") == "function_call":
        function = {"name": item.get("name"), "arguments": item.get("arguments")}
        call = {"id": item.get("call_id"), "type": "function", "function": function}
        said.setdefault("tool_calls", []).append(call)
        return
    content = item.get("content")
    said["content"] = content if isinstance(content, str) else _texts(content, f"{where}.content")


def _message(item: Part, kind: str, where: str) -> Part:
    if kind == "function_call_output":
        output = item.get("output")
        text = output if isinstance(output, str) else _texts(output, f"{where}.output")
        return {"role": "tool", "tool_call_id": item.get("call_id"), "content": text}
    if kind != "message":
        raise cannot(where, f"the item {kind!r}")
    content = item.get("content")
    if isinstance(content, list):
        content = [_part(part, f"{where}.content[{at}]") for at, part in enumerate(content)]
    return {"role": item.get("role"), "content": content}


def _texts(parts: Any, where: str) -> str:
    said = []
    for index, part in enumerate(parts if isinstance(parts, list) else ()):
        kind = part.get("type") if isinstance(part, dict) else kind_of(part)
        if kind not in ("input_text", "output_text", "refusal"):
            raise cannot(f"{where}[{index}]", f"{kind!r} here")
        said.append(str(part.get("text") or part.get("refusal") or ""))
    return "".join(said)


def _part(part: Any, where: str) -> Part:
    kind = part.get("type") if isinstance(part, dict) else kind_of(part)
    if kind in ("input_text", "output_text"):
        return {"type": "text", "text": part.get("text")}
    if kind == "input_image" and part.get("image_url"):
        image = {"url": part["image_url"]}
        if part.get("detail"):
            image["detail"] = part["detail"]
        return {"type": "image_url", "image_url": image}
    if kind == "input_file" and part.get("file_data"):
        return {"type": "file", "file": {name: part[name] for name in _FILE if part.get(name)}}
    raise cannot(where, f"{kind!r} of this form")


_FILE: Final = ("filename", "file_data")
