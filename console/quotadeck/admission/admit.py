"""Admission of one request: what it will likely use, what it may cost at most, and may it go."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from quotadeck.admission.days import BudgetDays
from quotadeck.admission.estimator import LEAST_TOKENS_PER_BYTE, Estimator
from quotadeck.admission.planned import PlannedLimit
from quotadeck.admission.prepared import Prepared, rates_of
from quotadeck.admission.size import Asked, Size
from quotadeck.domain.limits import MICRO, BudgetLimit, Priority, RateLimit, Take
from quotadeck.domain.price import bound_nano
from quotadeck.domain.refusals import (
    BudgetSpent,
    InputTooLong,
    LimitReached,
    OutputTooLong,
    OverWholeBudget,
    PriceUnknown,
    RateLevel,
    Refusal,
)
from quotadeck.domain.tiers import NOTHING_CHOSEN, chosen
from quotadeck.limiter import Admitted, DayUnknown, Levels, Limiter, Refused, TurnName

Acquire = Callable[
    [str, Sequence[Take], Priority, int, TurnName | None], Awaitable[Admitted | Refused]
]
"""As `Limiter.acquire`."""


class Ticket(NamedTuple):
    """An admitted request's size, what it took, and the levels that this left."""

    size: Size
    takes: tuple[Take, ...]
    budget: BudgetLimit
    shadowed: str
    ttl_ms: int
    prepared: Prepared
    levels: Levels

    @property
    def budget_day(self) -> str:
        return self.budget.day

    @property
    def rates(self) -> tuple[RateLevel, ...]:
        """What it left of the project's own rates."""
        return rates_of(self.prepared, self.levels)


def size_of(request: Asked, prepared: Prepared, estimator: Estimator) -> Size:
    """Raises InputTooLong, OutputTooLong, PriceUnknown or OverWholeBudget for what no wait would
    help."""
    facts, budget = prepared.target.target, prepared.project.budget
    model, asked, choices = request.model, request.max_tokens, request.choices
    most_input, most_output = facts.max_input_tokens, facts.max_output_tokens
    if most_input is not None:
        least = int(request.text_bytes * LEAST_TOKENS_PER_BYTE)
        if least > most_input:
            raise InputTooLong(model, least, most_input)
    usual = estimator.output_tokens(prepared.name, model)
    if most_output is not None:
        if asked is not None and asked > most_output:
            raise OutputTooLong(model, asked, most_output)
        usual = min(usual, most_output)
    most = usual if asked is None else asked
    guessed = asked is None or request.media > 0 or request.costs_more
    chooses = request.beyond.chooses
    picked = chosen(chooses) if chooses else NOTHING_CHOSEN
    price = facts.price
    unpriced = price.unpriced(picked) if chooses and price.is_known else ""
    guessed = guessed or bool(unpriced)
    limited = budget.value is not None and not budget.shadow
    if limited and (unpriced or not price.is_known):
        raise PriceUnknown(prepared.name, model, facts.id, unpriced)
    bound = bound_nano(price, request.input_bound, most * choices, picked)
    bound += request.reserve_nano
    if budget.value is not None and bound > budget.value and not budget.shadow:
        raise OverWholeBudget(prepared.name, bound, budget.value, guessed)
    return Size(
        estimator.input_tokens(facts.id, request.text_bytes) + request.media_tokens,
        min(most, usual) * choices,
        bound,
        guessed,
    )


async def admit(
    limiter: Limiter,
    days: BudgetDays,
    prepared: Prepared,
    reservation: str,
    size: Size,
    *,
    now_us: int,
    ttl_ms: int,
    turn: TurnName | None = None,
    acquire: Acquire | None = None,
) -> Ticket:
    """Take from every bucket that applies; under the name of a ``turn``, see `Limiter.acquire`.

    ``acquire`` stands in for the limiter's own.

    Raises LimitReached or BudgetSpent, and LedgerUnavailable where what was spent on this day
    stands in the ledger alone and that cannot be read.
    """
    budget = days.limit(prepared.project, now_us)
    takes = prepared.takes_for(size, budget)
    take = acquire or limiter.acquire
    try:
        answer = await take(reservation, takes, prepared.priority, ttl_ms, turn)
    except DayUnknown as unknown:
        await days.learn(prepared.name, unknown.day)
        answer = await take(reservation, takes, prepared.priority, ttl_ms, turn)
    if isinstance(answer, Refused):
        refusal = _refusal(answer, prepared, size, takes)
        refusal.rates = rates_of(prepared, answer.levels)
        raise refusal
    shadowed, levels = answer
    if shadowed:
        takes = [take for take in takes if take.key != shadowed]
    return Ticket(size, tuple(takes), budget, shadowed, ttl_ms, prepared, levels)


async def move(
    limiter: Limiter,
    prepared: Prepared,
    reservation: str,
    ticket: Ticket,
    size: Size,
    gone: Mapping[str, int],
    *,
    ttl_ms: int,
) -> Ticket | None:
    """Move an admitted request to another target; None where it had ended meanwhile.

    ``prepared`` and ``size`` are of the project and the new target, ``gone`` is what
    `Prepared.given_up` says of the old one. The money stays that of the ticket's day. Raises
    LimitReached or BudgetSpent; the ticket is good as before then.
    """
    first = len(prepared.project.limits)
    takes = [
        take
        for at, take in enumerate(prepared.takes_for(size, ticket.budget))
        if at >= first or take.key in gone
    ]
    answer = await limiter.exchange(reservation, gone, takes, prepared.priority, ttl_ms)
    if answer is None:
        return None
    if isinstance(answer, Refused):
        raise _refusal(answer, prepared, size, takes)
    fresh = {take.key: take for take in takes if take.key != answer.shadowed}
    stay = [fresh.pop(t.key, t) for t in ticket.takes if t.key not in gone or t.key in fresh]
    taken = (*stay, *fresh.values())
    return Ticket(size, taken, ticket.budget, answer.shadowed, ttl_ms, prepared, answer.levels)


def _refusal(refused: Refused, prepared: Prepared, size: Size, takes: Sequence[Take]) -> Refusal:
    refusal = bound_by(refused, prepared.name, prepared.limits, takes)
    refusal.gates = refused.gates
    refusal.estimated_tokens = size.input_tokens, size.output_tokens
    refusal.most_nano = size.bound_nano
    return refusal


def bound_by(
    refused: Refused, name: str, limits: Iterable[PlannedLimit], takes: Sequence[Take]
) -> Refusal:
    """What refused a request of the project ``name``, which is bound by ``limits``."""
    take = next(take for take in takes if take.key == refused.binding)
    each = next(each for each in limits if each.key == refused.binding)
    if isinstance(take.limit, BudgetLimit):
        return BudgetSpent(
            name,
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
        refused.binding,
        each.value,
        each.rule.kind,
        asked,
        refused.wait_ms,
        each.cause,
        refused.turn,
    )
