"""What a stream's events add up to, as cheap for the last of them as for the first.

A text that is continued by copying it costs the square of its length: of the longest answer that is
taken, half a minute in which nobody else is served.
"""

from typing import Any, Final

import orjson

MOST_PARTS: Final = 100_000
"""More parts than any answer has; what comes beyond them is not added."""


class Text:
    """A text in pieces."""

    __slots__ = ("pieces",)

    def __init__(self, *pieces: str) -> None:
        self.pieces = list(pieces)


class Parts:
    """A list whose parts come piece by piece, each known by the index that its pieces tell.

    They stand in the order in which they began. An index that nothing came for makes no part.
    """

    __slots__ = ("by_index", "parts")

    def __init__(self) -> None:
        self.parts: list[Any] = []
        self.by_index: dict[int, dict[str, Any]] = {}

    def at(self, index: int) -> dict[str, Any]:
        """The part with this index: one that has begun, or a new one."""
        known = self.by_index.get(index)
        if known is None:
            known = self.by_index[index] = {}
            self.append(known)
        return known

    def append(self, part: Any) -> None:
        """A part that is whole."""
        if len(self.parts) < MOST_PARTS:
            self.parts.append(part)


def written(value: Any) -> bytes:
    """The JSON of a value that holds such texts and parts."""
    return orjson.dumps(value, default=_whole)


def _whole(value: Any) -> Any:
    if isinstance(value, Text):
        return "".join(value.pieces)
    if isinstance(value, Parts):
        return value.parts
    raise TypeError
