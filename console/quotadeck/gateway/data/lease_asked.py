"""What a client asks of leases: bodies, and the header of a call.

Amounts are whole requests, whole tokens and nano-dollars. All texts are cleaned here.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import orjson

from quotadeck.domain.lease import Amounts, Waiting
from quotadeck.domain.refusals import BadField, BadHeader, NotJson
from quotadeck.domain.text import clean

HEADER: Final = b"x-quota-lease"
BODY_BYTES: Final = 16_384
MOST_WAITING: Final = 16
MOST_CHARS: Final = 80
_MOST: Final = 1 << 53
"""The largest number that every JSON reader has exactly."""
_AMOUNTS: Final = Amounts._fields
_FIELDS: Final = frozenset(
    {*_AMOUNTS, "keep", "more", "used", "used_number", "least", "manager", "process", "waiting"}
)
_OF_USED: Final = frozenset({"used", "used_number", "manager", "process"})
_WAITING: Final = frozenset(Waiting.__dataclass_fields__)
_NAMED: Final = re.compile(
    rb"(lease_[0-9a-f]{32})((?: *; *(?:requests|tokens|nano_usd)=\d{1,16})*)"
)
_PART: Final = re.compile(rb"(\w+)=(\d+)")


class Used(NamedTuple):
    """What was spent of a lease elsewhere than here, by calls of one model; all are whole. Of the
    money None: who spent it knows no price."""

    model: str
    requests: int
    input_tokens: int
    output_tokens: int
    nano_usd: int | None


MOST_USED: Final = 10**12
"""Of anything that was used since the last renewal; of money it is a thousand dollars."""


class LeaseAsk(NamedTuple):
    """What a lease is to hold in all, and what it must hold to be of use.

    None: nothing, but the most of all where none is named, and as before where it lives already; of
    ``least``: one request and one token of those that are asked. ``waiting`` is None where nothing
    was told of it.
    """

    amounts: Amounts
    least: Amounts
    manager: str
    waiting: tuple[Waiting, ...] | None
    more: Amounts = Amounts()
    """Beyond what it holds, of which calls may be drawing at this moment; ``least`` is, too, then.
    """
    used: tuple[Used, ...] = ()
    used_number: int = 0
    """Another one each time, and higher: what is told twice counts once."""
    keep: Amounts = Amounts()
    """Of what it holds no more than this is of use; ``more`` comes to that."""
    process: str = ""
    """By which a manager is known again: several may have one ``manager``, the name people see."""

    @property
    def whose(self) -> str:
        """Of the manager that asks: one that tells no process is known by its name."""
        return self.process or self.manager

    def kept(self, held: Amounts) -> Amounts:
        """What of that is of use."""
        return Amounts(
            *(
                has if has is None or most is None else min(has, most)
                for has, most in zip(held, self.keep, strict=True)
            )
        )

    def beyond(self, held: Amounts) -> "LeaseAsk":
        """The same in all, where it was asked as more than what is held, or kept."""
        if self.more == self.keep == Amounts():
            return self
        kept = self.kept(held)
        wanted, least = [
            Amounts(*((old or 0) + (new or 0) for old, new in zip(kept, asked, strict=True)))
            for asked in (self.more, self.least)
        ]
        return self._replace(amounts=wanted, least=least)


class LeaseName(NamedTuple):
    """The lease that a call names, and what of it the call may draw at most: None is all."""

    id: str
    most: Amounts


def read_ask(body: bytes, *, used_alone: bool = False) -> LeaseAsk:
    """An empty body asks for the most; ``used_alone`` tells what was used and asks for nothing.
    Raises NotJson or BadField."""
    try:
        asked = orjson.loads(body) if body.strip() else {}
    except orjson.JSONDecodeError as wrong:
        raise NotJson(clean(str(wrong), MOST_CHARS)) from None
    if not isinstance(asked, dict):
        raise NotJson("it is none")
    _known(asked, _OF_USED if used_alone else _FIELDS, "")
    waiting = asked.get("waiting")
    return LeaseAsk(
        _amounts(asked, ""),
        _amounts(_object(asked.get("least", {}), "least"), "least."),
        _text(asked.get("manager", ""), "manager"),
        None if waiting is None else _waiting(waiting),
        _amounts(_object(asked.get("more", {}), "more"), "more."),
        _used(asked.get("used", [])),
        _number(asked.get("used_number"), "used_number") or 0,
        _amounts(_object(asked.get("keep", {}), "keep"), "keep."),
        _text(asked.get("process", ""), "process"),
    )


def read_name(value: bytes) -> LeaseName:
    """``lease_0192…``, or ``lease_0192…;requests=1;tokens=1200``. Raises BadHeader."""
    found = _NAMED.fullmatch(value.strip(b" \t"))
    if found is None:
        why = (
            "must be a lease's id, or that and what to draw at most: lease_…;requests=1;tokens=500"
        )
        raise BadHeader("X-Quota-Lease", why)
    parts = {name.decode(): int(amount) for name, amount in _PART.findall(found[2])}
    return LeaseName(found[1].decode(), Amounts(**parts))


def _amounts(asked: Mapping[str, Any], where: str) -> Amounts:
    if where:
        _known(asked, frozenset(_AMOUNTS), where)
    return Amounts(*(_number(asked.get(name), f"{where}{name}") for name in _AMOUNTS))


def _number(found: Any, name: str) -> int | None:
    if found is None:
        return None
    if type(found) is not int or not 0 <= found <= _MOST:
        raise BadField(name, "must be a whole number, 0 or more, or null")
    return found


def _waiting(found: Any) -> tuple[Waiting, ...]:
    if not isinstance(found, list) or len(found) > MOST_WAITING:
        raise BadField("waiting", f"must be a list of at most {MOST_WAITING}: the longest waits")
    rows = []
    for at, row in enumerate(found):
        where = f"waiting.{at}."
        row = _object(row, f"waiting.{at}")
        _known(row, _WAITING, where)
        rows.append(
            Waiting(
                _text(row.get("who", ""), f"{where}who"),
                _text(row.get("limit", ""), f"{where}limit"),
                _number(row.get("count"), f"{where}count") or 0,
                _number(row.get("longest_ms"), f"{where}longest_ms") or 0,
                _text(row.get("priority", ""), f"{where}priority"),
            )
        )
    return tuple(rows)


def _used(found: Any) -> tuple[Used, ...]:
    if not isinstance(found, list) or len(found) > MOST_WAITING:
        raise BadField("used", f"must be a list of at most {MOST_WAITING}, by model")
    rows = []
    for at, row in enumerate(found):
        where = f"used.{at}."
        row = _object(row, f"used.{at}")
        _known(row, frozenset(Used._fields), where)
        told = [_number(row.get(name), where + name) for name in Used._fields[1:]]
        for name, number in zip(Used._fields[1:], told, strict=True):
            if number is not None and number > MOST_USED:
                raise BadField(where + name, f"must be at most {MOST_USED:,}, not {number:,}")
        requests, input_tokens, output_tokens, nano = told
        if any(told):
            model = _text(row.get("model", ""), f"{where}model")
            rows.append(Used(model, requests or 0, input_tokens or 0, output_tokens or 0, nano))
    return tuple(rows)


def _object(found: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(found, dict):
        raise BadField(name, "must be an object")
    return found


def _text(found: Any, name: str) -> str:
    if not isinstance(found, str):
        raise BadField(name, "must be a text")
    return clean(found, MOST_CHARS)


def _known(asked: Mapping[str, Any], names: frozenset[str], where: str) -> None:
    if unknown := next((name for name in asked if name not in names), None):
        what = f"is not known here; known are {', '.join(sorted(names))}"
        raise BadField(f"{where}{clean(unknown, MOST_CHARS)}", what)
