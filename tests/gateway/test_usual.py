"""What is usual at this hour comes from the ledger's roll-ups, and is judged by the second."""

import asyncio
import os

from quotadeck.domain.days import day_at
from quotadeck.domain.ids import new_id
from quotadeck.domain.money import NANO_PER_USD
from quotadeck.domain.state import State, StateKind
from quotadeck.domain.usual import Usual
from tests.gateway.stories import Story
from tests.gateway.values import call

DAY_US = 86_400_000_000
HOUR_US = DAY_US // 24


def record(story: Story, days_ago: int, calls: int, *, hours_off: int = 0) -> None:
    """So many calls of a second and a cent each, in this hour of another day."""
    at_us = story.clock.wall_us() - days_ago * DAY_US + hours_off * HOUR_US
    for _ in range(calls):
        ended = call(
            id=new_id("req", at_us, os.urandom(10)), at_us=at_us, day=day_at(at_us, "UTC").name,
            project="a", model="flash", total_ms=1_000, cost_nano_usd=NANO_PER_USD // 100,
        )  # fmt: skip
        story.gateway.ledger.end_now(ended)


async def usual(story: Story) -> Usual | None:
    await story.gateway.ledger.flushed()
    await story.gateway.usual.read()
    return story.gateway.usual.of("a")


async def test_three_days_with_calls_in_this_hour_are_a_habit(story: Story) -> None:
    for day in (1, 2):
        record(story, day, 50)
    record(story, 3, 50, hours_off=2)
    assert await usual(story) is None
    record(story, 14, 50)
    found = await usual(story)
    assert found is not None
    assert found.nano_an_hour == NANO_PER_USD // 2
    assert 700 < found.p95_ms <= 1_024
    assert story.gateway.usual.of("b") is None


async def test_what_is_older_than_two_weeks_is_no_habit(story: Story) -> None:
    for day in (1, 2, 15):
        record(story, day, 50)
    assert await usual(story) is None


async def test_the_picture_says_who_is_slow_and_who_spends_fast(story: Story) -> None:
    for day in (1, 2, 3):
        record(story, day, 50)
    await usual(story)
    for _ in range(25):
        live(story, total_ms=9_000, cost=NANO_PER_USD // 10)
    state = await seen(story)
    assert (state.kind, state.count > 8_000) == (StateKind.SLOW, True)
    assert state.held(StateKind.SPENDING)
    story.pass_us(70_000_000)
    assert (await seen(story)).kind is StateKind.OK, "nobody has asked for a minute"


def live(story: Story, *, total_ms: int, cost: int) -> None:
    """A call that ends now."""
    gateway = story.gateway
    ended = call(
        id="req_now", at_us=story.clock.wall_us(), project="a", model="flash",
        target="main/flash", total_ms=total_ms, cost_nano_usd=cost,
    )  # fmt: skip
    gateway.live.ended(ended)


async def seen(story: Story) -> State:
    snapshot = await story.gateway.live.snapshot()
    return next(row.state for row in snapshot.projects if row.id == "a")


async def test_it_is_read_when_the_gateway_begins_to_serve(story: Story) -> None:
    for day in (1, 2, 3):
        record(story, day, 50)
    await story.gateway.ledger.flushed()
    jobs = [asyncio.create_task(job) for job in story.gateway.jobs()]
    try:
        async with asyncio.timeout(10):
            while story.gateway.usual.of("a") is None:  # noqa: ASYNC110 - a job tells nobody
                await asyncio.sleep(0.01)
    finally:
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
