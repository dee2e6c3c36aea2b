"""Which refusals of the limiter are final: no wait would help, so the caller is told at once."""

from quotadeck.client.errors import AcquireTimeout, BudgetSpent, NeverFits
from quotadeck.client.line import Waiter
from quotadeck.client.want import Want
from quotadeck.domain.gate import Gate
from quotadeck.domain.limits import NEVER_US, BudgetLimit, Take
from quotadeck.limiter import MemoryLimiter, Refused
from quotadeck.limiter.at_once import complete


def refuse(
    limiter: MemoryLimiter, want: Want, takes: list[Take], answer: Refused, now_us: int
) -> None:
    """Raises BudgetSpent, NeverFits or RunEnded where waiting cannot help; returns where it can.

    Rates refill and slots come back. Money does neither before its day ends: it is worth waiting
    only for what open reservations hold, which may come back, or for a day that ends in time.
    """
    limits = {take.key: take.limit for take in takes}
    for gate in answer.gates:
        limit = limits.get(gate.bucket)
        if isinstance(limit, BudgetLimit):
            _must_help(limiter, want, gate, limit, now_us)


def _must_help(
    limiter: MemoryLimiter, want: Want, gate: Gate, limit: BudgetLimit, now_us: int
) -> None:
    project = want.project.name
    held = complete(limiter.levels([gate.bucket]))[gate.bucket].held
    for bound in want.beyond:
        bound.ran_short(gate.bucket, gate.level, held, gate.asked)
    if gate.asked > gate.limit:
        raise NeverFits(project, gate.bucket, _usd(gate.asked), _usd(gate.limit))
    if gate.level + held >= gate.asked:
        return
    ends_us = limit.ends_at_us
    wait_s = None if ends_us == NEVER_US else max(0, ends_us - now_us) / 1_000_000
    if wait_s is None or want.timeout_s is None or want.timeout_s < wait_s:
        raise BudgetSpent(project, gate.bucket, gate.level, gate.asked, wait_s)


def late(waiter: Waiter[Want], waited_s: float, away: str) -> AcquireTimeout:
    """What he is told who has waited for as long as he would."""
    project = waiter.wants.project
    return AcquireTimeout(
        project.name,
        waiter.binding,
        waited_s,
        waiter.needs_s,
        ahead=project.line.ahead_of(waiter),
        away=away,
    )


def _usd(nano: int) -> str:
    return f"{nano / 1e9:.6g} USD"
