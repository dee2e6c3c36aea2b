"""The commands that change something, each from its row: pause, resume, limit, route."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import click

from quotadeck.cli.change import ChangeOptions, change
from quotadeck.cli.completing import TARGET, Known
from quotadeck.cli.exits import Exit, Stop
from quotadeck.cli.names import subject_of
from quotadeck.cli.reach import gateway_options
from quotadeck.domain.commands import EVERY_PROJECT, Command, Field, Value
from quotadeck.domain.money import MoneyError
from quotadeck.domain.rules import LIMIT_FIELDS, RULES
from quotadeck.domain.snapshot import Snapshot
from quotadeck.domain.subject import SubjectKind
from quotadeck.domain.typed import TypedWrong, limit_value
from quotadeck.domain.verbs import VERBS, End, Takes, Verb
from quotadeck.domain.verbs.priority import CLASSES
from quotadeck.words import say, text

Add = Callable[[Callable[..., Any]], Callable[..., Any]]
"""Adds a parameter to a command's function."""
Set = Callable[[Snapshot], tuple[str | None, Value | None, int | None]]
"""What is set, by the names that exist: the field, its value, or a scale in percent."""

_AS_SHOWN: Final = {rule.name: rule.field for rule in RULES if rule.name != rule.field}
"""The limits by the names that the screen has room for."""


NEEDED_WORD: Final = "needed"
_LESS: Final = re.compile(r"-[0-9.]+%")
_FIELDS: Final = click.Choice(
    [*map(str, LIMIT_FIELDS), *_AS_SHOWN, *map(str, (Field.PAUSED, Field.TARGET, Field.PRIORITY))]
)


@dataclass(frozen=True, slots=True)
class TypedLine:
    """How what a command takes is typed: parameters, and from their texts to what is set."""

    parameters: tuple[Add, ...]
    read: Callable[..., Set]


def _nothing() -> Set:
    return lambda _: (None, None, None)


def _limit(field: str, value: str) -> Set:
    of = _AS_SHOWN.get(field) or Field(field)
    if value == NEEDED_WORD:
        return lambda _: (of, None, None)
    try:
        amount, scale = limit_value(of, value)
    except (TypedWrong, MoneyError) as wrong:
        raise Stop(Exit.USAGE, say(wrong.within("typed.wrong", option="limit"))) from None
    return lambda _: (of, amount, scale)


def _target(target: str) -> Set:
    return lambda snapshot: (None, subject_of(snapshot, target, (SubjectKind.TARGET,)).name, None)


def _field(field: str | None) -> Set:
    return lambda _: (field and (_AS_SHOWN.get(field) or Field(field)), None, None)


def _text(value: str) -> Set:
    return lambda _: (None, value, None)


TYPED: Final[Mapping[Takes, TypedLine]] = {
    Takes.NOTHING: TypedLine((), _nothing),
    Takes.LIMIT: TypedLine(
        (
            click.argument("field", type=click.Choice([*map(str, LIMIT_FIELDS), *_AS_SHOWN])),
            click.argument("value"),
        ),
        _limit,
    ),
    Takes.TARGET: TypedLine(
        (click.option("--to", "target", required=True, type=TARGET, help=text("help.to")),), _target
    ),
    Takes.TEXT: TypedLine((click.argument("value", metavar="TEXT"),), _text),
    Takes.PRIORITY: TypedLine(
        (click.argument("value", metavar="CLASS", type=click.Choice(CLASSES)),), _text
    ),
    Takes.OVERRIDE: TypedLine(
        (click.option("--field", type=_FIELDS, help=text("help.field")),), _field
    ),
}


def end_options(default: str, *names: str) -> Add:
    """``--for`` and ``--until``; ``default`` is the kind that says what holds without them.

    ``names`` are others of the duration.
    """

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        command = click.option("--until", metavar="TIME", help=text("help.until"))(command)
        words = text(default)
        return click.option(*names, "--for", "lasting", metavar="DURATION", help=words)(command)

    return add


REASON: Final = click.option("--reason", default="", help=text("help.reason"))
DRY_RUN: Final = click.option("--dry-run", is_flag=True, help=text("help.dry_run"))
_PERMANENT: Final = click.option("--permanent", is_flag=True, help=text("help.standing"))
_PUBLIC: Final = click.option("--public", is_flag=True, help=text("help.public"))
_OF_ALL: Final = (
    click.option("--all-but", type=click.Choice(CLASSES[:-1]), help=text("help.all_but")),
    click.option("--yes", is_flag=True, help=text("help.yes")),
)
_ENDS: Final[Mapping[End, tuple[Add, ...]]] = {
    End.NEVER: (),
    End.MAY: (end_options("help.for.may"),),
    End.USUAL: (end_options("help.for"), _PERMANENT),
    End.NEEDED: (end_options("help.by", "--by"),),
}


def command_for(verb: Verb) -> click.Command:
    """The command line of a row."""
    typed = TYPED[verb.takes]

    def run(
        *,
        name: str | tuple[str, ...],
        kind: str = "",
        public: bool = False,
        all_but: str | None = None,
        yes: bool = False,
        **given: Any,
    ) -> int:
        names = (name,) if isinstance(name, str) else tuple(dict.fromkeys(name))
        shared = {key: given.pop(key) for key in _SHARED if key in given}
        sets = typed.read(**given)
        how = ChangeOptions.of(endless=verb.end is not End.USUAL, **shared)
        if bool(all_but) == bool(names):
            raise Stop(Exit.USAGE, text("change.all_but" if names else "change.nobody"))
        if all_but and not (yes or how.dry_run):
            asked = text("ask.all_but", action=verb.name, word=all_but)
            if not click.confirm(asked, err=True):
                return Exit.INTERRUPTED

        def command(snapshot: Snapshot) -> Command:
            if all_but:
                return Command(verb.name, EVERY_PROJECT, all_but=all_but, public=public)
            found = (subject_of(snapshot, one, verb.about, kind) for one in names)
            subjects = tuple(dict.fromkeys(found))
            field, value, scale = sets(snapshot)
            return Command(
                verb.name,
                subjects[0],
                field,
                value,
                scale,
                public=public,
                subjects=subjects if subjects[1:] else (),
                needed=given.get("value") == NEEDED_WORD and verb.takes is Takes.LIMIT,
            )

        return change(command, how)

    function = gateway_options(run)
    for add in reversed(
        (
            _names(verb),
            *typed.parameters,
            *(map(_kind_option, verb.about) if verb.about[1:] else ()),
            *_ENDS[verb.end],
            REASON,
            *((_PUBLIC,) if verb.public else ()),
            *(_OF_ALL if verb.of_all else ()),
            DRY_RUN,
        )
    ):
        function = add(function)
    epilog = "\b\n" + text(f"examples.{verb.name}")
    return click.command(verb.line, cls=_WithLess, help=text(f"help.{verb.name}"), epilog=epilog)(
        function
    )


class _WithLess(click.Command):
    """Takes ``-20%`` for what it is: no option begins with a figure."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(
            ctx, [f"−{arg[1:]}" if _LESS.fullmatch(arg) else arg for arg in args]
        )


def command_named(line: str) -> click.Command | None:
    """The command of the row that is called so on the command line."""
    return next((command_for(verb) for verb in VERBS.values() if verb.line == line), None)


_SHARED: Final = (
    "socket",
    "as_json",
    "dry_run",
    "reason",
    "lasting",
    "until",
    "permanent",
)
"""The options that `ChangeOptions` takes."""


def _names(verb: Verb) -> Add:
    """Whom it is about: one, or as many as there are before what else it takes."""
    word = "NAME" if verb.about[1:] else verb.about[0].upper()
    known = Known(*verb.about)
    if verb.several:
        required = not verb.of_all
        return click.argument("name", metavar=f"{word}...", nargs=-1, required=required, type=known)
    return click.argument("name", metavar=word, type=known)


def _kind_option(kind: SubjectKind) -> Add:
    words = text("help.kind", kind=kind.value)
    return click.option(f"--{kind}", "kind", flag_value=kind.value, default="", help=words)
