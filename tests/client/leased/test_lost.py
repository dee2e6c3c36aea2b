"""A reservation that nobody ends keeps no lease: after its lifetime it is told as spent."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from quotadeck.client import Estimate, SyncQuotaManager
from quotadeck.client.leased.core import LeasedCore
from tests.client.help.door import Door, door
from tests.client.leased.test_odd_gateways import KEY, LEASE
from tests.clocks import HandClock
from tests.processes import wait_until

LIFETIME_S = 5


@pytest.fixture
def there() -> Iterator[Door]:
    with door(*[LEASE] * 50) as there:
        yield there


def told(there: Door) -> list[dict[str, Any]]:
    """What the gateway was told of calls that did not come by it."""
    return [used for body in there.bodies for used in json.loads(body or "{}").get("used", ())]


def test_it_is_told_by_the_manager_alone_and_once(there: Door) -> None:
    clock = HandClock()
    manager = SyncQuotaManager(gateway=there.url, key=KEY, clock=clock, lifetime_s=LIFETIME_S)
    try:
        kept = manager.acquire("a", Estimate(30, 10, model="m", cost_nano=7), timeout=10)
        clock.advance_ms(LIFETIME_S * 1_000)
        core = manager._core
        assert isinstance(core, LeasedCore)
        core.agent.call()  # as its own timer would
        spent = {"model": "m", "requests": 1, "input_tokens": 30, "output_tokens": 10}
        wait_until(lambda: told(there) == [{**spent, "nano_usd": 7}])
        assert not core.pools["a"].taken
        kept.settle(300, 100)
    finally:
        manager.close()
    assert len(told(there)) == 1
