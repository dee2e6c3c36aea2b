"""A command on the desk, with all that it is decided from; and the entry that comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from quotadeck.domain.commands import Actor, Code, Command, Entry, Field, Rejected, Value
from quotadeck.domain.effects import folded, slot_of
from quotadeck.domain.layers import InForce, Layer, Layers, Slot
from quotadeck.domain.nearest import nearest
from quotadeck.domain.notice import Fact, Notice
from quotadeck.domain.state import State
from quotadeck.domain.subject import Subject
from quotadeck.domain.text import clean

if TYPE_CHECKING:
    from quotadeck.domain.catalogue import Catalogue

_LISTED: Final = 5


def rejected(code: Code, kind: str, /, **facts: Fact) -> Rejected:
    """A refusal whose sentence is ``refused.KIND`` in `quotadeck.words`."""
    shown = {
        name: clean(fact, 80) if isinstance(fact, str) else fact for name, fact in facts.items()
    }
    return Rejected(code, Notice(f"refused.{kind}", shown))


def as_asked(command: Command, actor: Actor, about: str | None, at_us: int) -> Entry:
    """The command as an entry, without anything that comes of it; safe to show."""
    return Entry(
        seq=0,
        id="",
        at_us=at_us,
        actor=actor.name,
        role=actor.role,
        origin=actor.origin,
        action=command.action,
        subject=command.subject,
        field=about,
        value=command.value_shown,
        before=None,
        after=None,
        reason=command.reason_shown,
        public=command.public,
        until_us=command.ends_at_us(at_us),
        ends=(),
        applied=True,
        idempotency_key=command.idempotency_key,
        for_ms=command.for_ms,
    )


@dataclass(frozen=True, slots=True)
class Facts:
    """What the gateway knows of the subjects at this moment, beside what is in force."""

    states: Mapping[Subject, State] = field(default_factory=dict)
    needed: Mapping[Subject, int | None] = field(default_factory=dict)
    """What the last hour needed of the limit that the command names."""
    leases: Mapping[Subject, str] = field(default_factory=dict)
    """The project of each lease that it names and that lives; empty: it does not."""


@dataclass(frozen=True, slots=True)
class Case:
    """``about`` is the field that the command sets, None while nobody knows."""

    command: Command
    about: str | None
    actor: Actor
    catalogue: Catalogue
    layers: Layers
    now_us: int
    facts: Facts = Facts()
    brief: bool = False
    """Another part was refused already: of this one it is only asked whether it is refused, too."""

    @property
    def name(self) -> str:
        return self.command.subject.name

    @property
    def slot(self) -> Slot:
        assert self.about is not None
        return self.command.subject, self.about

    @property
    def in_force(self) -> InForce:
        return self.layers.in_force(*self.slot, self.now_us)

    def unknown(self) -> Rejected | None:
        """Why there is no such subject; None where there is."""
        if self.catalogue.has(self.command.subject):
            return None
        kind = self.command.subject.kind
        about: dict[str, Fact] = {"kind": kind.value, "name": self.name}
        if self.brief:
            return rejected("not_found", "unknown.none", **about)
        names = self.catalogue.names(kind)
        if near := nearest(self.name, names):
            return rejected("not_found", "unknown.near", near=near, **about)
        if not names:
            return rejected("not_found", "unknown.none", **about)
        if more := len(names[_LISTED:]):
            return rejected("not_found", "unknown.more", names=names[:_LISTED], more=more, **about)
        return rejected("not_found", "unknown", names=names, **about)

    def overridden(self) -> list[Entry] | Rejected:
        """The overrides in force on the subject, on the field where the command names one.

        That a trouble was seen is none where it is not named: it goes with the trouble.
        """
        if unknown := self.unknown():
            return unknown
        subject, about = self.command.subject, self.about
        every = (name for name in self.layers.fields.get(subject, ()) if name != Field.SEEN)
        found = [
            item.entry
            for name in ((about,) if about else every)
            if (item := self.layers.in_force(subject, name, self.now_us)).layer is Layer.OVERRIDE
            and item.entry is not None
        ]
        return found or self.no_override()

    def no_override(self) -> Rejected:
        return rejected("conflict", "no_override", name=self.name, field=self.about)

    def for_good(self, *entries: Entry) -> tuple[int, ...]:
        """What ends these: them, and what they ended, which would come back without them."""
        found, ahead = dict[int, None](), [entry.seq for entry in entries]
        while ahead:
            seq = ahead.pop()
            if seq not in found and (entry := self.layers.by_seq.get(seq)) is not None:
                found[seq] = None
                ahead += entry.ends
        return tuple(sorted(found))

    def entry(
        self,
        value: Value | None = None,
        *,
        slot: Slot | None = None,
        ends: tuple[int, ...] = (),
        of: str = "",
        **other: Any,
    ) -> Entry:
        """What comes of the command where it is about that value, or takes those entries out.

        ``other`` are fields that are not as the command has them. It lacks its id and its place in
        the log (seq 0).
        """
        subject, about = slot or self.slot
        asked = as_asked(self.command, self.actor, about, self.now_us)
        before = self.layers.in_force(subject, about, self.now_us).value
        entry = replace(
            asked, subject=subject, value=value, before=before, ends=ends, of=of, **other
        )
        layers = folded(entry, self.layers)
        after = layers.in_force(subject, about, self.now_us).value
        then = None
        if entry.until_us is not None:
            then = layers.in_force(subject, about, entry.until_us).value
        return replace(entry, after=after, then=then, under=_under(entry, layers))


def _under(entry: Entry, layers: Layers) -> int:
    """The number of the override that keeps a standing change from taking effect.

    ``layers`` are those with the entry.
    """
    now = layers.in_force(*slot_of(entry), entry.at_us)
    lasts = entry.value is not None and entry.until_us is None
    return now.entry.seq if lasts and now.entry and now.layer is Layer.OVERRIDE else 0
