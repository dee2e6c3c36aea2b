"""What a start finds lost or odd, in words.

SQLite notes how far it has folded the journal (``folded_segment``, ``folded_offset``), and a
segment goes only when that note lies behind it. So every segment from the noted one to the newest
must be there, without a gap, and the noted one must reach as far as the note; and where levels
were folded, a `levels` record must be there. What was cut off at a record's end behind the note
cannot be known.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from quotadeck.domain.clock import Clock
from quotadeck.domain.snapshot import Event
from quotadeck.domain.text import clean, counted
from quotadeck.store.chain import Broken
from quotadeck.store.events import gateway_event
from quotadeck.store.journal import Journal, Position

LOG: Final = logging.getLogger(__name__)
_LOOK: Final = "see with `quotadeck status` and `quotadeck audit` that what is in force is right"


@dataclass(frozen=True, slots=True)
class Loss:
    """Something that is lost, broken or in the way."""

    words: str
    """Short, for the vitals; empty where the store's present problems say it already."""
    what: str
    todo: str
    grave: bool = True
    """Records are gone, or may be."""

    @property
    def text(self) -> str:
        """The sentence for events and the log."""
        return f"{self.what}; {self.todo}"


def event_of(loss: Loss, clock: Clock) -> Event:
    """The event of it; the log has a line of it too."""
    LOG.warning("%s", loss.text)
    return gateway_event(clean(loss.text, 600), clock)


def broken_log(broken: Broken | None) -> tuple[Loss, ...]:
    """What a chain that does not hold means."""
    if broken is None:
        return ()
    return (
        Loss(
            f"command log broken at entry {broken.seq}",
            f"{broken}: what is in force may not be what was commanded",
            "compare `quotadeck audit` with what you know, and set again what is wrong",
        ),
    )


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
        yield Loss("odd file in the journal", f"{odd}: it was ignored", "move it away", grave=False)
    if journal.foreign:
        numbers = ", ".join(map(str, sorted(journal.foreign)))
        yield Loss(
            f"journal has another ledger's segments: {numbers}",
            f"the journal in {directory} has segments that another ledger's gateway wrote: "
            f"{numbers} (source {', '.join(sorted(set(journal.foreign.values())))}): they were "
            "left alone, and nothing in them is in this ledger",
            "put them beside the ledger that they belong to, or that ledger here",
        )
    if odd := journal.ballast.odd:
        yield Loss(
            "odd file in place of the ballast",
            f"{odd.partition(';')[0]}: no room is kept for a full disk",
            "move it away; the gateway makes it again",
            grave=False,
        )
    yield from _missing(directory, journal, sizes, folded)
    if without_levels:
        yield Loss(
            "bucket levels lost",
            f"the journal in {directory} has no levels of buckets any more: they start from full, "
            "less what its calls took",
            "for a minute more may be admitted than the limits allow",
        )
    yield from _torn(journal, folded)
    if journal.damaged:
        at = min(journal.damaged)
        yield Loss(
            "",
            f"the journal is damaged in {counted(len(journal.damaged), 'place')} (first in segment "
            f"{at.segment} at byte {at.offset}): what stood there is lost, what follows was read",
            _LOOK,
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
            gaps.append(str(expected) if expected == number - 1 else f"{expected} to {number - 1}")
        expected = number + 1
    read = f"the ledger has read it to segment {folded.segment}, byte {folded.offset}"
    if gaps:
        names = ", ".join(gaps)
        yield Loss(
            f"journal incomplete: segment {names} missing",
            f"the journal in {directory} is incomplete: segment {names} is missing, and {read}: "
            "calls and commands that stood only there are lost",
            _LOOK,
        )
    size = sizes.get(folded.segment, folded.offset)
    if size < folded.offset:
        yield Loss(
            f"journal incomplete: segment {folded.segment} cut short",
            f"the journal in {directory} is incomplete: segment {folded.segment} ends at byte "
            f"{size}, and {read}: calls and commands recorded behind that are lost",
            _LOOK,
        )


def _torn(journal: Journal, folded: Position) -> Iterator[Loss]:
    for segment, tail in sorted(journal.tails.items()):
        if segment < folded.segment:
            continue  # an earlier start has told it
        size = counted(tail.size, "byte")
        words, where = f"journal ends torn ({size})", f"segment {segment} of the journal ends"
        if tail.begun:
            yield Loss(
                words,
                f"{where} in the middle of a record ({size}): that record is lost",
                "usual after a crash in the middle of a write, which nobody was told had worked; "
                "if the file was cut by hand, more is lost",
                grave=False,
            )
        else:
            what = f"{where} in {size} that are no record: what stood there is lost"
            yield Loss(words, what, _LOOK)
