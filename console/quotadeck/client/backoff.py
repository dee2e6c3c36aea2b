"""Exponential back-off with jitter, for whoever must poll."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """``base_s`` × ``factor`` to the power of the tries before, at most ``ceiling_s``.

    Each wait is that, less a random part of at most ``jitter`` of it (0 … 1): many that were
    refused together come back apart. After ``tries`` tries it is given up.
    """

    base_s: float = 1.0
    factor: float = 2.0
    ceiling_s: float = 60.0
    tries: int = 5
    jitter: float = 0.5

    def __post_init__(self) -> None:
        if not (self.base_s > 0 and self.factor >= 1 and self.ceiling_s >= self.base_s):
            raise ValueError(f"{self} never waits, or waits less each time")
        if self.tries < 1 or not 0 <= self.jitter <= 1:
            raise ValueError(f"{self} has no tries, or a jitter that is not in 0 … 1")

    def wait_s(self, tried: int, share: float | None = None) -> float:
        """Seconds to wait after so many tries (1 or more); ``share`` (0 … 1) stands for chance."""
        doublings = min(tried - 1, 1_000)
        try:
            most = min(self.ceiling_s, self.base_s * self.factor**doublings)
        except OverflowError:
            most = self.ceiling_s
        return most * (1 - self.jitter * (random.random() if share is None else share))
