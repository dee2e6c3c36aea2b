"""A span of the ledger as a report: what is in it, what is not, and what is no alarm."""

from dataclasses import replace

from quotadeck.domain.calls import Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.commands import Action
from quotadeck.domain.report import Report
from quotadeck.domain.series import HOUR_US, MINUTE_US
from quotadeck.domain.subject import Subject
from quotadeck.store import Ledger, report_of
from tests.clocks import HandClock
from tests.store.conftest import Opener
from tests.store.values import ended, entry, refused


async def report(ledger: Ledger, clock: HandClock, since_us: int, until_us: int) -> Report:
    await ledger.flushed()
    return await report_of(ledger.reader, since_us, until_us, clock.wall_us(), lambda _: True)


async def test_it_sums_every_minute_that_the_span_touches_and_no_other(
    open_ledger: Opener, clock: HandClock
) -> None:
    ledger = await open_ledger()
    hour_us = -(-clock.wall_us() // HOUR_US) * HOUR_US
    clock.advance_ms(5 * HOUR_US // 1_000)
    # Minutes, two whole hours, minutes.
    since_us, until_us = hour_us + 31 * MINUTE_US, hour_us + 3 * HOUR_US + 29 * MINUTE_US + 1
    outside = since_us - 1, until_us + MINUTE_US
    for number, at_us in enumerate(
        (*outside, since_us, hour_us + HOUR_US, hour_us + 2 * HOUR_US, until_us)
    ):
        call = ended(f"ok{number}", at_us=at_us, project="search", price_version="unknown")
        ledger.end_call(call)
    ledger.end_call(
        ended("bad", at_us=since_us, outcome=Outcome.UPSTREAM_ERROR, cause=Cause.UPSTREAM_5XX)
    )
    ledger.end_call(refused("no", Cause.RPM, 7, at_us=hour_us + HOUR_US))
    found = await report(ledger, clock, since_us, until_us)
    assert (found.sums_since_us, found.sums_until_us) == (since_us, until_us - 1 + MINUTE_US)
    rows = {one.name: (one.asked, one.refused, one.failed) for one in found.projects}
    assert rows == {"analytics": (8, 7, 1), "search": (4, 0, 0)}
    assert [one.name for one in found.projects] == ["analytics", "search"]
    assert (found.asked, found.refused, found.failed) == (12, 7, 1)
    assert {one.name: one.unpriced for one in found.projects} == {"analytics": 0, "search": 4}
    assert found.unpriced == 4
    assert found.projects[0].causes == {Cause.RPM: 7}


async def test_an_alarm_is_what_was_a_trouble_when_it_began_or_by_its_end(
    open_ledger: Opener, clock: HandClock
) -> None:
    ledger = await open_ledger()
    start_us = clock.wall_us()
    troubles = {"grew": ("attention", "trouble"), "fell": ("trouble", "attention"),
                "never": ("attention", "attention")}  # fmt: skip
    for at, entered in ((0, True), (1, False)):
        for name, urgencies in troubles.items():
            facts = {"urgency": urgencies[at], "count": 3 + at}
            subject = str(Subject.project(name))
            ledger.state(clock.wall_us(), subject, "throttled", "rpm", entered=entered, facts=facts)
        clock.advance_ms(60_000)
    found = await report(ledger, clock, start_us, clock.wall_us())
    assert {one.subject.name for one in found.alarms} == {"grew", "fell"}
    assert {(one.began_us, one.ended_us, one.count) for one in found.alarms} == {
        (start_us, start_us + MINUTE_US, 4)
    }


async def test_ends_that_ended_nothing_are_not_told(open_ledger: Opener, clock: HandClock) -> None:
    ledger = await open_ledger()
    made = entry("made")
    for one in (made, replace(entry("idle"), action=Action.END, idle=True)):
        await ledger.command(replace(one, at_us=clock.wall_us()), durable=True)
    clock.advance_ms(1_000)
    found = await report(ledger, clock, made.at_us, clock.wall_us())
    assert [row.entry.id for row in found.commands] == ["made"]
