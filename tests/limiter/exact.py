"""What a limiter holds, in exact fractions: `tests.limiter.model` drives a real one beside it."""

from dataclasses import dataclass, field
from fractions import Fraction

from quotadeck.domain.bucket import RESERVE_PERCENT
from quotadeck.domain.limits import Priority, RateLimit


@dataclass(slots=True)
class RateModel:
    """Continuous refill. ``slack`` bounds the part steps dropped, in micro-units."""

    limit: RateLimit
    level: Fraction
    at_ns: int
    slack: int
    passed: list[tuple[int, int]] = field(default_factory=list)
    """(instant, amount) under this limit: admitted, or given back as a negative amount."""

    @property
    def per_ns(self) -> Fraction:
        return Fraction(self.limit.per_minute, 60_000)

    @property
    def behind(self) -> int:
        """How far the real level may be behind, with the step under way."""
        return self.slack + self.limit.gain

    def reach(self, now_ns: int) -> None:
        gained = self.level + self.per_ns * (now_ns - self.at_ns)
        self.level, self.at_ns = min(Fraction(self.limit.capacity), gained), now_ns

    def need(self, amount: int, priority: Priority, *, shared: bool) -> int:
        reserve = self.limit.capacity * RESERVE_PERCENT[priority] // 100 if shared else 0
        return min(self.limit.capacity, amount + reserve)

    def wait_ns(self, need: int) -> Fraction:
        return max(Fraction(0), (need - self.level) / self.per_ns)

    def take(self, amount: int) -> None:
        """Admit, and check every window that ends here: admitted ≤ capacity + rate × interval."""
        self.level -= amount
        self.passed.append((self.at_ns, amount))
        total, excess = 0, max(0, amount - self.limit.capacity)
        for then_ns, passed in reversed(self.passed):
            total += passed
            bound = self.limit.capacity + self.per_ns * (self.at_ns - then_ns) + excess
            assert total <= bound, f"{total} micro-units in {self.at_ns - then_ns} ns"

    def end(self, held: int, actual: int) -> None:
        floor = min(self.level, Fraction(-self.limit.capacity))
        back = min(Fraction(self.limit.capacity), self.level + held - actual)
        if back < floor == -self.limit.capacity:
            # The floor holds for whole steps: a part step under way stays on top of it.
            floor += self.limit.gain
            self.slack += self.limit.gain
        self.level = max(floor, back)
        if actual < held:
            self.passed.append((self.at_ns, actual - held))

    def relimit(self, new: RateLimit) -> None:
        if new == self.limit:
            return
        floor = min(self.level, Fraction(-new.capacity))
        kept = self.level + new.capacity - self.limit.capacity
        self.level = max(floor, min(Fraction(new.capacity), kept))
        self.slack += self.limit.gain
        self.limit = new
        self.passed.clear()


@dataclass(slots=True)
class DayModel:
    spent: int = 0
    held: int = 0
    bounded: bool = True
    """Nothing yet used more than it held, and the budget was never lowered."""


@dataclass(slots=True)
class Live:
    deadline_ns: int
    shadowed: str
    keys: list[str]
    """Of its buckets in the order of their levels, that of a short shadow limit too."""
    held: dict[str, int]
    day: str
