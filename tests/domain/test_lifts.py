"""What is said to have let a request through lets it through, and one less does not."""

import asyncio
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quotadeck.domain.gate import Gate
from quotadeck.domain.lifts import fewer_tokens, least_limit
from quotadeck.domain.limits import (
    MICRO,
    BudgetLimit,
    Limit,
    Priority,
    SlotLimit,
    Take,
    rpm,
    tpm,
)
from quotadeck.domain.price import Price, bound_nano
from quotadeck.limiter import Refused
from quotadeck.limiter.memory import MemoryLimiter
from tests.clocks import HandClock

AT_US = 1_795_456_920_000_000
PRICE = Price(2_500_000, 10_000_000, 1_250_000, 2_500_000, "list-1")

MADE: Mapping[str, Callable[[int], Limit]] = {
    "project:shop:rpm": rpm,
    "project:shop:tpm": tpm,
    "target:main/opus:tpm": tpm,
    "project:shop:concurrency": SlotLimit,
    "project:shop:budget": lambda n: BudgetLimit(n, "2026-11-23", AT_US + 3_600_000_000),
}


class Bucket:
    """One bucket under a limit, of which something was used at once."""

    def __init__(self, key: str, limit: int) -> None:
        self._key = key
        self._limiter = MemoryLimiter(HandClock(AT_US))
        self._limit = limit
        self._asked = 0

    def _made(self, limit: int) -> Limit:
        return MADE[self._key](limit)

    def ask(self, amount: int, priority: Priority, limit: int = 0) -> Gate | None:
        """What refused it, under another limit where one is given."""
        self._asked += 1
        shared = self._key.startswith("target")
        take = Take(self._key, amount, self._made(limit or self._limit), shared)
        answer = asyncio.run(
            self._limiter.acquire(f"req_{self._asked}", [take], priority, 3_600_000)
        )
        return answer.gates[0] if isinstance(answer, Refused) else None


@pytest.mark.parametrize("key", MADE)
@given(
    limit=st.integers(1, 5_000),
    used=st.integers(0, 12_000),
    asked=st.integers(1, 12_000),
    priority=st.sampled_from(Priority),
)
def test_the_least_limit_is_the_least(
    key: str, limit: int, used: int, asked: int, priority: Priority
) -> None:
    unit = MICRO if key.endswith("pm") else 1

    def refused() -> tuple[Bucket, Gate | None]:
        bucket = Bucket(key, limit)
        bucket.ask(used * unit, Priority.HIGH)
        return bucket, bucket.ask(asked * unit, priority)

    bucket, gate = refused()
    if gate is None:
        return
    least = least_limit(gate, priority)
    assert least is not None
    assert bucket.ask(asked * unit, priority, least) is None
    less, _ = refused()
    if least > 1:
        assert less.ask(asked * unit, priority, least - 1) is not None


@given(
    input_tokens=st.integers(0, 10_000),
    output_tokens=st.integers(1, 10_000),
    left=st.integers(0, 200_000_000),
)
def test_so_many_tokens_fewer_fit_into_what_is_left(
    input_tokens: int, output_tokens: int, left: int
) -> None:
    asked = bound_nano(PRICE, input_tokens, output_tokens)
    fewer = fewer_tokens(Gate("project:shop:budget", 750_000_000, asked, left), PRICE)
    if fewer is None:
        assert left == 0 or asked <= left or bound_nano(PRICE, input_tokens, 0) > left - 10_000
    elif fewer <= output_tokens:
        assert bound_nano(PRICE, input_tokens, output_tokens - fewer) <= left
        assert bound_nano(PRICE, input_tokens, output_tokens - fewer + 1) > left


def test_nothing_is_promised_of_a_gate_that_only_a_newer_version_knows() -> None:
    gate = Gate("project:shop:qps", 5, 1, 0)
    assert least_limit(gate, Priority.HIGH) is None
    assert fewer_tokens(gate, PRICE) is None
