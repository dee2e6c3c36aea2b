"""Drawing on a lease: what a call gets of what the lease holds, and what it must take beside."""

from collections.abc import Callable, Mapping, Sequence

from quotadeck.domain.limits import Take
from quotadeck.limiter.buckets import Bucket, Held


def parted(
    takes: Sequence[Take],
    source: Mapping[str, tuple[Held, int]],
    most: Mapping[str, int] | None,
    bucket_of: Callable[[Take], Bucket],
) -> tuple[dict[str, int], list[Take]]:
    """What moves from ``source`` (what the lease holds), by bucket, and the takes of the rest.

    No more is moved of a bucket than ``most`` has for it. Money moves within its day only: what is
    held of yesterday's pays for nothing today.
    """
    moved: dict[str, int] = {}
    rest: list[Take] = []
    for take in takes:
        bucket, held = source.get(take.key, (None, 0))
        if bucket is None or bucket is not bucket_of(take):
            rest.append(take)
            continue
        held = min(held, take.amount)
        if most is not None:
            held = min(held, most.get(take.key, held))
        moved[take.key] = held
        # What the lease holds in full is asked of no bucket, however deep in debt that is.
        if held < take.amount:
            rest.append(take._replace(amount=take.amount - held))
    return moved, rest
