"""What was done: ``audit``."""

from pathlib import Path
from typing import Final

import click

from quotadeck.cli.completing import SUBJECT
from quotadeck.cli.exits import Exit
from quotadeck.cli.listing import shaped
from quotadeck.cli.reach import ask, gateway_options
from quotadeck.cli.show import (
    clock,
    emit,
    say,
    stamp,
    zone,
)
from quotadeck.cli.table import Figure, Shape, print_table
from quotadeck.cli.verify import verify
from quotadeck.domain.answers import AuditRow
from quotadeck.domain.commands import Entry
from quotadeck.domain.days import rfc3339
from quotadeck.sources.gateway import questions
from quotadeck.wire.objects import plain
from quotadeck.words import text
from quotadeck.words.commands import error, field_word, reason, refusal, value


@click.group(
    invoke_without_command=True,
    epilog="\b\nExample:\n  quotadeck audit --last 20 --subject project:analytics",
)
@click.option("--last", type=click.IntRange(1, 1_000), default=20, help="How many. Default 20.")
@click.option(
    "--subject", type=SUBJECT, default="", help="Only this one: project:ID, model:NAME, target:ID."
)
@shaped
@gateway_options
def audit(*, socket: Path | None, as_json: bool, shape: Shape, last: int, subject: str) -> int:
    """Who changed what and why, newest first; refused ones too."""
    if click.get_current_context().invoked_subcommand is not None:
        return Exit.OK
    page = ask(socket, questions.audit(limit=last, subject=subject))
    if as_json:
        told = [plain(row) | error(row.entry.refused) for row in page.rows]
        emit({"rows": told, "next_before_seq": page.next_before_seq})
        return Exit.OK
    heads = (f"at ({zone()})", "who", "did", "subject", "before → after", "state", "id", "reason")
    rows = [_audit_line(row) for row in page.rows]
    if rows or shape.csv:
        print_table(heads, rows, spare=("id", "did"), least=_LEAST, shape=shape)
    else:
        say(_none("changes", subject))
    return Exit.OK


audit.add_command(verify)


_LEAST: Final = {"subject": 14, "before_after": 12, "reason": 18}


def _none(what: str, *asked: str | None) -> str:
    return f"no such {what} are recorded" if any(asked) else f"no {what} are recorded yet"


def _audit_line(row: AuditRow) -> tuple[str, ...]:
    entry, refused = row.entry, row.entry.refused
    before, after = (
        "–" if refused or entry.idle else value(entry.field, each)
        for each in (entry.before, entry.after)
    )
    return (
        Figure(stamp(entry.at_us), rfc3339(entry.at_us)),
        f"{entry.actor} ({entry.role})",
        entry.action,
        f"{entry.subject} {field_word(entry.field)}".strip(),
        f"{before} → {after}",
        _state(row),
        entry.id,
        _why(entry),
    )


def _why(entry: Entry) -> str:
    """The reason, why it was refused, and the change that it is a part of."""
    words = [reason(entry)]
    if entry.refused:
        words.append(f"[{refusal(entry.refused, clock)}]")
    if entry.group and entry.group != entry.id:
        words.append(text("audit.part", id=entry.group))
    return " ".join(filter(None, words))


def _state(row: AuditRow) -> str:
    if row.entry.refused:
        return "refused"
    if not row.in_force:
        return "ended"
    until_us = row.entry.until_us
    return f"until {clock(until_us)}" if until_us else "in force"
