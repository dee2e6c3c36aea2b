"""What a chat's message or delta says, in any of the forms that providers give it."""

from typing import Any

import orjson


def text_in(content: Any) -> str:
    """Its text: a string, or the texts of its parts; empty where it has none."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else ()
    texts = (part.get("text") for part in parts if isinstance(part, dict))
    return "".join(text for text in texts if isinstance(text, str))


def arguments_in(function: dict[str, Any]) -> str:
    """The arguments of a call as JSON, also where they came as an object (Ollama)."""
    given = function.get("arguments")
    if isinstance(given, dict):
        return orjson.dumps(given).decode()
    return given if isinstance(given, str) else ""
