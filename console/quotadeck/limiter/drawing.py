"""What a reservation that draws on another one gets from it, and what it must take as usual."""

from collections.abc import Callable, Mapping, Sequence

from quotadeck.domain.limits import Take
from quotadeck.limiter.buckets import Bucket, Held


def parted(
    takes: Sequence[Take],
    source: Mapping[str, tuple[Held, int]],
    most: Mapping[str, int] | None,
    bucket_of: Callable[[Take], Bucket],
) -> tuple[dict[str, int], list[Take]]:
    """What ``source`` holds of each take, by bucket, and what has to be taken beside it.

    Of one in ``most`` no more than that is moved. Money is moved within its day alone: what is held
    of yesterday's pays for nothing today.
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
        # What is held in full asks nothing of its bucket, however deep that is in debt.
        if held < take.amount:
            rest.append(take._replace(amount=take.amount - held))
    return moved, rest
