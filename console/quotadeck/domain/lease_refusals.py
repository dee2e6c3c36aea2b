"""Why a lease is not made, or a call cannot draw on the one that it names."""

from dataclasses import dataclass

from quotadeck.domain.cause import Cause
from quotadeck.domain.lease import LeaseEnd
from quotadeck.domain.refusals import Refusal


@dataclass
class NoSuchLease(Refusal):
    """The key has no lease of that id for the project: it never had, or a restart forgot it."""

    lease: str
    project: str
    cause: Cause = Cause.INVALID


@dataclass
class LeaseOver(Refusal):
    """The lease has ended, at ``ended_us``; ``how`` says why."""

    lease: str
    how: LeaseEnd
    ended_us: int
    cause: Cause = Cause.INVALID


@dataclass
class TooManyLeases(Refusal):
    """``allowed`` leases live, as many as may: of ``project``, or (empty) of the key."""

    allowed: int
    project: str = ""
    wait_ms: int | None = 5_000
    cause: Cause = Cause.CROWDED


@dataclass
class TooManyReports(Refusal):
    """A key tells more often what was used elsewhere than the ledger takes of one."""

    allowed: int
    wait_ms: int
    cause: Cause = Cause.CROWDED
