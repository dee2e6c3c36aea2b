"""The input of OpenAI's Responses, item by item, as a chat's messages.

What the model thought, said and called are items of their own there, and one message in a chat.
"""

from collections.abc import Iterator
from typing import Any, Final

from quotadeck.dialects.translate.strict import CHAT, Part, list_at, object_at, words_at

_ROLES: Final = ("user", "assistant", "system", "developer")
_KEPT: Final = frozenset({"type", "id", "status"})
"""By what the provider keeps an item, and how far it had come."""
_OF_A_MESSAGE: Final = _KEPT | {"role", "content"}
_OF_A_CALL: Final = _KEPT | {"call_id", "name", "arguments"}
_OF_A_RESULT: Final = _KEPT | {"call_id", "output"}
_OF_THOUGHTS: Final = _KEPT | {"summary", "content", "encrypted_content"}
"""What is sealed can be read by the provider alone that made it, and sums up what it holds."""
_FILE: Final = ("filename", "file_data")
_TEXTS: Final = {
    "input_text": ("text", frozenset({"type", "text"})),
    "output_text": ("text", frozenset({"type", "text", "logprobs"})),
    "refusal": ("refusal", frozenset({"type", "refusal"})),
}
"""Parts that are text: the member that holds it, and all that they may have."""


def conversation(given: Any) -> Iterator[Part]:
    """The messages that an input is. Raises BadField."""
    if isinstance(given, str):
        yield {"role": "user", "content": given}
        return
    said: Part | None = None
    """The message of the model's that is put together."""
    for index, item in enumerate(list_at(given, "input")):
        where, kind = f"input[{index}]", item.get("type") or "message"
        of_model = kind in _PARTS_OF_MODEL or (
            kind == "message" and item.get("role") == "assistant"
        )
        if said is not None and (not of_model or _is_next(said, kind)):
            yield said
            said = None
        if of_model:
            said = said or {"role": "assistant", "content": None}
            _add(said, item, kind, where)
            if said == {"role": "assistant", "content": None}:
                said = None  # it thought, and sealed all of it
        else:
            yield _message(item, kind, where)
    if said is not None:
        yield said


_PARTS_OF_MODEL: Final = ("reasoning", "function_call")


def _is_next(said: Part, kind: str) -> bool:
    """Whether an item of this kind begins another message of the model's."""
    if kind == "message":
        return said["content"] is not None
    return kind == "reasoning" and (said["content"] is not None or "tool_calls" in said)


def _add(said: Part, item: Part, kind: str, where: str) -> None:
    if kind == "function_call":
        CHAT.refuse_more(item, _OF_A_CALL, where)
        function = {"name": item.get("name"), "arguments": item.get("arguments")}
        call = {"id": item.get("call_id"), "type": "function", "function": function}
        said.setdefault("tool_calls", []).append(call)
    elif kind == "reasoning":
        CHAT.refuse_more(item, _OF_THOUGHTS, where)
        if thoughts := _thoughts(item.get("content"), f"{where}.content"):
            said["reasoning_content"] = said.get("reasoning_content", "") + thoughts
    else:
        CHAT.refuse_more(item, _OF_A_MESSAGE, where)
        content, at = item.get("content"), f"{where}.content"
        said["content"] = content if isinstance(content, str) else _texts(content, at)


def _thoughts(content: Any, where: str) -> str:
    thoughts = []
    for index, part in enumerate(list_at(content, where)):
        at = f"{where}[{index}]"
        stated = object_at(part, at)
        if stated.get("type") != "reasoning_text":
            raise CHAT.cannot(at, f"{stated.get('type')!r} here")
        CHAT.refuse_more(stated, ("type", "text"), at)
        thoughts.append(words_at(stated.get("text"), f"{at}.text"))
    return "".join(thoughts)


def _message(item: Part, kind: str, where: str) -> Part:
    if kind == "function_call_output":
        CHAT.refuse_more(item, _OF_A_RESULT, where)
        output, at = item.get("output"), f"{where}.output"
        text = output if isinstance(output, str) else _texts(output, at)
        return {"role": "tool", "tool_call_id": item.get("call_id"), "content": text}
    if kind != "message":
        raise CHAT.cannot(where, f"the item {kind!r}")
    CHAT.refuse_more(item, _OF_A_MESSAGE, where)
    role, content, at = item.get("role"), item.get("content"), f"{where}.content"
    if role not in _ROLES:
        raise CHAT.cannot(f"{where}.role", repr(role))
    if not isinstance(content, str):
        parts = enumerate(list_at(content, at))
        content = [_part(part, f"{at}[{index}]") for index, part in parts]
    return {"role": role, "content": content}


def _texts(parts: Any, where: str) -> str:
    return "".join(
        [_text(part, f"{where}[{index}]") for index, part in enumerate(list_at(parts, where))]
    )


def _text(part: Any, where: str) -> str:
    stated = object_at(part, where)
    known = _TEXTS.get(str(stated.get("type")))
    if known is None:
        raise CHAT.cannot(where, f"{stated.get('type')!r} here")
    name, members = known
    CHAT.refuse_more(stated, members, where)
    return words_at(stated.get(name), f"{where}.{name}")


def _part(part: Any, where: str) -> Part:
    stated = object_at(part, where)
    kind = stated.get("type")
    if kind in ("input_text", "output_text"):
        return {"type": "text", "text": _text(stated, where)}
    if kind == "input_image" and stated.get("image_url"):
        CHAT.refuse_more(stated, ("type", "image_url", "detail"), where)
        image = {"url": stated["image_url"]}
        if stated.get("detail"):
            image["detail"] = stated["detail"]
        return {"type": "image_url", "image_url": image}
    if kind == "input_file" and stated.get("file_data"):
        CHAT.refuse_more(stated, ("type", *_FILE), where)
        return {"type": "file", "file": {name: stated[name] for name in _FILE if stated.get(name)}}
    raise CHAT.cannot(where, f"{kind!r} of this form")
