"""The journal's records: the types of JSON in its frames, and their format's number.

The payload of a frame is a JSON list; its first item names the type:

========= ========================================================================================
segment   the format's number, and the source whose records these are: a segment's first record
open      the fields of `OpenCall`, in their order there, its attempts as lists
move      the fields of `Move`, in their order there, its failed attempt as a list
end       a call as `call_record` lists it
command   the entry's canonical object and its hash; or a number alone, which takes back the entry
          of that number because it could not be made durable
commands  the entries of one change: [hash, length] of each, then their canonical objects; or a
          number and a count, which takes back so many from that number on
levels    the instant in µs, {bucket: level} of every bucket that is not full, {bucket: [least,
          last, limit]} of every bucket touched since the last such record, the fields of `Mark`
catalogue what the config file says: canonical JSON without secrets, its hash, the instant in µs
made      the instant in µs, the project, and [kind, id] of what a reply made for it
state     the instant in µs, subject, kind, cause, whether it was entered or left, and the facts
========= ========================================================================================

Lists are read by position, so what stands where has a number: `FORMAT`. Whoever changes it gives it
the next one, and the old one a file like `format_1`, which makes its records into the next one's.
Formats differ in what they list, so a record can be known by its shape where a head was damaged.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from hashlib import sha256
from typing import Any, Final

import orjson

from quotadeck.domain.calls import Call, Move, OpenCall
from quotadeck.domain.commands import Entry
from quotadeck.domain.steady import Mark
from quotadeck.store.chain import canonical, entry_of
from quotadeck.store.formats import format_1, format_2, format_3, format_4
from quotadeck.store.journal import call_record
from quotadeck.store.journal.frames import framed

FORMAT: Final = 5
_UPGRADES: Final = {
    1: format_1.upgraded,
    2: format_2.upgraded,
    3: format_3.upgraded,
    4: format_4.upgraded,
}
"""What makes a format's record into the next one's."""


@dataclass(frozen=True, slots=True)
class SegmentHead:
    """A `segment` record."""

    format: int
    source_id: str


@dataclass(frozen=True, slots=True)
class Levels:
    """A `levels` record: the live buckets at an instant.

    ``touched`` has the least level, the last and the limit (None where that was not recorded).
    """

    at_us: int
    not_full: dict[str, int]
    touched: dict[str, tuple[int, int, int | None]]
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A `command` or `commands` record that takes entries back: so many from that number on."""

    seq: int
    count: int = 1


@dataclass(frozen=True, slots=True)
class ChangeRecord:
    """A `commands` record."""

    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class CatalogueRecord:
    """A `catalogue` record; ``hash`` is the SHA-256 of the body."""

    body: bytes
    hash: str
    at_us: int


@dataclass(frozen=True, slots=True)
class StateRecord:
    """A `state` record: a subject's state was entered, or left."""

    at_us: int
    subject: str
    kind: str
    cause: str
    entered: bool
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class MadeRecord:
    """A `made` record: (kind, id) of what a reply made, the project's from then on."""

    at_us: int
    project: str
    ids: tuple[tuple[str, str], ...]


Value = (
    SegmentHead
    | OpenCall
    | Move
    | Call
    | Entry
    | ChangeRecord
    | Withdrawn
    | Levels
    | CatalogueRecord
    | StateRecord
    | MadeRecord
)
STATE_FIELDS: Final = tuple(field.name for field in fields(StateRecord))


class UnreadableRecord(ValueError):
    """A whole record that this version does not understand."""


def segment_frame(source_id: str) -> bytes:
    return framed(("segment", FORMAT, source_id))


def open_frame(call: OpenCall) -> bytes:
    return framed(call_record.open_list(call))


def move_frame(move: Move) -> bytes:
    return framed(call_record.move_list(move))


def end_frame(call: Call) -> bytes:
    return framed(call_record.end_list(call))


def command_frame(entry: Entry) -> bytes:
    return framed(("command", orjson.Fragment(canonical(entry)), entry.hash))


def commands_frame(entries: Sequence[Entry]) -> bytes:
    """All in one frame, so that a torn one is none of them. Raises ValueError: too many."""
    bodies = [canonical(entry) for entry in entries]
    heads = [(entry.hash, len(body)) for entry, body in zip(entries, bodies, strict=True)]
    return framed(("commands", heads, *map(orjson.Fragment, bodies)))


def command_rows(payload: bytes, items: Sequence[Any]) -> Iterator[tuple[Any, str, bytes]]:
    """The entries of a whole `command` or `commands` record, none where it takes some back.

    Each as its object, its hash, and the object byte for byte as the hash covers it.
    """
    match items:
        case ["command", content, digest]:
            yield content, digest, payload[len(b'["command",') : -len(b',""]') - len(digest)]
        case ["commands", [*heads], *contents]:
            at = len(payload) - len(heads) - sum(length for _, length in heads)
            for (digest, length), content in zip(heads, contents, strict=True):
                yield content, digest, payload[at : at + length]
                at += length + 1


def withdrawal_frame(seq: int, count: int = 1) -> bytes:
    return framed(("command", seq) if count == 1 else ("commands", seq, count))


def levels_frame(
    at_us: int,
    not_full: Mapping[str, int],
    touched: Mapping[str, tuple[int, int, int | None]],
    mark: Mark,
) -> bytes:
    return framed(("levels", at_us, dict(not_full), dict(touched), astuple(mark)))


def catalogue_frame(body: bytes, at_us: int) -> bytes:
    return framed(("catalogue", orjson.Fragment(body), sha256(body).hexdigest(), at_us))


def catalogue_body(payload: bytes, digest: str, at_us: int) -> bytes:
    """The object in a whole `catalogue` record, byte for byte as its hash covers it."""
    return payload[len(b'["catalogue",') : -len(f',"{digest}",{at_us}]')]


def state_frame(record: StateRecord) -> bytes:
    *plain, facts = (getattr(record, name) for name in STATE_FIELDS)
    return framed(("state", *plain, dict(facts)))


def made_frame(record: MadeRecord) -> bytes:
    return framed(("made", record.at_us, record.project, record.ids))


def parse(payload: bytes, written: int | None = FORMAT) -> list[Any]:
    """The payload's list, as the newest format has it; raises UnreadableRecord.

    ``written`` is the format of its segment, None where the head that says so was damaged: then a
    record is of the newest format that has its shape.
    """
    try:
        items: list[Any] = orjson.loads(payload)
        if written is None:
            return _known_by_shape(payload, items)
        for number in range(written, FORMAT):
            items = _UPGRADES[number](items)
    except (TypeError, ValueError, IndexError, AttributeError) as error:
        raise UnreadableRecord(str(error)) from error
    return items


def _known_by_shape(payload: bytes, items: list[Any]) -> list[Any]:
    for number in range(FORMAT, 0, -1):
        try:
            found = parse(payload, number)
            _value(found, payload)
        except UnreadableRecord:
            continue
        return found
    raise UnreadableRecord(f"{items[:1]} has the shape of no format")


def decoded(payload: bytes, written: int | None = FORMAT) -> Value:
    """What a record says; ``written`` as for `parse`. Raises UnreadableRecord."""
    return _value(parse(payload, written), payload)


def _value(items: list[Any], payload: bytes) -> Value:
    try:
        match items[0]:
            case "segment":
                return SegmentHead(items[1], items[2])
            case "open":
                return call_record.open_of(items)
            case "move":
                return call_record.move_of(items)
            case "end":
                return call_record.call_of(items)
            case "command":
                return entry_of(items[1], items[2]) if items[2:] else Withdrawn(int(items[1]))
            case "commands":
                return _change(*items[1:])
            case "levels":
                _, at_us, not_full, touched, mark = items
                levels = {
                    key: (least, last, limit) for key, (least, last, limit) in touched.items()
                }
                return Levels(at_us, not_full, levels, None if mark is None else Mark(*mark))
            case "catalogue":
                _, _, digest, at_us = items
                return CatalogueRecord(catalogue_body(payload, digest, at_us), digest, at_us)
            case "state":
                return StateRecord(*items[1:])
            case "made":
                _, at_us, project, ids = items
                return MadeRecord(at_us, project, tuple((kind, one) for kind, one in ids))
    except (TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
        raise UnreadableRecord(f"{items[:1]}: {error}") from error
    raise UnreadableRecord(f"a record of the unknown type {items[0]!r}")


def _change(heads: Any, *rest: Any) -> ChangeRecord | Withdrawn:
    if isinstance(heads, int):
        return Withdrawn(heads, *map(int, rest))
    found = zip(heads, rest, strict=True)
    return ChangeRecord(tuple(entry_of(content, digest) for (digest, _), content in found))
