"""The states of the live picture: judged whoever listens, and remembered over a start."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from quotadeck.admission.days import BudgetDays
from quotadeck.domain.calls import Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.commands import Field
from quotadeck.domain.days import micros
from quotadeck.domain.money import NANO_PER_USD
from quotadeck.domain.refusals import LedgerUnavailable
from quotadeck.domain.rules import LimitKind
from quotadeck.domain.snapshot import ProjectRow
from quotadeck.domain.state import StateKind
from quotadeck.domain.subject import Subject
from quotadeck.gateway.watch.live import Live
from tests.gateway.picture import ANALYTICS, HOUR_US, VITALS, Picture
from tests.gateway.values import FLASH, NOON_US, OPUS, call, catalogue, entry


async def second(it: Picture, seconds: int = 1) -> ProjectRow:
    """Let the gateway live on, listened to by nobody; the row at the end."""
    for _ in range(seconds):
        it.clock.advance_ms(1_000)
        await it.live.second()
    return await it.row()


async def test_states_are_judged_though_nobody_listens() -> None:
    it = Picture(catalogue())
    it.live.refused("analytics", "opus", Cause.RPM, ANALYTICS)
    began_ms = it.clock.monotonic_ns() // 1_000_000 + 1_000
    state = (await second(it, 9)).state
    assert (state.kind, state.since_ms) == (StateKind.THROTTLED, began_ms)
    assert (await second(it, 3)).state.kind is StateKind.OK


async def test_a_trouble_that_was_seen_says_so_until_it_is_over() -> None:
    it = Picture(catalogue())
    it.live.refused("analytics", "opus", Cause.RPM, ANALYTICS)
    assert (await second(it)).state.kind is StateKind.THROTTLED
    at_us = it.clock.wall_us()
    seen = replace(entry(1, ANALYTICS, Field.SEEN, "throttled"), at_us=at_us, actor="ken")
    it.command(seen)
    row = await second(it)
    assert [(change.field, change.value, change.actor) for change in row.changes] == [
        ("seen", "throttled", "ken")
    ]
    assert (await second(it, 11)).changes == (), "it is over"
    it.live.refused("analytics", "opus", Cause.RPM, ANALYTICS)
    row = await second(it)
    assert (row.state.kind, row.changes) == (StateKind.THROTTLED, ()), "another, that nobody saw"


async def test_a_paused_model_is_said_of_whom_it_cuts_off_and_until_when() -> None:
    it = Picture(catalogue())
    ends_us = NOON_US + HOUR_US
    it.command(entry(1, Subject.model("opus"), Field.PAUSED, True, until_us=ends_us))
    it.live.changed([Subject.model("opus")])
    it.live.refused("analytics", "opus", Cause.PAUSED, Subject.model("opus"))
    snapshot = await it.live.snapshot()
    row, route = snapshot.projects[0], snapshot.routes[0]
    assert (row.state.kind, row.state.who, row.state.until_us) == (
        StateKind.CUT_OFF,
        "model:opus",
        ends_us,
    )
    assert (route.state.kind, route.state.who, route.state.count) == (
        StateKind.PAUSED,
        "analytics",
        1,
    )
    assert row.models == ("opus",), "what is refused is asked for, too"


async def test_a_neighbour_is_not_said_to_storm_because_another_does() -> None:
    it = Picture(catalogue(rpm=600))
    gate = Subject.target(OPUS)
    for _ in range(30):
        await it.end(await it.begin())
    it.clock.advance_ms(1_000)
    for _ in range(200):
        it.live.refused("analytics", "opus", Cause.TARGET_RPM, gate)
    for _ in range(25):
        it.live.refused("search", "opus", Cause.TARGET_RPM, gate)
    assert (await it.row()).state.kind is StateKind.STORM
    assert (await it.row("search")).state.kind is StateKind.THROTTLED
    assert (await it.live.snapshot()).targets[0].state.kind is StateKind.STORM


async def test_a_target_is_paused_only_where_nothing_else_is_served_by_it() -> None:
    async def kinds(it: Picture) -> list[StateKind]:
        return [row.state.kind for row in (await it.live.snapshot()).targets]

    it = Picture(catalogue())
    pause = entry(1, Subject.model("flash"), Field.PAUSED, True)
    it.command(pause)
    it.live.changed([Subject.model("flash")])
    assert await kinds(it) == [StateKind.OK, StateKind.PAUSED]
    it.command(pause, entry(2, Subject.model("opus"), Field.TARGET, FLASH))
    it.live.changed([Subject.model("opus")])
    assert await kinds(it) == [StateKind.OK, StateKind.OK], (
        "it serves the traffic that is forced to it"
    )


async def test_no_row_is_ok_while_the_gateway_cannot_serve() -> None:
    it = Picture(catalogue())
    await it.row()
    it.unserved = "ledger"
    snapshot = await it.live.snapshot()
    states = [row.state for row in snapshot.projects]
    states += [row.state for row in snapshot.targets]
    states += [row.state for row in snapshot.routes]
    assert {state.kind for state in states} == {StateKind.UNSERVED}
    assert snapshot.vitals.state.kind is StateKind.UNSERVED
    it.unserved = ""
    snapshot = await it.live.snapshot()
    assert {row.state.kind for row in snapshot.projects} == {StateKind.OK}


async def test_midnight_makes_yesterdays_refusals_by_the_budget_history() -> None:
    it = Picture(catalogue())
    it.clock.set_wall(micros("2026-11-24T23:59:58Z"))
    await it.row()
    it.live.refused("analytics", "opus", Cause.BUDGET, ANALYTICS)
    assert (await it.row()).state.kind is StateKind.SPENT
    it.clock.advance_ms(3_000)
    assert (await it.row()).state.kind is StateKind.OK


async def test_a_spent_budget_is_known_from_the_start() -> None:
    it = Picture(catalogue())
    spent = {"2026-11-24": NANO_PER_USD}
    await it.limiter.restore_spent({f"{ANALYTICS}:budget": spent})
    assert (await it.row()).state.kind is StateKind.SPENT


async def test_a_day_that_the_ledger_could_not_tell_is_asked_for_until_it_can() -> None:
    it = Picture(catalogue())
    await it.limiter.restore_spent({}, known_after="2026-11-30")
    told = [
        LedgerUnavailable("the ledger is locked"),
        LedgerUnavailable("the ledger is locked"),
        None,
    ]

    async def spent_on(days: Mapping[str, str]) -> Mapping[str, int]:
        if why := told.pop(0):
            raise why
        return dict.fromkeys(days, NANO_PER_USD)

    it.days = BudgetDays(it.limiter, spent_on)
    it.live = Live(
        catalogue=it.of,
        plan=lambda: it.plan,
        limiter=it.limiter,
        days=it.days,
        clock=it.clock,
        vitals=lambda: VITALS,
    )
    seen = []
    for _ in range(4):
        seen.append((await it.row()).budget.spent_nano)
        it.clock.advance_ms(1_000)
        for _ in range(3):
            await asyncio.sleep(0)
    assert seen[0] == seen[1] == 0
    assert seen[-1] == NANO_PER_USD
    assert (await it.row()).state.kind is StateKind.SPENT


async def test_what_a_shadow_limit_would_refuse_makes_no_state() -> None:
    it = Picture(catalogue(shadow=frozenset({LimitKind.RPM, LimitKind.BUDGET})))
    await it.limiter.restore_spent({f"{ANALYTICS}:budget": {"2026-11-24": NANO_PER_USD}})
    for _ in range(70):
        await it.end(await it.begin(), cost_nano_usd=0)
    assert (await it.row()).state.kind is StateKind.OK


async def test_a_start_remembers_what_the_ledger_knows_of_the_last_hour() -> None:
    it = Picture(catalogue())
    failed = {"outcome": Outcome.UPSTREAM_ERROR, "cause": Cause.UPSTREAM_5XX}
    ago = [call(id=f"req_{n}", at_us=NOON_US - n * 60_000_000, **failed) for n in (9, 30, 50)]
    old = call(id="req_old", at_us=NOON_US - 2 * HOUR_US, **failed)
    it.live.recall([old, *ago], [])
    state = (await it.row()).state
    assert (state.kind, state.last_ms) == (
        StateKind.FAILING,
        (it.clock.monotonic_ns() - (9 * 60_000 - 150) * 1_000_000) // 1_000_000,
    )


async def test_a_start_remembers_that_the_money_left_covers_nothing_that_is_asked() -> None:
    it = Picture(catalogue())
    refused = {"outcome": Outcome.REFUSED, "cause": Cause.BUDGET, "total_ms": 0}
    it.live.recall([call(at_us=NOON_US - 5_000_000, count=3, **refused)], [])
    assert (await it.row()).state.kind is StateKind.SPENT


async def test_a_start_forgets_what_a_later_change_made_history() -> None:
    it = Picture(catalogue())
    refused = {"outcome": Outcome.REFUSED, "cause": Cause.RPM, "binding": f"{ANALYTICS}:rpm"}
    three = call(at_us=NOON_US - 5_000_000, count=3, total_ms=0, **refused)
    it.live.recall([three], [entry(1, ANALYTICS, Field.RPM, 90, at_us=NOON_US - 4_000_000)])
    assert (await it.row()).state.kind is StateKind.OK
    it.live.recall([three], [entry(1, ANALYTICS, Field.RPM, 90, at_us=NOON_US - 6_000_000)])
    state = (await it.row()).state
    assert (state.kind, state.count, state.asked) == (StateKind.THROTTLED, 3, 3)


async def test_a_project_that_nobody_asks_for_an_hour_is_forgotten_and_looks_the_same() -> None:
    it = Picture(catalogue())
    await it.end(await it.begin(), cost_nano_usd=360_000)
    it.clock.advance_ms(50 * 60_000)
    rested = await it.row()
    for _ in range(2):
        await it.live.second()
    assert ANALYTICS in it.live._flows.known(), "its calls are judged for an hour"
    it.clock.advance_ms(11 * 60_000)
    for _ in range(3):
        it.clock.advance_ms(1_000)
        await it.live.second()
    assert it.live._flows.known() == [Subject.target(OPUS)]
    assert it.live._states.told(ANALYTICS) is None
    assert await it.row() is rested
    flight = await it.begin()
    assert (await it.row()).flow.in_flight == 1
    it.clock.advance_ms(90 * 60_000)
    for _ in range(3):
        await it.live.second()
    await it.end(flight)
    row = await it.row()
    assert (row.flow.in_flight, row.flow.ended_60s) == (0, 1), "who is under way is not forgotten"
