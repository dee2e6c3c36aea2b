"""What a start takes up again: levels, spend, the last hour; never from full."""

from quotadeck.admission.days import budget_key
from quotadeck.domain.days import day_at
from quotadeck.domain.limits import RateLimit
from quotadeck.domain.replay import restore_levels
from quotadeck.gateway.plan import Plan, limits_of
from quotadeck.gateway.watch.live import EVENTS_SHOWN, Live
from quotadeck.limiter import MemoryLimiter
from quotadeck.store import Ledger

_HOUR_US = 3_600_000_000
_DAY_US = 24 * _HOUR_US
_KNOWN_DAYS = 3
"""So many days back, and all to come, what was spent needs no reading when a day begins."""


async def restore(
    ledger: Ledger, limiter: MemoryLimiter, live: Live, plan: Plan, now_us: int
) -> None:
    """Buckets from the journal's records, budgets from the ledger: never from full."""
    recovered = ledger.recovered
    limits: dict[str, RateLimit] = {
        key: limit for key, limit in limits_of(plan).items() if isinstance(limit, RateLimit)
    }
    levels = restore_levels(
        limits,
        recovered.levels_at_us,
        recovered.levels,
        recovered.since,
        now_us,
        under_way=recovered.under_way,
    )
    await limiter.restore(
        {key: (level, limits[key]) for key, level in levels.items() if level < limits[key].capacity}
    )
    # Days to come too: a clock that was ahead has booked there.
    before = day_at(now_us - _KNOWN_DAYS * _DAY_US, "UTC").name
    spent = await ledger.reader.spent_after(before)
    await limiter.restore_spent(
        {budget_key(name): days for name, days in spent.items() if name in plan.projects},
        known_after=before,
    )
    newest = await ledger.reader.events(last=EVENTS_SHOWN)
    hour = await ledger.reader.rollups(per="minute", limit=-1, since_us=now_us - _HOUR_US)
    live.seed(
        sorted((row.at_us or 0, row.project, row.cost_nano_usd) for row in hour),
        [event for _, event in newest],
    )
