"""Limit: another value for a limit of a project or a target, or a scale of the one in force."""

from typing import Final

from quotadeck.domain.commands import Action, Actor, Entry, Rejected, amount
from quotadeck.domain.layers import Layer, Layers
from quotadeck.domain.needed import NEEDED
from quotadeck.domain.rules import RULE_OF, is_money, rules_of
from quotadeck.domain.subject import SubjectKind
from quotadeck.domain.verbs.case import Case, rejected
from quotadeck.domain.verbs.verb import End, Takes, Verb

OPERATOR_FACTOR: Final = 2
"""An operator may raise a limit to this many times the file's or the standing value."""


def scaled(value: int, percent: int) -> int:
    """The value that a scale comes to, rounded half up and never under 1."""
    return max(1, (value * percent + 50) // 100)


def _limit(case: Case) -> Entry | Rejected:
    if unknown := case.unknown():
        return unknown
    kind, name = case.command.subject.kind, case.about
    fields = tuple(rule.field for rule in rules_of(kind))
    if name is None or name not in fields:
        return rejected("invalid", "no_such_limit", kind=kind.value, field=name, fields=fields)
    value = _absolute(case, name)
    if isinstance(value, Rejected):
        return value
    most = RULE_OF[name].most
    if not 1 <= value <= most:
        said = "out_of_range" if value > 0 else "out_of_range.nothing"
        return rejected("invalid", said, field=name, value=value, low=1, high=most)
    return case.entry(value)


def _absolute(case: Case, name: str) -> int | Rejected:
    value, percent = case.command.value, case.command.scale_percent
    if [value is not None, percent is not None, case.command.needed].count(True) != 1:
        return rejected("invalid", "value_or_scale")
    if case.command.needed:
        if name not in NEEDED or case.command.subject.kind is not SubjectKind.PROJECT:
            return rejected("invalid", "needed.of", field=name, fields=NEEDED)
        found = case.facts.needed.get(case.command.subject)
        return found or rejected("conflict", "needed.nothing", name=case.name)
    if percent is None:
        if not isinstance(value, int) or isinstance(value, bool):
            said = "not_nano_dollars" if is_money(name) else "not_whole"
            return rejected("invalid", said, field=name, value=str(value))
        return value
    now = case.in_force.value
    if now is None:
        return rejected("invalid", "nothing_to_scale", name=case.name, field=name)
    if percent < 1:
        return rejected("invalid", "scale", scale_percent=percent)
    return scaled(amount(now), percent)


def too_high(actor: Actor, entry: Entry, layers: Layers) -> Rejected | None:
    """Why an operator may not set a limit so; it has an end."""
    assert entry.field is not None
    assert entry.until_us is not None
    asked, base = amount(entry.value), layers.base(entry.subject, entry.field, entry.at_us)
    if base is None or asked <= amount(base) * OPERATOR_FACTOR:
        return None
    now = layers.in_force(entry.subject, entry.field, entry.at_us)
    lowers = now.layer is Layer.OVERRIDE and asked <= amount(now.value)
    if lowers and now.until_us is not None and entry.until_us <= now.until_us:
        return None
    return rejected(
        "not_allowed",
        "too_high",
        actor=actor.name,
        role=actor.role,
        field=entry.field,
        asked=asked,
        factor=OPERATOR_FACTOR,
        base=amount(base),
        most=amount(base) * OPERATOR_FACTOR,
    )


LIMIT: Final = Verb(
    Action.LIMIT, (SubjectKind.PROJECT, SubjectKind.TARGET), _limit, takes=Takes.LIMIT,
    exceeds=too_high, end=End.USUAL, explained=True, versioned=True, several=True, line="limit",
)  # fmt: skip
