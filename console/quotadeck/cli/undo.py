"""``undo`` and ``redo``: take one change back, by default your newest; or that, in turn."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from quotadeck.cli.change import ChangeOptions, fresh_key, sent, tell
from quotadeck.cli.changes import DRY_RUN, REASON
from quotadeck.cli.completing import COMMAND
from quotadeck.cli.exits import Exit, Stop
from quotadeck.cli.reach import gateway_options, talking
from quotadeck.cli.show import note
from quotadeck.domain.commands import Action, Command, Entry, value_facts
from quotadeck.domain.subject import Subject
from quotadeck.domain.text import clean
from quotadeck.domain.verbs import VERBS
from quotadeck.sources.gateway import questions
from quotadeck.words import text

LOOK_BACK: Final = 500
"""Audit rows searched for your newest change."""


@click.command(help=text("help.undo"), epilog="\b\n" + text("examples.undo"))
@click.argument("command_id", required=False, type=COMMAND)
@click.option("--yes", is_flag=True, help=text("help.yes"))
@REASON
@DRY_RUN
@gateway_options
def undo(*, command_id: str | None, yes: bool, **how: Any) -> int:
    return _back(Action.UNDO, command_id, yes, how)


@click.command(help=text("help.redo"), epilog="\b\n" + text("examples.redo"))
@click.argument("command_id", required=False)
@click.option("--yes", is_flag=True, help=text("help.yes"))
@REASON
@DRY_RUN
@gateway_options
def redo(*, command_id: str | None, yes: bool, **how: Any) -> int:
    return _back(Action.REDO, command_id, yes, how)


def _back(action: Action, command_id: str | None, yes: bool, how: Mapping[str, Any]) -> int:
    options = ChangeOptions.of(endless=True, **how)
    if command_id is None:
        newest = _newest(options.socket, action)
        note(clean(_words(newest, action), 300))
        asks = not (yes or options.dry_run)
        if asks and not click.confirm(text(f"{action}.ask"), err=True):
            return Exit.INTERRUPTED
        command_id = newest.id
    command = Command(
        action,
        Subject.command(command_id),
        reason=options.reason,
        idempotency_key=fresh_key(),
    )
    with talking(options.socket) as gateway:
        answer = sent(gateway, command, dry_run=options.dry_run)
    return tell(command, answer, options)


def _newest(socket: Path | None, action: Action) -> Entry:
    """Your newest change in force; for a redo, your newest undo."""
    with talking(socket) as gateway:
        me = gateway.ask(questions.whoami()).actor
        page = gateway.ask(questions.audit(limit=LOOK_BACK))
    for row in page.rows:
        verb = VERBS.get(row.entry.action)
        mine = row.in_force and row.entry.actor == me
        is_undo = row.entry.action == Action.UNDO
        if mine and verb and verb.undoable and is_undo is (action is Action.REDO):
            return row.entry
    raise Stop(Exit.REFUSED, text(f"{action}.none", count=len(page.rows), actor=me))


def _words(entry: Entry, action: Action) -> str:
    values = value_facts(entry.field, before=entry.before, after=entry.after)
    return text(
        f"{action}.newest",
        action=entry.action,
        subject=str(entry.subject),
        id=entry.id,
        reason=entry.reason,
        **values,
    )
