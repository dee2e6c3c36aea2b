"""Live bucket state behind one small async protocol. This is where a limit is enforced."""

from quotadeck.limiter.memory import MemoryLimiter
from quotadeck.limiter.protocol import (
    Admitted,
    BucketState,
    DayUnknown,
    Levels,
    Limiter,
    Money,
    Refused,
    TurnName,
)

__all__ = [
    "Admitted",
    "BucketState",
    "DayUnknown",
    "Levels",
    "Limiter",
    "MemoryLimiter",
    "Money",
    "Refused",
    "TurnName",
]
