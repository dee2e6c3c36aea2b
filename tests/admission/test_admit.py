"""Admission: all buckets or none, money by its bound, and a refusal that names what binds."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quotadeck.admission.admit import (
    Ticket,
    admit,
    size_of,
)
from quotadeck.admission.days import NO_BUDGET_NANO, BudgetDays
from quotadeck.admission.estimator import Estimator
from quotadeck.admission.prepared import prepare
from quotadeck.admission.size import Size
from quotadeck.dialects.base import Ask
from quotadeck.domain.catalogue import Catalogue
from quotadeck.domain.cause import Cause
from quotadeck.domain.commands import Entry, Field
from quotadeck.domain.days import micros
from quotadeck.domain.limits import MICRO, BudgetLimit
from quotadeck.domain.money import NANO_PER_USD
from quotadeck.domain.price import UNKNOWN_PRICE, cost_nano
from quotadeck.domain.refusals import (
    BudgetSpent,
    InputTooLong,
    LimitReached,
    OutputTooLong,
    OverWholeBudget,
    PriceUnknown,
    Refusal,
)
from quotadeck.domain.rules import LimitKind
from quotadeck.domain.subject import Subject
from quotadeck.domain.usage import Usage
from quotadeck.limiter import MemoryLimiter
from tests.clocks import HandClock
from tests.gateway.values import NOON_US, OPUS, PRICE, catalogue, entry, plan, request

ANALYTICS = Subject.project("analytics")
BIG: dict[str, Any] = {"rpm": 100_000, "tpm": 100_000_000}
TTL_MS = 90_000


async def nothing_spent(days: Mapping[str, str]) -> Mapping[str, int]:
    return dict.fromkeys(days, 0)


@dataclass
class Gate:
    """An admission with its own field, limiter and clock."""

    of: Catalogue
    clock: HandClock = field(default_factory=lambda: HandClock(NOON_US))
    estimator: Estimator = field(default_factory=Estimator)
    commands: tuple[Entry, ...] = ()
    asked: int = 0

    def __post_init__(self) -> None:
        self.limiter = MemoryLimiter(self.clock)
        self.days = BudgetDays(self.limiter, nothing_spent)

    def size(self, asked: Ask, project: str = "analytics") -> Size:
        now = plan(self.of, *self.commands, now_us=self.clock.wall_us())
        return size_of(asked, prepare(now.projects[project], now.targets[OPUS]), self.estimator)

    async def admit(self, asked: Ask | None = None, project: str = "analytics") -> Ticket:
        asked = asked or request(max_tokens=10)
        now = plan(self.of, *self.commands, now_us=self.clock.wall_us())
        self.asked += 1
        prepared = prepare(now.projects[project], now.targets[OPUS])
        return await admit(
            self.limiter,
            self.days,
            prepared,
            f"req_{self.asked}",
            size_of(asked, prepared, self.estimator),
            now_us=self.clock.wall_us(),
            ttl_ms=TTL_MS,
        )

    async def refusal(self, asked: Ask | None = None) -> Refusal:
        with pytest.raises(Refusal) as refused:
            await self.admit(asked)
        return refused.value

    async def left_nano(self, project: str = "analytics") -> int:
        key = f"project:{project}:budget"
        return (await self.limiter.levels([key]))[key].level


def gate(*, target: dict[str, Any] | None = None, **analytics: Any) -> Gate:
    return Gate(catalogue(target=target, **analytics))


@given(
    text=st.text(max_size=200),
    max_tokens=st.integers(1, 2_000),
    n=st.integers(1, 5),
    used=st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)),
)
def test_no_usage_within_what_was_asked_costs_more_than_the_bound(
    text: str, max_tokens: int, n: int, used: tuple[float, float, float]
) -> None:
    asked = request(text, max_tokens=max_tokens, n=n)
    size = gate().size(asked)
    prompt = int(used[0] * asked.input_bound)
    cached = int(used[1] * prompt)
    output = int(used[2] * max_tokens * n)
    assert cost_nano(PRICE, Usage(prompt, cached, output)) <= size.bound_nano
    assert not size.bound_is_estimate


def test_rates_are_asked_for_the_likely_size_and_money_for_the_worst() -> None:
    asked = request(max_tokens=2_000, n=2)
    size = gate().size(asked)
    assert size.output_tokens == 2 * 256
    assert size.input_tokens == round(asked.text_bytes / 3.5)
    assert size.bound_nano == asked.input_bound * 2_000 + 2 * 2_000 * 8_000


def test_bound_without_max_tokens_is_an_estimate_and_says_so() -> None:
    it = gate()
    asked = request(n=2)
    assert it.size(asked).bound_is_estimate
    assert it.size(asked).bound_nano == asked.input_bound * 2_000 + 2 * 256 * 8_000


def test_bound_with_media_is_an_estimate_and_says_so() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://example.org/cat.png"}}
    asked = request(max_tokens=10, messages=[{"role": "user", "content": [image]}])
    assert gate().size(asked).bound_is_estimate


def test_bound_of_what_costs_more_than_its_tokens_is_an_estimate() -> None:
    asked: dict[str, Any] = {"web_search_options": {"search_context_size": "low"}}
    assert gate().size(request(max_tokens=10, **asked)).bound_is_estimate
    assert not gate().size(request(max_tokens=10, service_tier="default")).bound_is_estimate


def test_what_nobody_knows_the_price_of_is_refused_by_name_where_a_budget_is() -> None:
    with pytest.raises(PriceUnknown) as tier:
        gate().size(request(max_tokens=10, service_tier="priority"))
    assert (tier.value.target, tier.value.tier) == (OPUS, "priority")
    unpriced = gate(target={"price": UNKNOWN_PRICE})
    with pytest.raises(PriceUnknown) as refused:
        unpriced.size(request(max_tokens=10))
    assert (refused.value.project, refused.value.tier) == ("analytics", "")
    free = gate(target={"price": UNKNOWN_PRICE}, daily_budget_usd=None)
    assert free.size(request(max_tokens=10)).bound_nano == 0


def test_usual_output_is_never_more_than_the_model_gives() -> None:
    it = gate(target={"max_output_tokens": 100})
    assert it.size(request()).output_tokens == 100


def test_input_that_cannot_fit_is_refused_for_good_and_what_might_is_not() -> None:
    it = gate(**BIG, daily_budget_usd=None)
    overhead = request("").text_bytes
    assert it.size(request("x" * (80_000 - overhead))).input_tokens > 10_000
    with pytest.raises(InputTooLong) as refusal:
        it.size(request("x" * (80_008 - overhead)))
    assert (refusal.value.least_tokens, refusal.value.limit_tokens) == (10_001, 10_000)
    assert refusal.value.cause is Cause.NEVER_FITS


def test_output_beyond_the_model_is_refused_for_good() -> None:
    assert gate().size(request(max_tokens=2_000)).bound_nano
    with pytest.raises(OutputTooLong):
        gate().size(request(max_tokens=2_001))


def test_request_that_no_whole_day_could_pay_is_refused_for_good() -> None:
    bound = gate().size(request(max_tokens=100)).bound_nano
    assert gate(daily_budget_usd=bound).size(request(max_tokens=100)).bound_nano == bound
    with pytest.raises(OverWholeBudget) as refusal:
        gate(daily_budget_usd=bound - 1).size(request(max_tokens=100))
    assert refusal.value.bound_nano == bound


async def test_shadow_budget_refuses_nothing_not_even_what_it_could_never_pay() -> None:
    it = gate(daily_budget_usd=1, shadow=frozenset({LimitKind.BUDGET}))
    ticket = await it.admit()
    assert ticket.shadowed == f"{ANALYTICS}:budget"
    assert f"{ANALYTICS}:budget" not in {take.key for take in ticket.takes}


async def test_ticket_lists_what_was_taken_of_every_bucket() -> None:
    it = gate(target={"rpm": 50, "tpm": 200_000}, concurrency=4)
    ticket = await it.admit()
    tokens = ticket.size.tokens * MICRO
    assert {take.key: take.amount for take in ticket.takes} == {
        f"{ANALYTICS}:rpm": MICRO,
        f"{ANALYTICS}:tpm": tokens,
        f"{ANALYTICS}:concurrency": 1,
        f"{ANALYTICS}:budget": ticket.size.bound_nano,
        f"target:{OPUS}:rpm": MICRO,
        f"target:{OPUS}:tpm": tokens,
    }
    assert (ticket.budget_day, ticket.shadowed, ticket.ttl_ms) == ("2026-11-24", "", TTL_MS)
    states = await it.limiter.levels([take.key for take in ticket.takes])
    for take in ticket.takes:
        full = getattr(take.limit, "capacity", 0) or getattr(take.limit, "slots", 0)
        assert states[take.key].level == (full or NANO_PER_USD) - take.amount


async def test_project_without_limits_is_measured_in_money_all_the_same() -> None:
    ticket = await gate().admit(project="search")
    (take,) = ticket.takes
    assert take.key == "project:search:budget"
    assert take.limit == BudgetLimit(
        NO_BUDGET_NANO, "2026-11-24", micros("2026-11-25T00:00Z"), micros("2026-11-24T00:00Z")
    )


async def test_budget_set_later_in_the_day_knows_what_was_spent_before() -> None:
    it = gate(daily_budget_usd=None)
    ticket = await it.admit()
    await it.limiter.settle("req_1", {f"{ANALYTICS}:budget": 700_000})
    bound = ticket.size.bound_nano
    it.commands = (entry(1, ANALYTICS, Field.BUDGET, 700_000 + bound - 1),)
    refusal = await it.refusal()
    assert isinstance(refusal, BudgetSpent)
    assert refusal.left_nano == bound - 1
    it.commands = (entry(1, ANALYTICS, Field.BUDGET, 700_000 + bound),)
    await it.admit()


async def test_budget_is_given_out_to_the_nano_dollar_and_not_one_more() -> None:
    bound = gate().size(request(max_tokens=10)).bound_nano
    it = gate(**BIG, daily_budget_usd=3 * bound)
    for _ in range(3):
        await it.admit()
    assert await it.left_nano() == 0
    refusal = await it.refusal()
    assert isinstance(refusal, BudgetSpent)
    assert refusal.binding == f"{ANALYTICS}:budget"
    assert (refusal.budget_nano, refusal.left_nano, refusal.bound_nano) == (3 * bound, 0, bound)
    assert (refusal.day, refusal.resets_us) == ("2026-11-24", micros("2026-11-25T00:00Z"))
    assert refusal.wait_ms == 12 * 3_600_000


async def test_request_beyond_max_tokens_pays_what_it_used_and_the_budget_knows() -> None:
    it = gate(daily_budget_usd=NANO_PER_USD)
    await it.admit()
    await it.limiter.settle("req_1", {f"{ANALYTICS}:budget": 2 * NANO_PER_USD})
    assert await it.left_nano() == -NANO_PER_USD
    refusal = await it.refusal()
    assert isinstance(refusal, BudgetSpent)
    assert refusal.left_nano == -NANO_PER_USD


@pytest.mark.parametrize(
    ("limits", "binding", "cause", "limit", "wait_ms"),
    [
        ({"rpm": 6}, f"{ANALYTICS}:rpm", Cause.RPM, 6, 10_000),
        ({"concurrency": 1}, f"{ANALYTICS}:concurrency", Cause.CONCURRENCY, 1, None),
        ({"target": {"rpm": 6}}, f"target:{OPUS}:rpm", Cause.TARGET_RPM, 6, 10_000),
    ],
)
async def test_refusal_names_the_bucket_that_binds_and_the_exact_wait(
    limits: dict[str, Any], binding: str, cause: Cause, limit: int, wait_ms: int | None
) -> None:
    it = gate(**{**BIG, **limits})
    await it.admit()
    refusal = await it.refusal()
    assert isinstance(refusal, LimitReached)
    assert (refusal.binding, refusal.cause, refusal.limit) == (binding, cause, limit)
    assert (refusal.wait_ms, refusal.asked) == (wait_ms, 1)
    assert [(gate.bucket, gate.limit) for gate in refusal.gates] == [(binding, limit)]
    size = it.size(request(max_tokens=10))
    assert refusal.estimated_tokens == (size.input_tokens, size.output_tokens)
    assert refusal.most_nano == size.bound_nano


async def test_tokens_refuse_for_the_amount_that_was_asked() -> None:
    it = gate(**{**BIG, "tpm": 300})
    first = await it.admit()
    refusal = await it.refusal(request("x" * 900, max_tokens=10))
    asked = it.size(request("x" * 900, max_tokens=10)).tokens
    assert isinstance(refusal, LimitReached)
    assert (refusal.binding, refusal.cause) == (f"{ANALYTICS}:tpm", Cause.TPM)
    assert (refusal.unit, refusal.asked) == ("tpm", asked)
    assert refusal.wait_ms == (asked - (300 - first.size.tokens)) * 200
    it.clock.advance_ms(refusal.wait_ms - 1)
    await it.refusal(request("x" * 900, max_tokens=10))
    it.clock.advance_ms(1)
    await it.admit(request("x" * 900, max_tokens=10))


async def test_request_larger_than_a_minute_is_slow_but_not_impossible() -> None:
    it = gate(**{**BIG, "tpm": 300})
    large = request("x" * 9_000, max_tokens=10)
    await it.admit(large)
    refusal = await it.refusal()
    assert isinstance(refusal, LimitReached)
    assert refusal.wait_ms is not None
    assert refusal.wait_ms > 60_000


async def test_refused_request_took_nothing_anywhere() -> None:
    it = gate(**{**BIG, "concurrency": 1}, target={"rpm": 50, "tpm": 200_000})
    ticket = await it.admit()
    keys = [take.key for take in ticket.takes]
    before = await it.limiter.levels(keys)
    await it.refusal()
    assert {key: s.level for key, s in (await it.limiter.levels(keys)).items()} == {
        key: state.level for key, state in before.items()
    }


async def test_shadow_limit_is_named_and_not_taken() -> None:
    it = gate(**{**BIG, "rpm": 6}, shadow=frozenset({LimitKind.RPM}))
    assert (await it.admit()).shadowed == ""
    ticket = await it.admit()
    assert ticket.shadowed == f"{ANALYTICS}:rpm"
    assert f"{ANALYTICS}:rpm" not in {take.key for take in ticket.takes}


async def test_sixty_four_at_once_never_pass_the_limit() -> None:
    it = gate(**{**BIG, "rpm": 60})
    answers = await asyncio.gather(*(it.admit() for _ in range(64)), return_exceptions=True)
    assert sum(isinstance(answer, Ticket) for answer in answers) == 10
    assert all(isinstance(answer, Ticket | LimitReached) for answer in answers)


async def test_new_day_brings_new_money_while_yesterdays_calls_pay_with_yesterdays() -> None:
    it = gate(**BIG, zone="Europe/Berlin")
    it.clock.set_wall(micros("2026-11-24T22:59:59Z"))
    late = await it.admit()
    it.clock.advance_ms(1_000)
    early = await it.admit()
    assert (late.budget_day, early.budget_day) == ("2026-11-24", "2026-11-25")
    assert await it.left_nano() == NANO_PER_USD - early.size.bound_nano
    await it.limiter.settle("req_1", {f"{ANALYTICS}:budget": 5})
    assert await it.left_nano() == NANO_PER_USD - early.size.bound_nano
