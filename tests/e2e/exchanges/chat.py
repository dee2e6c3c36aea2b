"""The pieces of a chat completion, whole and as a stream; the usual one says ``hi``."""

from typing import Any, Final

from tests.e2e.exchanges.case import data

USAGE: Final = {"prompt_tokens": 1_000, "completion_tokens": 100, "total_tokens": 1_100}
ZERO: Final = dict.fromkeys(USAGE, 0)
DONE: Final = b"data: [DONE]\n\n"


def usage(prompt: float, completion: float, **more: Any) -> dict[str, Any]:
    """A usage object; ``total_tokens`` only where it is among ``more``."""
    return {"prompt_tokens": prompt, "completion_tokens": completion, **more}


def chunk(choices: list[Any] | None = None, **more: Any) -> dict[str, Any]:
    """The value of an event."""
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return {**head, **({} if choices is None else {"choices": choices}), **more}


def choice(delta: Any, finish: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    """One of an event's choices."""
    return {"index": index, "delta": delta, "finish_reason": finish, **more}


def says(text: str, **more: Any) -> dict[str, Any]:
    """The value of an event with text."""
    return chunk([choice({"content": text})], **more)


def reply(stated: Any = None, message: Any = None, **more: Any) -> dict[str, Any]:
    """A whole reply; with no usage where that is empty."""
    message = message or {"role": "assistant", "content": "hi"}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m"}
    whole = {**head, "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    stated = USAGE if stated is None else stated
    return {**whole, **({"usage": stated} if stated else {}), **more}


ROLE: Final = data(chunk([choice({"role": "assistant", "content": ""})]))
HI: Final = data(says("hi"))
FINISH: Final = data(chunk([choice({}, "stop")]))
USED: Final = data(chunk([], usage=USAGE))
BEGIN: Final = ROLE + HI
ANSWER: Final = BEGIN + FINISH
STREAM: Final = ANSWER + USED + DONE
