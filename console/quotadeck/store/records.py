"""The journal's records: frames of bytes, and the four types of JSON in them.

A frame is ``u32 length, u32 crc32 of the payload, payload``, little-endian. The payload is a JSON
list; its first item names the type:

======== =========================================================================================
open     the fields of `OpenCall`, in their order there
end      the fields of `Call`, in their order there
command  the entry's canonical object and its hash; or a number alone, which takes back the entry
         of that number because it could not be made durable
levels   the instant in µs, {bucket: level} of every bucket that is not full, {bucket: [least,
         last]} of every bucket touched since the last such record, and the fields of `Mark`
======== =========================================================================================

Fields are appended to, never moved, so that an older journal can be read by position.
"""

import struct
from collections.abc import Mapping
from dataclasses import astuple, dataclass, fields
from operator import attrgetter
from typing import Any, Final
from zlib import crc32

import orjson

from quotadeck.domain.calls import Call, Cause, OpenCall, Outcome
from quotadeck.domain.commands import Entry
from quotadeck.domain.steady import Mark
from quotadeck.store.chain import canonical, entry_of

MAX_PAYLOAD: Final = (1 << 24) - 1
"""So the length's last byte is 0, which JSON text never holds: no payload can hold a frame."""
_HEAD: Final = struct.Struct("<II")
FRAME_HEAD_BYTES: Final = _HEAD.size
_START: Final = b'["'

_open_fields: Final = attrgetter(*(field.name for field in fields(OpenCall)))
_end_names: Final = tuple(field.name for field in fields(Call))
_end_fields: Final = attrgetter(*_end_names)
_OUTCOME: Final = _end_names.index("outcome")
_CAUSE: Final = _end_names.index("cause")


@dataclass(frozen=True, slots=True)
class Levels:
    """A `levels` record: the live buckets at an instant."""

    at_us: int
    not_full: dict[str, int]
    touched: dict[str, tuple[int, int]]
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A `command` record that takes an entry back."""

    seq: int


class Unreadable(ValueError):
    """A whole record that this version does not understand."""


def _frame(content: object) -> bytes:
    payload = orjson.dumps(content)
    if len(payload) > MAX_PAYLOAD:
        raise ValueError(f"a journal record of {len(payload)} bytes is over {MAX_PAYLOAD}")
    return _HEAD.pack(len(payload), crc32(payload)) + payload


def open_frame(call: OpenCall) -> bytes:
    return _frame(("open", *_open_fields(call)))


def end_frame(call: Call) -> bytes:
    return _frame(("end", *_end_fields(call)))


def command_frame(entry: Entry) -> bytes:
    return _frame(("command", orjson.Fragment(canonical(entry)), entry.hash))


def command_body(payload: bytes, digest: str) -> bytes:
    """The canonical object in a whole `command` record, byte for byte as its hash covers it."""
    return payload[len(b'["command",') : -len(b',""]') - len(digest)]


def withdrawal_frame(seq: int) -> bytes:
    return _frame(("command", seq))


def levels_frame(
    at_us: int,
    not_full: Mapping[str, int],
    touched: Mapping[str, tuple[int, int]],
    mark: Mark,
) -> bytes:
    return _frame(("levels", at_us, dict(not_full), dict(touched), astuple(mark)))


def next_frame(data: bytes, at: int) -> tuple[int, int] | None:
    """Where the payload of the first whole frame at or after ``at`` starts and ends.

    None when there is none: the end, or a torn tail. What lies between ``at`` and the frame was
    damaged; the frames behind it still count.
    """
    found = _whole(data, at)
    start = at
    while found is None:
        start = data.find(_START, start + 1)
        if start < 0:
            return None
        if start - _HEAD.size > at:
            found = _whole(data, start - _HEAD.size)
    return found


def _whole(data: bytes, at: int) -> tuple[int, int] | None:
    start = at + _HEAD.size
    if start > len(data):
        return None
    length, checksum = _HEAD.unpack_from(data, at)
    end = start + length
    # An empty frame is refused: eight zero bytes would be one, and lost blocks read as zeros.
    if not len(_START) <= length <= MAX_PAYLOAD or end > len(data):
        return None
    payload = data[start:end]
    return (start, end) if payload.startswith(_START) and crc32(payload) == checksum else None


def is_begun(data: bytes) -> bool:
    """Whether bytes that hold no whole frame are the start of one, cut off."""
    if len(data) < _HEAD.size:
        return True
    length, _ = _HEAD.unpack_from(data)
    payload = data[_HEAD.size : _HEAD.size + len(_START)]
    return len(data) - _HEAD.size < length <= MAX_PAYLOAD and _START.startswith(payload)


def parse(payload: bytes) -> list[Any]:
    """The payload's list. Raises Unreadable."""
    try:
        items: list[Any] = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise Unreadable(str(error)) from None
    return items


def value(items: list[Any]) -> OpenCall | Call | Entry | Withdrawn | Levels:
    """What a parsed record says. Raises Unreadable."""
    try:
        match items[0]:
            case "open":
                return OpenCall(*(*items[1:-1], _pairs(items[-1])))
            case "end":
                return call_of(items[1:-1], _pairs(items[-1]))
            case "command" if len(items) == 2:
                return Withdrawn(int(items[1]))
            case "command":
                return entry_of(items[1], items[2])
            case "levels":
                touched = {key: (least, last) for key, (least, last) in items[3].items()}
                mark = Mark(*items[4]) if len(items) > 4 else None
                return Levels(items[1], items[2], touched, mark)
    except (TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
        raise Unreadable(f"{items[:1]}: {error}") from error
    raise Unreadable(f"a record of the unknown type {items[0]!r}")


def call_of(columns: list[Any], charged: tuple[tuple[str, int], ...] = ()) -> Call:
    """A call from its fields in order, ``charged`` apart. Raises TypeError or ValueError."""
    values = [*columns, charged]
    values[_OUTCOME], values[_CAUSE] = Outcome(columns[_OUTCOME]), Cause(columns[_CAUSE])
    return Call(*values)


def _pairs(items: list[list[Any]]) -> tuple[Any, ...]:
    return tuple(map(tuple, items))
