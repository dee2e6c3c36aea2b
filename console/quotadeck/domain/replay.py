"""The levels that rate buckets start from after a restart: the journal's records, played again.

Takes and settlements are applied in the journal's order. Their instants are cut to microseconds and
durations to milliseconds, so they are taken late rather than early: a take that is moved later only
leaves less, and no bucket starts fuller than it was. Where no record is missing, none falls short
by more than the refill of 1.01 ms and three steps.
"""

from collections.abc import Iterable, Mapping, Sequence

from quotadeck.domain.bucket import refill, settled
from quotadeck.domain.calls import Call, Move, OpenCall
from quotadeck.domain.limits import RateLimit

_NS_PER_US = 1_000
_US_PER_MS = 1_000
_US_PER_S = 1_000_000


def restore_levels(
    limits: Mapping[str, RateLimit],
    levels_at_us: int | None,
    levels: Mapping[str, int],
    since: Sequence[OpenCall | Move | Call],
    now_us: int,
    *,
    under_way: Iterable[OpenCall] = (),
) -> dict[str, int]:
    """The level in micro-units that each of ``limits`` starts from at ``now_us``.

    ``levels`` are those recorded at ``levels_at_us`` (refilled to that instant; an absent bucket
    was full) under the present limits: a changed limit wants a new record at once. ``since`` are
    the opens, moves and ends after the record, in the journal's order; an open's ``at_us`` is no
    earlier than its admission. ``under_way`` are the opens that the record already counts, as they
    were moved until then: an end whose open is in neither is charged as if it had held nothing.

    Without a record (None) ``since`` is all that is known: a bucket then starts no higher than
    capacity minus the charges of its last window, without any refill.
    """
    tape = _Tape(limits, levels_at_us, levels, since, now_us, under_way)
    for record in since:
        match record:
            case OpenCall():
                tape.open(record)
            case Move():
                tape.move(record)
            case Call():
                tape.end(record)
    return tape.levels(unrecorded=levels_at_us is None)


class _Tape:
    """The buckets while the records run past them."""

    def __init__(
        self,
        limits: Mapping[str, RateLimit],
        levels_at_us: int | None,
        levels: Mapping[str, int],
        since: Sequence[OpenCall | Move | Call],
        now_us: int,
        under_way: Iterable[OpenCall],
    ) -> None:
        self._limits = limits
        self._now_us = now_us
        if levels_at_us is None:
            levels_at_us = min((record.at_us for record in since), default=now_us)
        self._clock_us = min(levels_at_us + 1, now_us)
        at_ns = self._clock_us * _NS_PER_US
        self._buckets = {
            key: (min(levels.get(key, limit.capacity), limit.capacity), at_ns)
            for key, limit in limits.items()
        }
        self._held = {call.id: dict(call.takes) for call in under_way}
        self._ended: set[str] = set()
        self._charges: dict[str | Move, tuple[int, dict[str, int]]] = {}
        """What each call took and was charged, and each attempt before its last, and when."""

    def open(self, call: OpenCall) -> None:
        """Take what was admitted; a repeated record is the same call."""
        if call.id in self._held or call.id in self._ended:
            return
        takes = dict(call.takes)
        self._held[call.id] = takes
        self._charges[call.id] = call.at_us, takes
        self._reach(call.at_us + 1)
        for key, amount in takes.items():
            self._take(key, amount)

    def move(self, move: Move) -> None:
        """Settle what the failed attempt moved away from, and take what the next one holds."""
        if move.id in self._ended or move in self._charges:
            return
        before, takes = self._held.get(move.id), dict(move.takes)
        self._held[move.id] = takes
        self._reach(move.at_us + 1)
        gone = {key: used for key, used in move.gone if before is None or key in before}
        for key, used in gone.items():
            self._settle(key, before[key] if before else 0, used)
        held = before or {}
        for key, amount in takes.items():
            if key not in held or key in gone:
                self._take(key, amount)
        self._charges[move] = move.at_us, gone
        self._charges[move.id] = move.at_us, takes

    def end(self, call: Call) -> None:
        """Replace what was held by what was charged."""
        if call.id in self._ended:
            return
        self._ended.add(call.id)
        takes = self._held.pop(call.id, None)
        at_us = call.at_us + (call.total_ms + 1) * _US_PER_MS
        self._reach(at_us)
        charged = {key: amount for key, amount in call.charged if takes is None or key in takes}
        opened_us, before = self._charges.get(call.id, (at_us, {}))
        self._charges[call.id] = opened_us, {**before, **charged}
        for key, amount in charged.items():
            self._settle(key, takes[key] if takes else 0, amount)

    def levels(self, *, unrecorded: bool) -> dict[str, int]:
        """The levels now; ``unrecorded`` when no levels record says where they began."""
        self._clock_us = self._now_us
        found = {key: self._refilled(key)[0] for key in self._limits}
        if not unrecorded:
            return found
        return {key: min(level, self._lowest(key)) for key, level in found.items()}

    def _take(self, key: str, amount: int) -> None:
        if key in self._limits:
            level, at_ns = self._refilled(key)
            self._buckets[key] = level - amount, at_ns

    def _settle(self, key: str, held: int, used: int) -> None:
        if key in self._limits:
            level, at_ns = self._refilled(key)
            self._buckets[key] = settled(level, held, used, self._limits[key]), at_ns

    def _lowest(self, key: str) -> int:
        limit = self._limits[key]
        since_us = self._now_us - limit.window_s * _US_PER_S
        charges = (used.get(key, 0) for at_us, used in self._charges.values() if at_us >= since_us)
        return limit.capacity - sum(charges)

    def _reach(self, at_us: int) -> None:
        self._clock_us = min(max(self._clock_us, at_us), self._now_us)

    def _refilled(self, key: str) -> tuple[int, int]:
        level, at_ns = self._buckets[key]
        return refill(level, at_ns, self._limits[key], self._clock_us * _NS_PER_US)
