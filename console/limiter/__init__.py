"""Live bucket state behind one small async protocol. This is where a limit is enforced."""

from console.limiter.memory import MemoryLimiter
from console.limiter.protocol import Admitted, BucketState, Limiter, Refused

__all__ = ["Admitted", "BucketState", "Limiter", "MemoryLimiter", "Refused"]
