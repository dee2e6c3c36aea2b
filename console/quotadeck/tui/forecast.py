"""When today's money ends, at the rate of now."""

from typing import Final

from quotadeck.domain.snapshot import ProjectRow
from quotadeck.tui.present import FORECAST_US, LEAST_US, Present, counted_minute_us

SOON_US: Final = 2 * 3_600_000_000
"""Money that ends within this wants attention; a later end is a figure like any other."""
STEADY_REQUESTS: Final = 10
"""From so many a minute on, the last minute is a rate; below, the last ten are."""


def is_soon(gone_us: int | None, now: Present) -> bool:
    """Whether money ends within hours that somebody on call should act in."""
    return gone_us is not None and gone_us - now.now_us < SOON_US


def project_gone_us(row: ProjectRow, now: Present) -> int | None:
    """When the project's budget ends at the rate of now, if that is before its day does.

    A project that asks for nothing spends nothing: its past is no forecast.
    """
    budget, flow = row.budget, row.flow
    if budget.limit_nano is None or budget.spent_nano >= budget.limit_nano:
        return None
    if not (flow.requests_60s or flow.in_flight):
        return None
    nano, over_us = flow.spent_10m_nano, max(LEAST_US, min(now.counted_us, FORECAST_US))
    if flow.requests_60s >= STEADY_REQUESTS:
        nano, over_us = flow.spent_60s_nano, counted_minute_us(now)
    if nano <= 0:
        return None
    at_us = now.now_us + (budget.limit_nano - budget.spent_nano) * over_us // nano
    return at_us if at_us < budget.ends_us else None
