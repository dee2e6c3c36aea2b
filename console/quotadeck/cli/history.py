"""What was done, and what passed: ``audit`` and ``calls``."""

from functools import partial
from pathlib import Path

import click

from quotadeck.cli.exits import Exit
from quotadeck.cli.reach import ask, gateway_options
from quotadeck.cli.show import (
    clock,
    emit,
    say,
    stamp,
    zone,
)
from quotadeck.cli.table import print_table
from quotadeck.cli.verify import verify
from quotadeck.domain.answers import AuditRow
from quotadeck.domain.calls import Outcome
from quotadeck.domain.money import usd_short
from quotadeck.sources.gateway import questions
from quotadeck.wire.objects import plain
from quotadeck.words.commands import error, field_word, reason, refusal, value
from quotadeck.words.numbers import latency, three


@click.group(
    invoke_without_command=True,
    epilog="\b\nExample:\n  quotadeck audit --last 20 --subject project:analytics",
)
@click.option("--last", type=click.IntRange(1, 1_000), default=20, help="How many. Default 20.")
@click.option("--subject", default="", help="Only this one: project:ID, model:NAME, target:ID.")
@gateway_options
def audit(*, socket: Path | None, as_json: bool, last: int, subject: str) -> int:
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
    if rows:
        print_table(heads, rows, spare=("id", "reason", "did"))
    else:
        say(_none("changes", subject))
    return Exit.OK


audit.add_command(verify)


def _none(what: str, *asked: str | None) -> str:
    return f"no such {what} are recorded" if any(asked) else f"no {what} are recorded yet"


def _audit_line(row: AuditRow) -> tuple[str, ...]:
    entry, refused = row.entry, row.entry.refused
    before, after = (
        "–" if refused or entry.idle else value(entry.field, each)
        for each in (entry.before, entry.after)
    )
    return (
        stamp(entry.at_us),
        f"{entry.actor} ({entry.role})",
        entry.action,
        f"{entry.subject} {field_word(entry.field)}".strip(),
        f"{before} → {after}",
        _state(row),
        entry.id,
        f"{reason(entry)} [{refusal(refused, clock)}]" if refused else reason(entry),
    )


def _state(row: AuditRow) -> str:
    if row.entry.refused:
        return "refused"
    if not row.in_force:
        return "ended"
    until_us = row.entry.until_us
    return f"until {clock(until_us)}" if until_us else "in force"


@click.command(epilog="\b\nExample:\n  quotadeck calls --last 50 --project analytics --json")
@click.option("--last", type=click.IntRange(1, 1_000), default=20, help="How many. Default 20.")
@click.option("--project", default="", help="Only this project's.")
@click.option("--model", default="", help="Only those that asked for this model.")
@click.option(
    "--outcome", type=click.Choice([str(o) for o in Outcome]), help="Only those that ended so."
)
@click.option(
    "--id", "request_id", default="", help="The one of this x-request-id, also of one only counted."
)
@gateway_options
def calls(
    *,
    socket: Path | None,
    as_json: bool,
    last: int,
    project: str,
    model: str,
    outcome: str | None,
    request_id: str,
) -> int:
    """The newest calls as the ledger has them, the newest last."""
    kind = outcome or ""
    asked = partial(questions.calls, last=last, project=project, model=model, outcome=kind)
    page = ask(socket, questions.call(request_id, project) if request_id else asked())
    while page.more and len(page.rows) < last:
        page = ask(socket, asked(nearer=page))
    if as_json:
        emit(plain(page))
        return Exit.OK
    heads = (
        f"at ({zone()})",
        "project",
        "model",
        "served by",
        "outcome",
        "in",
        "out",
        "cost",
        "took",
        "id",
    )
    rows = [
        (
            stamp(call.at_us),
            call.project,
            call.model,
            call.target or "–",
            f"{call.outcome} {call.cause}".strip() + (f" ×{call.count}" if call.count > 1 else ""),
            three(call.usage.input_tokens),
            three(call.usage.output_tokens),
            usd_short(call.cost_nano_usd),
            latency(call.total_ms),
            call.id,
        )
        for call in (row.call for row in page.rows)
    ]
    if rows:
        print_table(heads, rows, right="     >>>>", spare=("id", "served by", "took", "in"))
    else:
        say(_none("calls", project, model, outcome, request_id))
    return Exit.OK
