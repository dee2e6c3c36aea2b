"""Leases: what applications hold of their quota ahead of their calls, and who waits in them."""

from pathlib import Path

import click

from quotadeck.cli.change import ChangeOptions, fresh_key, sent, tell
from quotadeck.cli.changes import DRY_RUN, REASON
from quotadeck.cli.completing import LEASE
from quotadeck.cli.exits import Exit
from quotadeck.cli.listing import shaped, watched
from quotadeck.cli.reach import ask, gateway_options, talking
from quotadeck.cli.show import emit, note, say
from quotadeck.cli.table import Figure, Shape, print_table
from quotadeck.domain.ages import age, remaining
from quotadeck.domain.commands import Action, Command, Field
from quotadeck.domain.lease import LeasesPage, ManagerRow
from quotadeck.domain.money import usd_exact, usd_short
from quotadeck.domain.subject import Subject
from quotadeck.domain.verbs import VERBS
from quotadeck.sources.gateway import questions
from quotadeck.wire.objects import plain
from quotadeck.words import text


@click.command(help=text("help.leases"), epilog="\b\n" + text("examples.leases"))
@click.option("--waiting", is_flag=True, help=text("help.leases.waiting"))
@watched
@shaped
@gateway_options
def leases(*, socket: Path | None, as_json: bool, shape: Shape, waiting: bool) -> int:
    page = ask(socket, questions.leases())
    if as_json:
        emit(plain(page))
    elif waiting:
        _managers(page.managers, shape)
    else:
        _leases(page, shape)
    return Exit.OK


def _leases(page: LeasesPage, shape: Shape) -> None:
    heads = (
        *("lease", "project", "key", "manager", "requests", "tokens", "money", "calls"),
        *("age", "ends in"),
    )
    rows = [
        (
            row.id,
            row.project,
            row.key_id,
            row.manager,
            _whole(row.requests),
            _whole(row.tokens),
            _money(row.nano_usd),
            Figure(f"{row.calls:,}", row.calls),
            Figure(age(row.age_ms), row.age_ms),
            _left(row.until_us - page.at_us),
        )
        for row in page.leases
    ]
    if rows or shape.csv:
        spare = ("calls", "age", "manager")
        print_table(heads, rows, right="    >>>>>>", spare=spare, shape=shape)
    else:
        say(text("leases.none"))
    count = sum(each.count for row in page.managers for each in row.waiting)
    if count and not shape.csv:
        note(text("leases.waiting", count=count, managers=len(page.managers)))


def _managers(managers: tuple[ManagerRow, ...], shape: Shape) -> None:
    """A line for each who waits; for a manager where nobody does, one that says so."""
    heads = ("manager", "project", "key", "waits", "for", "how many", "longest", "told")
    rows: list[tuple[str, ...]] = []
    for row in managers:
        whose = (row.name or row.lease_id, row.project, row.key_id)
        told = Figure(text("leases.ago", age=age(row.age_ms)), row.age_ms)
        for each in row.waiting:
            longest = Figure(age(each.longest_ms), each.longest_ms)
            count = Figure(f"{each.count:,}", each.count)
            rows.append((*whose, each.who, each.limit, count, longest, told))
        if not row.waiting:
            rows.append((*whose, text("leases.nobody"), "", Figure("0", 0), "", told))
    if rows or shape.csv:
        print_table(heads, rows, right="     >> ", spare=("key",), shape=shape)
    else:
        say(text("leases.no_managers"))


def _whole(amount: int | None) -> str:
    return Figure("–", "") if amount is None else Figure(f"{amount:,}", amount)


def _money(nano: int | None) -> str:
    return Figure("–", "") if nano is None else Figure(usd_short(nano), usd_exact(nano))


def _left(us: int) -> str:
    return Figure(remaining(us), max(0, us) // 1_000)


@click.command("end-lease", help=text("help.end_lease"), epilog="\b\n" + text("examples.end_lease"))
@click.argument("lease_ids", metavar="LEASE...", nargs=-1, required=True, type=LEASE)
@REASON
@DRY_RUN
@gateway_options
def end_lease(
    *, socket: Path | None, as_json: bool, lease_ids: tuple[str, ...], reason: str, dry_run: bool
) -> int:
    how = ChangeOptions.of(
        socket=socket, as_json=as_json, reason=reason, dry_run=dry_run, endless=True
    )
    subjects = tuple(map(Subject.lease, dict.fromkeys(lease_ids)))
    command = Command(
        VERBS[Action.END_LEASE].name,
        subjects[0],
        Field.LEASE,
        reason=reason,
        idempotency_key=fresh_key(),
        subjects=subjects if subjects[1:] else (),
    )
    with talking(socket) as gateway:
        answer = sent(gateway, command, dry_run=dry_run)
    return tell(command, answer, how)
