"""The quota manager that applications embed: may I send this, and if not yet, when.

What stands here is what others may use; it is loaded when it is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from quotadeck.client.availability import Availability, Room
    from quotadeck.client.backoff import Backoff
    from quotadeck.client.errors import (
        AcquireTimeout,
        BudgetSpent,
        GatewayRefused,
        NeverFits,
        NotSettled,
        PriceUnknown,
        QuotaError,
        RunEnded,
        TooManyWaiting,
        WrongProcess,
    )
    from quotadeck.client.manager import QuotaManager, Run
    from quotadeck.client.quotas import Estimate, Quota
    from quotadeck.client.report import ProjectUsage, RunUsage, UsageReport
    from quotadeck.client.reservation import Charge, Reservation
    from quotadeck.client.sync_manager import SyncQuotaManager, SyncRun
    from quotadeck.domain.limits import Priority
    from quotadeck.domain.usage import Usage

_PLACES = {
    "AcquireTimeout": "client.errors",
    "Availability": "client.availability",
    "Backoff": "client.backoff",
    "BudgetSpent": "client.errors",
    "Charge": "client.reservation",
    "Estimate": "client.quotas",
    "GatewayRefused": "client.errors",
    "NeverFits": "client.errors",
    "NotSettled": "client.errors",
    "PriceUnknown": "client.errors",
    "Priority": "domain.limits",
    "ProjectUsage": "client.report",
    "Quota": "client.quotas",
    "QuotaError": "client.errors",
    "QuotaManager": "client.manager",
    "Reservation": "client.reservation",
    "Room": "client.availability",
    "Run": "client.manager",
    "RunEnded": "client.errors",
    "RunUsage": "client.report",
    "SyncQuotaManager": "client.sync_manager",
    "SyncRun": "client.sync_manager",
    "TooManyWaiting": "client.errors",
    "Usage": "domain.usage",
    "UsageReport": "client.report",
    "WrongProcess": "client.errors",
}

__all__ = [
    "AcquireTimeout",
    "Availability",
    "Backoff",
    "BudgetSpent",
    "Charge",
    "Estimate",
    "GatewayRefused",
    "NeverFits",
    "NotSettled",
    "PriceUnknown",
    "Priority",
    "ProjectUsage",
    "Quota",
    "QuotaError",
    "QuotaManager",
    "Reservation",
    "Room",
    "Run",
    "RunEnded",
    "RunUsage",
    "SyncQuotaManager",
    "SyncRun",
    "TooManyWaiting",
    "Usage",
    "UsageReport",
    "WrongProcess",
]


def __getattr__(name: str) -> Any:
    place = _PLACES.get(name)
    if place is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"quotadeck.{place}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
