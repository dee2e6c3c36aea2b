"""Counts of tokens as upstreams state them, believed only where they can be."""

from typing import Any, Final

MAX_BELIEVED_TOKENS: Final = 100_000_000
"""More than any model takes: such a figure is a fault of the upstream, not a bill."""


def count(stated: dict[str, Any], name: str) -> int | None:
    """A believable number of tokens, also where it is written as 1000.0; None for any other."""
    tokens = stated.get(name)
    if type(tokens) is float and tokens.is_integer():
        tokens = int(tokens)
    return tokens if type(tokens) is int and 0 <= tokens <= MAX_BELIEVED_TOKENS else None


def most(place: dict[str, Any], names: tuple[str, ...]) -> int:
    """The greatest of those figures that are there; most of them are not."""
    found = 0
    for name in names:
        if name in place:
            found = max(found, count(place, name) or 0)
    return found


def part(stated: dict[str, Any], name: str) -> dict[str, Any]:
    """An object in an object; an empty one where there is none."""
    inner = stated.get(name)
    return inner if isinstance(inner, dict) else {}
