"""The models' last quarter of an hour, against the calls that were written."""

import pytest

from quotadeck.domain.calls import Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.price import Price
from quotadeck.domain.routed import Asker, Switch
from quotadeck.store.reading import routed
from tests.store.conftest import Opener
from tests.store.values import MINUTE_US, START_US, ended, refused

NOW_US = START_US + 20 * MINUTE_US
CHEAP = Price(1_000_000, 2_000_000, 1_000_000, 1_000_000, "v1")
DEAR = Price(2_000_000, 4_000_000, 2_000_000, 2_000_000, "v1")
WAYS = {"gpt-4.1": ("main/gpt-4.1-mini", {"main/gpt-4.1-mini": CHEAP, "main/opus": DEAR})}


async def test_what_passed_is_told_by_model_and_by_target(open_ledger: Opener) -> None:
    ledger = await open_ledger()
    late_us = NOW_US - MINUTE_US
    for number in range(3):
        ledger.end_call(ended(f"ok_{number}", at_us=late_us + number, first_byte_ms=100))
    ledger.end_call(ended("theirs", at_us=late_us, project="search"))
    ledger.end_call(
        ended("bad", at_us=late_us, outcome=Outcome.UPSTREAM_ERROR, cause=Cause.UPSTREAM_5XX)
    )
    ledger.end_call(refused("many", Cause.RPM, 11, at_us=late_us + 1))
    ledger.end_call(ended("old", at_us=START_US, target="main/opus"))
    await ledger.flushed()
    told = await ledger.pages.routed(NOW_US, WAYS)
    assert told.since_us == told.calls_since_us == NOW_US - 14 * MINUTE_US
    (model,) = told.models
    assert (model.asked, model.refused, model.forwarded, model.failed) == (16, 11, 5, 1)
    assert model.cost_nano == 5 * 700
    assert model.askers == (Asker("analytics", 15), Asker("search", 1))
    # Each call has 90 + 33 tokens: 90 + 2 × 33 at the cheap price, twice that at the dear one.
    assert model.switches == (Switch("main/opus", 5 * (90 + 2 * 33) * 1_000 * 60 // 14),)
    (took,) = told.targets
    assert (took.target, took.ended) == ("main/gpt-4.1-mini", 5)
    assert took.p95_ms == pytest.approx(320, rel=0.2)
    assert took.first_p95_ms is not None
    assert took.first_p95_ms < 130


async def test_only_the_newest_calls_are_looked_at(
    open_ledger: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routed, "LOOKED_AT", 10)
    ledger = await open_ledger()
    for number in range(30):
        ledger.end_call(ended(f"call_{number:02}", at_us=NOW_US - (30 - number) * 1_000_000))
    await ledger.flushed()
    told = await ledger.pages.routed(NOW_US, WAYS)
    assert [target.ended for target in told.targets] == [10]
    assert told.calls_since_us == NOW_US - 11 * 1_000_000
    assert told.models[0].asked == 30, "what the minutes count is whole"
