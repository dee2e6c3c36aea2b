"""What a segment of the journal says of itself before it is read: its format, and its source."""

import os
from pathlib import Path
from typing import Final, NamedTuple

import orjson

from quotadeck.store.errors import StoreNewer
from quotadeck.store.journal.frames import FRAME_HEAD_BYTES, MAX_PAYLOAD, frame_at
from quotadeck.store.journal.records import FORMAT
from quotadeck.store.places import open_plain

SUFFIX: Final = ".journal"
_TYPE: Final = b'["segment"'
_MOST_BYTES: Final = 512
"""A head is shorter."""


class Head(NamedTuple):
    """``format`` is None where the head was damaged; ``source_id`` is empty where none is told."""

    format: int | None
    source_id: str = ""


def read_head(path: Path) -> Head:
    """The head of a segment; one without is of the first format.

    Raises StoreNewer for a format that is yet to come, or OSError.
    """
    descriptor = open_plain(path, os.O_RDONLY)
    try:
        data = os.pread(descriptor, _MOST_BYTES, 0)
        if not data.startswith(_TYPE, FRAME_HEAD_BYTES):
            data = os.pread(descriptor, FRAME_HEAD_BYTES + MAX_PAYLOAD, 0)
    finally:
        os.close(descriptor)
    found = frame_at(data, 0)
    if found is None:
        return Head(None)
    payload = data[slice(*found)]
    if not payload.startswith(_TYPE):
        return Head(1)
    # What stands behind its number is the format's own.
    match orjson.loads(payload)[1:]:
        case [int(number), *_] if number > FORMAT:
            raise StoreNewer(path, number, FORMAT)
        case [int(number), str(source_id)] if number > 1:
            return Head(number, source_id)
    return Head(None)


def check_heads(directory: Path) -> None:
    """Refuse a journal that a newer version wrote; touches nothing. Raises as `read_head`."""
    for path in directory.glob(f"*{SUFFIX}"):
        if path.is_file() and not path.is_symlink():
            read_head(path)
