"""``quotadeck undo``: take one change back, by default your newest that is in force."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from quotadeck.cli.change import Change, fresh_key, tell
from quotadeck.cli.exits import Exit, Stop
from quotadeck.cli.reach import ask, gateway_options, talking
from quotadeck.cli.show import note
from quotadeck.domain.commands import Action, Command
from quotadeck.domain.subject import Subject
from quotadeck.domain.text import clean, counted
from quotadeck.sources.gateway import questions

if TYPE_CHECKING:
    from quotadeck.wire.messages import AuditRow

LOOK_BACK = 500
"""Audit rows searched for your newest change."""
NEWEST_OF = frozenset({Action.PAUSE, Action.RESUME, Action.LIMIT, Action.FALLBACK})


@click.command(
    epilog="\b\nExamples:\n  quotadeck undo                 your newest change in force\n"
    "  quotadeck undo cmd_0192… --reason 'wrong project'"
)
@click.argument("command_id", required=False)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--reason", default="", help="Why, for the audit.")
@click.option("--dry-run", is_flag=True, help="Show what would happen; change nothing.")
@gateway_options
def undo(*, command_id: str | None, yes: bool, **how: Any) -> int:
    """Take a change back, as if it had not been made.

    Without COMMAND_ID it is your newest one in force: shown first, and asked about.
    """
    options = Change.of(endless=True, **how)
    if command_id is None:
        row = _newest(options.socket)
        note(f"your newest change in force: {_words(row)}")
        if not (yes or options.dry_run) and not click.confirm("undo it?", err=True):
            return Exit.INTERRUPTED
        command_id = row.id
    command = Command(
        Action.UNDO,
        Subject.command(command_id),
        reason=options.reason,
        idempotency_key=fresh_key(),
    )
    answer = ask(options.socket, questions.command(command, dry_run=options.dry_run))
    return tell(command, answer, options)


def _newest(socket: Path | None) -> "AuditRow":
    with talking(socket) as gateway:
        me = gateway.ask(questions.whoami()).actor
        page = gateway.ask(questions.audit(limit=LOOK_BACK))
    for row in page.rows:
        if row.in_force and row.actor == me and row.action in NEWEST_OF:
            return row
    raise Stop(
        Exit.REFUSED,
        f"nothing among the last {counted(len(page.rows), 'change')} is yours ({me}) and in force; "
        "name one: `quotadeck audit` lists their ids",
    )


def _words(row: "AuditRow") -> str:
    field = f" {row.field}" if row.field else ""
    words = f"{row.action} {row.subject}{field}: {row.before} → {row.after} ({row.id})"
    return clean(words + (f', "{row.reason}"' if row.reason else ""), 300)
