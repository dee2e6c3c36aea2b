"""Turns: what a rate will refill is promised to those who wait for it, one after the other.

Everyone who is refused at the same time would be told the same instant, meet there, and be refused
again but for one. A turn is an instant of one's own, and what is refilled by then is kept for it
against all who come anew. It is claimed by its name; unclaimed, it lapses two seconds later.

Between two turns there may be room that neither needs: a newcomer may take what delays no turn. The
classes' reserves bind when a turn is promised, so that a higher class finds room among the turns of
a lower one, and bind no more when it is claimed.
"""

from bisect import insort
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from quotadeck.domain.bucket import needed, refill, wait_ns
from quotadeck.domain.limits import Priority, RateLimit, Take
from quotadeck.limiter.buckets import Bucket, MoneyBucket, RateBucket
from quotadeck.limiter.protocol import Refused

LAPSE_NS: Final = 2_000_000_000
"""How long after its instant a turn is kept for whoever it was promised to."""
LONGEST_NS: Final = 60_000_000_000
"""Nobody is told to wait longer for a turn: no client does."""
SHARED_PART: Final = 4
"""Of a bucket that several projects share no turn keeps more than this part: who asks for so much
would hold up all others, and might never come."""
_NS_PER_MS: Final = 1_000_000
MOST_OF_A_BUCKET: Final = 64
"""Turns that one bucket keeps: each newcomer is held against all of them, a microsecond each."""


class Kept(NamedTuple):
    """What a bucket keeps for one turn, in micro-units or slots; in the order of the instants."""

    start_ns: int
    order: int
    amount: int


class Turn(NamedTuple):
    """A promise: from ``start_ns`` on its parts are kept, until ``lapses_ns``."""

    start_ns: int
    order: int
    lapses_ns: int
    parts: tuple[tuple[str, int], ...]


def first_fit(
    bucket: RateBucket,
    kept: Sequence[Kept],
    take: Take,
    priority: Priority,
    now_ns: int,
    from_ns: int,
) -> int:
    """The first instant from ``from_ns`` on at which so much may be taken and no turn is delayed.

    The level is projected from turn to turn, each taking its own at its instant, or now where that
    has passed. Between two of them there is room for what every later one can spare.
    """
    limit = bucket.limit
    need = needed(take.amount, limit, priority, shared=take.shared)
    reserve = needed(0, limit, priority, shared=take.shared)
    level, at_ns = refill(bucket.level, bucket.at_ns, limit, now_ns)
    spans, spare = [(now_ns, level, at_ns)], []
    for start_ns, _, amount in kept:
        instant = max(start_ns, now_ns)
        level, at_ns = refill(level, at_ns, limit, instant)
        spare.append(level - min(limit.capacity, amount + reserve))
        level -= amount
        spans.append((instant, level, at_ns))
    begins, level, at_ns = spans.pop()
    first = _reaches(level, at_ns, need, limit, max(begins, from_ns))
    room = limit.capacity
    while spans and from_ns <= begins:
        ends, (begins, level, at_ns) = begins, spans.pop()
        room = min(room, spare.pop())
        if room < take.amount:
            break
        instant = _reaches(level, at_ns, need, limit, max(begins, from_ns))
        if instant <= ends:
            first = instant
    return first


def _reaches(level: int, at_ns: int, need: int, limit: RateLimit, from_ns: int) -> int:
    """When the level stands at ``need``, not before ``from_ns``."""
    level, at_ns = refill(level, at_ns, limit, from_ns)
    return from_ns + wait_ns(level, at_ns, need, limit, from_ns)


class Turns:
    """The turns that are promised: by their names, and by the buckets that keep something.

    ``mine`` is everywhere the turn of whoever asks: what it keeps does not hold him up, nor, once
    its instant has come, what is kept for those behind him.
    """

    __slots__ = ("_by_name", "_order", "_soonest_ns", "kept")

    def __init__(self) -> None:
        self._by_name: dict[str, Turn] = {}
        self._order = 0
        self._soonest_ns = 0
        self.kept: dict[str, list[Kept]] = {}
        """By bucket, each in the order of the instants; empty when nothing is promised."""

    def of(self, name: str, now_ns: int) -> Turn | None:
        """The turn of that name, unless it has lapsed."""
        return self._by_name.get(name) if self.alive(now_ns) else None

    def alive(self, now_ns: int) -> bool:
        """Whether anything is promised still: what nobody claimed in time is forgotten first."""
        if now_ns > self._soonest_ns:
            for late in [n for n, turn in self._by_name.items() if turn.lapses_ns < now_ns]:
                self.remove(late)
            self._soonest_ns = min((t.lapses_ns for t in self._by_name.values()), default=now_ns)
        return bool(self._by_name)

    def remove(self, name: str) -> None:
        """Give up what is kept under this name, if anything is."""
        turn = self._by_name.pop(name, None)
        if turn is None:
            return
        for key, amount in turn.parts:
            kept = self.kept[key]
            kept.remove(Kept(turn.start_ns, turn.order, amount))
            if not kept:
                del self.kept[key]

    def lets(
        self, take: Take, bucket: Bucket, priority: Priority, now_ns: int, mine: Turn | None
    ) -> bool:
        """Whether what is left after a take delays no turn."""
        kept = self._others(take.key, now_ns, mine)
        if not isinstance(bucket, RateBucket):
            return bucket.left(now_ns) >= sum(e.amount for e in kept if e.start_ns <= now_ns)
        limit = bucket.limit
        level, at_ns = bucket.level, bucket.at_ns
        reserve = needed(0, limit, priority, shared=take.shared)
        for start_ns, _, amount in kept:
            if start_ns > now_ns:
                level, at_ns = refill(level, at_ns, limit, start_ns)
            if level < min(limit.capacity, amount + reserve):
                return False
            level -= amount
        return True

    def behind(
        self,
        refused: Refused,
        takes: Sequence[Take],
        buckets: Mapping[str, Bucket],
        priority: Priority,
        now_ns: int,
        mine: Turn | None,
    ) -> Refused:
        """The refusal of whoever comes while something is promised, unless money or slots bind:
        the first instant at which all rates let it pass, and the last of them."""
        if not isinstance(buckets[refused.binding], RateBucket):
            return refused
        start_ns, last, moved = now_ns, refused.binding, True
        while moved:
            # Each look from bucket to bucket only moves it on, past turns of which there are few.
            moved = False
            for take in takes:
                bucket = buckets[take.key]
                if take.shadow or not isinstance(bucket, RateBucket):
                    continue
                kept = self._others(take.key, now_ns, mine)
                begins = first_fit(bucket, kept, take, priority, now_ns, start_ns)
                if begins > start_ns:
                    start_ns, last, moved = begins, take.key, True
        wait_ms = -(-(start_ns - now_ns) // _NS_PER_MS)
        gates = tuple(sorted(refused.gates, key=lambda gate: gate.bucket != last))
        return replace(refused, binding=last, wait_ms=wait_ms, gates=gates)

    def promised(
        self,
        name: str,
        refused: Refused,
        takes: Sequence[Take],
        buckets: Mapping[str, Bucket],
        now_ns: int,
        mine: Turn | None,
    ) -> Refused:
        """The refusal with a turn under this name, in the place of ``mine``, if one can be given.

        None can where money binds, where no time can be told, or not within a minute, and where
        more would be promised than a bucket holds, or shares. Of slots each turn is a usual time's
        share behind the one before.
        """
        self.remove(name)
        wait_ms = refused.wait_ms
        if wait_ms is None or wait_ms * _NS_PER_MS > LONGEST_NS:
            return refused
        if any(isinstance(buckets[gate.bucket], MoneyBucket) for gate in refused.gates):
            return refused
        parts = []
        for take in takes:
            bucket = buckets[take.key]
            if take.shadow or isinstance(bucket, MoneyBucket):
                continue
            kept = self.kept.get(take.key, ())
            if isinstance(bucket, RateBucket):
                most = bucket.limit.capacity
                if take.shared and take.amount > most // SHARED_PART:
                    return refused
            else:
                most = bucket.limit.slots
                if take.key == refused.binding:
                    wait_ms += len(kept) * bucket.usual_ns() // (max(1, most) * _NS_PER_MS)
            promised = sum(min(each.amount, most) for each in kept)
            if promised + min(take.amount, most) > most or len(kept) >= MOST_OF_A_BUCKET:
                return refused
            parts.append((take.key, take.amount))
        self._order += 1
        order = mine.order if mine else self._order
        start_ns = now_ns + wait_ms * _NS_PER_MS
        turn = self._by_name[name] = Turn(start_ns, order, start_ns + LAPSE_NS, tuple(parts))
        self._soonest_ns = min(self._soonest_ns, turn.lapses_ns)
        for key, amount in parts:
            insort(self.kept.setdefault(key, []), Kept(start_ns, order, amount))
        return replace(refused, wait_ms=wait_ms, turn=True)

    def _others(self, key: str, now_ns: int, mine: Turn | None) -> Sequence[Kept]:
        kept = self.kept.get(key, ())
        if mine is None:
            return kept
        if mine.start_ns > now_ns:
            return [each for each in kept if each.order != mine.order]
        return [each for each in kept if (each.start_ns, each.order) < mine[:2]]
