"""The command log's chain: each entry's hash covers its content and the hash before it.

hash = SHA-256 of the entry's body as it is stored: canonical JSON (UTF-8, keys sorted, no blanks)
of every field but ``hash`` itself, ``prev_hash`` among them. The first entry's ``prev_hash`` is 64
zeros. The stored bytes are what is hashed, so an entry from before a field was added still holds.
A row that is changed, removed from the middle or slipped in breaks a link; a cut-off end can only
be told by a head (the last hash) that was kept elsewhere. Sequence numbers grow, with gaps where an
entry could not be made durable.
"""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from hashlib import sha256
from typing import Any, Final, NamedTuple

import orjson

from quotadeck.domain.commands import Action, Entry, Field, Role
from quotadeck.domain.subject import Subject
from quotadeck.domain.text import counted

GENESIS: Final = "0" * 64
_FIELDS: Final = tuple(field.name for field in fields(Entry) if field.name != "hash")


class Link(NamedTuple):
    """A row of the command log as it is stored: its columns, and the bytes that its hash covers."""

    seq: int
    subject: str
    hash: str
    body: bytes

    @property
    def applied(self) -> bool:
        """Without reading it: inside of a text in JSON no quotation mark stands bare."""
        return b'"applied":true' in self.body


@dataclass(frozen=True, slots=True)
class Broken:
    """The first entry at which the chain does not hold, why, and how many entries follow it."""

    seq: int
    why: str
    following: int = 0

    def __str__(self) -> str:
        return (
            f"the command log does not hold from entry {self.seq} on ({self.why}); "
            f"{counted(self.following, 'entry', 'entries')} after it"
        )


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a command log: how many entries, and the last one's number and hash."""

    entries: int = 0
    seq: int = 0
    hash: str = GENESIS


def canonical(entry: Entry) -> bytes:
    """The bytes that the hash of a new entry covers."""
    content = {name: getattr(entry, name) for name in _FIELDS}
    content["subject"] = str(entry.subject)
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS)


def seal(entry: Entry, seq: int, prev_hash: str) -> Entry:
    """The entry with its place in the chain: ``seq``, ``prev_hash`` and ``hash``."""
    placed = replace(entry, seq=seq, prev_hash=prev_hash, hash="")
    return replace(placed, hash=sha256(canonical(placed)).hexdigest())


def entry_of(content: Mapping[str, Any], digest: str) -> Entry:
    """An entry from its canonical JSON, read. Raises KeyError, TypeError or ValueError.

    A field that was added since has its default; one that this version does not know is left out.
    """
    field = content["field"]
    known = {name: content[name] for name in _FIELDS if name in content}
    return Entry(
        **{
            **_ending(content),
            **known,
            "role": Role(content["role"]),
            "action": Action(content["action"]),
            "subject": Subject.parse(content["subject"]),
            "field": None if field is None else Field(field),
            "ends": tuple(content["ends"]),
            "hash": digest,
        }
    )


def _ending(content: Mapping[str, Any]) -> dict[str, Any]:
    """An entry from before durations and times of day were told apart ends after a duration."""
    at_us, until_us = content["at_us"], content["until_us"]
    for_ms = None if until_us is None else (until_us - at_us) // 1_000
    return {"for_ms": for_ms, "steady_us": at_us}


def readable(links: Iterable[Link]) -> Iterator[Entry]:
    """The entries that can be read; `Chain` finds the others."""
    for link in links:
        with contextlib.suppress(TypeError, ValueError, KeyError):
            yield entry_of(orjson.loads(link.body), link.hash)


class Chain:
    """The check of a log that is read piece by piece, from its first entry on."""

    def __init__(self) -> None:
        self._broken: tuple[int, str] | None = None
        self._following = 0
        self._entries, self._seq, self._hash = 0, 0, GENESIS

    def add(self, links: Iterable[Link]) -> None:
        """Check the next entries."""
        for link in links:
            if self._broken:
                self._following += 1
            elif why := _wrong(link, self._seq, self._hash):
                self._broken = link.seq, why
            self._entries += 1
            self._seq, self._hash = link.seq, link.hash

    @property
    def broken(self) -> Broken | None:
        """None where every entry holds; else the first that does not."""
        return Broken(*self._broken, self._following) if self._broken else None

    @property
    def head(self) -> Head:
        return Head(self._entries, self._seq, self._hash)


def _wrong(link: Link, seq_before: int, prev_hash: str) -> str:
    if link.hash != sha256(link.body).hexdigest():
        return "its content was changed"
    try:
        content = orjson.loads(link.body)
        said = content["seq"], content["subject"], content["prev_hash"]
    except (ValueError, TypeError, KeyError) as error:
        return f"its content cannot be read: {error}"
    if said[:2] != (link.seq, link.subject):
        return "its number or subject was changed"
    if link.seq <= seq_before:
        return "its number does not follow the one before"
    if said[2] != prev_hash:
        return "an entry before it was removed, replaced or slipped in"
    return ""
