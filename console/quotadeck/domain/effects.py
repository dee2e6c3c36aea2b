"""What a decided entry changes, before it stands in the log."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from operator import itemgetter

from quotadeck.domain.commands import PASSING, Entry, Field, Value
from quotadeck.domain.layers import Layers, Slot
from quotadeck.domain.rules import LIMIT_FIELDS

NO_GATES = frozenset({Field.SEEN, Field.PRIORITY}) | PASSING
"""What refuses nothing: what was refused before it is no history by it."""
_WEIGHED = frozenset({Field.PAUSED, Field.KEY, *LIMIT_FIELDS})


def folded(entry: Entry, layers: Layers) -> Layers:
    """What bears on the entry's value, as it would be with it: it is not in the log yet."""
    bearing = layers.of_slot(slot_of(entry), entry.ends)
    return bearing.with_entry(replace(entry, seq=max(bearing.by_seq, default=0) + 1))


def slot_of(entry: Entry) -> Slot:
    """The one value that an applied entry is about."""
    assert entry.field is not None
    return entry.subject, entry.field


def tightens(entry: Entry, layers: Layers) -> bool:
    """Whether from now on, at every instant, the entry allows no more than was allowed before.

    Only such an entry may take effect without standing in the log. A forced fallback never does:
    it changes what money is spent on.
    """
    slot = slot_of(entry)
    if slot[1] not in _WEIGHED:
        return False
    before = layers.to_come(slot, entry.at_us)
    after = folded(entry, layers).to_come(slot, entry.at_us)
    return all(
        _allowed(slot[1], _at(after, since_us)) <= _allowed(slot[1], _at(before, since_us))
        for since_us, _ in (*before, *after)
    )


def _at(steps: Sequence[tuple[int, Value | None]], at_us: int) -> Value | None:
    return steps[bisect_right(steps, at_us, key=itemgetter(0)) - 1][1]


def _allowed(name: str, value: Value | None) -> float:
    if name == Field.PAUSED:
        return 0 if value else 1
    if name == Field.KEY:
        return 0 if value is None else 1
    return value if isinstance(value, int) else float("inf")
