"""Frozen records as JSON objects, and back: worked out once a class, not once a value.

A record is a dataclass or a tuple with names.

A field travels under its own name and in its own form, with four exceptions: an instant
(``until_us``) is RFC 3339 under the name without its unit (``until``), an `IntEnum` is its word, a
`Subject` its text, and a record that always has a value lends its fields to the object around
it. A reader passes over what it does not know, takes a field's default where it is missing, and
cleans every text.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum, IntEnum
from functools import cache, partial
from types import NoneType, UnionType
from typing import (
    Any,
    Final,
    Literal,
    NamedTuple,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import orjson

from quotadeck.domain.days import micros, rfc3339
from quotadeck.domain.limits import Priority
from quotadeck.domain.subject import Subject
from quotadeck.domain.text import clean

MAX_TEXT_CHARS: Final = 2_000
UNTOLD: Final = frozenset(
    {
        *("Call.charged", "Entry.idempotency_key", "Entry.prev_hash", "Entry.steady_us"),
        *("Price.is_flat", "Price.dearest_input_pico", "Price._rows", "Price._reached"),
        "Usage.beside",
    }
)
"""Fields that say nothing outside the process that keeps them; a reader has their defaults."""
_NAMES: Final = {"Usage.is_estimate": "usage_is_estimate"}
"""Fields whose own name would say too little in the object around them."""
_WORDS: Final[Mapping[str, type[IntEnum]]] = {"Call.priority": Priority}
"""Numbers that are told as words."""

T = TypeVar("T")
_Step = Callable[[Any], Any]


class UnreadableObject(ValueError):
    """The JSON is not what its class needs; the text names the field."""


class _Field(NamedTuple):
    """Of a record; ``default`` makes its default value, None where it has none."""

    name: str
    default: Callable[[], Any] | None


def dump(value: Any, **more: Any) -> bytes:
    """A record as a JSON object, and what is told beside it."""
    return orjson.dumps(plain(value) | more)


def plain(value: Any) -> dict[str, Any]:
    """A record as a dictionary of what JSON knows."""
    kind: Any = type(value)
    return {name: get(value) for name, get in _getters(kind)}


def load(cls: type[T], body: bytes) -> T:
    """The instance that a JSON object tells. Raises UnreadableObject."""
    kind: Any = cls
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError as wrong:
        raise UnreadableObject(f"it is not JSON: {wrong}") from None
    built: T = _builder(kind)(_typed(dict, cls.__name__, told))
    return built


class Told(NamedTuple):
    """A field as it is told: under which name, of which type, and its own name in the record."""

    name: str
    hint: Any
    attribute: str


def told_fields(cls: type[Any]) -> list[Told | type[Any]]:
    """What is told of a record, for documents; a record alone lends its fields."""
    hints = _hints(cls)
    return [
        hints[name] if _is_row(hints[name]) else Told(_sent(cls, name), hints[name], name)
        for name, _ in _told(cls)
    ]


def is_record(hint: Any) -> bool:
    """Whether a type is told as an object of its own."""
    return _is_row(hint)


@cache
def _getters(cls: type[Any]) -> tuple[tuple[str, _Step], ...]:
    """The names under which an instance is told, and what each tells."""
    hints = _hints(cls)
    told: list[tuple[str, _Step]] = []
    for name, _ in _told(cls):
        hint = hints[name]
        if _is_row(hint):
            told += ((inner, _through(name, get)) for inner, get in _getters(hint))
        else:
            told.append((_sent(cls, name), _getter(name, _writer(name, hint))))
    twice = {name for name, _ in told if sum(name == other for other, _ in told) > 1}
    assert not twice, f"{cls.__name__} tells {', '.join(sorted(twice))} twice"
    return tuple(told)


def _hints(cls: type[Any]) -> dict[str, Any]:
    hints = get_type_hints(cls)
    return {name: _WORDS.get(f"{cls.__name__}.{name}", hint) for name, hint in hints.items()}


def _told(cls: type[Any]) -> list[_Field]:
    return [field for field in _fields(cls) if f"{cls.__name__}.{field.name}" not in UNTOLD]


def _fields(cls: type[Any]) -> list[_Field]:
    if is_dataclass(cls):
        return [_Field(field.name, _default(field)) for field in fields(cls)]
    made = {name: partial(_same, value) for name, value in cls._field_defaults.items()}
    return [_Field(name, made.get(name)) for name in cls._fields]


def _default(field: Field[Any]) -> Callable[[], Any] | None:
    if field.default_factory is not MISSING:
        return field.default_factory
    return None if field.default is MISSING else partial(_same, field.default)


def _same(value: Any) -> Any:
    return value


def _sent(cls: type[Any], name: str) -> str:
    return _NAMES.get(f"{cls.__name__}.{name}", name).removesuffix("_us")


def _is_row(hint: Any) -> bool:
    if not isinstance(hint, type) or hint is Subject:
        return False
    return is_dataclass(hint) or hasattr(hint, "_field_defaults")


def _through(name: str, get: _Step) -> _Step:
    return lambda value: get(getattr(value, name))


def _getter(name: str, write: _Step | None) -> _Step:
    if write is None:
        return lambda value: getattr(value, name)
    return lambda value: write(getattr(value, name))


def _writer(name: str, hint: Any) -> _Step | None:
    """From a field's value to what JSON knows; None where that is the value itself."""
    if name.endswith("_us"):
        return lambda value: None if value is None else rfc3339(value)
    if hint is Subject:
        return str
    if get_origin(hint) is tuple:
        each = _writer("", get_args(hint)[0])
        return each and (lambda value: [each(item) for item in value])
    if _is_mapping(hint):
        return dict
    if any(map(_is_row, _members(hint))):
        return lambda value: plain(value) if _is_row(type(value)) else value
    if isinstance(hint, type) and issubclass(hint, IntEnum):
        return lambda value: hint(value).name.lower()
    return None


def _is_mapping(hint: Any) -> bool:
    origin = get_origin(hint)
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _members(hint: Any) -> tuple[Any, ...]:
    """The kinds that a field may be of."""
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


@cache
def _builder(cls: type[Any]) -> _Step:
    hints = _hints(cls)
    parts = [(field.name, _part(cls, field, hints[field.name])) for field in _told(cls)]
    return lambda told: cls(**{name: part(told) for name, part in parts})


def _part(cls: type[Any], field: _Field, hint: Any) -> _Step:
    """From the whole object to one field's value."""
    if _is_row(hint):
        return _builder(hint)
    owner, name = cls.__name__, _sent(cls, field.name)
    read = _reader(f"{owner}.{name}", _instant if field.name.endswith("_us") else hint)

    def part(told: Mapping[str, Any]) -> Any:
        if name in told:
            return read(told[name])
        if field.default is not None:
            return field.default()
        raise UnreadableObject(f"{owner} lacks {name}")

    return part


def _reader(where: str, hint: Any) -> _Step:
    """From what JSON had to a field's value. Raises UnreadableObject for another type."""
    if hint is _instant:
        return lambda value: None if value is None else _instant(where, value)
    if get_origin(hint) is tuple:
        each = _reader(where, get_args(hint)[0])
        return lambda value: tuple(each(item) for item in _typed(list, where, value))
    if _is_mapping(hint):
        of = _reader(where, get_args(hint)[1])
        return lambda value: {
            clean(name): of(item) for name, item in _typed(dict, where, value).items()
        }
    members = _members(hint)
    if len(members) > 1:
        return _one_of(where, members)
    if _is_row(hint):
        build = _builder(hint)
        return lambda value: build(_typed(dict, where, value))
    if isinstance(hint, type) and issubclass(hint, Enum):
        words = {m.name.lower(): m for m in hint} if issubclass(hint, IntEnum) else {}
        return lambda value: _word(where, hint, words.get(_typed(str, where, value), value))
    if hint is Subject:
        return lambda value: Subject.parse(clean(_typed(str, where, value), MAX_TEXT_CHARS))
    if hint is str or get_origin(hint) is Literal:  # a newer sender may know more words
        return lambda value: clean(_typed(str, where, value), MAX_TEXT_CHARS)
    return lambda value: _typed(hint, where, value)


def _one_of(where: str, members: tuple[Any, ...]) -> _Step:
    """A field of several kinds: what JSON had tells which, by its own type."""
    readers = {_json_type(member): _reader(where, member) for member in members}

    def read(value: Any) -> Any:
        if (reader := readers.get(type(value))) is None:
            raise UnreadableObject(f"{where} is a {type(value).__name__}")
        return reader(value)

    return read


def _json_type(hint: Any) -> type:
    if get_origin(hint) is tuple:
        return list
    if _is_row(hint):
        return dict
    return str if issubclass(hint, Enum) else hint


def _typed(kind: type, where: str, value: Any) -> Any:
    if kind is NoneType or type(value) is kind:
        return value
    raise UnreadableObject(f"{where} is a {type(value).__name__}, no {kind.__name__}")


def _word(where: str, kind: type[Enum], value: Any) -> Enum:
    try:
        return kind(value)
    except ValueError:
        raise UnreadableObject(
            f"{where} is {clean(str(value), 40)!r}, no {kind.__name__}"
        ) from None


def _instant(where: str, value: Any) -> int:
    text = _typed(str, where, value)
    try:
        return micros(text)
    except ValueError:
        raise UnreadableObject(f"{where} is {clean(text, 40)!r}, no instant") from None
