"""Who may do what: a fixed table, and the finer rules for operators."""

from collections.abc import Mapping
from typing import Final

from quotadeck.domain.commands import LASTING, Action, Actor, Command, Entry, Role
from quotadeck.domain.layers import Layer, Layers
from quotadeck.domain.wording import value_text

MAY: Final[Mapping[Role, frozenset[Action]]] = {
    Role.VIEWER: frozenset(),
    Role.OPERATOR: frozenset(
        {Action.PAUSE, Action.RESUME, Action.LIMIT, Action.FALLBACK, Action.UNDO}
    ),
    Role.ADMIN: frozenset(Action) - {Action.END},
}

OPERATOR_FACTOR: Final = 2
"""An operator may raise a limit to this many times the file's or the standing value."""


def forbidden(actor: Actor, command: Command) -> str:
    """Why this actor may not ask for such a command at all; empty when it may."""
    if command.action is Action.END:
        return "the gateway alone records an end: resume, undo or revoke what is in force"
    if command.action not in MAY[actor.role]:
        needed = next(role for role in Role if command.action in MAY[role])
        return f"{actor.name} is {actor.role} here; {command.action} takes an {needed}"
    if actor.role is Role.ADMIN or command.expires:
        return ""
    if command.action in LASTING:
        return (
            f"{actor.name} is {actor.role} here and may {command.action} for a time only: "
            f"give it an end of at most 31 days, or ask an admin for a permanent one"
        )
    return ""


def exceeded(actor: Actor, entry: Entry, layers: Layers) -> str:
    """Why this decided command goes beyond the actor's role; empty when it does not."""
    if actor.role is Role.ADMIN:
        return ""
    if entry.action is Action.LIMIT:
        return _too_high(entry, layers)
    if entry.action is Action.UNDO:
        undone = layers.by_seq[entry.ends[0]]
        if undone.role is not Role.OPERATOR:
            return (
                f"{undone.id} was {undone.actor}'s as {undone.role}; {actor.name} is {actor.role} "
                "here and may undo operators' commands only: ask an admin"
            )
    return ""


def _too_high(entry: Entry, layers: Layers) -> str:
    assert entry.field is not None
    assert entry.until_us is not None
    base = layers.base(entry.subject, entry.field, entry.at_us)
    asked = int(entry.value or 0)
    if base is None or asked <= int(base) * OPERATOR_FACTOR:
        return ""
    now = layers.in_force(entry.subject, entry.field, entry.at_us)
    if (
        now.layer is Layer.OVERRIDE
        and now.until_us is not None
        and asked <= int(now.value or 0)
        and entry.until_us <= now.until_us
    ):
        return ""
    most = value_text(entry.field, int(base) * OPERATOR_FACTOR)
    return (
        f"{value_text(entry.field, asked)} is more than {OPERATOR_FACTOR} × "
        f"{value_text(entry.field, base)}, the {entry.field} without overrides: "
        f"{entry.actor} is {entry.role} here and may go to {most}; ask an admin for more"
    )
