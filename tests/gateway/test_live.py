"""The live picture: what passed is in it, what did not change is the same, midnight clears it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from quotadeck.admission.admit import admit, size_of
from quotadeck.admission.days import BudgetDays
from quotadeck.admission.estimator import Estimator
from quotadeck.admission.prepared import prepare
from quotadeck.domain.calls import Call, OpenCall, Outcome
from quotadeck.domain.catalogue import Catalogue, Project
from quotadeck.domain.cause import Cause
from quotadeck.domain.commands import Entry, Field
from quotadeck.domain.days import micros
from quotadeck.domain.layers import Layer
from quotadeck.domain.limits import MICRO
from quotadeck.domain.money import NANO_PER_USD
from quotadeck.domain.notice import notice
from quotadeck.domain.refusals import LedgerUnavailable
from quotadeck.domain.rules import LimitKind
from quotadeck.domain.snapshot import (
    Budget,
    Change,
    Event,
    Flow,
    Level,
    LimitReading,
    ProjectRow,
    Vitals,
    limit_on,
)
from quotadeck.domain.state import StateKind
from quotadeck.domain.subject import Subject
from quotadeck.gateway.data.arrival import Arrival
from quotadeck.gateway.data.flight import Flight
from quotadeck.gateway.plan import Plan
from quotadeck.gateway.watch.live import EVENTS_SHOWN, Live
from quotadeck.limiter import MemoryLimiter
from tests.clocks import HandClock
from tests.gateway.values import FLASH, NOON_US, OPUS, call, catalogue, entry, lane, plan, request

HOUR_US = 3_600_000_000
ANALYTICS = Subject.project("analytics")
VITALS = Vitals("gateway", "0.1", "src_1", NOON_US)


@dataclass
class Picture:
    """A Live with its own field, limiter and clock, fed as the data plane feeds it."""

    of: Catalogue
    clock: HandClock = field(default_factory=lambda: HandClock(NOON_US))
    commands: tuple[Entry, ...] = ()
    begun: int = 0
    unserved: str = ""

    def __post_init__(self) -> None:
        self.limiter = MemoryLimiter(self.clock)
        self.days = BudgetDays(self.limiter, self.spent_on)
        self.plan: Plan = plan(self.of)
        self.live = Live(
            catalogue=self.of,
            plan=lambda: self.plan,
            limiter=self.limiter,
            days=self.days,
            clock=self.clock,
            vitals=lambda: VITALS,
            unserved=lambda: self.unserved,
        )

    async def spent_on(self, days: Mapping[str, str]) -> Mapping[str, int]:
        """The ledger: it had 7,000 nano-dollars of each project on each day."""
        return dict.fromkeys(days, 7_000)

    def command(self, *entries: Entry) -> None:
        self.plan = plan(self.of, *entries, now_us=self.clock.wall_us())

    async def begin(self, *, at_us: int | None = None) -> Flight:
        """A request of analytics for opus, admitted and dispatched."""
        asked = request(max_tokens=10)
        project, route = self.plan.projects["analytics"], self.plan.routes["opus"]
        target = self.plan.targets[route.serving]
        self.begun += 1
        now_us = self.clock.wall_us() if at_us is None else at_us
        arrival = Arrival(f"req_{self.begun}", now_us, self.clock.monotonic_ns())
        prepared = prepare(project, target)
        size = size_of(asked, prepared, Estimator())
        ticket = await admit(
            self.limiter,
            self.days,
            prepared,
            arrival.id,
            size,
            now_us=now_us,
            ttl_ms=1,
        )
        opened = OpenCall(
            id=arrival.id,
            at_us=now_us,
            day=ticket.budget_day,
            project="analytics",
            key_id="k_prod",
            priority=1,
            model="opus",
            served_model=target.target.model,
            target=target.target.id,
            fallback_step=route.step,
            estimated_input=size.input_tokens,
            estimated_output=size.output_tokens,
            held_tokens=size.tokens,
            held_nano_usd=size.bound_nano,
            bound_is_estimate=False,
            price_version="v1",
            stream=False,
            retry=0,
            deadline_us=now_us,
            run_id="",
            client_request_id="",
            takes=tuple((take.key, take.amount) for take in ticket.takes),
        )
        flight = Flight(opened, arrival, lane(self.plan), asked, ticket, arrival.at_ns)
        self.live.begun(flight.open, flight.arrival.at_ns)
        return flight

    async def end(self, flight: Flight, **more: Any) -> Call:
        opened = flight.open
        ended = call(id=opened.id, day=opened.day, target=opened.target, **more)
        await self.limiter.settle(opened.id, {f"{ANALYTICS}:budget": ended.cost_nano_usd})
        self.live.ended(ended)
        return ended

    async def row(self, name: str = "analytics") -> ProjectRow:
        rows = (await self.live.snapshot()).projects
        return next(row for row in rows if row.id == name)


def event(number: int) -> Event:
    return Event(f"evt_{number}", NOON_US, "", notice("told", text=f"number {number}"))


async def test_untouched_project_stands_full_and_still() -> None:
    it = Picture(catalogue(concurrency=4))
    first = await it.row()
    assert first == ProjectRow(
        id="analytics",
        name="Analytics",
        priority="medium",
        version=0,
        paused=False,
        limits=(
            LimitReading("rpm", 60, 0, level=Level(10 * MICRO, 10 * MICRO, 0)),
            LimitReading("tpm", 60_000, 0, level=Level(60_000 * MICRO, 60_000 * MICRO, 0)),
            LimitReading("concurrency", 4, 0),
            LimitReading("daily_budget_usd", NANO_PER_USD, 0),
        ),
        budget=Budget(NANO_PER_USD, 0, 0, micros("2026-11-25T00:00Z")),
        flow=Flow(),
    )
    it.clock.advance_ms(60_000)
    assert await it.row() == first, "an idle gateway has nothing to send"
    assert (await it.row("search")).limits == ()


async def test_request_under_way_is_seen_in_levels_money_and_flow() -> None:
    it = Picture(catalogue(target={"rpm": 50}))
    it.clock.advance_ms(5_000)
    flight = await it.begin()
    row = await it.row()
    level = Level(9 * MICRO, 10 * MICRO, it.clock.monotonic_ns() // 1_000_000)
    assert limit_on(row, Field.RPM) == LimitReading("rpm", 60, 1, level=level)
    assert limit_on(row, Field.BUDGET) == LimitReading(
        "daily_budget_usd", NANO_PER_USD, 0, row.budget.held_nano
    )
    assert row.budget.held_nano == flight.open.held_nano_usd
    assert (row.flow.in_flight, row.flow.requests_60s, row.models) == (1, 1, ("opus",))
    target = (await it.live.snapshot()).targets[0]
    assert (target.id, target.flow.in_flight) == (OPUS, 1)
    shared = limit_on(target, Field.RPM)
    assert shared is not None
    assert shared.level is not None
    assert shared.level.level == shared.level.capacity - MICRO


async def test_end_turns_held_money_into_spent() -> None:
    it = Picture(catalogue())
    await it.end(await it.begin(), cost_nano_usd=360_000)
    row = await it.row()
    assert (row.budget.held_nano, row.budget.spent_nano) == (0, 360_000)
    assert (row.flow.in_flight, row.flow.tokens_60s, row.flow.spent_60s_nano) == (0, 120, 360_000)


async def test_row_is_still_again_when_all_windows_have_run_out() -> None:
    it = Picture(catalogue())
    await it.end(await it.begin())
    it.clock.advance_ms(2 * 3_600_000)
    before = await it.row()
    assert before.flow == Flow()
    it.clock.advance_ms(1_000)
    assert await it.row() == before
    assert (await it.row()).budget.spent_nano == 360_000


async def test_midnight_of_the_projects_zone_clears_the_day() -> None:
    it = Picture(catalogue(zone="Asia/Tokyo"))
    it.clock.set_wall(micros("2026-11-24T14:59:59Z"))
    await it.end(await it.begin())
    assert (await it.row()).budget.spent_nano == 360_000
    it.clock.advance_ms(1_000)
    budget = (await it.row()).budget
    assert (budget.spent_nano, budget.ends_us) == (0, micros("2026-11-25T15:00Z"))


async def test_request_that_ends_after_midnight_takes_nothing_from_the_new_day() -> None:
    it = Picture(catalogue())
    it.clock.set_wall(micros("2026-11-24T23:59:59Z"))
    flight = await it.begin()
    it.clock.advance_ms(1_000)
    assert (await it.row()).budget.held_nano == 0
    await it.end(flight)
    budget = (await it.row()).budget
    assert (budget.held_nano, budget.spent_nano) == (0, 0)


async def test_request_that_arrived_before_midnight_and_went_after_it_leaves_nothing_held() -> None:
    it = Picture(catalogue())
    it.clock.set_wall(micros("2026-11-25T00:00:00Z"))
    flight = await it.begin(at_us=micros("2026-11-24T23:59:59Z"))
    await it.end(flight)
    assert (await it.row()).budget.held_nano == 0


async def test_day_starts_from_what_the_ledger_knows() -> None:
    it = Picture(catalogue())
    await it.limiter.restore_spent({f"{ANALYTICS}:budget": {"2026-11-24": 5_000}})
    it.live.seed([], [event(1)])
    await it.end(await it.begin(), cost_nano_usd=10)
    snapshot = await it.live.snapshot()
    assert snapshot.projects[0].budget.spent_nano == 5_010
    assert snapshot.events == (event(1),)


async def test_spend_rates_go_on_where_the_last_process_left_them() -> None:
    it = Picture(catalogue())
    minute_us = 60_000_000
    now_us = it.clock.wall_us()
    told = [(now_us - ago * minute_us, "analytics", nano) for ago, nano in ((50, 7), (5, 100))]
    it.live.seed([*told, (now_us, "gone-from-the-file", 9)], [])
    assert (await it.row()).flow.spent_10m_nano == 100
    it.clock.advance_ms(11 * 60_000)
    assert (await it.row()).flow.spent_10m_nano == 0


async def test_newest_events_stand_first_and_old_ones_leave() -> None:
    it = Picture(catalogue())
    for number in range(EVENTS_SHOWN + 5):
        it.live.happened(event(number))
    shown = (await it.live.snapshot()).events
    newest = range(EVENTS_SHOWN + 4, 4, -1)
    assert [one.id for one in shown] == [f"evt_{number}" for number in newest]


async def test_refusals_are_shown_where_they_bind() -> None:
    it = Picture(catalogue())
    it.live.refused("analytics", "opus", Cause.RPM, ANALYTICS)
    it.live.refused("analytics", "flash", Cause.TARGET_RPM, Subject.target(FLASH))
    it.live.refused("analytics", "flash", Cause.TARGET_RPM, Subject.target(FLASH))
    snapshot = await it.live.snapshot()
    assert snapshot.projects[0].flow.refused_60s == 3
    assert [target.flow.refused_60s for target in snapshot.targets] == [0, 2]


async def test_commands_in_force_stand_on_their_rows() -> None:
    it = Picture(catalogue())
    still = await it.row("search")
    it.command(
        entry(1, ANALYTICS, Field.RPM, 120, until_us=NOON_US + HOUR_US),
        entry(2, ANALYTICS, Field.PAUSED, True),
        entry(3, Subject.model("opus"), Field.TARGET, FLASH),
        entry(4, Subject.target(OPUS), Field.TPM, 9_000),
    )
    snapshot = await it.live.snapshot()
    row, route, target = snapshot.projects[0], snapshot.routes[0], snapshot.targets[0]
    assert row.paused
    assert row.version == 2
    rpm = limit_on(row, Field.RPM)
    assert rpm is not None
    assert rpm.level is not None
    assert (rpm.limit, rpm.level.capacity) == (120, 20 * MICRO)
    assert row.changes[0] == Change(
        "cmd_1", "rpm", 120, 60, Layer.OVERRIDE, NOON_US + HOUR_US, "mika", "orders import"
    )
    assert [(change.field, change.value) for change in row.changes[1:]] == [("paused", True)]
    assert (route.id, route.serving, route.paused) == ("opus", FLASH, False)
    assert limit_on(target, Field.TPM) == LimitReading(
        "tpm", 9_000, 0, level=Level(9_000 * MICRO, 9_000 * MICRO, 0)
    )
    assert await it.row("search") == still


async def test_other_work_gets_its_turn_between_slices_of_rows() -> None:
    of = catalogue()
    many = {
        f"p{number}": Project(f"p{number}", "P", limits={Field.RPM: 60}) for number in range(200)
    }
    it = Picture(replace(of, projects={**of.projects, **many}))
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.ensure_future(other())
    snapshot = await it.live.snapshot()
    task.cancel()
    assert len(snapshot.projects) == 202
    assert turns >= 9


async def test_instants_of_a_picture_are_its_clocks() -> None:
    it = Picture(catalogue())
    snapshot = await it.live.snapshot()
    assert snapshot.now_ms == it.clock.monotonic_ns() // 1_000_000
    assert snapshot.at_us == NOON_US
    assert snapshot.vitals == VITALS


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
