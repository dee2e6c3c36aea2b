"""The board of faults in force, and which of them a call meets."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from quotadeck.sim.errors import RefusedError, bad_request
from quotadeck.sim.faults.answers import ANSWERS
from quotadeck.sim.faults.usage import USAGES
from quotadeck.sim.faults.wire import BENDS

HEADER = "X-Sim-Fault"
USER = "sim-fault "
"""What an end user's id begins with that names a fault."""
KINDS = {
    name: (kind.says, kind.default)
    for table in (ANSWERS, USAGES, BENDS)
    for name, kind in table.items()
}
"""Every kind with what it does and its default value."""
FIELDS = frozenset({"model", "kind", "count", "seconds", "value"})


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that one call meets."""

    kind: str
    value: float


@dataclass(slots=True)
class Standing:
    """A fault on the board."""

    fault: Fault
    model: str | None
    """The model it befalls; None is every model."""
    left: int | None
    """How many calls it still befalls; None is all until it is taken down."""
    until_s: float | None
    """On the board's clock."""


class Board:
    """Faults in force, in the order in which they were put up: a call meets the first."""

    def __init__(self, clock_s: Callable[[], float]) -> None:
        self._clock_s = clock_s
        self._standing: list[Standing] = []

    def put(self, body: Mapping[str, Any]) -> None:
        """Put up the fault that a control request describes.

        Raises:
            RefusedError: 400, naming what is wrong with the request.
        """
        if unknown := sorted(set(body) - FIELDS):
            raise bad_request(f"Unknown fields: {', '.join(unknown)}.", unknown[0])
        model, count = body.get("model"), body.get("count")
        if not isinstance(model, str | None):
            raise bad_request("'model' must be a string.", "model")
        if count is not None and (type(count) is not int or count < 1):
            raise bad_request("'count' must be a positive integer or null.", "count")
        seconds = body.get("seconds")
        until_s = None if seconds is None else self._clock_s() + _number("seconds", seconds)
        fault = _fault(body.get("kind"), body.get("value"))
        self._standing.append(Standing(fault, model, count, until_s))

    def clear(self) -> None:
        """Take every fault down."""
        self._standing.clear()

    def take(self, model_id: str, header: str | None) -> Fault | None:
        """The fault that this call meets: its own header's, or else the board's first."""
        if header is not None:
            kind, _, value = header.partition("=")
            return _fault(kind.strip(), value.strip() or None)
        for standing in self._in_force():
            if standing.model in (None, model_id):
                if standing.left is not None:
                    standing.left -= 1
                return standing.fault
        return None

    def describe(self) -> list[dict[str, object]]:
        """What is in force."""
        now_s = self._clock_s()
        return [
            {
                "kind": standing.fault.kind,
                "value": standing.fault.value,
                "model": standing.model,
                "count": standing.left,
                "seconds": None if standing.until_s is None else standing.until_s - now_s,
            }
            for standing in self._in_force()
        ]

    def _in_force(self) -> list[Standing]:
        now_s = self._clock_s()
        self._standing = [
            standing
            for standing in self._standing
            if standing.left != 0 and (standing.until_s is None or standing.until_s > now_s)
        ]
        return self._standing


def _fault(kind: object, value: object) -> Fault:
    if not isinstance(kind, str) or kind not in KINDS:
        raise bad_request(f"Unknown fault {kind!r}. There are: {', '.join(KINDS)}.", "kind")
    _, default = KINDS[kind]
    return Fault(kind, default if value is None else _number("value", value))


def _number(name: str, value: object) -> float:
    refused: RefusedError = bad_request(f"'{name}' must be a number, not negative.", name)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise refused
    try:
        number = float(value)
    except ValueError:
        raise refused from None
    if not math.isfinite(number) or number < 0:
        raise refused
    return number
