"""The journal's frames: ``u32 length, u32 crc32 of the payload, payload``, little-endian.

The payload is a JSON list that begins with a text. A frame can be found again behind bytes that
were damaged.
"""

import struct
from typing import Final
from zlib import crc32

import orjson

MAX_PAYLOAD: Final = (1 << 24) - 1
"""So the length's last byte is 0, which JSON text never holds: no payload can hold a frame."""
_HEAD: Final = struct.Struct("<II")
FRAME_HEAD_BYTES: Final = _HEAD.size
_START: Final = b'["'


def framed(content: object) -> bytes:
    """The frame of a list. Raises ValueError where it is too large."""
    payload = orjson.dumps(content)
    if len(payload) > MAX_PAYLOAD:
        raise ValueError(f"a journal record of {len(payload)} bytes is over {MAX_PAYLOAD}")
    return _HEAD.pack(len(payload), crc32(payload)) + payload


def next_frame(data: bytes, at: int) -> tuple[int, int] | None:
    """Where the payload of the first whole frame at or after ``at`` starts and ends.

    None when there is none: the end, or a torn tail. What lies between ``at`` and the frame was
    damaged; the frames behind it still count.
    """
    found = frame_at(data, at)
    start = at
    while found is None:
        start = data.find(_START, start + 1)
        if start < 0:
            return None
        if start - _HEAD.size > at:
            found = frame_at(data, start - _HEAD.size)
    return found


def frame_at(data: bytes, at: int) -> tuple[int, int] | None:
    """Where the payload of the whole frame at ``at`` starts and ends; None where there is none."""
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
