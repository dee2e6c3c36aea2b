"""What a chat's message or delta says, in any of the forms that providers give it."""

from typing import Any, Final

import orjson

MOST_CALLS: Final = 1_024
"""Of an answer."""
_THOUGHTS: Final = ("reasoning_content", "reasoning")
"""Where providers put what a model thinks: DeepSeek's and vLLM's name, and OpenRouter's."""


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


def thoughts_in(said: dict[str, Any]) -> str:
    """What the model thinks; empty where it tells nothing of that."""
    return next((said[name] for name in _THOUGHTS if isinstance(said.get(name), str)), "")


def calls_in(said: dict[str, Any]) -> list[dict[str, Any]]:
    """The calls of tools in a message or a delta."""
    calls = said.get("tool_calls")
    return [one for one in calls if isinstance(one, dict)] if isinstance(calls, list) else []


def function_of(call: dict[str, Any]) -> dict[str, Any]:
    """The function that is called; empty where none is named."""
    function = call.get("function")
    return function if isinstance(function, dict) else {}
