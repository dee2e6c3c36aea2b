"""A JSON object's own bytes, changed in place: what is not changed reaches the upstream as it came.

Digits, the order of names, spaces and unknown members survive, and nothing is written that need not
be. Only where two readers could understand the bytes differently are they written anew.
"""

import json
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from quotadeck.dialects.request_json import read_json, write_json

NO_MORE: Final[Mapping[str, Any]] = MappingProxyType({})
MAX_LOOKED_THROUGH: Final = 256 * 1024
"""So many bytes are looked through piece by piece, 10 ms of work at most; more are written anew."""

_STRING: Final = rb'"[^"\\]*(?:\\.[^"\\]*)*"'
_PIECES: Final = re.compile(rb"(%b)(\s*:\s*)?|([{\[])|([}\]])|," % _STRING, re.DOTALL)
_VALUE: Final = re.compile(
    rb'\s*:\s*(%b|[-+.0-9A-Za-z]+|\{[^{}\[\]"]*(?:"[^"\\]*"[^{}\[\]"]*)*\})' % _STRING, re.DOTALL
)
"""A member's value that can be seen whole: a string, a number, a word, an object of such."""
_BACKSLASH: Final = ord("\\")
_ESCAPED_LETTER: Final = re.compile(rb"\\u00[46-7]", re.IGNORECASE)
"""A name may be written so that it is not found by its letters; nobody does, but who hides it."""


class Edit(NamedTuple):
    """From ``start`` to ``end`` the bytes give way to ``value``."""

    start: int
    end: int
    value: bytes


class Written(NamedTuple):
    """A request that is written anew; ``sent`` are members that go out otherwise than they came.

    Of one that came in the shortest form that is itself, byte for byte.
    """

    fields: Mapping[str, Any]
    sent: Mapping[str, Any]

    def to(self, model: str, more: Mapping[str, Any] = NO_MORE) -> bytes:
        """The body for an upstream that calls the model so; ``more`` are members that it has not.

        Where its model stands, and all else, stays as it came.
        """
        return write_json({**self.fields, **self.sent, **more, "model": model})


class Kept(NamedTuple):
    """A request that is changed in place: where it names the model, and what else is edited."""

    raw: bytes
    model: Edit
    edits: tuple[Edit, ...]

    @property
    def fields(self) -> Mapping[str, Any]:
        """What the client sent, read once more."""
        found: Mapping[str, Any] = read_json(self.raw, "")
        return found

    def to(self, model: str, more: Mapping[str, Any] = NO_MORE) -> bytes:
        """As `Written.to`."""
        edits = [self.model._replace(value=write_json(model)), *self.edits]
        edits += [_added(self.raw, name, value) for name, value in more.items()]
        return edited(self.raw, edits)


RawRequest = Written | Kept


class Differs(Exception):
    """Two members of an object have one name: readers differ in which of them they obey."""


def raw_request(
    body: bytes, fields: dict[str, Any], sent: Mapping[str, Any] = NO_MORE
) -> RawRequest:
    """The request that was read as ``fields``; ``sent`` are members to be sent in place of its own.

    It is written anew where a name comes twice in an object, and where a large body is not written
    in the shortest form: to look through it would take too long.
    """
    # To write it is the fastest way to know that it can be read in one way only.
    if write_json(fields) != body and len(body) <= MAX_LOOKED_THROUGH and _each_name_once(body):
        model = _place_of(body, "model")
        edits = [_member(body, fields, name, value) for name, value in sent.items()]
        if model and all(edits):
            return Kept(body, model, tuple(filter(None, edits)))
    return Written(fields, sent)


def edited(raw: bytes, edits: Iterable[Edit]) -> bytes:
    """The bytes with these edits, none of which overlap."""
    parts: list[bytes] = []
    at = 0
    for start, end, value in sorted(edits):
        parts += (raw[at:start], value)
        at = end
    parts.append(raw[at:])
    return b"".join(parts)


def _member(raw: bytes, fields: dict[str, Any], name: str, value: Any) -> Edit | None:
    if name not in fields:
        return _added(raw, name, value)
    place = _place_of(raw, name)
    return place and place._replace(value=write_json(value))


def _added(raw: bytes, name: str, value: Any) -> Edit:
    after = raw.index(b"{") + 1
    return Edit(after, after, b"%b:%b," % (write_json(name), write_json(value)))


def _place_of(raw: bytes, name: str) -> Edit | None:
    """Where the member's value stands, and what; None where it cannot be seen.

    The object has one, and no name twice.
    """
    key = b'"%b"' % name.encode()
    at = raw.find(key)
    once = at > 0 and raw.find(key, at + 1) < 0 and raw[at - 1] != _BACKSLASH
    if once and not _ESCAPED_LETTER.search(raw) and (found := _VALUE.match(raw, at + len(key))):
        return Edit(*found.span(1), found[1])
    return _looked_for(raw, name)


def _each_name_once(body: bytes) -> bool:
    try:
        json.loads(body, object_pairs_hook=_each_once)
    except (Differs, ValueError, RecursionError):
        return False
    return True


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Differs
    return found


def _looked_for(raw: bytes, name: str) -> Edit | None:
    depth, start = 0, -1
    for piece in _PIECES.finditer(raw):
        string, colon, opens, closes = piece.groups()
        if depth == 1 and start >= 0 and (closes or piece[0] == b","):
            value = raw[start : piece.start()].rstrip()
            return Edit(start, start + len(value), value)
        if opens:
            depth += 1
        elif closes:
            depth -= 1
        elif depth == 1 and string and colon and json.loads(string) == name:
            start = piece.end()
    return None
