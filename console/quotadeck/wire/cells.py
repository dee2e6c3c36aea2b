"""Frozen dataclasses as lists of cells, and back: worked out once per class, not per row.

A dataclass field that always has a value is flattened (``flow.requests_60s``), so that its parts
can change one by one; one that may be absent, or of which there are many, is a cell of its own
that holds a list. Columns are named, so that a reader takes those it knows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import StrEnum
from operator import attrgetter, itemgetter
from types import NoneType, UnionType
from typing import Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

from quotadeck.domain.notice import Notice, notice_of
from quotadeck.domain.state import StateKind, Urgency
from quotadeck.domain.text import clean

MAX_TEXT_CHARS: Final = 1_000

Cells = Sequence[Any]
Columns = Mapping[str, Sequence[str]]
"""Class name → its columns in order, as the sender has them."""
Row = TypeVar("Row")
Kinds = tuple[type, ...]
Convert = Callable[[Any], Any]

_NEWER: Final[Mapping[type[StrEnum], StrEnum]] = {
    StateKind: StateKind.OTHER,
    Urgency: Urgency.ATTENTION,
}
"""What a word means that only a newer sender knows; where there is none it is an error."""


class UnreadableCell(ValueError):
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

    Raises UnreadableCell, here or in that function, for a missing column or a value of another
    type.
    """
    reading = _Reading(cls.__name__, sent)
    arguments = reading.arguments(cls)
    known = set[tuple[type, ...]]()
    """Rows are alike: the types of one are looked up, and looked at only where they are new."""

    def read(cells: Cells) -> Row:
        types = tuple(map(type, cells))
        if types not in known:
            reading.check(types)
            known.add(types)
        values = list(cells)
        for at, convert in reading.conversions:
            values[at] = convert(values[at])
        for given, make in reading.made:
            values.append(make(given(values)))
        return cls(*arguments(values))

    return read


class _Reading:
    """How rows of one class are read: cells, some of them converted; behind them what is made."""

    def __init__(self, owner: str, sent: Columns) -> None:
        self._owner = owner
        self._sent = sent
        self._names = list(sent.get(owner, ()))
        self._kinds: dict[int, Kinds] = {}
        self.conversions: list[tuple[int, Convert]] = []
        self.made: list[tuple[Callable[[list[Any]], Any], Convert]] = []

    def arguments(self, cls: type[Any], prefix: str = "") -> Callable[[list[Any]], Any]:
        """A function from a row's values to what the class is called with."""
        hints = get_type_hints(cls)
        return itemgetter(*[self._place(one, hints[one.name], prefix) for one in fields(cls)])

    def check(self, types: Sequence[type]) -> None:
        """Raises UnreadableCell for a row of another length, and for a cell of another type."""
        if len(types) != len(self._names):
            raise UnreadableCell(
                f"{self._owner} has {len(self._names)} columns, a row {len(types)}"
            )
        for at, kinds in self._kinds.items():
            _check(types[at], kinds)

    def _place(self, field: Field[Any], hint: Any, prefix: str) -> int:
        name = prefix + field.name
        if isinstance(hint, type) and is_dataclass(hint) and hint is not Notice:
            return self._make(self.arguments(hint, f"{name}."), _again(lambda given: hint(*given)))
        if name in self._names:
            at = self._names.index(name)
            self._kinds[at], convert = _cell(hint, self._sent)
            if convert:
                self.conversions.append((at, convert))
            return at
        if field.default is MISSING:
            raise UnreadableCell(f"{self._owner} came without its column {name}")
        return self._make(lambda _: field.default, lambda default: default)

    def _make(self, given: Callable[[list[Any]], Any], make: Convert) -> int:
        self.made.append((given, make))
        return len(self._names) + len(self.made) - 1


def _cell(hint: Any, sent: Columns) -> tuple[Kinds, Convert | None]:
    """The types that a cell may have, and what is made of it, if it is not the value itself."""
    if get_origin(hint) in (Union, UnionType):
        kinds = tuple(part for part in get_args(hint) if part is not NoneType)
        convert: Convert | None = _cleaned
        if len(kinds) == 1:
            kinds, convert = _cell(kinds[0], sent)
        return (*kinds, NoneType), convert and _unless_none(convert)
    if get_origin(hint) is tuple:
        return (list,), _again(_each(*_cell(get_args(hint)[0], sent)))
    if hint is Notice:
        return (list,), _notice
    if is_dataclass(hint) and isinstance(hint, type):
        return (list,), _again(reader(hint, sent))
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return (str,), _word(hint)
    return (hint,), _cleaned if hint is str else None


def _cleaned(value: Any) -> Any:
    return clean(value, MAX_TEXT_CHARS) if isinstance(value, str) else value


def _notice(cell: list[Any]) -> Notice:
    kind, facts = cell
    _check(type(kind), (str,))
    _check(type(facts), (dict,))
    return notice_of(kind, facts)


def _unless_none(convert: Convert) -> Convert:
    return lambda value: None if value is None else convert(value)


def _each(kinds: Kinds, convert: Convert | None) -> Convert:
    def converted(values: list[Any]) -> tuple[Any, ...]:
        for value in values:
            _check(type(value), kinds)
        return tuple(map(convert, values) if convert else values)

    return converted


def _again(convert: Convert) -> Convert:
    """The value before once more where what it is made of is the same: most rows are alike."""
    last, made = None, None

    def converted(value: Any) -> Any:
        nonlocal last, made
        if value != last:
            last, made = value, convert(value)
        return made

    return converted


def _check(kind: type, kinds: Kinds) -> None:
    if kind not in kinds:
        raise UnreadableCell(f"a {kind.__name__} stands where a {kinds[0].__name__} belongs")


def _word(kind: type[StrEnum]) -> Convert:
    words: dict[str, StrEnum] = {word.value: word for word in kind}

    def converted(value: str) -> StrEnum:
        word = words.get(value) or _NEWER.get(kind)
        if word is None:
            raise UnreadableCell(f"{clean(value, 40)!r} is no {kind.__name__}")
        return word

    return converted
