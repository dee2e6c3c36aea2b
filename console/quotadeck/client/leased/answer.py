"""What a gateway answers to a manager: checked whole where it comes in, and typed from then on.

Other servers answer too, where an address is wrong. What is not as a gateway writes it is `Away`.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from quotadeck.domain.days import micros
from quotadeck.domain.lease import Amounts
from quotadeck.domain.limits import BudgetLimit, RateLimit
from quotadeck.domain.rules import LimitKind

FIELDS: Final = Amounts._fields
KINDS: Final = {
    "requests": LimitKind.RPM,
    "tokens": LimitKind.TPM,
    "nano_usd": LimitKind.BUDGET,
}
"""Each field's kind of limit."""


_BOOKED: Final = ("rate_limit_exceeded", "insufficient_quota", "too_many_leases", "project_paused")
"""Refusals that come behind the record of what was used."""
NO_GATEWAY: Final = "what answers there is no gateway of Quotadeck: status {}"


class Away(Exception):
    """Nobody answers there, or what answers is no gateway; the text says what was met."""


class Answer(NamedTuple):
    """``wait_ms`` is what a refusal tells to wait, None where it tells nothing."""

    status: int
    body: dict[str, Any]
    wait_ms: int | None

    @property
    def code(self) -> str:
        """A refusal's code, such as ``project_paused``; empty where it has none."""
        return str(self._error.get("code") or "")

    @property
    def hears_used(self) -> bool:
        """Whether what was used need not be told again: it is on record, or (400) never will be.
        What is told once more counts once."""
        return self.status in (200, 400) or self.code in _BOOKED

    @property
    def message(self) -> str:
        """A refusal's words."""
        return str(self._error.get("message") or f"the gateway answered {self.status}")

    @property
    def limit(self) -> str:
        """The bucket that a refusal names; empty where it names none."""
        return str(self._error.get("limit") or "")

    @property
    def _error(self) -> dict[str, Any]:
        error = self.body.get("error")
        return error if isinstance(error, dict) else {}


class KnownLimit(NamedTuple):
    """A limit of the project as the gateway told it last.

    ``left`` is what is neither used nor leased, ``held`` what calls and leases hold of money (0 of
    rates): whole requests, whole tokens, or nano-dollars.
    """

    limit: RateLimit | BudgetLimit
    left: int
    held: int = 0


class Granted(NamedTuple):
    """A lease that lives. ``more`` is what it was given now, ``held`` all that it holds, by
    field: None is no limit.

    ``limits`` are the project's, by field, without those that bind nothing. ``binding`` is the
    bucket that had too little for what was asked, empty where none had; ``wait_ms`` until it has.
    """

    lease: str
    more: Mapping[str, int | None]
    held: Mapping[str, int | None]
    lives_ms: int
    limits: Mapping[str, KnownLimit]
    binding: str
    wait_ms: int | None


def granted_of(answer: Answer) -> Granted:
    """The lease that an answer tells of. Raises Away for what tells of none."""
    body = answer.body
    try:
        return Granted(
            str(body["id"]),
            {name: _whole(body["granted"][name]) for name in FIELDS},
            {name: _whole(body["held"][name]) for name in FIELDS},
            int(body["expires_in_ms"]),
            _limits(body["quota"]["limits"]),
            str(body.get("binding") or ""),
            _whole(body.get("wait_ms")),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Away(NO_GATEWAY.format(answer.status)) from None


def _whole(number: Any) -> int | None:
    return None if number is None else int(number)


def _limits(told: Mapping[str, Any]) -> dict[str, KnownLimit]:
    found = {}
    for field, kind in KINDS.items():
        row = told.get(kind)
        if row is None or row.get("shadow"):
            continue
        if kind is not LimitKind.BUDGET:
            limit = RateLimit(int(row[f"limit_{field}_per_minute"]), 10)
            found[field] = KnownLimit(limit, int(row[f"left_{field}"]))
        elif row["limit_nano_usd"] is not None:
            day = BudgetLimit(int(row["limit_nano_usd"]), str(row["day"]), micros(row["resets_at"]))
            held = int(row["held_nano_usd"])
            found[field] = KnownLimit(day, int(row["left_nano_usd"]), held)
    return found
