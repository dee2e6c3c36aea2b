"""When a refusal is the end, and no wait."""

from collections.abc import Coroutine
from typing import Any, TypeVar

from quotadeck.client.errors import BudgetSpent, NeverFits
from quotadeck.client.want import Want
from quotadeck.domain.limits import BudgetLimit, SlotLimit, Take
from quotadeck.limiter import MemoryLimiter, Refused

T = TypeVar("T")


def refuse(limiter: MemoryLimiter, want: Want, takes: list[Take], answer: Refused) -> None:
    """Raise where no wait helps: for money, unless so much is held that might come back, or
    the day ends before the timeout; for more than a limit in all."""
    gate = answer.gates[0]
    limit = next((take.limit for take in takes if take.key == answer.binding), None)
    if not isinstance(limit, BudgetLimit):
        if isinstance(limit, SlotLimit) and gate.asked > limit.slots:
            raise NeverFits(want.project.name, gate.bucket, str(gate.asked), str(limit.slots))
        return
    wait_ms, name = answer.wait_ms, want.project.name
    held = complete(limiter.levels([gate.bucket]))[gate.bucket].held
    for bound in want.beyond:
        bound.ran_short(gate.bucket, gate.level, held, gate.asked)
    if wait_ms is None:
        raise NeverFits(name, gate.bucket, _usd(gate.asked), _usd(gate.limit))
    wait_s, timeout_s = wait_ms / 1_000, want.timeout_s
    if gate.level + held < gate.asked and (timeout_s is None or timeout_s < wait_s):
        raise BudgetSpent(name, gate.bucket, gate.level, gate.asked, wait_s)


def complete(call: Coroutine[Any, Any, T]) -> T:
    """In memory a limiter's call completes without suspending."""
    try:
        call.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    raise RuntimeError("a limiter in memory suspended")


def _usd(nano: int) -> str:
    return f"{nano / 1e9:.6g} USD"
