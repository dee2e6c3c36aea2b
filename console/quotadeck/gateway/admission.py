"""Admission of one request: what it will likely use, what it may cost at most, and may it go.

Rates are asked for the likely size, money for the upper bound: the rate buckets heal by
themselves, money does not.
"""

from dataclasses import dataclass

from quotadeck.admission.estimator import LEAST_TOKENS_PER_BYTE, Estimator
from quotadeck.dialects.openai.request import ChatRequest
from quotadeck.domain.bucket import refill
from quotadeck.domain.calls import Cause
from quotadeck.domain.limits import MICRO, BudgetLimit, Kind, RateLimit, Take, bucket_of
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
from quotadeck.gateway.budget_days import BudgetDays
from quotadeck.gateway.plan import ProjectPlan, TargetPlan
from quotadeck.limiter import DayUnknown, Limiter, Refused


@dataclass(frozen=True, slots=True)
class Size:
    """What a request will likely use (tokens), and what it may cost at most (nano-dollars)."""

    input_tokens: int
    output_tokens: int
    bound_nano: int
    bound_is_estimate: bool

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class Ticket:
    """An admitted request's size, and what it took."""

    size: Size
    takes: tuple[Take, ...]
    budget_day: str
    shadowed: str
    ttl_ms: int


def size_of(
    request: ChatRequest, project: ProjectPlan, target: TargetPlan, estimator: Estimator
) -> Size:
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
    if (
        project.budget_nano is not None
        and bound > project.budget_nano
        and Kind.BUDGET not in project.project.shadow
    ):
        raise OverWholeBudget(project.project.id, bound, project.budget_nano, guessed)
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
    now_ns: int,
    ttl_ms: int,
) -> Ticket:
    """Take from every bucket that applies.

    Raises LimitReached or BudgetSpent, and LedgerUnavailable where what was spent on this day
    stands in the ledger alone and that cannot be read.
    """
    tokens = size.tokens * MICRO
    budget = days.limit(project, now_us)
    shadow = project.project.shadow
    takes: list[Take] = []
    if project.one_request:
        takes.append(project.one_request)
    if project.tokens:
        takes.append(Take(project.tpm_key, tokens, project.tokens, False, Kind.TPM in shadow))
    if project.one_slot:
        takes.append(project.one_slot)
    takes.append(Take(project.budget_key, size.bound_nano, budget, False, Kind.BUDGET in shadow))
    if target.one_request:
        takes.append(target.one_request)
    if target.tokens:
        takes.append(Take(target.tpm_key, tokens, target.tokens, True))
    priority = project.project.priority
    try:
        answer = await limiter.acquire(reservation, takes, priority, ttl_ms)
    except DayUnknown as unknown:
        await days.learn(project.project.id, unknown.day)
        answer = await limiter.acquire(reservation, takes, priority, ttl_ms)
    if isinstance(answer, Refused):
        refusal = await _refusal(limiter, answer, takes, project)
        refusal.rates = await rate_levels(limiter, project, now_ns)
        raise refusal
    taken = tuple(take for take in takes if take.key != answer.shadowed)
    return Ticket(size, taken, budget.day, answer.shadowed, ttl_ms)


async def rate_levels(limiter: Limiter, project: ProjectPlan, now_ns: int) -> tuple[RateLevel, ...]:
    """What is left of the project's own rates at ``now_ns``."""
    rates = (
        (Kind.RPM, project.rpm_key, project.requests),
        (Kind.TPM, project.tpm_key, project.tokens),
    )
    states = await limiter.levels([key for _, key, limit in rates if limit])
    found: list[RateLevel] = []
    for kind, key, limit in rates:
        if limit:
            state = states.get(key)
            level = limit.capacity
            if state:
                level = refill(state.level, state.at_ns, limit, now_ns)[0]
            found.append(RateLevel(kind, limit, level))
    return tuple(found)


async def _refusal(
    limiter: Limiter, refused: Refused, takes: list[Take], project: ProjectPlan
) -> Refusal:
    take = next(take for take in takes if take.key == refused.binding)
    if isinstance(take.limit, BudgetLimit):
        states = await limiter.levels([take.key])
        left = states[take.key].level if take.key in states else take.limit.nano_usd
        return BudgetSpent(
            project.project.id,
            take.limit.nano_usd,
            left,
            take.amount,
            take.limit.ends_at_us,
            refused.wait_ms,
            refused.binding,
        )
    kind = Kind(bucket_of(refused.binding)[1])
    causes = {Kind.CONCURRENCY: Cause.CONCURRENCY, Kind.RPM: Cause.RPM, Kind.TPM: Cause.TPM}
    shared = {Cause.RPM: Cause.TARGET_RPM, Cause.TPM: Cause.TARGET_TPM}
    cause = causes[kind]
    if isinstance(take.limit, RateLimit):
        limit, asked = take.limit.per_minute, max(1, take.amount // MICRO)
    else:
        limit, asked = take.limit.slots, take.amount
    return LimitReached(
        refused.binding,
        limit,
        str(kind),
        asked,
        refused.wait_ms,
        shared[cause] if take.shared else cause,
    )
