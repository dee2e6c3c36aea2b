"""Values of a type that an official SDK gives a request, each with all of its texts marked.

So whatever a form knows, in the version of its SDK that is installed, is tried without a list of
ours: each kind of part, each member of it, each value of a choice.
"""

import types
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Final, Literal, Required, Union, get_args, get_origin

from typing_extensions import get_type_hints, is_typeddict

MARK: Final = "marked-"
_DEPTH: Final = 6
_PLAIN: Final[dict[Any, Any]] = {bool: True, int: 7, float: 0.25, type(None): None}


def members(of: Any) -> dict[str, Any]:
    """The members of a type of objects, and theirs."""
    return get_type_hints(of, include_extras=True)


def values(of: Any, name: str, depth: int = _DEPTH) -> Iterator[Any]:
    """A value of each kind that a member of this name and type may have."""
    origin, inner = get_origin(of), get_args(of)
    if of in _PLAIN:
        yield _PLAIN[of]
    elif origin is Literal:
        yield from inner
    elif origin in (Union, types.UnionType):
        for one in inner:
            yield from values(one, name, depth)
    elif origin in (Required, Annotated):
        yield from values(inner[0], name, depth)
    elif is_typeddict(of):
        yield from _objects(of, name, depth)
    elif isinstance(origin, type) and issubclass(origin, Iterable) and len(inner) == 1:
        for one in values(inner[0], name, depth):
            yield [one]
    elif of is str:
        yield MARK + name
    else:
        yield {MARK + name: MARK + name}


def marks(value: Any) -> set[str]:
    """The marked texts in a value, names too."""
    if isinstance(value, dict):
        return set().union(*map(marks, value), *map(marks, value.values()))
    if isinstance(value, list):
        return set().union(*map(marks, value))
    return {value} if isinstance(value, str) and value.startswith(MARK) else set()


def _objects(of: Any, name: str, depth: int) -> Iterator[dict[str, Any]]:
    """One with what it must have; and that with each other member, with each of its values."""
    if not depth:
        yield {MARK + name: MARK + name}
        return
    known = members(of)
    must = {
        each: next(values(type_, each, depth - 1))
        for each, type_ in known.items()
        if each in of.__required_keys__ or get_origin(type_) is Required
    }
    yield must
    for each, type_ in known.items():
        for value in values(type_, each, depth - 1):
            if must.get(each) != value:
                yield {**must, each: value}
