"""The commands that change something: pause, resume, limit, route."""

from collections.abc import Callable
from typing import Any, Final

import click

from quotadeck.cli.change import Change, change
from quotadeck.cli.exits import Exit, Stop
from quotadeck.cli.names import subject_of
from quotadeck.cli.reach import gateway_options
from quotadeck.domain.commands import LIMIT_FIELDS, Action, Command, Field
from quotadeck.domain.snapshot import Snapshot
from quotadeck.domain.subject import SubjectKind
from quotadeck.domain.typed import limit_value


def _kind_options(*kinds: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for kind in reversed(kinds):
            words = f"NAME is a {kind}, where it could be more than one thing."
            command = click.option(f"--{kind}", "kind", flag_value=kind, default="", help=words)(
                command
            )
        return command

    return add


def _reason(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--reason", default="", help="Why, for the audit (up to 200 characters).")(
        command
    )


def end_options(default: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """``--for`` and ``--until``; ``default`` says what holds without them."""

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        command = click.option(
            "--until",
            metavar="TIME",
            help="Or until when, on this machine's clock: 09:00 (the next), 2026-11-27T09:00.",
        )(command)
        return click.option(
            "--for",
            "lasting",
            metavar="DURATION",
            help=f"How long: 90s, 15m, 1h30m, 2d. {default}",
        )(command)

    return add


def _how_long(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.option(
        "--permanent", is_flag=True, help="A standing change, without an end (admins only)."
    )(command)
    return end_options("Default 1h. Ends by itself.")(command)


def _dry_run(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--dry-run", is_flag=True, help="Show what would happen; change nothing.")(
        command
    )


@click.command(epilog='\b\nExample:\n  quotadeck pause analytics --for 1h --reason "batch bug"')
@click.argument("name")
@_kind_options("project", "model")
@_how_long
@_reason
@click.option("--public", is_flag=True, help="Show the reason to the paused project's clients.")
@_dry_run
@gateway_options
def pause(*, name: str, kind: str, public: bool, **how: Any) -> int:
    """Refuse new requests of a project, or for a model.

    Those in flight finish.
    """

    def command(snapshot: Snapshot) -> Command:
        subject = subject_of(snapshot, name, (SubjectKind.PROJECT, SubjectKind.MODEL), kind)
        return Command(Action.PAUSE, subject, public=public)

    return change(command, Change.of(**how))


@click.command(epilog="\b\nExample:\n  quotadeck resume analytics")
@click.argument("name")
@_kind_options("project", "model")
@_reason
@_dry_run
@gateway_options
def resume(*, name: str, kind: str, **how: Any) -> int:
    """End the pauses of a project, or of a model."""

    def command(snapshot: Snapshot) -> Command:
        subject = subject_of(snapshot, name, (SubjectKind.PROJECT, SubjectKind.MODEL), kind)
        return Command(Action.RESUME, subject)

    return change(command, Change.of(endless=True, **how))


_AS_SHOWN: Final = {"slots": Field.CONCURRENCY, "budget": Field.BUDGET}
"""The limits by the names that the screen has room for."""


@click.command(
    epilog="""\b
Examples:
  quotadeck limit analytics rpm 40 --for 1h --reason "orders import"
  quotadeck limit analytics tpm x2 --for 30m --reason "orders import" --dry-run
  quotadeck limit search budget 75.50 --permanent --reason "agreed with finance"
  quotadeck limit main/gpt-4.1 rpm 50% --for 2h --reason "upstream halved our quota"
"""
)
@click.argument("name")
@click.argument("field", type=click.Choice([*map(str, LIMIT_FIELDS), *_AS_SHOWN]))
@click.argument("value")
@_kind_options("project", "target")
@_how_long
@_reason
@_dry_run
@gateway_options
def limit(*, name: str, field: str, value: str, kind: str, **how: Any) -> int:
    """Change a limit of a project or of a target.

    NAME is a project's id or a target: upstream/model.

    Budget and slots are short for daily_budget_usd and concurrency.

    VALUE is a number (40, 80k, 1.5M; dollars for a budget: 12.50) or a scale (x2, 50%) of the
    value in force.
    """
    of = _AS_SHOWN.get(field) or Field(field)
    try:
        amount, scale = limit_value(of, value)
    except ValueError as wrong:
        raise Stop(Exit.USAGE, f"limit: {wrong}") from None

    def command(snapshot: Snapshot) -> Command:
        subject = subject_of(snapshot, name, (SubjectKind.PROJECT, SubjectKind.TARGET), kind)
        return Command(Action.LIMIT, subject, of, amount, scale)

    return change(command, Change.of(**how))


@click.command(
    epilog="\b\nExample:\n  quotadeck route claude-opus-4.7 --to main/gpt-4.1 --for 1h "
    '--reason "upstream 429s"'
)
@click.argument("model")
@click.option("--to", "target", required=True, help="The target (upstream/model) to force it to.")
@_how_long
@_reason
@_dry_run
@gateway_options
def route(*, model: str, target: str, **how: Any) -> int:
    """Force a model's requests to another target of its route."""

    def command(snapshot: Snapshot) -> Command:
        subject = subject_of(snapshot, model, (SubjectKind.MODEL,))
        to = subject_of(snapshot, target, (SubjectKind.TARGET,)).name
        return Command(Action.FALLBACK, subject, Field.TARGET, to)

    return change(command, Change.of(**how))
