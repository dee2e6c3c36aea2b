"""Project keys: ``key add``, ``key revoke``, ``key list``. A secret is made here and shown once."""

import re
import secrets
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import click

from quotadeck.cli.change import ChangeOptions, fresh_key, sent, tell
from quotadeck.cli.changes import DRY_RUN, REASON, end_options
from quotadeck.cli.completing import KEY, PROJECT
from quotadeck.cli.exits import Exit, Stop
from quotadeck.cli.listing import shaped
from quotadeck.cli.names import subject_of
from quotadeck.cli.reach import ask, gateway_options, talking
from quotadeck.cli.show import emit, note, say, stamp, zone
from quotadeck.cli.table import Figure, Shape, print_table
from quotadeck.domain.commands import Action, Command, Field
from quotadeck.domain.days import rfc3339
from quotadeck.domain.project_key import ProjectKey
from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.domain.verbs.keys import MAX_LABEL
from quotadeck.sources.gateway import questions
from quotadeck.wire.objects import plain
from quotadeck.words import text

PREFIX = "qd_"
"""So that a leaked secret can be found by scanners, and told from a provider's."""


def new_secret() -> str:
    """256 random bits behind `PREFIX`, 46 characters."""
    return PREFIX + secrets.token_urlsafe(32)


def key_command(secret: str, projects: tuple[str, ...], label: str, reason: str = "") -> Command:
    """The command that makes ``secret`` a key of the projects; it carries the SHA-256 alone.

    The key's id reads ``analytics-prod-3f9a1c``, so that the audit and a revoke can be read.
    """
    plain = re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")[:16]
    parts = (projects[0][:40], plain, secrets.token_hex(3))
    return Command(
        Action.KEY_ADD,
        Subject.key("-".join(part for part in parts if part)),
        Field.KEY,
        ProjectKey(sha256(secret.encode()).hexdigest(), projects, label),
        reason=reason,
        idempotency_key=fresh_key(),
    )


@click.group(no_args_is_help=False)
def key() -> None:
    """Keys of the projects' applications: add, revoke, list."""


@key.command(help=text("help.key_add"), epilog="\b\n" + text("examples.key_add"))
@click.argument("projects", metavar="PROJECT...", nargs=-1, required=True, type=PROJECT)
@click.option("--label", default="prod", show_default=True, help=text("help.label"))
@end_options("help.for.may")
@REASON
@gateway_options
def add(
    *,
    socket: Path | None,
    as_json: bool,
    projects: tuple[str, ...],
    label: str,
    lasting: str | None,
    until: str | None,
    reason: str,
) -> int:
    if len(label) > MAX_LABEL:
        raise Stop(Exit.USAGE, text("secret.label", length=len(label), most=MAX_LABEL))
    how = ChangeOptions.of(
        socket=socket, as_json=as_json, lasting=lasting, until=until, endless=True
    )
    secret = new_secret()
    with talking(socket) as gateway:
        snapshot = gateway.ask(questions.snapshot())
        ids = tuple(subject_of(snapshot, n, (SubjectKind.PROJECT,)).name for n in projects)
        command = key_command(secret, ids, label, reason)
        command = replace(command, for_ms=how.for_ms, until_us=how.until_us)
        answer = sent(gateway, command)
    key_id = command.subject.name
    if as_json and not answer.refused:
        emit({"id": key_id, "secret": secret, "recorded": answer.recorded})
        return Exit.OK if answer.recorded else Exit.NOT_RECORDED
    code = tell(command, answer, how)
    if not as_json:
        note(text("secret.shown"))
        say(secret)
        note(text("secret.revoke", id=key_id))
    return code


@key.command(help=text("help.key_revoke"), epilog="\b\n" + text("examples.key_revoke"))
@click.argument("key_id", type=KEY)
@REASON
@DRY_RUN
@gateway_options
def revoke(*, socket: Path | None, as_json: bool, key_id: str, reason: str, dry_run: bool) -> int:
    how = ChangeOptions.of(
        socket=socket, as_json=as_json, reason=reason, dry_run=dry_run, endless=True
    )
    command = Command(
        Action.KEY_REVOKE,
        Subject.key(key_id),
        Field.KEY,
        reason=reason,
        idempotency_key=fresh_key(),
    )
    with talking(socket) as gateway:
        answer = sent(gateway, command, dry_run=dry_run)
    return tell(command, answer, how)


@key.command(name="list")
@shaped
@gateway_options
def list_(*, socket: Path | None, as_json: bool, shape: Shape) -> int:
    """The keys that are in force, without their secrets."""
    answer = ask(socket, questions.keys())
    if as_json:
        emit(plain(answer))
        return Exit.OK
    rows = [
        (
            row.id,
            ", ".join(row.projects),
            row.label,
            Figure(stamp(row.added_at_us), rfc3339(row.added_at_us)),
            row.added_by,
        )
        for row in answer.keys
    ]
    heads = ("key", "projects", "label", f"added ({zone()})", "by")
    if rows or shape.csv:
        print_table(heads, rows, spare=("by", "added"), shape=shape)
    else:
        say("no keys yet: `quotadeck key add PROJECT`")
    return Exit.OK
