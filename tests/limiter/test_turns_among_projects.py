"""A night batch of many clients and a shop of a few, at one target: all come again as told."""

from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count

import pytest

from quotadeck.domain.limits import MICRO, Priority, Take, rpm
from quotadeck.limiter import Admitted, MemoryLimiter, TurnName
from tests.clocks import HandClock
from tests.limiter.rig import TARGET_RPM

RETRIES = 2
"""As the official SDKs have it."""
WORK_MS = 50
SECONDS = 300


@dataclass(slots=True)
class Clients:
    """Of one project: each calls without end, and gives a call up after its last retry."""

    project: str
    number: int
    priority: Priority
    served: int = 0
    given_up: int = 0
    tries: dict[str, int] = field(default_factory=dict)


async def share(target_rpm: int, *projects: Clients) -> None:
    """Have them call for some minutes, whenever they were told to come."""
    clock, ids = HandClock(), count()
    limiter, limit = MemoryLimiter(clock), rpm(target_rpm)
    due: list[tuple[int, int, str, Clients]] = []
    for clients in projects:
        for number in range(clients.number):
            heappush(due, (number, next(ids), f"{clients.project}{number}", clients))
    now_ms = 0
    while now_ms < SECONDS * 1_000:
        at_ms, order, name, clients = heappop(due)
        clock.advance_ms(at_ms - now_ms)
        now_ms = at_ms
        take = Take(TARGET_RPM, MICRO, limit, shared=True)
        turn = TurnName(clients.project, name)
        answer = await limiter.acquire(str(order), [take], clients.priority, 60_000, turn)
        tries = clients.tries.pop(name, 0)
        if isinstance(answer, Admitted):
            await limiter.settle(str(order), {})
            clients.served += 1
            next_ms = WORK_MS
        elif tries == RETRIES:
            clients.given_up += 1
            next_ms = WORK_MS
        else:
            assert answer.wait_ms is not None
            clients.tries[name] = tries + 1
            next_ms = answer.wait_ms
        heappush(due, (now_ms + next_ms, next(ids), name, clients))


@pytest.mark.parametrize(("target_rpm", "part"), [(60, 0.35), (600, 0.10)])
async def test_a_few_calls_of_the_same_class_all_succeed_beside_two_hundred(
    target_rpm: int, part: float
) -> None:
    batch = Clients("nightly", 200, Priority.MEDIUM)
    shop = Clients("checkout", 4, Priority.MEDIUM)
    await share(target_rpm, batch, shop)
    assert shop.given_up == 0, "each has room when it comes again"
    assert shop.served >= part * target_rpm * SECONDS / 60
    assert shop.served + batch.served >= 0.98 * target_rpm * SECONDS / 60


async def test_a_higher_class_has_the_larger_part_and_a_lower_one_is_not_shut_out() -> None:
    batch, shop = Clients("nightly", 64, Priority.LOW), Clients("checkout", 4, Priority.HIGH)
    await share(60, batch, shop)
    assert shop.given_up == 0
    assert shop.served > batch.served > 0.2 * 60 * SECONDS / 60


async def test_one_that_is_alone_has_all_of_it() -> None:
    batch = Clients("nightly", 10, Priority.MEDIUM)
    await share(60, batch)
    assert batch.given_up == 0
    assert batch.served >= 0.98 * 60 * SECONDS / 60
