"""Project keys: ``key add``, ``key revoke``, ``key list``. A secret is made here and shown once."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import click

from quotadeck.cli.change import Change, fresh_key, tell
from quotadeck.cli.changes import end_options
from quotadeck.cli.exits import Exit, Stop
from quotadeck.cli.names import subject_of
from quotadeck.cli.reach import ask, gateway_options, talking
from quotadeck.cli.show import emit, note, say, table
from quotadeck.domain.commands import Action, Command, Field
from quotadeck.domain.days import rfc3339
from quotadeck.domain.key_value import MAX_LABEL
from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.sources.gateway import questions
from quotadeck.wire.objects import plain

PREFIX = "qd_"
"""So that a leaked secret can be found by scanners, and told from a provider's."""


def new_secret() -> str:
    """256 random bits behind `PREFIX`, 46 characters."""
    return PREFIX + secrets.token_urlsafe(32)


def key_command(secret: str, projects: tuple[str, ...], label: str, reason: str = "") -> Command:
    """The command that makes ``secret`` a key of the projects; it carries the SHA-256 alone.

    The key's id reads ``analytics-prod-3f9a1c``, so that the audit and a revoke can be read.
    """
    value = {"sha256": sha256(secret.encode()).hexdigest(), "projects": projects, "label": label}
    plain = re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")[:16]
    parts = (projects[0][:40], plain, secrets.token_hex(3))
    return Command(
        Action.KEY_ADD,
        Subject.key("-".join(part for part in parts if part)),
        Field.KEY,
        _packed(value),
        reason=reason,
        idempotency_key=fresh_key(),
    )


def _packed(value: Mapping[str, object]) -> str:
    import json

    return json.dumps(value, separators=(",", ":"), sort_keys=True)


@click.group(no_args_is_help=False)
def key() -> None:
    """Keys of the projects' applications: add, revoke, list."""


@key.command(epilog="\b\nExample:\n  quotadeck key add analytics --label prod")
@click.argument("projects", metavar="PROJECT...", nargs=-1, required=True)
@click.option("--label", default="prod", show_default=True, help="The environment: prod, dev, …")
@end_options("Without, it lasts until it is revoked.")
@click.option("--reason", default="", help="Why, for the audit.")
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
    """Make a key for one project, or several: the first is its default.

    The secret is printed once, here, and kept nowhere: the gateway knows its SHA-256.
    """
    if len(label) > MAX_LABEL:
        raise Stop(Exit.USAGE, f"--label has {len(label)} characters; {MAX_LABEL} are kept")
    how = Change.of(socket=socket, as_json=as_json, lasting=lasting, until=until, endless=True)
    secret = new_secret()
    with talking(socket) as gateway:
        snapshot = gateway.ask(questions.snapshot())
        ids = tuple(subject_of(snapshot, n, (SubjectKind.PROJECT,)).name for n in projects)
        command = key_command(secret, ids, label, reason)
        command = replace(command, for_ms=how.for_ms, until_us=how.until_us)
        answer = gateway.ask(questions.command(command, dry_run=False))
    key_id = command.subject.name
    if as_json and not answer.error:
        emit({"id": key_id, "secret": secret, "recorded": answer.recorded})
        return Exit.OK if answer.recorded else Exit.NOT_RECORDED
    code = tell(command, answer, how)
    if not as_json:
        note("the secret, shown this once:")
        say(secret)
        note(f"  revoke: quotadeck key revoke {key_id} --reason …")
    return code


@key.command(epilog="\b\nExample:\n  quotadeck key revoke analytics-prod-3f9a1c --reason leaked")
@click.argument("key_id")
@click.option("--reason", default="", help="Why, for the audit.")
@click.option("--dry-run", is_flag=True, help="Show what would happen; change nothing.")
@gateway_options
def revoke(*, socket: Path | None, as_json: bool, key_id: str, reason: str, dry_run: bool) -> int:
    """End a key: requests with it get 401 from now on."""
    how = Change.of(socket=socket, as_json=as_json, reason=reason, dry_run=dry_run, endless=True)
    subject = Subject.key(key_id)
    command = Command(
        Action.KEY_REVOKE, subject, Field.KEY, reason=reason, idempotency_key=fresh_key()
    )
    return tell(command, ask(socket, questions.command(command, dry_run=dry_run)), how)


@key.command(name="list")
@gateway_options
def list_(*, socket: Path | None, as_json: bool) -> int:
    """The keys that are in force, without their secrets."""
    answer = ask(socket, questions.keys())
    if as_json:
        emit(plain(answer))
        return Exit.OK
    rows = [
        (row.id, ", ".join(row.projects), row.label, rfc3339(row.added_at_us), row.added_by)
        for row in answer.keys
    ]
    heads = ("key", "projects", "label", "added", "by")
    for line in table(heads, rows) if rows else ["no keys yet: `quotadeck key add PROJECT`"]:
        say(line)
    return Exit.OK
