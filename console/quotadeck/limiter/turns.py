"""Turns: what a rate will refill is promised to those who wait for it, one after the other.

Everyone who is refused at the same time would be told the same instant, meet there, and be refused
again but for one. A turn is an instant of one's own, and what is refilled by then is kept for it
against all who come anew. It is claimed by its name; unclaimed, it lapses two seconds later.

Between two turns there may be room that neither needs: a newcomer may take what delays no turn. The
classes' reserves bind when a turn is promised, so that a higher class finds room among the turns of
a lower one, and bind no more when it is claimed. Projects that want turns of what they share have
equal parts of it, however many of their requests wait.
"""

from bisect import insort
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from quotadeck.domain.bucket import needed, refill
from quotadeck.domain.limits import MICRO, Priority, RateLimit, Take
from quotadeck.limiter.buckets import Bucket, MoneyBucket, RateBucket, SlotBucket
from quotadeck.limiter.fits import Fits, Kept
from quotadeck.limiter.protocol import Refused, TurnName
from quotadeck.limiter.seekers import Seekers

LAPSE_NS: Final = 2_000_000_000
"""How long after its instant a turn is kept for whoever it was promised to."""
LONGEST_NS: Final = 60_000_000_000
"""Nobody is told to wait longer for a turn: no client does."""
SHARED_PART: Final = 4
"""Of a bucket that several projects share no turn keeps more than this part, unless it is a single
request: who asks for so much would hold up all others, and might never come."""
_NS_PER_MS: Final = 1_000_000
MOST_OF_A_BUCKET: Final = 64
"""Turns that one bucket keeps: each newcomer is held against all of them, a microsecond each."""


class Turn(NamedTuple):
    """A promise: from ``start_ns`` on its parts are kept, until ``lapses_ns``."""

    start_ns: int
    order: int
    lapses_ns: int
    parts: tuple[tuple[str, int], ...]
    priority: Priority


class Turns:
    """The turns that are promised: by their names, and by the buckets that keep something.

    ``mine`` is everywhere the turn of whoever asks: what it keeps does not hold him up, nor, once
    its instant has come, what is kept for those behind him.
    """

    __slots__ = ("_by_name", "_fits", "_order", "_seekers", "_soonest_ns", "kept")

    def __init__(self) -> None:
        self._by_name: dict[TurnName, Turn] = {}
        self._fits: dict[str, dict[int, Fits]] = {}
        self._seekers = Seekers()
        self._order = 0
        self._soonest_ns = 0
        self.kept: dict[str, list[Kept]] = {}
        """By bucket, each in the order of the instants; empty when nothing is promised."""

    def of(self, name: TurnName | None, now_ns: int) -> Turn | None:
        """The turn of that name, unless it has lapsed."""
        return self._by_name.get(name) if name and self.alive(now_ns) else None

    def alive(self, now_ns: int) -> bool:
        """Whether anything is promised still: what nobody claimed in time is forgotten first."""
        if now_ns > self._soonest_ns:
            for late in [n for n, turn in self._by_name.items() if turn.lapses_ns < now_ns]:
                self.remove(late)
            self._soonest_ns = min((t.lapses_ns for t in self._by_name.values()), default=now_ns)
        return bool(self._by_name)

    def drop(self, bucket: str) -> None:
        """The bucket is no more, and nobody waits for it."""
        self._fits.pop(bucket, None)
        self._seekers.drop(bucket)

    def remove(self, name: TurnName) -> None:
        """Give up what is kept under this name, if anything is."""
        turn = self._by_name.pop(name, None)
        if turn is None:
            return
        for key, amount in turn.parts:
            kept = self.kept[key]
            self._fits.pop(key, None)
            kept.remove(Kept(turn.start_ns, turn.order, amount, name.owner, turn.priority))
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
        for start_ns, _, amount, *_ in kept:
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
        fits = [
            (take, self._fits_in(bucket, take, priority, now_ns, mine))
            for take in takes
            if not take.shadow and isinstance(bucket := buckets[take.key], RateBucket)
        ]
        start_ns, last, moved = now_ns, refused.binding, True
        while moved:
            # Each look from bucket to bucket only moves it on, past turns of which there are few.
            moved = False
            for take, fit in fits:
                begins = fit.first(take.amount, start_ns)
                if begins > start_ns:
                    start_ns, last, moved = begins, take.key, True
        wait_ms = -(-(start_ns - now_ns) // _NS_PER_MS)
        gates = tuple(sorted(refused.gates, key=lambda gate: gate.bucket != last))
        return replace(refused, binding=last, wait_ms=wait_ms, gates=gates)

    def _fits_in(
        self, bucket: RateBucket, take: Take, priority: Priority, now_ns: int, mine: Turn | None
    ) -> Fits:
        reserve = needed(0, bucket.limit, priority, shared=take.shared)
        kept = self.kept.get(take.key)
        if mine or not kept:
            return Fits(bucket, self._others(take.key, now_ns, mine), reserve, now_ns)
        known = self._fits.setdefault(take.key, {})
        fits = known.get(reserve)
        if fits is None or not fits.still_holds(bucket):
            fits = known[reserve] = Fits(bucket, kept, reserve, now_ns)
        return fits

    def promised(
        self,
        name: TurnName | None,
        refused: Refused,
        takes: Sequence[Take],
        buckets: Mapping[str, Bucket],
        priority: Priority,
        now_ns: int,
        mine: Turn | None,
    ) -> Refused:
        """The refusal with a turn under this name, in the place of ``mine``, if one can be given.

        None can where money binds, where no time can be told, or not within a minute, and where
        a bucket has promised what it may. Of slots each turn is a usual time's share behind the one
        before.
        """
        if name is None:
            return refused
        self.remove(name)
        wait_ms = self._wait_ms(refused, buckets)
        if wait_ms is None:
            return refused
        start_ns = now_ns + wait_ms * _NS_PER_MS
        lapses_ns = start_ns + LAPSE_NS
        keeps = [take for take in takes if not take.shadow and not _is_money(buckets[take.key])]
        room = True
        for take in keeps:
            most = _at_once(buckets[take.key])
            if take.shared and take.amount > max(MICRO, most // SHARED_PART):
                return refused
            if not self._has_room(name.owner, take, most, priority, now_ns, mine):
                room = False
                if take.shared:
                    self._seekers.refused(take.key, name.owner, lapses_ns)
        if not room:
            return refused
        self._order += 1
        order = mine.order if mine else self._order
        parts = tuple([(take.key, take.amount) for take in keeps])
        turn = self._by_name[name] = Turn(start_ns, order, lapses_ns, parts, priority)
        self._soonest_ns = min(self._soonest_ns, turn.lapses_ns)
        for key, amount in parts:
            self._fits.pop(key, None)
            kept = Kept(start_ns, order, amount, name.owner, priority)
            insort(self.kept.setdefault(key, []), kept)
        return replace(refused, wait_ms=wait_ms, turn=True)

    def _wait_ms(self, refused: Refused, buckets: Mapping[str, Bucket]) -> int | None:
        """Until such a turn; None where none can be given."""
        wait_ms, bucket = refused.wait_ms, buckets[refused.binding]
        if wait_ms is None or any(_is_money(buckets[g.bucket]) for g in refused.gates):
            return None
        if isinstance(bucket, SlotBucket):
            ahead = len(self.kept.get(refused.binding, ()))
            wait_ms += ahead * bucket.usual_ns() // (max(1, bucket.limit.slots) * _NS_PER_MS)
        return wait_ms if wait_ms * _NS_PER_MS <= LONGEST_NS else None

    def _has_room(
        self,
        owner: str,
        take: Take,
        most: int,
        priority: Priority,
        now_ns: int,
        mine: Turn | None,
    ) -> bool:
        """Whether a bucket that gives ``most`` at once may promise this, too.

        All turns of a class and those above keep no more than that: what is promised below takes
        no room from those above. Of what is shared each project that wants some has an equal part.
        """
        kept = [each for each in self.kept.get(take.key, ()) if each.priority <= priority]
        promised = sum([min(each.amount, most) for each in kept])
        if promised + min(take.amount, most) > most or len(kept) >= MOST_OF_A_BUCKET:
            return False
        own = [each.amount for each in kept if each.owner == owner]
        if mine or not own or not take.shared:
            return True
        number = self._seekers.number(take.key, owner, (each.owner for each in kept), now_ns)
        enough = (sum(own) + take.amount) * number > most or len(own) * number >= MOST_OF_A_BUCKET
        return number == 1 or not enough

    def _others(self, key: str, now_ns: int, mine: Turn | None) -> Sequence[Kept]:
        kept = self.kept.get(key, ())
        if mine is None:
            return kept
        if mine.start_ns > now_ns:
            return [each for each in kept if each.order != mine.order]
        return [each for each in kept if (each.start_ns, each.order) < mine[:2]]


def _is_money(bucket: Bucket) -> bool:
    return isinstance(bucket, MoneyBucket)


def _at_once(bucket: Bucket) -> int:
    """What a bucket gives at once, at most."""
    limit = bucket.limit
    return limit.capacity if isinstance(limit, RateLimit) else limit.amount
