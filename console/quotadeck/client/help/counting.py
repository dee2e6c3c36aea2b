"""A request's input tokens as its provider counts them, asked over its official SDK.

The count costs nothing and is exact; it takes a call, which has a rate limit of its own.
Anthropic's SDK asks ``/messages/count_tokens``, OpenAI's ``/responses/input_tokens``, which takes a
chat's messages once they are written as items of a response.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from quotadeck.client.help.awaited import answered

_OF_A_MESSAGE: Final = ("model", "messages", "system", "tools", "tool_choice", "thinking")
_OF_A_RESPONSE: Final = (
    "model", "input", "instructions", "tools", "tool_choice", "text", "reasoning", "conversation",
    "previous_response_id", "parallel_tool_calls", "truncation",
)  # fmt: skip


def count_with(client: Any, body: Mapping[str, Any]) -> int:
    """Input tokens of a request's body; ``client`` is an ``OpenAI`` or an ``Anthropic``.

    Raises what the client raises, and TypeError where it cannot count.
    """
    ask, asked = _asked(client, body)
    return int(answered(ask(**asked), "count_with_async").input_tokens)


async def count_with_async(client: Any, body: Mapping[str, Any]) -> int:
    """As `count_with`, for an ``AsyncOpenAI`` or an ``AsyncAnthropic``."""
    ask, asked = _asked(client, body)
    return int((await ask(**asked)).input_tokens)


def _asked(client: Any, body: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The SDK's method that counts, and its arguments."""
    messages: Any = getattr(client, "messages", None)
    if hasattr(messages, "count_tokens"):
        return messages.count_tokens, _only(body, _OF_A_MESSAGE)
    counter: Any = getattr(getattr(client, "responses", None), "input_tokens", None)
    if hasattr(counter, "count"):
        return counter.count, _only(as_response(body), _OF_A_RESPONSE)
    raise TypeError(f"{type(client).__name__} is no client that counts tokens")


def _only(body: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """The members that the count takes: not those that bound or shape the answer."""
    return {name: body[name] for name in names if body.get(name) is not None}


def as_response(body: Mapping[str, Any]) -> dict[str, Any]:
    """A chat's body as one of Responses, as far as its tokens go; any other as it is."""
    if "messages" not in body:
        return dict(body)
    found: dict[str, Any] = {"model": body.get("model")}
    found["input"] = [item for message in body["messages"] for item in _items(message)]
    if body.get("tools"):
        found["tools"] = [_tool(tool) for tool in body["tools"]]
    return found


def _items(message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    role, content = message.get("role"), message.get("content")
    if role == "tool":
        called = message.get("tool_call_id")
        output = content if isinstance(content, str) else _text(content)
        yield {"type": "function_call_output", "call_id": called, "output": output}
        return
    if content:
        given = content if isinstance(content, str) else [_part(one, role) for one in content]
        yield {"role": role, "content": given}
    for call in message.get("tool_calls") or ():
        function = call.get("function") or {}
        name, arguments = function.get("name", ""), function.get("arguments", "")
        called = call.get("id")
        yield {"type": "function_call", "call_id": called, "name": name, "arguments": arguments}


def _part(part: Mapping[str, Any], role: Any) -> dict[str, Any]:
    if part.get("type") == "text":
        kind = "output_text" if role == "assistant" else "input_text"
        return {"type": kind, "text": part.get("text")}
    url = part.get("image_url")
    if isinstance(url, Mapping):
        detail = url.get("detail", "auto")
        return {"type": "input_image", "image_url": url.get("url"), "detail": detail}
    return dict(part)


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    function = tool.get("function")
    if isinstance(function, Mapping):
        return {"type": "function", "strict": False, "parameters": {}, **function}
    return dict(tool)


def _text(content: Any) -> str:
    parts = content if isinstance(content, list) else ()
    return "".join(str(one.get("text", "")) for one in parts if isinstance(one, Mapping))
