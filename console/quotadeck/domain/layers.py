"""The fold of the command log: which value is in force, from which layer, until when.

An override (it expires) wins over a standing change, which wins over the file. Entries that a
later living entry ends (a resume, an undo, a revoke) are out of force; undoing that later entry
brings them back, unless their own end was reached meanwhile: that is an entry, too, for ever.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from quotadeck.domain.commands import PASSING, Action, Entry, Field, Value
from quotadeck.domain.subject import Subject


class Layer(StrEnum):
    """Where a value in force comes from."""

    FILE = "file"
    STANDING = "standing"
    OVERRIDE = "override"


@dataclass(frozen=True, slots=True)
class InForce:
    """A value in force; ``entry`` is the command that set it, None for the file's.

    ``base`` is the value under it: under all overrides the standing change's or the file's, under
    a standing change the file's.
    """

    value: Value | None
    layer: Layer
    entry: Entry | None = None
    base: Value | None = None

    @property
    def until_us(self) -> int | None:
        return self.entry.until_us if self.entry else None


Slot = tuple[Subject, str]
"""A subject and its field."""


@dataclass(frozen=True, slots=True)
class Layers:
    """The applied entries, indexed. Immutable: `with_entry` gives the next one."""

    file: Mapping[Slot, Value]
    by_slot: Mapping[Slot, tuple[Entry, ...]] = field(default_factory=dict)
    by_seq: Mapping[int, Entry] = field(default_factory=dict)
    ended_by: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    expiring: tuple[Entry, ...] = ()
    """Those whose end has not been recorded yet, in force or not."""
    gone: frozenset[int] = frozenset()
    """Those that a living entry took out of force."""
    fields: Mapping[Subject, tuple[str, ...]] = field(default_factory=dict)
    """By subject, those that entries have set: so that one subject is read without the others."""
    versions: Mapping[Subject, int] = field(default_factory=dict)

    def with_entry(self, entry: Entry) -> "Layers":
        """The fold with one more entry; refused ones change nothing."""
        return self.with_entries((entry,))

    def with_entries(self, entries: Iterable[Entry]) -> "Layers":
        """The fold with more entries, in the order of their sequence numbers."""
        by_slot, by_seq = dict(self.by_slot), dict(self.by_seq)
        ended_by = dict(self.ended_by)
        expiring, gone = list(self.expiring), set(self.gone)
        fields, versions = dict(self.fields), dict(self.versions)
        over = set[int]()
        for entry in entries:
            if not entry.applied or entry.field in PASSING:
                continue
            by_seq[entry.seq] = entry
            if entry.field is not None and entry.value is not None:
                slot = (entry.subject, entry.field)
                if slot not in by_slot:
                    fields[entry.subject] = (*fields.get(entry.subject, ()), entry.field)
                if entry.field != Field.SEEN:  # who has seen a trouble has changed nothing
                    versions[entry.subject] = entry.seq
                by_slot[slot] = (*by_slot.get(slot, ()), entry)
                if entry.until_us is not None:
                    expiring.append(entry)
            for seq in entry.ends:
                # The end of what was out of force already changes nothing for anybody.
                seen = seq in by_seq and by_seq[seq].field == Field.SEEN
                if seq in by_seq and not (seen or (entry.action == Action.END and seq in gone)):
                    versions[by_seq[seq].subject] = entry.seq
                ended_by[seq] = (*ended_by.get(seq, ()), entry.seq)
            if entry.action == Action.END:
                over.update(entry.ends)
            _settle(gone, entry.ends, by_seq, ended_by)
        return Layers(
            self.file,
            by_slot,
            by_seq,
            ended_by,
            tuple(entry for entry in expiring if entry.seq not in over),
            frozenset(gone),
            fields,
            versions,
        )

    def moved(self, until_us: Mapping[int, int]) -> "Layers":
        """The fold with other ends, by sequence number: the wall clock was stepped meanwhile.

        The log keeps what the clock showed then; here all is on the wall clock of now.
        """
        new = {seq: replace(self.by_seq[seq], until_us=until) for seq, until in until_us.items()}
        slots = {(e.subject, e.field) for e in new.values() if e.field is not None}
        moved = {
            slot: tuple(new.get(entry.seq, entry) for entry in self.by_slot[slot]) for slot in slots
        }
        return replace(
            self,
            by_slot={**self.by_slot, **moved},
            by_seq={**self.by_seq, **new},
            expiring=tuple(new.get(entry.seq, entry) for entry in self.expiring),
        )

    def of_slot(self, slot: Slot, also: Iterable[int] = ()) -> "Layers":
        """The fold of what bears on one value, ``also`` these entries: small, whatever the log."""
        ahead = [entry.seq for entry in self.by_slot.get(slot, ())] + list(also)
        by_seq, ended_by = dict[int, Entry](), dict[int, tuple[int, ...]]()
        while ahead:
            seq = ahead.pop()
            if seq in ended_by or (entry := self.by_seq.get(seq)) is None:
                continue
            by_seq[seq], ended_by[seq] = entry, self.ended_by.get(seq, ())
            ahead += (*ended_by[seq], *entry.ends)
        there = slot in self.by_slot
        return Layers(
            {slot: self.file[slot]} if slot in self.file else {},
            {slot: self.by_slot[slot]} if there else {},
            by_seq,
            {seq: by for seq, by in ended_by.items() if by},
            gone=frozenset(self.gone & by_seq.keys()),
            fields={slot[0]: (slot[1],)} if there else {},
        )

    def ended(self, seq: int) -> bool:
        """Whether a later living entry took this one out of force."""
        return seq in self.gone

    def living(self, slot: Slot, now_us: int) -> tuple[Entry, ...]:
        """The entries on a value that are neither ended nor expired, oldest first."""
        return tuple(
            entry
            for entry in self.by_slot.get(slot, ())
            if (entry.until_us is None or entry.until_us > now_us) and not self.ended(entry.seq)
        )

    def in_force(self, subject: Subject, name: str, now_us: int) -> InForce:
        """The value in force now and the layer it comes from."""
        slot = (subject, name)
        standing: Entry | None = None
        override: Entry | None = None
        for entry in self.living(slot, now_us):
            if entry.until_us is None:
                standing = entry
            else:
                override = entry
        file = self.file.get(slot)
        if override:
            base = standing.value if standing else file
            return InForce(override.value, Layer.OVERRIDE, override, base)
        if standing:
            return InForce(standing.value, Layer.STANDING, standing, file)
        return InForce(file, Layer.FILE)

    def to_come(self, slot: Slot, now_us: int) -> tuple[tuple[int, Value | None], ...]:
        """What is in force from now on, if nothing is commanded: (since when in µs, value)."""
        living = self.living(slot, now_us)
        standing = [entry.value for entry in living if entry.until_us is None]
        steps, since_us = [], now_us
        for entry in reversed(living):
            if entry.until_us is not None and entry.until_us > since_us:
                steps.append((since_us, entry.value))
                since_us = entry.until_us
        return (*steps, (since_us, standing[-1] if standing else self.file.get(slot)))

    def base(self, subject: Subject, name: str, now_us: int) -> Value | None:
        """The value under any override: the standing change's, else the file's."""
        standing = [e for e in self.living((subject, name), now_us) if e.until_us is None]
        return standing[-1].value if standing else self.file.get((subject, name))

    def changed(self, subject: Subject) -> bool:
        """Whether any entry ever set a value of the subject: else the file's are in force."""
        return subject in self.fields

    def version(self, subject: Subject) -> int:
        """The sequence number of the last entry that touched the subject; 0 for none."""
        return self.versions.get(subject, 0)

    def overrides(self, subject: Subject, now_us: int) -> tuple[InForce, ...]:
        """The overrides and standing changes in force on a subject."""
        found = (
            self.in_force(subject, name, now_us)
            for name in self.fields.get(subject, ())
            if name != Field.KEY
        )
        return tuple(item for item in found if item.entry is not None)


def _settle(
    gone: set[int],
    touched: Iterable[int],
    by_seq: Mapping[int, Entry],
    ended_by: Mapping[int, tuple[int, ...]],
) -> None:
    """Bring ``gone`` up to date where an ender came, lived or died, and with what that ended."""
    ahead = list(touched)
    while ahead:
        seq = ahead.pop()
        now_gone = any(by not in gone for by in ended_by[seq])
        if now_gone is (seq in gone):
            continue
        (gone.add if now_gone else gone.discard)(seq)
        if seq in by_seq:
            ahead += by_seq[seq].ends
