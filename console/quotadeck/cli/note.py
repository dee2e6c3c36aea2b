"""``quotadeck note``: what somebody, or a deploy script, wants to be read in the timeline."""

from typing import Any

import click

from quotadeck.cli.change import ChangeOptions, change
from quotadeck.cli.reach import gateway_options
from quotadeck.domain.commands import Action, Command
from quotadeck.domain.snapshot import Snapshot
from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.words import text

_GATEWAY = Subject(SubjectKind.GATEWAY, "")


@click.command(help=text("help.note"), epilog="\b\n" + text("examples.note"))
@click.argument("written", metavar="TEXT")
@click.option("--subject", "about", default=str(_GATEWAY), help=text("help.note.subject"))
@gateway_options
def note(*, written: str, about: str, **how: Any) -> int:
    def command(_: Snapshot) -> Command:
        return Command(Action.NOTE, Subject.parse(about), value=written)

    return change(command, ChangeOptions.of(endless=True, **how))
