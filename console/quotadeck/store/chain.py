"""The command log's chain: each entry's hash covers its content and the hash before it.

hash = SHA-256 of the entry's body as it is stored: canonical JSON (UTF-8, keys sorted, no blanks)
of every field but ``hash`` itself, ``prev_hash`` among them, and of the format's number. The first
entry's ``prev_hash`` is 64 zeros. The stored bytes are what is hashed, so an entry of an older
format still holds. A row that is changed, removed from the middle or slipped in breaks a link; a
cut-off end can only be told by a head (the last hash) that was kept elsewhere. Sequence numbers
grow, with gaps where an entry could not be made durable.
"""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from hashlib import sha256
from typing import Any, Final, NamedTuple

import orjson

from quotadeck.domain.commands import Action, Entry, Field, Rejected, Role, Value, named
from quotadeck.domain.notice import notice_of
from quotadeck.domain.project_key import ProjectKey
from quotadeck.domain.subject import Subject
from quotadeck.store.formats import entry_format_1

GENESIS: Final = "0" * 64
FORMAT: Final = 2
"""Of new entries; those of the first have no number."""
_VALUES: Final = ("value", "before", "after", "then")
_FIELDS: Final = tuple(field.name for field in fields(Entry) if field.name != "hash")


class ChainLink(NamedTuple):
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
class BrokenChain:
    """The first entry at which the chain does not hold, why, and how many entries follow it."""

    seq: int
    why: str
    following: int = 0


@dataclass(frozen=True, slots=True)
class ChainHead:
    """The end of a command log: how many entries, and the last one's number and hash."""

    entries: int = 0
    seq: int = 0
    hash: str = GENESIS


def canonical(entry: Entry) -> bytes:
    """The bytes that the hash of a new entry covers."""
    content: dict[str, Any] = {name: getattr(entry, name) for name in _FIELDS}
    content |= {"format": FORMAT, "subject": str(entry.subject)}
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS)


def seal(entry: Entry, seq: int, prev_hash: str) -> Entry:
    """The entry with its place in the chain: ``seq``, ``prev_hash`` and ``hash``."""
    placed = replace(entry, seq=seq, prev_hash=prev_hash, hash="")
    return replace(placed, hash=sha256(canonical(placed)).hexdigest())


def entry_of(content: Mapping[str, Any], digest: str) -> Entry:
    """An entry from its canonical JSON, read. Raises KeyError, TypeError or ValueError.

    A field that was added since has its default; one that this version does not know is left out.
    """
    if "format" not in content:
        content = entry_format_1.upgraded(content)
    known = {name: content[name] for name in _FIELDS if name in content}
    return Entry(
        **{
            **known,
            **{name: _value(content.get(name)) for name in _VALUES},
            "action": named(Action, content["action"]),
            "field": content["field"] and named(Field, content["field"]),
            "subject": Subject.parse(content["subject"]),
            "role": Role(content["role"]),
            "ends": tuple(content["ends"]),
            "refused": _refused(content["refused"]),
            "hash": digest,
        }
    )


def _value(found: Any) -> Value | None:
    # Nearly all are none: this is asked thrice an entry, and a start reads them all.
    key = ProjectKey.read(found) if isinstance(found, dict) else None
    return found if key is None else key


def _refused(found: Mapping[str, Any] | None) -> Rejected | None:
    if found is None:
        return None
    told = notice_of(found["notice"]["kind"], found["notice"]["facts"])
    storm = {name: found[name] for name in ("times", "since_us", "unread") if name in found}
    return Rejected(found["code"], told, **storm)


def readable(links: Iterable[ChainLink]) -> Iterator[Entry]:
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

    def add(self, links: Iterable[ChainLink]) -> None:
        """Check the next entries."""
        for link in links:
            if self._broken:
                self._following += 1
            elif why := _wrong(link, self._seq, self._hash):
                self._broken = link.seq, why
            self._entries += 1
            self._seq, self._hash = link.seq, link.hash

    @property
    def broken(self) -> BrokenChain | None:
        """None where every entry holds; else the first that does not."""
        return BrokenChain(*self._broken, self._following) if self._broken else None

    @property
    def head(self) -> ChainHead:
        return ChainHead(self._entries, self._seq, self._hash)


def _wrong(link: ChainLink, seq_before: int, prev_hash: str) -> str:
    if link.hash != sha256(link.body).hexdigest():
        return "content_changed"
    try:
        content = orjson.loads(link.body)
        said = content["seq"], content["subject"], content["prev_hash"]
    except (ValueError, TypeError, KeyError):
        return "content_unreadable"
    if said[:2] != (link.seq, link.subject):
        return "place_changed"
    if link.seq <= seq_before:
        return "number_out_of_order"
    if said[2] != prev_hash:
        return "other_before"
    return ""
