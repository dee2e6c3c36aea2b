"""Alarms: each thing is told once, and again only when it is new."""

from dataclasses import replace

import pytest

from quotadeck.domain.calls import Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.money import NANO_PER_USD
from quotadeck.domain.refusals import BudgetSpent, LimitReached, Refusal
from quotadeck.domain.snapshot import Event
from quotadeck.gateway.data.arrival import Arrival
from quotadeck.gateway.data.keys import Caller
from quotadeck.gateway.data.observers import RefusedRequest
from quotadeck.gateway.watch.budget_alarm import BudgetAlarm
from quotadeck.gateway.watch.upstream_alarm import UpstreamAlarm
from quotadeck.words import say
from tests.clocks import HandClock
from tests.gateway.values import NOON_US, OPUS, call, catalogue, plan

TODAY, TOMORROW = "2026-11-24", "2026-11-25"


class Told:
    """Alarms, and what they told; analytics and search have a dollar a day."""

    def __init__(self, budget: int | None = NANO_PER_USD) -> None:
        self.clock = HandClock(NOON_US)
        self.events: list[Event] = []
        of = catalogue(daily_budget_usd=budget)
        search = replace(of.projects["search"], limits=of.projects["analytics"].limits)
        self.plan = plan(replace(of, projects={**of.projects, "search": search}))
        self.nano = 0
        self.budgets = BudgetAlarm(
            lambda: self.plan, lambda _budget, _day: self.nano, self.clock, self.events.append
        )
        self.upstreams = UpstreamAlarm(self.clock, self.events.append)

    def spent(self, percent: float, day: str = TODAY, project: str = "analytics") -> None:
        self.nano = round(NANO_PER_USD * percent / 100)
        self.budgets.ended(call(project=project, day=day))

    def refused(self, refusal: Refusal) -> None:
        arrival = Arrival("req_1", NOON_US, self.clock.monotonic_ns())
        caller = Caller("k_prod", "analytics")
        self.budgets.refused(RefusedRequest(arrival, caller, None, refusal, 429, self.plan))

    def ended(self, cause: Cause, name: str = "req_1", target: str = OPUS) -> None:
        ended = call(id=name, outcome=Outcome.UPSTREAM_ERROR, cause=cause, target=target)
        self.upstreams.ended(ended)

    @property
    def texts(self) -> list[str]:
        return [say(event.told) for event in self.events]


def test_each_step_of_a_budget_is_told_once_a_day() -> None:
    told = Told()
    for percent in (10, 79.99, 80, 85, 89.9, 90, 95, 100, 130, 130):
        told.spent(percent)
    assert told.texts == [f"analytics: {n}% of the day's budget is spent" for n in (80, 90, 100)]
    told.spent(85, TOMORROW)
    assert len(told.texts) == 4


def test_step_that_was_jumped_over_is_not_told_afterwards() -> None:
    told = Told()
    told.spent(95)
    told.spent(96)
    assert told.texts == ["analytics: 90% of the day's budget is spent"]


def test_budget_that_was_raised_does_not_tell_its_steps_twice() -> None:
    told = Told()
    told.spent(100)
    told.spent(50)
    told.spent(82)
    assert len(told.texts) == 1


def test_money_that_no_longer_suffices_is_told_once_a_day() -> None:
    told = Told()
    for day in (TODAY, TODAY, TOMORROW):
        told.refused(BudgetSpent("analytics", 9, 1, 2, NOON_US, day, "project:analytics:budget", 1))
        told.refused(LimitReached("project:analytics:rpm", 60, "rpm", 1, 1_500, Cause.RPM))
    words = "analytics: what is left of the day's budget no longer covers its requests"
    assert told.texts == [words, words]
    assert len({event.id for event in told.events}) == 2


def test_projects_are_told_apart() -> None:
    told = Told()
    told.spent(80)
    told.spent(80, project="search")
    assert [event.subject for event in told.events] == [
        "project:analytics",
        "project:search",
    ]


@pytest.mark.parametrize("budget", [None, 0])
def test_no_budget_no_alarm(budget: int | None) -> None:
    told = Told(budget)
    told.spent(100_000)
    assert told.events == []


def test_event_of_a_step_has_the_same_id_after_a_restart() -> None:
    before, after = Told(), Told()
    before.spent(80)
    after.spent(80)
    assert before.events[0].id == after.events[0].id
    assert before.events[0].told.kind == "budget.step"
    assert before.events[0].at_us == NOON_US


@pytest.mark.parametrize(
    "cause",
    [
        Cause.UNREACHABLE,
        Cause.UPSTREAM_5XX,
        Cause.UPSTREAM_AUTH,
        Cause.TIMEOUT,
        Cause.BROKEN_REPLY,
        Cause.UPSTREAM_429,
    ],
)
def test_trouble_of_an_upstream_is_told_until_a_minute_of_calm(cause: Cause) -> None:
    told = Told()
    for name in ("req_1", "req_2", "req_3"):
        told.ended(cause, name)
        told.clock.advance_ms(60_000)
    assert len(told.events) == 1
    assert told.events[0].subject == f"target:{OPUS}"
    assert told.texts[0].startswith(OPUS)
    told.clock.advance_ms(1)
    told.ended(cause, "req_4")
    assert [event.id for event in told.events] == [
        "evt_upstream_req_1",
        "evt_upstream_req_4",
    ]


@pytest.mark.parametrize(
    "cause",
    [
        *(Cause.NONE, Cause.UPSTREAM_4XX, Cause.CLIENT_GONE),
        *(Cause.RESTART, Cause.INTERNAL, Cause.RPM),
    ],
)
def test_what_is_not_the_upstreams_fault_raises_no_alarm(cause: Cause) -> None:
    told = Told()
    told.ended(cause)
    assert told.events == []


def test_targets_and_kinds_of_trouble_are_told_apart() -> None:
    told = Told()
    told.ended(Cause.TIMEOUT, "req_1")
    told.ended(Cause.UPSTREAM_5XX, "req_2")
    told.ended(Cause.TIMEOUT, "req_3", target="main/flash")
    assert len(set(told.texts)) == 3
