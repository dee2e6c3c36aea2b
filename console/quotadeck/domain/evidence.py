"""What a subject's state is judged from: decisions, ends, uses and money as values.

The present is what was decided in the last 10 s, or the last ten decisions where those reach
further back (an hour at most). A refusal older than the last change of the gate that refused it is
not in it: whoever keeps the evidence forgets it then.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from quotadeck.domain.cause import Cause
from quotadeck.domain.subject import Subject
from quotadeck.domain.usual import NOTHING_LATELY, Lately, Usual

PRESENT_MS: Final = 10_000
HOUR_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class RefusedLately:
    """Refusals of one cause by one gate: present, minute."""

    cause: Cause
    gate: Subject
    count: int
    count_60s: int
    last_ms: int
    until_us: int | None = None
    """When the gate opens by itself."""
    passed: int = 0
    passed_60s: int = 0
    """What the gate let through, of everybody, where others are asking it too."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided about a subject's requests. ``in_row`` are the newest decisions, refusals
    all, by cause; ``apart_ms`` is the mean time between them; ``fits_ms`` when the newest refused
    by a rate would have fitted."""

    admitted: int = 0
    admitted_60s: int = 0
    last_admitted_ms: int | None = None
    refused: tuple[RefusedLately, ...] = ()
    in_row: tuple[Cause, ...] = ()
    apart_ms: int = 0
    fits_ms: int = 0
    money_held: bool = False
    """The newest refusal by budget would have fitted without the money held."""
    past_budget_ms: int | None = None
    """When a request was last let through that came after a refusal by budget."""

    @property
    def asked(self) -> int:
        return self.admitted + sum(refused.count for refused in self.refused)

    def by(self, causes: Iterable[Cause]) -> tuple[RefusedLately, ...]:
        """The present refusals of these causes, the commonest first."""
        wanted = frozenset(causes)
        found = [one for one in self.refused if one.count and one.cause in wanted]
        return tuple(sorted(found, key=lambda one: -one.count))


@dataclass(frozen=True, slots=True)
class Ended:
    """How forwarded requests ended; ``*_in_row`` are the newest; to fail is the upstream's fault.

    Of ``present``, the last 10 s or the last ten, ``failed`` failed, and ``invalid`` are those that
    the upstream called wrong.
    """

    ended_60s: int = 0
    failed_60s: int = 0
    present: int = 0
    failed: int = 0
    invalid: int = 0
    failed_in_row: int = 0
    well_in_row: int = 0
    well_since_ms: int | None = None
    last_well_ms: int | None = None
    last_failed_ms: int | None = None
    last_invalid_ms: int | None = None
    cause: str = ""
    """Of the newest failure."""

    @property
    def troubled(self) -> bool:
        """Whether anything failed or was invalid, as far as anybody looks back."""
        return self.last_failed_ms is not None or self.last_invalid_ms is not None


@dataclass(frozen=True, slots=True)
class Use:
    """What the last 60 s took of a limit, or the day of its budget (``unit`` budget)."""

    unit: str
    used: int
    limit: int


@dataclass(frozen=True, slots=True)
class DayBudget:
    """A day's budget in nano-dollars; there is none where a budget is unlimited or in shadow."""

    limit: int
    spent: int
    held: int
    ends_us: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that a judgement of one subject is made from.

    ``unserved`` says why the gateway cannot serve; ``paused`` is True with its end in ``until_us``;
    ``cuts_off`` are the projects that a paused model's callers belong to; ``keyless`` a project
    that no living key serves. ``lately`` is told where something is ``usual``.
    """

    now_ms: int
    decided: Decided = Decided()
    ended: Ended = Ended()
    uses: tuple[Use, ...] = ()
    money: DayBudget | None = None
    unserved: str = ""
    paused: bool = False
    until_us: int | None = None
    cuts_off: tuple[str, ...] = ()
    keyless: bool = False
    usual: Usual | None = None
    lately: Lately = NOTHING_LATELY
