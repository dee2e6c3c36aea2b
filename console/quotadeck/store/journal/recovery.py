"""What a restart reads out of the journal: which calls were cut off, and how full buckets were."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from quotadeck.domain.calls import Call, Move, OpenCall, moved
from quotadeck.domain.commands import Entry
from quotadeck.domain.steady import Mark
from quotadeck.store.chain import ChainHead
from quotadeck.store.journal.journal import Journal, Position, Record
from quotadeck.store.journal.records import Levels, UnreadableRecord, Withdrawn, decoded
from quotadeck.store.loss import Loss

_SCANNED_RECORDS = 1_000


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was found at start."""

    entries: tuple[Entry, ...]
    """The applied ones of the command log, in the order of their numbers."""
    levels_at_us: int | None
    """The instant of the last `levels` record; None if there never was one."""
    levels: Mapping[str, int]
    """Bucket key → level then; a bucket absent from it was full."""
    since: tuple[OpenCall | Move | Call, ...]
    """Opens, moves and ends after that record, or all that is known, in the journal's order."""
    under_way: tuple[OpenCall, ...]
    """Opens before that record whose end it does not count yet, as they were moved until then."""
    unknown: tuple[Call, ...]
    """Opens without an end, now recorded as unknown and charged."""
    head: ChainHead
    """The end of the command log, with the entries that cannot be read."""
    losses: tuple[Loss, ...]
    """What is lost, broken or odd; each is an event too."""
    mark: Mark | None
    """Of the steady clock, in that record."""


_COMMANDS: Final = (b'["command",{', b'["commands",[')
"""Commands that were not taken back: the ledger's log tells them."""


class Scan:
    """The state at the end of the journal, record by record."""

    def __init__(self) -> None:
        self.live: dict[str, OpenCall] = {}
        self.levels: Levels | None = None
        self.since: list[OpenCall | Move | Call] = []
        self.under_way: tuple[OpenCall, ...] = ()
        self.withdrawn: set[int] = set()
        self.checkpoint = 0
        """The segment of the last `levels` record."""

    def read(self, journal: Journal) -> None:
        """Take in every segment that is there. Raises OSError."""
        position = Position(journal.oldest or 0, 0)
        while True:
            records, position = journal.read(position, _SCANNED_RECORDS)
            if not records:
                return
            for record in records:
                self._add(record)

    def _add(self, record: Record) -> None:
        if record.payload.startswith(_COMMANDS):
            return
        try:
            match decoded(record.payload, record.format):
                case OpenCall() as call:
                    # Known already: it was carried over from an older segment.
                    if call.id not in self.live:
                        self.live[call.id] = call
                        self.since.append(call)
                case Move() as move:
                    if move.id in self.live:
                        self.live[move.id] = moved(self.live[move.id], move)
                    self.since.append(move)
                case Call() as call:
                    self.live.pop(call.id, None)
                    self.since.append(call)
                case Levels() as levels:
                    self.levels, self.checkpoint = levels, record.end.segment
                    self.since.clear()
                    self.under_way = tuple(self.live.values())
                case Withdrawn(seq, count):
                    self.withdrawn.update(range(seq, seq + count))
        except UnreadableRecord:
            # The writer counts it and says so.
            return

    def recovered(
        self,
        entries: Iterable[Entry],
        head: ChainHead,
        unknown: Iterable[Call],
        losses: Iterable[Loss],
    ) -> Recovered:
        """What was found, with what the ledger has of the command log."""
        return Recovered(
            entries=tuple(entries),
            levels_at_us=self.levels.at_us if self.levels else None,
            levels=self.levels.not_full if self.levels else {},
            since=tuple(self.since),
            under_way=self.under_way,
            unknown=tuple(unknown),
            head=head,
            losses=tuple(losses),
            mark=self.levels.mark if self.levels else None,
        )
