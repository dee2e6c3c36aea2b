"""Which refusals of the limiter are final: no wait would help, so the caller is told at once."""

from collections.abc import Coroutine
from typing import Any, TypeVar

from quotadeck.client.errors import AcquireTimeout, BudgetSpent, NeverFits
from quotadeck.client.line import Waiter
from quotadeck.client.want import Want
from quotadeck.domain.limits import BudgetLimit, Take
from quotadeck.limiter import MemoryLimiter, Refused

T = TypeVar("T")


def refuse(limiter: MemoryLimiter, want: Want, takes: list[Take], answer: Refused) -> None:
    """Raises BudgetSpent, NeverFits or RunEnded where waiting cannot help; returns where it can.

    Rates refill and slots come back. Money does neither before its day ends: it is worth waiting
    only for what open reservations hold, which may come back, or for a day that ends in time.
    """
    limit = next((take.limit for take in takes if take.key == answer.binding), None)
    if not isinstance(limit, BudgetLimit):
        return
    gate, project = answer.gates[0], want.project.name
    held = complete(limiter.levels([gate.bucket]))[gate.bucket].held
    for bound in want.beyond:
        bound.ran_short(gate.bucket, gate.level, held, gate.asked)
    if gate.asked > gate.limit:
        raise NeverFits(project, gate.bucket, _usd(gate.asked), _usd(gate.limit))
    if gate.level + held >= gate.asked:
        return
    wait_s = None if answer.wait_ms is None else answer.wait_ms / 1_000
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


def complete(call: Coroutine[Any, Any, T]) -> T:
    """The result of a limiter's call, which never suspends where the limiter is in memory."""
    try:
        call.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    raise RuntimeError("a limiter in memory suspended")


def _usd(nano: int) -> str:
    return f"{nano / 1e9:.6g} USD"
