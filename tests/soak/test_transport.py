"""SDK calls that are cancelled anywhere, before a provider that fails: a manager holds nothing."""

import asyncio
import os

import pytest

from quotadeck.client import QuotaManager
from tests.client.transport.asking import nothing_held
from tests.client.transport.leaving import give_up
from tests.client.transport.upstream import upstream

pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]

POINTS = int(os.environ.get("QUOTADECK_SOAK_CANCELLED_CALLS", "1000"))


async def _given_up(seed: int) -> tuple[QuotaManager, int]:
    manager = QuotaManager(rpm_limit=None, tpm_limit=None)
    manager.set_project_quota("analytics", concurrency=6, budget="100", rpm=60_000)
    async with upstream(speed=0.002) as provider:
        whole = await give_up(manager, provider, POINTS, seed)
    return manager, whole


def test_a_thousand_calls_that_were_given_up_hold_nothing() -> None:
    manager, whole = asyncio.run(_given_up(seed=11))
    assert nothing_held(manager)
    assert POINTS / 10 < whole < POINTS * 9 / 10
