"""Calls that never suspend, such as those of a limiter in memory, completed in one step."""

from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def complete(call: Coroutine[Any, Any, T]) -> T:
    """The call's result. Raises what the call does, and RuntimeError where it suspends."""
    try:
        call.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    call.close()
    raise RuntimeError(f"{call!r} suspended, which no call in memory does")
