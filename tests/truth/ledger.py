"""What the ledger says of a subject within a span of time, as least and most.

A counted record says between which instants so many refusals came, but not when each: within a span
there are at least none of them, or all if it lies in there, and at most all.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from quotadeck.domain.calls import Call, Outcome
from quotadeck.domain.cause import NOT_THE_UPSTREAMS, Cause
from quotadeck.domain.rules import bucket_of
from quotadeck.domain.subject import Subject

SECOND_US: Final = 1_000_000


class Refusals(NamedTuple):
    """A record of refusals, and whose gate refused, where that is known."""

    first_us: int
    last_us: int
    number: int
    cause: Cause
    gate: Subject | None


class End(NamedTuple):
    """How a forwarded call ended: ``well``, ``failed`` or ``invalid``."""

    at_us: int
    how: str
    cost_nano: int
    tokens: int


@dataclass(slots=True)
class Record:
    """All that concerns one subject, in the order in which it was."""

    admitted_us: list[int] = field(default_factory=list)
    refusals: list[Refusals] = field(default_factory=list)
    ends: list[End] = field(default_factory=list)

    def admitted(self, from_us: int, to_us: int) -> int:
        return sum(from_us < at_us <= to_us for at_us in self.admitted_us)

    def ended(self, how: str, from_us: int, to_us: int) -> int:
        return sum(from_us < one.at_us <= to_us and how in ("", one.how) for one in self.ends)

    def refused_least(self, from_us: int, to_us: int, causes: Collection[Cause] = ()) -> int:
        return sum(
            one.number
            for one in self._of(causes)
            if from_us < one.first_us and one.last_us <= to_us
        )

    def refused_most(self, from_us: int, to_us: int, causes: Collection[Cause] = ()) -> int:
        return sum(
            one.number
            for one in self._of(causes)
            if from_us < one.last_us and one.first_us <= to_us
        )

    def cost(self, to_us: int) -> int:
        """Nano-dollars of all that had ended."""
        return sum(one.cost_nano for one in self.ends if one.at_us <= to_us)

    def tokens(self, from_us: int, to_us: int) -> int:
        return sum(one.tokens for one in self.ends if from_us < one.at_us <= to_us)

    def under_way(self, at_us: int) -> int:
        """Calls that had been let through and had not ended."""
        return self.admitted(0, at_us) - self.ended("", 0, at_us)

    def _of(self, causes: Collection[Cause]) -> Iterable[Refusals]:
        return (one for one in self.refusals if not causes or one.cause in causes)


_HOW: Final = {
    Outcome.OK: "well",
    Outcome.CLIENT_ERROR: "invalid",
    Outcome.UPSTREAM_ERROR: "failed",
    Outcome.UNKNOWN: "failed",
}


def records(calls: Iterable[Call]) -> dict[Subject, Record]:
    """The ledger's calls by whom they concern: project, target, model.

    A pause's refusals do not name their gate, and are told of their project alone.
    """
    found: defaultdict[Subject, Record] = defaultdict(Record)
    for call in calls:
        project, model = Subject.project(call.project), Subject.model(call.model)
        if call.outcome is Outcome.REFUSED:
            gate = bucket_of(call.binding)[0] if call.binding else None
            first_us, last_us = call.at_us, call.at_us
            if call.counted:
                first_us, last_us = call.counted.first_us, call.counted.last_us
            refused = Refusals(first_us, last_us, call.count, call.cause, gate)
            for subject in {project, gate or project}:
                found[subject].refusals.append(refused)
            continue
        how = "neither" if call.cause in NOT_THE_UPSTREAMS else _HOW[call.outcome]
        tokens = call.usage.input_tokens + call.usage.output_tokens
        end = End(call.at_us + call.total_ms * 1_000, how, call.cost_nano_usd, tokens)
        for subject in (project, Subject.target(call.target), model):
            found[subject].admitted_us.append(call.at_us)
            found[subject].ends.append(end)
    return dict(found)
