"""The integer token bucket: pure steps over (level, instant).

A level is in micro-units and may be negative (debt). The instant moves only by the time that the
credited whole steps stand for, so nothing is lost to rounding: over any interval the units taken
are at most capacity + rate × interval, and a bucket asked a million times refills as fast as one
asked once.
"""

from quotadeck.domain.limits import Priority, RateLimit

RESERVE_PERCENT = {Priority.HIGH: 0, Priority.MEDIUM: 10, Priority.LOW: 30}
"""How much of a shared bucket's capacity stays for the classes above, in percent."""


def refill(level: int, at_ns: int, limit: RateLimit, now_ns: int) -> tuple[int, int]:
    """The level at ``now_ns`` and the instant it is exact at; time running back adds nothing.

    A bucket is full at the very nanosecond it fills, not at the step's end: a part step carried
    over a full bucket would let through what never fitted in.
    """
    elapsed = now_ns - at_ns
    if elapsed <= 0:
        return level, at_ns
    if elapsed * limit.gain >= (limit.capacity - level) * limit.every_ns:
        return limit.capacity, now_ns
    steps = elapsed // limit.every_ns
    return level + steps * limit.gain, at_ns + steps * limit.every_ns


def needed(amount: int, limit: RateLimit, priority: Priority, *, shared: bool) -> int:
    """The level that must stand before ``amount`` may be taken.

    More than a whole bucket is served from a full one and leaves debt. In a shared bucket the
    reserve of the classes above stays, but never so that a full bucket would refuse.
    """
    reserve = limit.capacity * RESERVE_PERCENT[priority] // 100 if shared else 0
    return min(limit.capacity, amount + reserve)


def wait_ns(level: int, at_ns: int, need: int, limit: RateLimit, now_ns: int) -> int:
    """Nanoseconds from ``now_ns`` until the bucket stands at ``need``; 0 when it does already."""
    missing = need - level
    if missing <= 0:
        return 0
    by_step_ns = -(-missing // limit.gain) * limit.every_ns
    until_full_ns = -(-(limit.capacity - level) * limit.every_ns // limit.gain)
    return max(0, at_ns + min(by_step_ns, until_full_ns) - now_ns)


def settled(level: int, held: int, actual: int, limit: RateLimit) -> int:
    """The level after an estimate is replaced by real usage.

    It digs a debt of at most one capacity, so that a single absurd reply cannot close a bucket
    for hours, and forgives none that is there; what comes back never lifts a bucket over its
    capacity.
    """
    return max(min(level, -limit.capacity), min(limit.capacity, level + held - actual))


def relimited(level: int, old: RateLimit, new: RateLimit) -> int:
    """The level under a changed limit: what was used stays used, as a debt of one capacity at most.

    A debt that is deeper already stays.
    """
    kept = level + new.capacity - old.capacity
    return max(min(level, -new.capacity), min(new.capacity, kept))
