"""Which of the buckets with too little a refusal names, and what it tells of all of them."""

from collections.abc import Sequence
from typing import Final

from quotadeck.domain.clock import Clock
from quotadeck.domain.gate import Gate
from quotadeck.domain.limits import Priority, Take
from quotadeck.limiter.buckets import UNTOLD_NS, Bucket, Wait
from quotadeck.limiter.protocol import Levels, Refused

_NS_PER_MS: Final = 1_000_000


def refusal(
    short: Sequence[tuple[Take, Bucket]], priority: Priority, levels: Levels, clock: Clock
) -> Refused:
    """The refusal by these buckets (one at least): it names the one that binds hardest, the first
    of equals. ``levels`` are of all that was asked."""
    longest: Wait = -1, 0
    binding = ""
    for take, bucket in short:
        wait = bucket.wait(take.amount, priority, take.shared, clock)
        if wait > longest:
            longest, binding = wait, take.key
    wait_ns = longest[1]
    wait_ms = None if wait_ns == UNTOLD_NS else -(-wait_ns // _NS_PER_MS)
    now_ns = clock.monotonic_ns()
    gates = [
        Gate(take.key, take.limit.amount, take.amount, bucket.left(now_ns))
        for take, bucket in short
    ]
    gates.sort(key=lambda gate: gate.bucket != binding)
    return Refused(binding, wait_ms, tuple(gates), levels)
