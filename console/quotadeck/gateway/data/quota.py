"""What a caller's project has left now: its limits and levels, its day's money, and the waits.

The units stand in the names, and all are whole numbers: requests, tokens, milliseconds and
nano-dollars (a dollar has 1,000,000,000). What is shared with other projects is not told.
"""

from typing import Any, Final

import orjson

from quotadeck.admission.days import BudgetDays, Spent
from quotadeck.admission.planned import PlannedLimit, ProjectPlan
from quotadeck.domain.days import rfc3339
from quotadeck.domain.limits import MICRO, RateLimit, Take
from quotadeck.domain.rules import LimitKind, Measure
from quotadeck.limiter import BucketState, Limiter, Refused

PATH: Final = "/v1/quota"
_UNITS: Final = {LimitKind.RPM: "requests", LimitKind.TPM: "tokens"}


async def quota_of(plan: ProjectPlan, limiter: Limiter, days: BudgetDays, now_us: int) -> bytes:
    """The object as JSON. Raises LedgerUnavailable where what was spent cannot be read."""
    states = await limiter.levels([each.key for each in plan.limits])
    (spent,) = await days.spent([plan], now_us)
    if not spent.known:
        await days.learn(plan.project.id, spent.day.day)
        (spent,) = await days.spent([plan], now_us)
    limits: dict[str, Any] = {}
    for each in plan.limits:
        state = states.get(each.key)
        match each.rule.measure:
            case Measure.RATE:
                limits[each.rule.kind.value] = _rate(each, state)
            case Measure.SLOTS:
                limits[each.rule.kind.value] = _slots(each, state)
            case Measure.MONEY:
                limits[each.rule.kind.value] = _money(each, spent)
    paused = plan.paused
    told = {
        "object": "quota",
        "project": plan.project.id,
        "at": rfc3339(now_us),
        "limits": limits,
        # Of a request of one token that costs nothing: null where no time can be told.
        "wait_ms": None if paused else _wait_ms(plan, limiter, limits),
        "paused": paused is not None,
        "paused_until": rfc3339(paused.until_us) if paused and paused.until_us else None,
    }
    return orjson.dumps(told)


def _wait_ms(plan: ProjectPlan, limiter: Limiter, limits: dict[str, Any]) -> int | None:
    """How long until one that comes now passes its own limits: behind the turns of others."""
    bound = [limit for limit in limits.values() if not limit["shadow"]]
    if any(limit["wait_ms"] is None for limit in bound):
        return None
    takes = [
        each.ready or Take(each.key, MICRO, each.limit)
        for each in plan.limits
        if each.limit is not None and not each.shadow
    ]
    answer = limiter.look(takes, plan.project.priority)
    return answer.wait_ms if isinstance(answer, Refused) else 0


def _rate(each: PlannedLimit, state: BucketState | None) -> dict[str, Any]:
    limit, unit = each.limit, _UNITS.get(each.rule.kind, "units")
    assert isinstance(limit, RateLimit)
    level = limit.capacity if state is None else min(state.level, limit.capacity)
    return {
        f"limit_{unit}_per_minute": each.value,
        f"burst_{unit}": limit.capacity // MICRO,
        f"left_{unit}": max(0, level // MICRO),
        "wait_ms": _ms(limit, MICRO - level),
        "full_in_ms": _ms(limit, limit.capacity - level),
        "shadow": each.shadow,
    }


def _ms(limit: RateLimit, missing: int) -> int:
    return -(-max(0, missing) * 60_000 // (limit.per_minute * MICRO))


def _slots(each: PlannedLimit, state: BucketState | None) -> dict[str, Any]:
    assert each.value is not None
    left = each.value if state is None else max(0, state.level)
    return {
        "limit_requests_at_once": each.value,
        "left_requests": left,
        "under_way_requests": 0 if state is None else state.held,
        "wait_ms": None if left == 0 else 0,
        "shadow": each.shadow,
    }


def _money(each: PlannedLimit, spent: Spent) -> dict[str, Any]:
    left = None if each.value is None else each.value - spent.spent_nano - spent.held_nano
    return {
        "limit_nano_usd": each.value,
        "spent_nano_usd": spent.spent_nano,
        "held_nano_usd": spent.held_nano,
        "left_nano_usd": None if left is None else max(0, left),
        "day": spent.day.day,
        "resets_at": rfc3339(spent.day.ends_at_us),
        "wait_ms": 0 if left is None or left > 0 else None,
        "shadow": each.shadow,
    }
