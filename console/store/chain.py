"""The command log's chain: each entry's hash covers its content and the hash before it.

hash = SHA-256 of the canonical JSON (UTF-8, keys sorted, no blanks) of every field of the entry
but ``hash`` itself, ``prev_hash`` among them. The first entry's ``prev_hash`` is 64 zeros. A row
that is changed, removed from the middle or slipped in breaks a link; a cut-off end cannot be told
from a shorter log. Sequence numbers grow, with gaps where an entry could not be made durable.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from hashlib import sha256
from typing import Any, Final

import orjson

from console.domain.commands import Action, Entry, Field, Role

GENESIS: Final = "0" * 64
_FIELDS: Final = tuple(field.name for field in fields(Entry) if field.name != "hash")


@dataclass(frozen=True, slots=True)
class Broken:
    """The first entry at which the chain does not hold, and why."""

    seq: int
    why: str


def canonical(entry: Entry) -> bytes:
    """The bytes that the entry's hash covers."""
    return orjson.dumps(
        {name: getattr(entry, name) for name in _FIELDS}, option=orjson.OPT_SORT_KEYS
    )


def seal(entry: Entry, seq: int, prev_hash: str) -> Entry:
    """The entry with its place in the chain: ``seq``, ``prev_hash`` and ``hash``."""
    placed = replace(entry, seq=seq, prev_hash=prev_hash, hash="")
    return replace(placed, hash=sha256(canonical(placed)).hexdigest())


def entry_of(content: Mapping[str, Any], digest: str) -> Entry:
    """An entry from its canonical JSON, read. Raises KeyError, TypeError or ValueError."""
    field = content["field"]
    return Entry(
        **{
            **content,
            "role": Role(content["role"]),
            "action": Action(content["action"]),
            "field": None if field is None else Field(field),
            "ends": tuple(content["ends"]),
            "hash": digest,
        }
    )


def verify(entries: Iterable[Entry]) -> Broken | None:
    """None where every entry, from the first one on, holds; else the first that does not."""
    seq, prev_hash = 0, GENESIS
    for entry in entries:
        if entry.seq <= seq:
            return Broken(entry.seq, "its number does not follow the one before")
        if entry.prev_hash != prev_hash:
            return Broken(entry.seq, "an entry before it was removed, replaced or slipped in")
        if entry.hash != sha256(canonical(entry)).hexdigest():
            return Broken(entry.seq, "its content was changed")
        seq, prev_hash = entry.seq, entry.hash
    return None
