"""Admission of one request: what it will likely use, what it may cost at most, and may it go."""

from collections.abc import Sequence
from dataclasses import dataclass

from quotadeck.admission.days import BudgetDays
from quotadeck.admission.estimator import LEAST_TOKENS_PER_BYTE, Estimator
from quotadeck.admission.planned import PlannedLimit, ProjectPlan, TargetPlan, takes_of
from quotadeck.admission.size import Asked, Size
from quotadeck.domain.limits import MICRO, BudgetLimit, RateLimit, Take
from quotadeck.domain.money import bound_nano
from quotadeck.domain.refusals import (
    BudgetSpent,
    InputTooLong,
    LimitReached,
    OutputTooLong,
    OverWholeBudget,
    RateLevel,
    Refusal,
)
from quotadeck.domain.rules import Measure
from quotadeck.limiter import DayUnknown, Limiter, Refused


@dataclass(frozen=True, slots=True)
class Ticket:
    """An admitted request's size, and what it took."""

    size: Size
    takes: tuple[Take, ...]
    budget_day: str
    shadowed: str
    ttl_ms: int


def size_of(request: Asked, project: ProjectPlan, target: TargetPlan, estimator: Estimator) -> Size:
    """Raises InputTooLong, OutputTooLong or OverWholeBudget for what no wait would help."""
    facts = target.target
    least = int(request.text_bytes * LEAST_TOKENS_PER_BYTE)
    if facts.max_input_tokens is not None and least > facts.max_input_tokens:
        raise InputTooLong(request.model, least, facts.max_input_tokens)
    if (
        request.max_tokens is not None
        and facts.max_output_tokens is not None
        and request.max_tokens > facts.max_output_tokens
    ):
        raise OutputTooLong(request.model, request.max_tokens, facts.max_output_tokens)
    usual = estimator.output_tokens(project.project.id, request.model)
    if facts.max_output_tokens is not None:
        usual = min(usual, facts.max_output_tokens)
    most = request.max_tokens if request.max_tokens is not None else usual
    guessed = request.max_tokens is None or request.media > 0 or request.costs_more
    bound = bound_nano(facts.price, request.input_bound, most * request.choices)
    budget = project.budget
    if budget.value is not None and bound > budget.value and not budget.shadow:
        raise OverWholeBudget(project.project.id, bound, budget.value, guessed)
    return Size(
        estimator.input_tokens(facts.id, request.text_bytes) + request.media_tokens,
        min(most, usual) * request.choices,
        bound,
        guessed,
    )


async def admit(
    limiter: Limiter,
    days: BudgetDays,
    reservation: str,
    size: Size,
    project: ProjectPlan,
    target: TargetPlan,
    *,
    now_us: int,
    ttl_ms: int,
) -> Ticket:
    """Take from every bucket that applies.

    Raises LimitReached or BudgetSpent, and LedgerUnavailable where what was spent on this day
    stands in the ledger alone and that cannot be read.
    """
    budget = days.limit(project, now_us)
    limits = project.limits + target.limits
    takes = list(takes_of(limits, size, budget))
    priority = project.project.priority
    try:
        answer = await limiter.acquire(reservation, takes, priority, ttl_ms)
    except DayUnknown as unknown:
        await days.learn(project.project.id, unknown.day)
        answer = await limiter.acquire(reservation, takes, priority, ttl_ms)
    if isinstance(answer, Refused):
        refusal = _refusal(answer, limits, takes, project)
        refusal.gates = answer.gates
        refusal.estimated_tokens = size.input_tokens, size.output_tokens
        refusal.most_nano = size.bound_nano
        refusal.rates = await rate_levels(limiter, project)
        raise refusal
    taken = tuple(take for take in takes if take.key != answer.shadowed)
    return Ticket(size, taken, budget.day, answer.shadowed, ttl_ms)


async def rate_levels(limiter: Limiter, project: ProjectPlan) -> tuple[RateLevel, ...]:
    """What is left of the project's own rates now."""
    rates = [each for each in project.limits if each.rule.measure is Measure.RATE]
    states = await limiter.levels([each.key for each in rates])
    found: list[RateLevel] = []
    for each in rates:
        limit, state = each.limit, states.get(each.key)
        assert isinstance(limit, RateLimit)
        level = state.level if state else limit.capacity
        found.append(RateLevel(each.rule.kind, limit, level))
    return tuple(found)


def _refusal(
    refused: Refused,
    limits: Sequence[PlannedLimit],
    takes: Sequence[Take],
    project: ProjectPlan,
) -> Refusal:
    at = next(at for at, take in enumerate(takes) if take.key == refused.binding)
    each, take = limits[at], takes[at]
    if isinstance(take.limit, BudgetLimit):
        return BudgetSpent(
            project.project.id,
            take.limit.nano_usd,
            refused.gates[0].level,
            take.amount,
            take.limit.ends_at_us,
            take.limit.day,
            refused.binding,
            refused.wait_ms,
            each.cause,
        )
    assert each.value is not None
    asked = max(1, take.amount // MICRO) if isinstance(take.limit, RateLimit) else take.amount
    return LimitReached(
        refused.binding, each.value, each.rule.kind, asked, refused.wait_ms, each.cause
    )
