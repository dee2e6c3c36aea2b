"""The gateway put together: what each part does is tried elsewhere, here that it is asked to.

The whole gateway over a real ledger, without its sockets, by a clock in our hand.
"""

from dataclasses import replace
from itertools import count

import httpx

from quotadeck.dialects.openai import OPENAI
from quotadeck.domain.cause import Cause
from quotadeck.domain.commands import Action, Actor, Command, Field, Role
from quotadeck.domain.limits import MICRO, Priority, RateLimit, Take, rpm
from quotadeck.domain.refusals import (
    BudgetSpent,
    KeyMissing,
    KeyRevoked,
    LimitReached,
    Refusal,
    TooManyRequests,
)
from quotadeck.domain.snapshot import ProjectRow
from quotadeck.domain.state import StateKind
from quotadeck.domain.subject import Subject
from quotadeck.gateway.control.refused_commands import ROWS
from quotadeck.gateway.data.keys import Caller
from quotadeck.gateway.data.lease_asked import read_ask
from quotadeck.gateway.data.turns import STRIKES
from quotadeck.gateway.plan import limits_of
from quotadeck.gateway.process.assembly import Gateway
from quotadeck.gateway.upstream.failures import FAILED, OVERDUE, STALLED
from quotadeck.limiter import Admitted, Refused
from quotadeck.store import Ledger
from quotadeck.store.journal.records import parse
from quotadeck.words import say
from tests.gateway.conftest import ask
from tests.gateway.desks import why
from tests.gateway.stories import Story
from tests.gateway.story_setting import ADA
from tests.wording import said

VIEWER = Actor("vera", Role.VIEWER, "socket")
CALLER, NUMBERS = Caller("k", "a"), count()
ROWS_AT_ONCE = ROWS[Role.VIEWER].capacity // MICRO
PAUSE = Command(
    Action.PAUSE, Subject.project("a"), Field.PAUSED, True, reason="a test", for_ms=60_000
)
RPM = Command(Action.LIMIT, Subject.project("a"), Field.RPM, 30, reason="a test", for_ms=60_000)


def refused(gateway: Gateway, refusal: Refusal) -> None:
    """A request of project a that the data plane refuses."""
    gateway.data_plane.calls.refusals.tell(
        OPENAI, gateway.flights.arrival(), Caller("k", "a"), None, refusal
    )


def refuse_twice(gateway: Gateway) -> None:
    """The second one is counted."""
    for _ in range(2):
        refused(gateway, TooManyRequests(1, "a"))


async def refuse_commands(gateway: Gateway) -> None:
    """The last one is counted."""
    for _ in range(ROWS_AT_ONCE + 1):
        await gateway.desk.submit(PAUSE, VIEWER, dry_run=False)


async def seen(ledger: Ledger) -> tuple[int, str]:
    """How many refused requests are on record, and why the last command was refused."""
    await ledger.flushed()
    calls = await ledger.reader.calls()
    log = await ledger.reader.log()
    return sum(call.count for _, call in calls), why(log[-1]) if log else ""


async def promised(gateway: Gateway, name: str) -> None:
    """A request of project a was refused at what all share, and has a turn there."""
    limiter, take = gateway.data_plane.calls.limiter, Take("target:t:rpm", MICRO, rpm(60), True)
    turn = gateway.turns.of(CALLER, name.encode(), name, announced=True)
    assert turn
    while isinstance(
        answer := await limiter.acquire(
            f"{name} {next(NUMBERS)}", [take], Priority.HIGH, 1_000, turn.name
        ),
        Admitted,
    ):
        pass
    assert answer.turn
    told = LimitReached("target:t:rpm", 60, "rpm", 1, answer.wait_ms, Cause.RPM, turn=True)
    gateway.turns.given(CALLER, turn, told)


class TestEverySecond:
    async def test_what_was_counted_is_written(self, story: Story) -> None:
        gateway = story.gateway
        refuse_twice(gateway)
        await refuse_commands(gateway)
        story.pass_us(60_000_000)
        await gateway.second()
        count, error = await seen(gateway.ledger)
        assert count == 2
        assert error.startswith("refused 1 time since")

    async def test_a_flight_whose_deadline_passed_is_ended(self, story: Story) -> None:
        await ask(story)
        assert story.gateway.flights.under_way
        story.pass_us(91 * 86_400_000_000)
        await story.gateway.second()
        assert not story.gateway.flights.under_way

    async def test_levels_are_recorded_every_ten_seconds(self, story: Story) -> None:
        await ask(story)
        for _ in range(10):
            await story.gateway.second()
        await story.gateway.ledger.flushed()
        samples = await story.gateway.ledger.reader.levels(bucket="project:a:rpm")
        assert [sample.bucket for sample in samples] == ["project:a:rpm"]

    async def test_states_are_judged_though_nobody_listens(self, story: Story) -> None:
        story.gateway.flights.draining = True
        story.pass_us(2_000_000)
        await story.gateway.second()
        assert story.gateway.live._states.gateway.kind is not StateKind.OK

    async def test_leases_that_nobody_renewed_end(self, story: Story) -> None:
        await story.gateway.leases.make(CALLER, read_ask(b'{"tokens": 1}'))
        story.pass_us(60_000_000)
        await story.gateway.second()
        assert not story.gateway.leases._live

    async def test_turns_that_nobody_claimed_are_counted(self, story: Story) -> None:
        gateway = story.gateway
        for number in range(STRIKES):
            await promised(gateway, f"{number}")
        story.pass_us(60_000_000)
        await gateway.second()
        assert gateway.turns.of(CALLER, b"more", "more", announced=True) is None

    async def test_files_that_go_are_told(self, story: Story) -> None:
        for segment in (story.config.state / "journal").iterdir():
            segment.unlink()
        await story.gateway.second()
        snapshot = await story.gateway.live.snapshot()
        assert "it was written again" in say(snapshot.events[0].told)
        await story.gateway.ledger.flushed()
        [(_, event)] = await story.gateway.ledger.reader.events(last=1)
        assert event == snapshot.events[0]


async def test_what_was_counted_and_the_levels_are_written_at_the_end(story: Story) -> None:
    await ask(story)
    refuse_twice(story.gateway)
    await refuse_commands(story.gateway)
    await story.gateway.close()
    ledger = await Ledger.open(story.config.state, story.clock)
    try:
        assert "project:a:rpm" in ledger.recovered.levels
        count, error = await seen(ledger)
    finally:
        await ledger.close()
    assert count == 3, "the two, and the request under way"
    assert error.startswith("refused 1 time since")


class TestAChange:
    async def test_ends_leases_and_turns_of_whom_it_stops(self, story: Story) -> None:
        gateway = story.gateway
        await gateway.leases.make(CALLER, read_ask(b'{"tokens": 1}'))
        await promised(gateway, "one")
        limiter = gateway.data_plane.calls.limiter
        take = Take("target:t:rpm", MICRO, rpm(60), True)
        story.pass_us(1_000_000)
        kept = await limiter.acquire("newcomer", [take], Priority.HIGH, 1_000)
        assert isinstance(kept, Refused)
        assert (await gateway.desk.submit(PAUSE, ADA, dry_run=False)).applied
        assert not gateway.leases._live
        free = await limiter.acquire("newcomer", [take], Priority.HIGH, 1_000)
        assert isinstance(free, Admitted)

    async def test_is_in_force_in_the_limiter_on_the_screen_and_in_the_record(
        self, story: Story
    ) -> None:
        gateway = story.gateway
        await ask(story)
        gateway.feed._hurried.clear()
        end = gateway.ledger._journal.end
        assert (await gateway.desk.submit(RPM, ADA, dry_run=False)).applied
        bucket = (await gateway.data_plane.calls.limiter.levels(["project:a:rpm"])).popitem()[1]
        assert isinstance(bucket.limit, RateLimit)
        assert bucket.limit.per_minute == 30
        assert gateway.feed._hurried.is_set()
        records, _ = gateway.ledger._journal.read(end, 10)
        assert [parse(record.payload)[0] for record in records] == ["command", "levels"]

    async def test_is_shown_as_an_event_at_once_and_on_record(self, story: Story) -> None:
        gateway = story.gateway
        await gateway.desk.submit(PAUSE, ADA, dry_run=False)
        newest = (await gateway.live.snapshot()).events[0]
        assert newest.subject == "project:a"
        await gateway.ledger.flushed()
        assert (await gateway.ledger.reader.events(last=1))[0][1] == newest


class TestHealth:
    async def test_a_drain_is_said_at_every_door(self, story: Story) -> None:
        gateway = story.gateway
        gateway.feed._hurried.clear()
        gateway.drain()
        assert gateway.feed._hurried.is_set()
        snapshot = await gateway.live.snapshot()
        assert said(snapshot.vitals.problems)[0] == "draining"
        assert snapshot.vitals.state.cause == "draining"
        assert await _get(gateway, "/healthz") == 503
        assert gateway.data_plane.draining

    async def test_a_ledger_that_cannot_be_written_is_said(self, story: Story) -> None:
        gateway = story.gateway
        assert [await _get(gateway, path) for path in ("/healthz", "/readyz")] == [200, 200]
        gateway.ledger._journal.trouble = OSError(5, "Input/output error")
        assert [await _get(gateway, path) for path in ("/healthz", "/readyz")] == [200, 503]
        snapshot = await gateway.live.snapshot()
        assert snapshot.vitals.state.cause == "ledger"


async def _get(gateway: Gateway, path: str) -> int:
    transport = httpx.ASGITransport(gateway.admin)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
        return (await http.get(path)).status_code


async def test_levels_are_recorded_with_the_limit_they_were_measured_under(story: Story) -> None:
    gateway = story.gateway
    await ask(story)
    await gateway.levels.second()
    await gateway.levels.record()
    await gateway.ledger.flushed()
    limits = limits_of(gateway.data_plane.calls.plan())
    rows = await gateway.ledger.reader.levels()
    assert "project:a:rpm" in {row.bucket for row in rows}
    assert [row.limit for row in rows] == [limits[row.bucket].amount for row in rows]


async def test_a_state_that_nobody_will_judge_any_more_is_left_at_the_start(story: Story) -> None:
    at_us = story.clock.wall_us()
    for subject, kind in (("project:gone", "storm"), ("project:a", "of_the_future")):
        story.gateway.ledger.state(at_us, subject, kind, "rpm", entered=True, facts={})
    await story.gateway.close()
    story.pass_us(1_000_000)
    await story.boot()
    reader = story.gateway.ledger.reader
    await story.gateway.ledger.flushed()
    assert len(await reader.states_at(at_us)) == 2
    assert await reader.states_at(story.clock.wall_us()) == []


async def test_states_are_on_record_and_begin_where_they_began_after_a_restart(
    story: Story,
) -> None:
    pause = replace(PAUSE, for_ms=3_600_000)
    await story.gateway.desk.submit(pause, ADA, dry_run=False)
    await story.gateway.live.snapshot()
    entered_us = story.clock.wall_us()
    story.pass_us(600_000_000)
    await story.gateway.close()
    await story.boot()
    (row,) = [row for row in (await story.gateway.live.snapshot()).projects if row.id == "a"]
    assert row.state.kind is StateKind.PAUSED
    assert row.state.since_ms == story.clock.monotonic_ns() // 1_000_000 - 600_000
    resume = Command(Action.RESUME, Subject.project("a"))
    await story.gateway.desk.submit(resume, ADA, dry_run=False)
    await story.gateway.live.snapshot()
    story.pass_us(1_000_000)
    await story.gateway.ledger.flushed()
    reader = story.gateway.ledger.reader
    (then,) = await reader.states_at(story.clock.wall_us() - 60_000_000)
    assert (then.subject, then.kind, then.entered_us) == ("project:a", "paused", entered_us)
    assert await reader.states_at(story.clock.wall_us()) == []


class TestObservers:
    """Each test fails where what it is named after is not wired to the data plane any more."""

    @staticmethod
    async def row(story: Story) -> ProjectRow:
        rows = (await story.gateway.live.snapshot()).projects
        return next(row for row in rows if row.id == "a")

    @staticmethod
    async def told(story: Story) -> set[str]:
        return {event.told.kind for event in (await story.gateway.live.snapshot()).events}

    async def test_picture_of_what_began(self, story: Story) -> None:
        await ask(story)
        flow = (await self.row(story)).flow
        assert (flow.requests_60s, flow.in_flight) == (1, 1)

    async def test_picture_of_what_ended(self, story: Story) -> None:
        await ask(story)
        await story.settle()
        flow = (await self.row(story)).flow
        assert (flow.ended_60s, flow.in_flight) == (1, 0)

    async def test_picture_and_alarm_of_what_went_on_elsewhere(self, story: Story) -> None:
        await ask(story)
        flight = story.flights[-1]
        flight.ask = flight.ask._replace(input_bound=0, max_tokens=1)  # the budget is small
        assert await story.gateway.flights.move(flight, FAILED, flight.stop)
        targets = (await story.gateway.live.snapshot()).targets
        flow = next(row.flow for row in targets if row.id == flight.open.target)
        assert (flow.requests_60s, flow.failed_60s, flow.in_flight) == (2, 1, 1)
        assert "upstream.fails" in await self.told(story)

    async def test_picture_of_what_was_refused(self, story: Story) -> None:
        refuse_twice(story.gateway)
        assert (await self.row(story)).flow.refused_60s == 2

    async def test_picture_of_strangers_who_were_refused(self, story: Story) -> None:
        gateway = story.gateway
        for _ in range(3):
            arrival = gateway.flights.arrival()
            gateway.data_plane.calls.refusals.tell(OPENAI, arrival, None, None, KeyMissing())
        snapshot = await gateway.live.snapshot()
        assert snapshot.vitals.strangers_refused_60s == 3
        assert [row.flow.refused_60s for row in snapshot.projects] == [0, 0, 0]
        story.pass_us(61_000_000)
        assert (await gateway.live.snapshot()).vitals.strangers_refused_60s == 0

    async def test_alarm_of_a_budget_as_money_is_spent(self, story: Story) -> None:
        for _ in range(4):
            await ask(story)
            flight = story.flights.pop()
            await story.gateway.flights.end(flight, STALLED)
        assert "budget.step" in await self.told(story)

    async def test_alarm_of_a_budget_as_a_request_is_refused(self, story: Story) -> None:
        refused(story.gateway, BudgetSpent("a", 9, 1, 2, 0, "2026-11-24", "project:a:budget", 1))
        assert "budget.dry" in await self.told(story)

    async def test_alarm_of_an_upstream(self, story: Story) -> None:
        await ask(story)
        flight = story.flights.pop()
        await story.gateway.flights.end(flight, OVERDUE)
        assert "upstream.slow" in await self.told(story)

    async def test_alarm_of_a_revoked_key_and_of_its_going_on(self, story: Story) -> None:
        revoked = KeyRevoked("k", "a")
        refused(story.gateway, revoked)
        assert "key.revoked_used" in await self.told(story)
        refused(story.gateway, revoked)
        story.pass_us(300_000_000)
        await story.gateway.second()
        assert "key.revoked_used_on" in await self.told(story)

    async def test_record_of_what_was_refused(self, story: Story) -> None:
        refused(story.gateway, TooManyRequests(1, "a"))
        assert (await seen(story.gateway.ledger))[0] == 1
