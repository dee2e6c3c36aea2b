"""Leases of one night: two that applications of analytics hold, and one of those that has none."""

from quotadeck.domain.lease import LeaseRow, LeasesPage, ManagerRow, Waiting
from tests.tui.scenes import AT_US, usd


def lease(number: int, project: str = "analytics", manager: str = "") -> LeaseRow:
    """As it stands: it holds a few requests, and ends within a minute."""
    return LeaseRow(
        f"lease_019f0d2a54b07aa29c3e0b4d6f00f9a{number}", project, "k_b21a86", manager,
        AT_US - 20_000_000, AT_US + 40_000_000, 20_000, 31, 12, 40_000, usd(0.125), 3, 9_000,
        usd(0.02),
    )  # fmt: skip


def night() -> LeasesPage:
    waits = (
        Waiting("nightly", "tokens", 3, 12_000, "low"),
        Waiting("nightly", "money", 1, 4_000),
    )
    return LeasesPage(
        AT_US,
        (lease(1, manager="worker-1"), lease(2), lease(3, "search", "other")),
        (
            ManagerRow("worker-1", "analytics", "k_b21a86", lease(1).id, AT_US, 2_000, waits),
            ManagerRow(
                "worker-2", "analytics", "k_b21a86", "", AT_US, 45_000,
                (Waiting("reports", "requests", 2, 41_000),),
            ),
        ),
    )  # fmt: skip
