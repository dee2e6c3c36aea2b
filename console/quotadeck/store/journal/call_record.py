"""A call as a list of the journal's, and as a row of the ledger's; one order for both.

The list has the plain fields of `Call`, its usage as a list, its attempts and gates as lists of
lists, the counted run as a list or null, and what it left charged. The row has the same flat:
attempts and gates as JSON with names, what was charged not at all. An attempt leaves out what is as
the call itself has it, for with most calls that is nearly all.
"""

from collections.abc import Sequence
from operator import itemgetter
from typing import Any, Final

import orjson

from quotadeck.domain.calls import Attempt, Call, Counted, Move, OpenCall, Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.gate import Gate
from quotadeck.domain.usage import Usage

_NESTED: Final = ("usage", "attempts", "gates", "counted", "charged")
_USAGE: Final = Usage._fields[: Usage._fields.index("beside")]
"""What was used beside it is priced by then, and gone."""
_COUNTS: Final = len(_USAGE)
_ATTEMPT: Final = Attempt._fields
_GATE: Final = Gate._fields
_COUNTED: Final = Counted._fields
_PLAIN: Final = Call._fields[: -len(_NESTED)]
_OUTCOME: Final = _PLAIN.index("outcome")
_CAUSE: Final = _PLAIN.index("cause")
_own: Final = itemgetter(*map(_PLAIN.index, ("target", "cause", "http_status", "total_ms")))
"""What an attempt that says nothing else was, but for its request id."""

FIELDS: Final = {
    "call": (*_PLAIN, *_NESTED),
    "open": OpenCall._fields,
    "move": Move._fields,
    "usage": _USAGE,
    "attempt": _ATTEMPT,
    "gate": _GATE,
    "counted": _COUNTED,
}
"""What stands where in the lists. A list that is longer or shorter is of another format."""

COLUMNS: Final = (
    *_PLAIN,
    *("usage_is_estimate" if name == "is_estimate" else name for name in _USAGE),
    "attempts",
    "gates",
    *_COUNTED,
)
"""The table's columns, in the order of `row_of`."""
_USAGE_AT: Final = len(_PLAIN)
_ATTEMPTS_AT: Final = _USAGE_AT + len(_USAGE)
_BOOLS: Final = tuple(
    COLUMNS.index(name) for name in ("bound_is_estimate", "stream", "usage_is_estimate")
)
_NOT_COUNTED: Final = (None,) * len(_COUNTED)
_NOTHING: Final = (None,) * len(_GATE)


def open_list(call: OpenCall) -> tuple[Any, ...]:
    *plain, attempts = call
    return ("open", *plain, attempts and tuple(map(tuple, attempts)))


def move_list(move: Move) -> tuple[Any, ...]:
    *plain, failed = move
    return ("move", *plain, tuple(failed))


def end_list(call: Call) -> tuple[Any, ...]:
    *plain, usage, attempts, gates, counted, charged = call
    # A tuple with names is no list for JSON.
    return (
        "end",
        *plain,
        tuple(usage[:_COUNTS]),
        attempts and tuple(map(tuple, attempts)),
        gates and tuple(map(tuple, gates)),
        counted and tuple(counted),
        charged,
    )


def open_of(items: Sequence[Any]) -> OpenCall:
    """Raises TypeError or ValueError."""
    *plain, takes, attempts = items[1:]
    _exactly(plain, len(OpenCall._fields) - 2)
    return OpenCall(*[*plain, _pairs(takes), tuple(map(_attempt, attempts))])


def move_of(items: Sequence[Any]) -> Move:
    """Raises TypeError or ValueError."""
    *plain, gone, takes, failed = items[1:]
    _exactly(plain, len(Move._fields) - 3)
    return Move(*[*plain, _pairs(gone), _pairs(takes), _attempt(failed)])


def call_of(items: Sequence[Any]) -> Call:
    """Raises TypeError or ValueError."""
    *plain, usage, attempts, gates, counted, charged = items[1:]
    _exactly(plain, len(_PLAIN))
    _exactly(usage, len(_USAGE))
    return _call(plain, usage, attempts, gates, counted, _pairs(charged))


def row_of(items: Sequence[Any]) -> list[Any]:
    """The row of an `end` record, without making a call of it. Raises TypeError or ValueError."""
    *row, usage, attempts, gates, counted, _ = items[1:]
    own = (*_own(_exactly(row, len(_PLAIN))), "")
    row += _exactly(usage, len(_USAGE))
    row += (_named(_ATTEMPT, attempts, own), _named(_GATE, gates, _NOTHING))
    row += _NOT_COUNTED if counted is None else _exactly(counted, len(_COUNTED))
    return row


def call_of_row(row: Sequence[Any]) -> Call:
    """A call from the table's columns, without what it left taken of buckets."""
    values = list(row)
    for index in _BOOLS:
        values[index] = bool(values[index])
    plain, usage = values[:_USAGE_AT], values[_USAGE_AT:_ATTEMPTS_AT]
    attempts, gates, *counted = values[_ATTEMPTS_AT:]
    return _call(
        plain,
        usage,
        _unnamed(_ATTEMPT, attempts, (*_own(plain), "")),
        _unnamed(_GATE, gates, _NOTHING),
        None if counted[0] is None else counted,
        (),
    )


def _call(
    plain: list[Any],
    usage: Sequence[Any],
    attempts: Sequence[Sequence[Any]],
    gates: Sequence[Sequence[Any]],
    counted: Sequence[Any] | None,
    charged: tuple[Any, ...],
) -> Call:
    plain[_OUTCOME], plain[_CAUSE] = Outcome(plain[_OUTCOME]), Cause(plain[_CAUSE])
    plain += (
        Usage(*usage),
        tuple(map(_attempt, attempts)),
        tuple(Gate(*gate) for gate in gates),
        None if counted is None else Counted(*counted),
        charged,
    )
    return Call(*plain)


def _attempt(items: Sequence[Any]) -> Attempt:
    target, cause, *rest = items
    return Attempt(target, Cause(cause), *rest)


def _exactly(values: list[Any], count: int) -> list[Any]:
    if len(values) != count:
        raise ValueError(f"{len(values)} fields where {count} belong")
    return values


def _named(names: Sequence[str], lists: Sequence[Sequence[Any]], own: Sequence[Any]) -> str:
    if not lists:
        return "[]"
    told = [
        {name: value for name, value, known in zip(names, each, own, strict=True) if value != known}
        for each in lists
    ]
    return orjson.dumps(told).decode()


def _unnamed(names: Sequence[str], text: str, own: Sequence[Any]) -> list[list[Any]]:
    if text == "[]":
        return []
    return [list(map(each.get, names, own)) for each in orjson.loads(text)]


def _pairs(items: Sequence[Sequence[Any]]) -> tuple[Any, ...]:
    return tuple(map(tuple, items))
