"""Frozen dataclasses as lists of cells, and back: worked out once per class, not per row.

A dataclass field that always has a value is flattened (``flow.requests_60s``), so that its parts
can change one by one; one that may be absent, or of which there are many, is a cell of its own
that holds a list. Columns are named, so that a reader takes those it knows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import StrEnum
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

from quotadeck.domain.notice import Notice, notice_of
from quotadeck.domain.state import Kind, Urgency
from quotadeck.domain.text import clean

MAX_TEXT_CHARS: Final = 1_000

Cells = Sequence[Any]
Columns = Mapping[str, Sequence[str]]
"""Class name → its columns in order, as the sender has them."""
Row = TypeVar("Row")

_NEWER: Final[Mapping[type[StrEnum], StrEnum]] = {
    Kind: Kind.OTHER,
    Urgency: Urgency.ATTENTION,
}
"""What a word means that only a newer sender knows; where there is none it is an error."""


class Unreadable(ValueError):
    """Rows that do not hold what their class needs."""


def columns_of(cls: type) -> tuple[str, ...]:
    """The columns of a class, in the order of its fields."""
    hints = get_type_hints(cls)
    names: list[str] = []
    for field in fields(cls):
        inner = hints[field.name]
        if isinstance(inner, type) and is_dataclass(inner) and inner is not Notice:
            names += (f"{field.name}.{name}" for name in columns_of(inner))
        else:
            names.append(field.name)
    return tuple(names)


def cells_of(cls: type) -> Callable[[Any], tuple[Any, ...]]:
    """A function from an instance to its cells; every class has two columns or more."""
    return attrgetter(*columns_of(cls))


def reader(cls: type[Row], sent: Columns) -> Callable[[Cells], Row]:
    """A function from a row of the sender's columns to an instance; texts are cleaned.

    Raises Unreadable, here or in that function, for a missing column or a value of another type.
    """
    return _builder(cls, cls.__name__, "", sent)


def _builder(cls: type[Any], owner: str, prefix: str, sent: Columns) -> Callable[[Cells], Any]:
    hints = get_type_hints(cls)
    parts = [
        _part(field, hints[field.name], owner, prefix + field.name, sent) for field in fields(cls)
    ]
    return lambda cells: cls(*[part(cells) for part in parts])


def _part(
    field: Field[Any], hint: Any, owner: str, name: str, sent: Columns
) -> Callable[[Cells], Any]:
    if isinstance(hint, type) and is_dataclass(hint) and hint is not Notice:
        return _builder(hint, owner, f"{name}.", sent)
    columns = sent.get(owner, ())
    if name in columns:
        at, convert = columns.index(name), _converter(hint, sent)
        return lambda cells: convert(cells[at])
    if field.default is MISSING:
        raise Unreadable(f"{owner} came without its column {name}")
    default = field.default
    return lambda _: default


def _converter(hint: Any, sent: Columns) -> Callable[[Any], Any]:
    if get_origin(hint) in (Union, UnionType):
        kinds = tuple(part for part in get_args(hint) if part is not NoneType)
        if len(kinds) > 1:
            return lambda value: value if value is None else _plain(kinds, value)
        convert = _converter(kinds[0], sent)
        return lambda value: None if value is None else convert(value)
    if get_origin(hint) is tuple:
        each = _converter(get_args(hint)[0], sent)
        return lambda value: tuple(map(each, _typed(list, value)))
    if hint is Notice:
        return _notice
    if is_dataclass(hint) and isinstance(hint, type):
        read = reader(hint, sent)
        return lambda value: read(_typed(list, value))
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return lambda value: _word(hint, value)
    if hint is str:
        return lambda value: clean(_typed(str, value), MAX_TEXT_CHARS)
    return lambda value: _typed(hint, value)


def _plain(kinds: tuple[type, ...], value: Any) -> Any:
    """A cell of one of several kinds, none of which JSON could take for another."""
    if type(value) not in kinds:
        raise Unreadable(f"a {type(value).__name__} stands where another value belongs")
    return clean(value, MAX_TEXT_CHARS) if isinstance(value, str) else value


def _typed(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise Unreadable(f"a {type(value).__name__} stands where a {kind.__name__} belongs")
    return value


def _notice(value: Any) -> Notice:
    kind, facts = _typed(list, value)
    return notice_of(_typed(str, kind), _typed(dict, facts))


def _word(kind: type[StrEnum], value: Any) -> StrEnum:
    try:
        return kind(value)
    except ValueError:
        if kind not in _NEWER:
            raise Unreadable(f"{clean(str(value), 40)!r} is no {kind.__name__}") from None
        return _NEWER[kind]
