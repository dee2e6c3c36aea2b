"""What has to be awaited, given to a helper that does not await: it would pass for an answer."""

from inspect import isawaitable
from typing import TypeVar

T = TypeVar("T")


def answered(value: T, instead: str) -> T:
    """The value. Raises TypeError for one that is to be awaited, with what to call instead."""
    if isawaitable(value):
        if callable(close := getattr(value, "close", None)):
            close()  # so that nothing else is said of it
        raise TypeError(f"what was called gives a {type(value).__name__}: use {instead} for that")
    return value
