"""Live bucket state behind one small async protocol. This is where a limit is enforced."""

from quotadeck.limiter.memory import MemoryLimiter
from quotadeck.limiter.protocol import Admitted, BucketState, DayUnknown, Limiter, Money, Refused

__all__ = ["Admitted", "BucketState", "DayUnknown", "Limiter", "MemoryLimiter", "Money", "Refused"]
