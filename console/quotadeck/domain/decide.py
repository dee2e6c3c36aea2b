"""What comes of a command: pure, from the command, who asks, the catalogue and the log's fold.

A decided command is an `Entry` that still lacks its id and its place in the log (seq 0); a refused
one is a `Rejected`, whose sentence says what happened, which value, and what to do next.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Final, Literal

from quotadeck.domain.catalogue import Catalogue, nearest
from quotadeck.domain.commands import (
    LIMIT_FIELDS,
    MAX_OVERRIDE_MS,
    Action,
    Actor,
    Command,
    Entry,
    Field,
    Value,
)
from quotadeck.domain.days import rfc3339
from quotadeck.domain.key_value import KeyInvalid, key_value
from quotadeck.domain.layers import Layer, Layers, Slot
from quotadeck.domain.limits import MAX_PER_MINUTE
from quotadeck.domain.money import MAX_NANO_USD
from quotadeck.domain.roles import exceeded, forbidden
from quotadeck.domain.shape import MIN_OVERRIDE_MS, field_of, malformed, reason_of
from quotadeck.domain.subject import SubjectKind
from quotadeck.domain.text import clean
from quotadeck.domain.wording import undo_reason, value_text

Code = Literal["not_allowed", "not_found", "stale", "conflict", "invalid"]

MAX_SLOTS: Final = 1_000_000

_FIELDS: Final = {
    SubjectKind.PROJECT: LIMIT_FIELDS,
    SubjectKind.TARGET: (Field.RPM, Field.TPM),
}
_MOST: Final = {Field.CONCURRENCY: MAX_SLOTS, Field.BUDGET: MAX_NANO_USD}
_VERSIONED: Final = frozenset({Action.LIMIT, Action.FALLBACK})


@dataclass(frozen=True, slots=True)
class Rejected:
    """A refused command: nothing changes."""

    code: Code
    text: str


@dataclass(frozen=True, slots=True)
class _Case:
    command: Command
    actor: Actor
    catalogue: Catalogue
    layers: Layers
    now_us: int

    @property
    def name(self) -> str:
        return self.command.subject.name

    @property
    def slot(self) -> Slot:
        about = field_of(self.command)
        assert about is not None
        return self.command.subject, about


def decide(
    command: Command, actor: Actor, catalogue: Catalogue, layers: Layers, now_us: int
) -> Entry | Rejected:
    """The entry to be logged and applied, or why there is none."""
    if why := forbidden(actor, command):
        return Rejected("not_allowed", why)
    case = _Case(command, actor, catalogue, layers, now_us)
    if why := malformed(command):
        return _invalid(why)
    if refused := _until_wrong(case) or _stale(case):
        return refused
    decided = _DECIDERS[command.action](case)
    if isinstance(decided, Entry) and (why := exceeded(actor, decided, layers)):
        return Rejected("not_allowed", why)
    return decided


def folded(entry: Entry, layers: Layers) -> Layers:
    """The layers as they would be with a decided entry that is not in the log yet."""
    return layers.with_entry(replace(entry, seq=max(layers.by_seq, default=0) + 1))


def slot_of(entry: Entry) -> Slot:
    """The one value that an applied entry is about."""
    assert entry.field is not None
    return entry.subject, entry.field


def tightens(entry: Entry, layers: Layers) -> bool:
    """Whether from now on, at every instant, the entry allows no more than was allowed before.

    Only such an entry may take effect without standing in the log. A forced fallback never does:
    it changes what money is spent on.
    """
    subject, name = slot_of(entry)
    if name is Field.TARGET:
        return False
    slot = (subject, name)
    before = layers.to_come(slot, entry.at_us)
    after = folded(entry, layers).to_come(slot, entry.at_us)
    return all(
        _allowed(name, _at(after, since_us)) <= _allowed(name, _at(before, since_us))
        for since_us, _ in (*before, *after)
    )


def _at(steps: Sequence[tuple[int, Value | None]], at_us: int) -> Value | None:
    return steps[bisect_right(steps, at_us, key=itemgetter(0)) - 1][1]


def _allowed(name: Field, value: Value | None) -> float:
    if name is Field.PAUSED:
        return 0 if value else 1
    if name is Field.KEY:
        return 0 if value is None else 1
    return float("inf") if value is None else int(value)


def until_us(command: Command, now_us: int) -> int | None:
    """When the command will end, on the wall clock; None for a standing change."""
    return command.until_us if command.for_ms is None else now_us + command.for_ms * 1_000


def _until_wrong(case: _Case) -> Rejected | None:
    until = case.command.until_us
    if until is None or MIN_OVERRIDE_MS <= (until - case.now_us) // 1_000 <= MAX_OVERRIDE_MS:
        return None
    return _invalid(
        f"{rfc3339(until)} is not between one second and 31 days from now, {rfc3339(case.now_us)}"
    )


def _stale(case: _Case) -> Rejected | None:
    command, layers = case.command, case.layers
    seen, version = command.expected_version, layers.version(command.subject)
    if command.action not in _VERSIONED or seen is None or seen == version:
        return None
    since = [
        f"{entry.actor} set {entry.field} {entry.before} → {entry.after} at {rfc3339(entry.at_us)}"
        for entry in sorted(layers.by_seq.values(), key=lambda entry: entry.seq)
        if entry.seq > seen and entry.subject == command.subject
    ]
    what = "; ".join(since[-3:]) or "another gateway's log was read then"
    return Rejected(
        "stale",
        f"{clean(case.name)} changed since you looked (version {seen}, now {version}): {what}. "
        "Look again, then repeat the command if it is still right",
    )


def _pause(case: _Case) -> Entry | Rejected:
    return _unknown(case) or _entry(case, case.slot, value=True)


def _resume(case: _Case) -> Entry | Rejected:
    pauses = case.layers.living(case.slot, case.now_us)
    if pauses:
        return _entry(case, case.slot, ends=tuple(pause.seq for pause in pauses))
    return _unknown(case) or Rejected(
        "conflict", f"{clean(case.name)} is not paused: there is nothing to resume"
    )


def _limit(case: _Case) -> Entry | Rejected:
    if refused := _unknown(case):
        return refused
    command = case.command
    kind, name = command.subject.kind, command.field
    if name is None or name not in _FIELDS[kind]:
        fields = ", ".join(_FIELDS[kind])
        return _invalid(f"a {kind} has no limit {name}: name one of {fields}")
    value = _absolute(case, name)
    if isinstance(value, Rejected):
        return value
    most = _MOST.get(name, MAX_PER_MINUTE)
    if not 1 <= value <= most:
        low, high = value_text(name, 1), value_text(name, most)
        hint = "; to let nothing pass, pause it" if value <= 0 else ""
        return _invalid(f"{name} {value_text(name, value)} is not in {low} … {high}{hint}")
    return _entry(case, case.slot, value=value)


def _absolute(case: _Case, name: Field) -> int | Rejected:
    value, percent = case.command.value, case.command.scale_percent
    if (value is None) == (percent is None):
        return _invalid("a limit takes either a value or a scale in percent: give one of the two")
    if percent is None:
        if not isinstance(value, int) or isinstance(value, bool):
            unit = "integer nano-dollars" if name is Field.BUDGET else "a whole number"
            return _invalid(f"{name} takes {unit}, not {clean(str(value), 80)!r}")
        return value
    now = case.layers.in_force(case.command.subject, name, case.now_us).value
    if now is None:
        return _invalid(f"{clean(case.name)} has no {name} to scale: give a value instead")
    if percent < 1:
        return _invalid(f"a scale of {percent} % is not 1 % or more")
    return scaled(int(now), percent)


def scaled(value: int, percent: int) -> int:
    """The value that a scale comes to, rounded half up and never under 1."""
    return max(1, (value * percent + 50) // 100)


def _fallback(case: _Case) -> Entry | Rejected:
    if refused := _unknown(case):
        return refused
    targets = case.catalogue.routes[case.name].targets
    target = case.command.value
    if not isinstance(target, str) or target not in targets:
        return Rejected(
            "not_found",
            f"{clean(case.name)} has no target {clean(str(target), 80)!r} in its route: "
            f"name one of {', '.join(targets)}",
        )
    return _entry(case, case.slot, value=target)


def _undo(case: _Case) -> Entry | Rejected:
    layers, now_us = case.layers, case.now_us
    undone = next((entry for entry in layers.by_seq.values() if entry.id == case.name), None)
    if undone is None:
        return Rejected(
            "not_found",
            f"no applied command has the id {clean(case.name, 80)!r} (a refused one changed "
            "nothing): take the id from the audit",
        )
    if undone.action is Action.END:
        return Rejected(
            "conflict",
            f"{undone.id} is {undone.reason}, which is over for good: to have the value again, "
            "set it again",
        )
    if over := _over(undone, layers, now_us):
        return Rejected("conflict", f"{undone.id} {over}: there is nothing to undo")
    slot = slot_of(undone)
    later = [entry for entry in layers.living(slot, now_us) if entry.seq > undone.seq]
    if later:
        last = later[-1]
        return Rejected(
            "conflict",
            f"{last.actor} set {last.field} of {last.subject.name} to {last.after} later, at "
            f"{rfc3339(last.at_us)}: undo {last.id} first",
        )
    reason = reason_of(case.command) or undo_reason(undone.id)
    entry = _entry(case, slot, ends=(undone.seq,), reason=reason)
    if folded(entry, layers).living(slot, now_us) == layers.living(slot, now_us):
        return Rejected(
            "conflict",
            f"what {undone.id} ended has run out meanwhile or was ended by others too: undoing it "
            "would change nothing",
        )
    return entry


def _over(entry: Entry, layers: Layers, now_us: int) -> str:
    """How an entry came to its end; empty while it lives."""
    if entry.until_us is not None and entry.until_us <= now_us:
        return f"ended by itself at {rfc3339(entry.until_us)}"
    for seq in reversed(layers.ended_by.get(entry.seq, ())):
        if not layers.ended(seq):
            by = layers.by_seq[seq]
            if by.action is Action.END:
                return f"ended by itself at {rfc3339(by.at_us)}"
            return f"was ended by {by.actor}'s {by.action} {by.id} at {rfc3339(by.at_us)}"
    return ""


def _key_add(case: _Case) -> Entry | Rejected:
    keys = {
        subject: layer.value
        for subject, name in case.layers.by_slot
        if name is Field.KEY
        and (layer := case.layers.in_force(subject, name, case.now_us)).value is not None
    }
    if case.command.subject in keys:
        return Rejected("conflict", f"there is a key {clean(case.name)} already: choose another id")
    try:
        value = key_value(case.name, case.command.value, case.catalogue, keys.values())
    except KeyInvalid as wrong:
        return Rejected(wrong.code, str(wrong))
    return _entry(case, case.slot, value=value)


def _key_revoke(case: _Case) -> Entry | Rejected:
    added = case.layers.living(case.slot, case.now_us)
    if not added:
        return Rejected(
            "not_found",
            f"no key {clean(case.name, 80)!r} is in force: `quotadeck key list` shows those that "
            "are",
        )
    return _entry(case, case.slot, ends=tuple(entry.seq for entry in added))


_DECIDERS: Final[Mapping[Action, Callable[[_Case], Entry | Rejected]]] = {
    Action.PAUSE: _pause,
    Action.RESUME: _resume,
    Action.LIMIT: _limit,
    Action.FALLBACK: _fallback,
    Action.UNDO: _undo,
    Action.KEY_ADD: _key_add,
    Action.KEY_REVOKE: _key_revoke,
}


def _entry(
    case: _Case,
    slot: Slot,
    *,
    value: Value | None = None,
    ends: tuple[int, ...] = (),
    reason: str | None = None,
) -> Entry:
    command, (subject, name) = case.command, slot
    entry = Entry(
        seq=0,
        id="",
        at_us=case.now_us,
        actor=case.actor.name,
        role=case.actor.role,
        origin=case.actor.origin,
        action=command.action,
        subject=subject,
        field=name,
        value=value,
        before=value_text(name, case.layers.in_force(subject, name, case.now_us).value),
        after="",
        reason=reason_of(command) if reason is None else reason,
        public=command.public,
        until_us=until_us(command, case.now_us),
        ends=ends,
        applied=True,
        error="",
        idempotency_key=command.idempotency_key,
        for_ms=command.for_ms,
    )
    layers = folded(entry, case.layers)
    after = layers.in_force(subject, name, case.now_us).value
    then = ""
    if entry.until_us is not None:
        then = value_text(name, layers.in_force(subject, name, entry.until_us).value)
    return replace(
        entry, after=value_text(name, after), then=then, under=_under(entry, case.layers)
    )


def _under(entry: Entry, layers: Layers) -> int:
    """The number of the override that keeps a standing change from taking effect."""
    subject, name = slot_of(entry)
    now = layers.in_force(subject, name, entry.at_us)
    lasts = entry.value is not None and entry.until_us is None
    return now.entry.seq if lasts and now.entry and now.layer is Layer.OVERRIDE else 0


def _unknown(case: _Case) -> Rejected | None:
    kind = case.command.subject.kind
    names = case.catalogue.names(kind)
    if case.name in names:
        return None
    near = nearest(case.name, names)
    if near:
        hint = f"did you mean {' or '.join(near)}?"
    elif names:
        more = f" and {len(names) - 5} more" if len(names) > 5 else ""
        hint = f"there are {', '.join(names[:5])}{more}"
    else:
        hint = f"the config file has no {kind}"
    return Rejected("not_found", f"there is no {kind} {clean(case.name, 80)!r}: {hint}")


def _invalid(text: str) -> Rejected:
    return Rejected("invalid", text)
