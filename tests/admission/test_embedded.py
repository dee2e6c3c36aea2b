"""Admission as somebody else's library: a request from its size to what is left, and nothing of a
gateway, a store or a dialect."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import pytest

from quotadeck.admission.admit import Ticket, admit, move, size_of
from quotadeck.admission.days import BudgetDays
from quotadeck.admission.estimator import Estimator
from quotadeck.admission.planned import PlannedLimit, ProjectPlan, TargetPlan, planned
from quotadeck.admission.prepared import Prepared, prepare, rates_of
from quotadeck.admission.size import Size
from quotadeck.domain.catalogue import Project, Target, Upstream
from quotadeck.domain.commands import Field
from quotadeck.domain.limits import MICRO, Priority, RateLimit
from quotadeck.domain.money import NANO_PER_USD
from quotadeck.domain.price import Price, cost_nano
from quotadeck.domain.refusals import BudgetSpent, LimitReached, RateLevel
from quotadeck.domain.rules import LimitKind, Used, Windows, rules_of
from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.domain.usage import Usage
from quotadeck.limiter import Admitted, MemoryLimiter
from tests.clocks import HandClock

PRICE = Price(2_000_000, 8_000_000, 500_000, 2_000_000, "v1")
TTL_MS = 60_000


class Beyond(NamedTuple):
    """It chooses nothing."""

    chooses: tuple[tuple[str, str], ...] = ()


class Asked(NamedTuple):
    """A request in no dialect."""

    model: str = "m"
    max_tokens: int | None = 10
    choices: int = 1
    text_bytes: int = 350
    media: int = 0
    media_tokens: int = 0
    input_bound: int = 400
    costs_more: bool = False
    reserve_nano: int = 0
    beyond: Beyond = Beyond()


def _planned(subject: Subject, limits: Mapping[Field, int]) -> tuple[PlannedLimit, ...]:
    rules = rules_of(subject.kind)
    return planned(subject, [(rule, limits.get(rule.field)) for rule in rules], Windows())


def project(budget_nano: int = NANO_PER_USD) -> ProjectPlan:
    limits = {
        Field.RPM: 60,
        Field.TPM: 60_000,
        Field.CONCURRENCY: 4,
        Field.BUDGET: budget_nano,
    }
    found = _planned(Subject.project("a"), limits)
    facts = Project("a", "A", Priority.MEDIUM, "UTC", limits)
    return ProjectPlan(facts, 0, None, found, found[-1], ())


def target(upstream: str, **changed: int) -> TargetPlan:
    limits = {Field.RPM: 60, Field.TPM: 120_000} | {Field(k): v for k, v in changed.items()}
    name = f"{upstream}/m"
    facts = Target(name, upstream, "m", PRICE, limits)
    found = _planned(Subject(SubjectKind.TARGET, name), limits)
    return TargetPlan(facts, Upstream(upstream, "http://localhost", "key"), 0, found, ())


async def nothing_spent(days: Mapping[str, str]) -> Mapping[str, int]:
    return dict.fromkeys(days, 0)


@dataclass
class Client:
    """All that an embedding client holds."""

    clock: HandClock = field(default_factory=HandClock)
    estimator: Estimator = field(default_factory=Estimator)
    asked: int = 0

    def __post_init__(self) -> None:
        self.limiter = MemoryLimiter(self.clock)
        self.days = BudgetDays(self.limiter, nothing_spent)

    def size(self, prepared: Prepared) -> Size:
        return size_of(Asked(), prepared, self.estimator)

    async def admit(self, prepared: Prepared) -> Ticket:
        self.asked += 1
        return await admit(
            self.limiter,
            self.days,
            prepared,
            f"req_{self.asked}",
            self.size(prepared),
            now_us=self.clock.wall_us(),
            ttl_ms=TTL_MS,
        )

    async def move(self, ticket: Ticket, old: Prepared, new: Prepared, used: Used) -> Ticket | None:
        return await move(
            self.limiter,
            new,
            f"req_{self.asked}",
            ticket,
            self.size(new),
            old.given_up(used),
            ttl_ms=TTL_MS,
        )

    async def held(self) -> dict[str, int]:
        keys = await self.limiter.touched("all")
        return {key: s.held for key, s in (await self.limiter.levels(list(keys))).items() if s.held}


def _rates(requests: int, tokens: int) -> tuple[RateLevel, ...]:
    return (
        RateLevel(LimitKind.RPM, RateLimit(60, 10), requests * MICRO),
        RateLevel(LimitKind.TPM, RateLimit(60_000, 60), tokens * MICRO),
    )


async def test_a_request_from_its_size_to_what_is_left() -> None:
    it, to = Client(), prepare(project(), target("main"))
    ticket = await it.admit(to)
    assert ticket.rates == _rates(9, 60_000 - ticket.size.tokens)
    used = Used(100, 7, cost_nano(PRICE, Usage(100, 0, 7)))
    left = await it.limiter.settle("req_1", to.charged(used))
    assert left is not None
    assert rates_of(to, left) == _rates(9, 60_000 - 107)
    assert left[3] == NANO_PER_USD - used.cost_nano
    assert await it.held() == {}


async def test_a_refusal_is_a_fact_with_the_levels_that_refused() -> None:
    it, to = Client(), prepare(project(), target("main", rpm=6))
    await it.admit(to)
    with pytest.raises(LimitReached) as refused:
        await it.admit(to)
    assert (refused.value.binding, refused.value.wait_ms) == ("target:main/m:rpm", 10_000)
    assert refused.value.rates == _rates(9, 60_000 - it.size(to).tokens)


async def test_a_request_moves_to_another_target_and_pays_each_attempt_once() -> None:
    it, of = Client(), project()
    old, new = prepare(of, target("main")), prepare(of, target("other"))
    first = await it.admit(old)
    attempt = Used(100, 0, cost_nano(PRICE, Usage(100, 0, 0)))
    second = await it.move(first, old, new, attempt)
    assert second is not None
    assert [take.key for take in second.takes] == [each.key for each in new.limits]
    assert second.rates == first.rates
    used = Used(100, 7, cost_nano(PRICE, Usage(100, 0, 7)))
    left = await it.limiter.settle("req_1", new.charged(used))
    assert left is not None
    assert left[3] == NANO_PER_USD - attempt.cost_nano - used.cost_nano
    states = await it.limiter.levels(["target:main/m:tpm", "target:other/m:tpm"])
    assert [state.level for state in states.values()] == [119_900 * MICRO, 119_893 * MICRO]
    assert await it.held() == {}
    assert await it.move(second, new, old, attempt) is None, "it has ended"


async def test_a_request_that_may_not_move_stays_as_it_was() -> None:
    it = Client()
    bound = it.size(prepare(project(), target("main"))).bound_nano
    of = project(bound + 10)
    old, new = prepare(of, target("main")), prepare(of, target("other"))
    ticket = await it.admit(old)
    with pytest.raises(BudgetSpent) as refused:
        await it.move(ticket, old, new, Used(1, 0, 11))
    assert refused.value.left_nano == bound - 1
    assert isinstance(await it.limiter.acquire("req_1", [], Priority.LOW, 1), Admitted)
    assert await it.limiter.settle("req_1", old.charged(Used(1, 0, 11))) is not None
    assert await it.held() == {}
