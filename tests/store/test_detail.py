"""A project's last quarter of an hour, taken apart, against the calls that were written."""

import pytest

from quotadeck.domain.calls import Outcome
from quotadeck.domain.cause import Cause
from quotadeck.store.reading import detail
from tests.store.conftest import Opener
from tests.store.values import MINUTE_US, START_US, ended, refused

NOW_US = START_US + 20 * MINUTE_US + 30_000_000


async def test_models_causes_and_callers_are_those_of_the_calls(open_ledger: Opener) -> None:
    ledger = await open_ledger()
    late_us = NOW_US - MINUTE_US
    for number in range(3):
        version = "unknown" if number else "v1"
        ledger.end_call(ended(f"ok_{number}", at_us=late_us + number, price_version=version))
    ledger.end_call(ended("other", at_us=late_us, model="opus", target="main/opus", key_id="key_2"))
    ledger.end_call(
        ended("bad", at_us=late_us, outcome=Outcome.UPSTREAM_ERROR, cause=Cause.UPSTREAM_5XX)
    )
    ledger.end_call(refused("one", Cause.RPM, at_us=late_us)._replace(retry=2))
    ledger.end_call(refused("many", Cause.RPM, 11, at_us=late_us + 1))
    ledger.end_call(refused("old", Cause.TPM, at_us=START_US))
    ledger.end_call(ended("theirs", at_us=late_us, project="search"))
    await ledger.flushed()
    told = await ledger.pages.project_detail("analytics", NOW_US)
    assert told.since_us == START_US + 6 * MINUTE_US
    assert told.calls_since_us == told.since_us
    gpt, opus = told.models
    assert (gpt.model, gpt.asked, gpt.refused, gpt.forwarded, gpt.failed) == (
        "gpt-4.1",
        16,
        12,
        4,
        1,
    )
    assert (gpt.unpriced, opus.unpriced) == (2, 0)
    assert (gpt.targets, gpt.cost_nano) == (("main/gpt-4.1-mini",), 4 * 700)
    assert (opus.model, opus.asked, opus.targets) == ("opus", 1, ("main/opus",))
    rpm, failed = told.causes
    assert (rpm.outcome, rpm.cause, rpm.count, rpm.example) == ("refused", "rpm", 12, "one")
    assert (rpm.binding, rpm.limit, rpm.asked) == ("project:analytics:rpm", 60, 1_000_000)
    assert rpm.since_us == late_us - late_us % MINUTE_US
    assert (failed.outcome, failed.cause, failed.count) == ("upstream_error", "upstream_5xx", 1)
    assert failed.example == "bad"
    first, second = told.callers
    assert (first.key_id, first.asked, first.refused, first.retried) == ("key_1", 16, 12, 1)
    assert (second.key_id, second.asked) == ("key_2", 1)


async def test_cause_began_with_the_first_of_its_unbroken_minutes(open_ledger: Opener) -> None:
    """A minute between is no end; two are. Of one that is older than an hour nothing is said."""
    ledger = await open_ledger()
    for minute in (2, 10, 12, 13, 15, 17, 19, 20):
        at_us = START_US + minute * MINUTE_US
        ledger.end_call(refused(f"rpm_{minute}", Cause.RPM, at_us=at_us))
    for minute in range(-41, 21):
        at_us = START_US + minute * MINUTE_US
        ledger.end_call(refused(f"tpm_{minute}", Cause.TPM, at_us=at_us))
    await ledger.flushed()
    told = await ledger.pages.project_detail("analytics", NOW_US)
    since = {one.cause: one.since_us for one in told.causes}
    assert since == {"rpm": START_US + 10 * MINUTE_US, "tpm": None}


async def test_what_is_usual_is_of_this_hour_of_the_days_on_record(open_ledger: Opener) -> None:
    """The hour in which the ledger began is no whole one, and a day without calls spent nothing."""
    ledger = await open_ledger()
    day_us = 24 * 60 * MINUTE_US
    hour_us = NOW_US - NOW_US % (60 * MINUTE_US)
    spent = {3: 900, 2: 400, 0: 50}
    ledger.end_call(ended("first", at_us=hour_us - 3 * day_us - 90 * MINUTE_US))
    for ago, nano in spent.items():
        at_us = hour_us - ago * day_us + MINUTE_US
        ledger.end_call(ended(f"day_{ago}", at_us=at_us, cost_nano_usd=nano))
    await ledger.flushed()
    told = await ledger.pages.project_detail("analytics", NOW_US)
    assert told.usual_hour_nano == (0, 400, 900)
    assert (await ledger.pages.project_detail("nobody", NOW_US)).usual_hour_nano == (0, 0, 0)


async def test_only_the_newest_calls_are_looked_at_and_it_says_since_when(
    open_ledger: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detail, "LOOKED_AT", 10)
    ledger = await open_ledger()
    for number in range(30):
        ledger.end_call(ended(f"call_{number:02}", at_us=NOW_US - (30 - number) * 1_000_000))
    await ledger.flushed()
    told = await ledger.pages.project_detail("analytics", NOW_US)
    assert told.calls_since_us == NOW_US - 10 * 1_000_000
    assert [caller.asked for caller in told.callers] == [10]
    assert [model.asked for model in told.models] == [30], "what the minutes count is whole"
