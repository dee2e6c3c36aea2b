"""The state of a subject as a value: what holds of it now, since when, and what is over.

Made by `quotadeck.domain.judgement` where the evidence is kept, worded by `quotadeck.words` where
they are read. Instants are on the sender's monotonic clock in milliseconds, so that an age survives
a step of the wall clock; an end (``until_us``) is UTC.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class StateKind(StrEnum):
    """What can be said of a project, a model, a target or the gateway; the worst first."""

    UNSERVED = "unserved"
    """The gateway itself cannot serve: its ledger cannot be written, or it is going down."""
    CUT_OFF = "cut_off"
    """What is asked, all or part of it, is refused by a pause of its model or a revoked key."""
    STORM = "storm"
    """Its callers repeat refused requests many times over."""
    FAILING = "failing"
    SPENT = "spent"
    REJECTED = "rejected"
    """Most of what its callers send is invalid."""
    THROTTLED = "throttled"
    SLOW = "slow"
    """Its 95th percentile is above three times what is usual at this hour."""
    SPENDING = "spending"
    """It spends above three times what is usual at this hour."""
    NEAR = "near"
    """At 80 % of a limit, and since then not below 70 %."""
    PAUSED = "paused"
    OK = "ok"
    OTHER = "other"
    """A kind that only a newer sender knows; its urgency is told all the same."""


HELD_MONEY: Final = "held"
"""The cause where money held by requests under way, not spent money, is in the way."""
NOT_COVERED: Final = "not_covered"
"""The cause where there is money left, but less than a request may cost."""

_RANK: Final = {kind: place for place, kind in enumerate(StateKind)}


class Urgency(StrEnum):
    """How much a state wants to be read."""

    TROUBLE = "trouble"
    ATTENTION = "attention"
    CALM = "calm"

    @property
    def rank(self) -> int:
        """0 is read first."""
        return _URGENCY_RANK[self]


_URGENCY_RANK: Final = {urgency: place for place, urgency in enumerate(Urgency)}


@dataclass(frozen=True, slots=True)
class Held:
    """One thing that holds. ``count`` of ``asked`` is what ``kind`` counts, as `judgement` says.

    ``cause`` is a `Cause`, a limit's field or a word of `judgement`; ``who`` the gate that refuses
    (``model:gpt-4.1``), the limit's owner, or whom a paused model cuts off.
    """

    kind: StateKind = StateKind.OK
    urgency: Urgency = Urgency.CALM
    cause: str = ""
    who: str = ""
    count: int = 0
    asked: int = 0
    since_ms: int | None = None
    last_ms: int | None = None
    """When it last refused or failed something."""
    until_us: int | None = None
    """When it ends by itself, where that is known."""
    over_ms: int = 0
    """What ``count`` and ``asked`` cover; 0 is the present: the last 10 s, or the last ten."""

    @property
    def place(self) -> tuple[int, int]:
        """Sorts the worst first; what hurts nobody any more stands behind what does."""
        # A pause is calm, and yet says more of a row than that it is near a limit.
        rank = self.urgency.rank if self.kind is not StateKind.PAUSED else Urgency.ATTENTION.rank
        return rank, _RANK[self.kind]


@dataclass(frozen=True, slots=True)
class State(Held):
    """The worst that holds, what stands behind it, and what was cleared last; all calm is OK."""

    others: tuple[Held, ...] = ()
    cleared: StateKind | None = None
    cleared_ms: int | None = None

    def held(self, kind: StateKind, cause: str = "") -> Held | None:
        """What holds of this kind (and cause), in the first place or behind it."""
        for held in (self, *self.others):
            if held.kind is kind and cause in ("", held.cause):
                return held
        return None


AT_REST: Final = State()
"""Nothing holds, and nothing was cleared lately."""
