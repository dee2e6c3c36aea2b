"""What a reply shows of its upstream's ways: where it tells its usage, and how its streams end."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import orjson

from quotadeck.domain.sse import Blocks, read_block
from quotadeck.domain.text import clean

_DONE: Final = b"[DONE]"
_DEEPEST: Final = 6
_MOST_FIELDS: Final = 24
_NANO: Final = 1_000_000_000


@dataclass(slots=True)
class Ways:
    """``usage_at`` are the ways to its usage objects, such as ``choices[].usage``, ``fields`` the
    names of the counts in them. ``ends`` is by what a stream says that it is whole: ``[DONE]``, an
    event's name, ``finish_reason``, or empty. ``cost_nano`` is what it says that it cost.
    """

    usage_at: list[str] = field(default_factory=list)
    fields: list[str] = field(default_factory=list)
    ends: str = ""
    cost_nano: int | None = None
    events: int = 0
    is_stream: bool = False


def ways_of(body: bytes) -> Ways:
    """Of a reply, whole or as a stream, whichever was asked for."""
    ways = Ways(is_stream=body.lstrip()[:1] not in (b"{", b"["))
    if not ways.is_stream:
        _learn(body, ways)
        return ways
    blocks = Blocks()
    for block in [*blocks.feed(bytes(body)), *blocks.rest()]:
        event = read_block(block)
        if event.data is None or event.data.startswith(b":"):
            continue
        ways.events += 1
        if event.data.strip() == _DONE:
            ways.ends = _DONE.decode()
            continue
        finished = _learn(event.data, ways)
        if event.name:
            ways.ends = clean(event.name.decode("utf-8", "replace"), 60)
        elif finished:
            ways.ends = "finish_reason"
    return ways


def _learn(text: bytes, ways: Ways) -> bool:
    """From one object; whether it says why the model stopped."""
    try:
        told = orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    for at, usage in _usages(told, "", 0):
        if at not in ways.usage_at:
            ways.usage_at.append(at)
        for name, value in _counts(usage, ""):
            if name not in ways.fields and len(ways.fields) < _MOST_FIELDS:
                ways.fields.append(name)
            if name in ("cost", "total_cost"):
                ways.cost_nano = _nano(value)
    choices = told.get("choices") if isinstance(told, dict) else None
    return isinstance(choices, list) and any(
        isinstance(choice, dict) and choice.get("finish_reason") for choice in choices
    )


def _usages(place: Any, at: str, depth: int) -> Iterator[tuple[str, dict[str, Any]]]:
    if depth > _DEEPEST:
        return
    if isinstance(place, list):
        for one in place[:8]:
            yield from _usages(one, f"{at}[]", depth + 1)
    elif isinstance(place, dict):
        for name, value in place.items():
            here = f"{at}.{clean(name, 40)}" if at else clean(name, 40)
            if name == "usage" and isinstance(value, dict):
                yield here, value
            elif isinstance(value, dict | list):
                yield from _usages(value, here, depth + 1)


def _counts(usage: dict[str, Any], at: str) -> Iterator[tuple[str, Any]]:
    for name, value in usage.items():
        here = f"{at}.{clean(name, 40)}" if at else clean(name, 40)
        if isinstance(value, dict) and here.count(".") < _DEEPEST:
            yield from _counts(value, here)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield here, value


def _nano(usd: Any) -> int | None:
    try:
        value = Decimal(str(usd))
    except InvalidOperation:
        return None
    return round(value * _NANO) if value.is_finite() and 0 <= value < 1_000 else None
