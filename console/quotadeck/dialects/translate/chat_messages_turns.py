"""A chat's messages as Anthropic's: who spoke, in which parts, and what tools were called.

All that the system says stands there in one place, before the conversation. Results of tools that
follow one another are one message of the user's.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from quotadeck.dialects.fields import kind_of
from quotadeck.dialects.request_json import read_json
from quotadeck.dialects.translate.strict import MESSAGES, Part, list_at, object_at, words_at
from quotadeck.domain.refusals import BadField, NotJson

_OF_A_SPEAKER: Final = frozenset({"role", "content"})
_OF_THE_MODEL: Final = frozenset(
    {"role", "content", "refusal", "tool_calls", "thinking_blocks", "reasoning_content"}
)
_OF_A_RESULT: Final = frozenset({"role", "content", "tool_call_id", "name"})
"""The tool's name says no more than the call's id."""
_OF_A_CALL: Final = frozenset({"index", "id", "type", "function"})
_OF_A_FUNCTION: Final = frozenset({"name", "arguments"})
_OF_A_THOUGHT: Final = frozenset({"type", "thinking", "signature", "data"})
_SEEN_WHOLE: Final = ("auto", "high")
"""How closely a picture is looked at there, always."""


def conversation(messages: list[Part]) -> tuple[str | list[Part], list[Part]]:
    """What the system says, and the turns. Raises BadField."""
    system: list[Part] = []
    turns: list[Part] = []
    results: list[Part] | None = None
    for index, message in enumerate(messages):
        where, role = f"messages[{index}]", message["role"]
        if role == "tool":
            if results is None:
                results = []
                turns.append({"role": "user", "content": results})
            results.append(_result(message, where))
            continue
        results = None
        match role:
            case "user":
                MESSAGES.refuse_more(message, _OF_A_SPEAKER, where)
                turns.append({"role": role, "content": _content(message, where)})
            case "assistant":
                turns.append({"role": role, "content": _answer(message, where)})
            case "system" | "developer":
                MESSAGES.refuse_more(message, _OF_A_SPEAKER, where)
                system += _texts(message, where)
            case _:
                raise MESSAGES.cannot(f"{where}.role", repr(role)[:30])
    plain = len(system) == 1 and len(system[0]) == 2
    return (system[0]["text"] if plain else system), turns


def _content(message: Part, where: str) -> str | list[Part]:
    content = message.get("content")
    return list(_parts(content, where)) if isinstance(content, list) else content or ""


def _parts(content: list[Any], where: str) -> Iterator[Part]:
    for index, part in enumerate(content):
        at = f"{where}.content[{index}]"
        kind = object_at(part, at).get("type")
        write = _PARTS.get(kind) if isinstance(kind, str) else None
        if write is None:
            raise MESSAGES.cannot(f"{at}.type", repr(kind)[:60])
        MESSAGES.refuse_more(part, ("type", "cache_control", str(kind)), at)
        if block := write(part, at):
            yield (
                {**block, "cache_control": part["cache_control"]}
                if part.get("cache_control")
                else block
            )


def _texts(message: Part, where: str) -> list[Part]:
    content = message.get("content")
    if not isinstance(content, list):
        return [{"type": "text", "text": content}] if content else []
    for index, part in enumerate(content):
        kind = part.get("type") if isinstance(part, dict) else kind_of(part)
        if kind != "text":
            raise MESSAGES.cannot(f"{where}.content[{index}].type", f"{kind!r} here"[:60])
    return list(_parts(content, where))


def _answer(message: Part, where: str) -> str | list[Part]:
    """What the model thought, said, and called, in this order."""
    MESSAGES.refuse_more(message, _OF_THE_MODEL, where)
    content = message.get("content")
    if content and isinstance(content, str) and len(message) == 2:
        return content
    blocks = [*_thoughts(message, where), *_texts_of_model(message, where)]
    calls = list_at(message.get("tool_calls"), f"{where}.tool_calls")
    for index, call in enumerate(calls):
        blocks.append(_call(call, f"{where}.tool_calls[{index}]"))
    return blocks or ""


def _texts_of_model(message: Part, where: str) -> list[Part]:
    refusal = message.get("refusal")
    content = message.get("content")
    said = list(_parts(content, where)) if isinstance(content, list) else _texts(message, where)
    return [*said, {"type": "text", "text": refusal}] if refusal else said


def _thoughts(message: Part, where: str) -> Iterator[Part]:
    """As this gateway gave them, each with its signature; as plain text none are taken there."""
    blocks = message.get("thinking_blocks")
    if not blocks:
        if message.get("reasoning_content"):
            raise MESSAGES.cannot(f"{where}.reasoning_content", "without its thinking_blocks it")
        return
    for index, block in enumerate(blocks if isinstance(blocks, list) else [blocks]):
        at = f"{where}.thinking_blocks[{index}]"
        thought = object_at(block, at)
        MESSAGES.refuse_more(thought, (*_OF_A_THOUGHT, "index"), at)
        yield {name: value for name, value in thought.items() if name in _OF_A_THOUGHT}


def _call(call: Any, where: str) -> Part:
    stated = object_at(call, where)
    if stated.get("type", "function") != "function":
        raise MESSAGES.cannot(f"{where}.type", repr(stated["type"])[:30])
    MESSAGES.refuse_more(stated, _OF_A_CALL, where)
    function = object_at(stated.get("function"), f"{where}.function")
    MESSAGES.refuse_more(function, _OF_A_FUNCTION, f"{where}.function")
    given = _arguments(function.get("arguments"), f"{where}.function.arguments")
    return {
        "type": "tool_use",
        "id": stated.get("id"),
        "name": function.get("name"),
        "input": given,
    }


def _arguments(text: Any, where: str) -> Part:
    try:
        given = read_json((text or "{}").encode(), "")
    except (NotJson, BadField, AttributeError):
        given = None
    if not isinstance(given, dict):
        raise BadField(where, "must be the JSON of an object, as a string")
    return given


def _result(message: Part, where: str) -> Part:
    MESSAGES.refuse_more(message, _OF_A_RESULT, where)
    block: Part = {"type": "tool_result", "tool_use_id": message.get("tool_call_id")}
    if content := _content(message, where):
        block["content"] = content
    return block


def _text(part: Part, where: str) -> Part:
    text = words_at(part.get("text"), f"{where}.text")
    return {"type": "text", "text": text} if text else {}


def _refusal(part: Part, where: str) -> Part:
    return {"type": "text", "text": words_at(part.get("refusal"), f"{where}.refusal")}


def _image(part: Part, where: str) -> Part:
    stated = part.get("image_url")
    if isinstance(stated, str):
        stated = {"url": stated}
    image = object_at(stated, f"{where}.image_url")
    MESSAGES.refuse_more(image, ("url", "detail"), f"{where}.image_url")
    if (image.get("detail") or "auto") not in _SEEN_WHOLE:
        raise MESSAGES.cannot(f"{where}.image_url.detail", repr(image["detail"])[:30])
    url = image.get("url")
    if isinstance(url, str) and url.startswith(("http://", "https://")):
        return {"type": "image", "source": {"type": "url", "url": url}}
    return {"type": "image", "source": _encoded(url, f"{where}.image_url.url")}


def _file(part: Part, where: str) -> Part:
    at = f"{where}.file"
    file = object_at(part.get("file"), at)
    MESSAGES.refuse_more(file, ("filename", "file_data"), at)
    block: Part = {"type": "document", "source": _encoded(file.get("file_data"), f"{at}.file_data")}
    return {**block, "title": file["filename"]} if file.get("filename") else block


def _encoded(url: Any, where: str) -> Part:
    """The source of what a data URL holds."""
    head, _, data = url.partition(",") if isinstance(url, str) else ("", "", "")
    if not head.startswith("data:") or not head.endswith(";base64"):
        raise BadField(where, "must be a data: URL in base64, or for an image an http(s): URL")
    kind = head.removeprefix("data:").partition(";")[0]
    return {"type": "base64", "media_type": kind, "data": data}


_PARTS: Final[Mapping[str, Callable[[Part, str], Part]]] = {
    "text": _text,
    "refusal": _refusal,
    "image_url": _image,
    "file": _file,
}
