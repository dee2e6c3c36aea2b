"""Fixtures of the transport's tests."""

from collections.abc import AsyncIterator

import pytest

from quotadeck.client import QuotaManager

from .upstream import Upstream, upstream


@pytest.fixture
async def provider() -> AsyncIterator[Upstream]:
    async with upstream() as started:
        yield started


@pytest.fixture
def manager() -> QuotaManager:
    """One with room for every test."""
    quotas = QuotaManager(rpm_limit=60_000, tpm_limit=100_000_000, unknown_price="8.00")
    quotas.set_project_quota("analytics", budget="100", concurrency=50)
    return quotas
