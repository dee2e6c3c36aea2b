"""The limiter in memory beside the exact model."""

import pytest
from hypothesis import settings

from quotadeck.limiter import Limiter, MemoryLimiter
from tests.clocks import HandClock
from tests.limiter.model import LimiterMachine


class MemoryMachine(LimiterMachine):
    def limiter_over(self, clock: HandClock) -> Limiter:
        return MemoryLimiter(clock)


class LongMemoryMachine(MemoryMachine):
    pass


TestMemoryModel = MemoryMachine.TestCase
TestMemoryModel.settings = settings(max_examples=50, stateful_step_count=50, deadline=None)

TestMemoryModelAtLength = pytest.mark.soak(LongMemoryMachine.TestCase)
TestMemoryModelAtLength.settings = settings(
    max_examples=3_000, stateful_step_count=60, deadline=None
)
