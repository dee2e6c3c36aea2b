"""What a start finds lost or odd, as facts.

SQLite notes how far it has folded the journal (``folded_segment``, ``folded_offset``), and a
segment goes only when that note lies behind it. So every segment from the noted one to the newest
must be there, without a gap, and the noted one must reach as far as the note; and where levels
were folded, a `levels` record must be there. What was cut off at a record's end behind the note
cannot be known.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from quotadeck.domain.clock import Clock
from quotadeck.domain.notice import Fact, Notice
from quotadeck.domain.snapshot import Event
from quotadeck.store.chain import BrokenChain
from quotadeck.store.events import gateway_event
from quotadeck.store.journal.journal import Journal, Position


@dataclass(frozen=True, slots=True)
class Loss:
    """Something that is lost, broken or in the way: a notice, and how bad it is."""

    told: Notice
    grave: bool = True
    """Records are gone, or may be."""
    lasting: bool = True
    """The vitals tell of it; else the store's present problems say it already."""

    @property
    def vital(self) -> Notice:
        """The short form."""
        return Notice(f"vital.{self.told.kind}", self.told.facts)


def lost(
    kind: str,
    /,
    *,
    grave: bool = True,
    lasting: bool = True,
    **facts: Fact,
) -> Loss:
    """``lost("store.segment_lost", segment=3)``."""
    return Loss(Notice(kind, facts), grave, lasting)


def event_of(loss: Loss, clock: Clock) -> Event:
    """The event of it."""
    return gateway_event(loss.told, clock)


def broken_log(broken: BrokenChain | None) -> tuple[Loss, ...]:
    """What a chain that does not hold means."""
    if broken is None:
        return ()
    return (lost("store.log_broken", seq=broken.seq, why=broken.why, following=broken.following),)


def losses(
    directory: Path,
    journal: Journal,
    sizes: Mapping[int, int],
    folded: Position,
    *,
    without_levels: bool,
) -> Iterator[Loss]:
    """All that is wrong with the journal that the last process left, and with the ballast.

    ``sizes`` are those of the segments that it left, which the journal has read once.
    ``without_levels``: the ledger has levels, and the journal has none to start from.
    """
    for odd in journal.odd:
        yield Loss(odd, grave=False)
    if journal.foreign:
        yield lost(
            "store.foreign_segments",
            folder=str(directory),
            segments=tuple(map(str, sorted(journal.foreign))),
            sources=tuple(sorted(set(journal.foreign.values()))),
        )
    if ballast := journal.ballast.odd:
        yield Loss(ballast, grave=False)
    yield from _missing(directory, journal, sizes, folded)
    if without_levels:
        yield lost("store.levels_lost", folder=str(directory))
    yield from _torn(journal, folded)
    if journal.damaged:
        at = min(journal.damaged)
        yield lost(
            "store.journal_damaged",
            lasting=False,
            count=len(journal.damaged),
            segment=at.segment,
            offset=at.offset,
        )


def _missing(
    directory: Path, journal: Journal, sizes: Mapping[int, int], folded: Position
) -> Iterator[Loss]:
    newest = max(sizes, default=0)
    expected = max(1, folded.segment)
    skipped = {number for number in journal.barred if folded.segment < number < newest}
    numbers = sorted(number for number in skipped | sizes.keys() if number >= expected)
    gaps = []
    for number in [*numbers, max(newest, folded.segment) + 1]:
        if number > expected:
            gaps.append(str(expected) if expected == number - 1 else f"{expected}–{number - 1}")
        expected = number + 1
    if gaps:
        yield lost(
            "store.segments_missing",
            folder=str(directory),
            segments=tuple(gaps),
            segment=folded.segment,
            offset=folded.offset,
        )
    size = sizes.get(folded.segment, folded.offset)
    if size < folded.offset:
        yield lost(
            "store.segment_cut",
            folder=str(directory),
            segment=folded.segment,
            size=size,
            offset=folded.offset,
        )


def _torn(journal: Journal, folded: Position) -> Iterator[Loss]:
    for segment, tail in sorted(journal.tails.items()):
        if segment < folded.segment:
            continue  # an earlier start has told it
        if tail.begun:
            yield lost("store.torn", grave=False, segment=segment, size=tail.size)
        else:
            yield lost("store.torn_badly", segment=segment, size=tail.size)
