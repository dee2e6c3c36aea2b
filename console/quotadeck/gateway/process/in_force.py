"""What requests are measured against now."""

from dataclasses import dataclass

from quotadeck.gateway.data.keys import KeyRing
from quotadeck.gateway.plan import Plan


@dataclass(slots=True)
class PlanAndKeys:
    """Replaced whole by the command desk."""

    plan: Plan
    keys: KeyRing
