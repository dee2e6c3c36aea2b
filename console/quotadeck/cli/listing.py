"""What commands that list things share: the shape of their tables, and being asked again and again.

``--wide``, ``--columns`` and ``--csv`` come to a command as its ``shape``; one that can be watched
is asked anew in the same place until it is interrupted.
"""

from collections.abc import Callable
from functools import update_wrapper
from typing import Any, Final

import click

from quotadeck.cli.exits import Exit, Stop
from quotadeck.cli.table import Shape
from quotadeck.words import text

Option = Callable[[Callable[..., Any]], Callable[..., Any]]

EVERY_S: Final = 2.0
"""Between two looks, where no other time is given."""


def shaped(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a table to a command, which takes ``shape``."""

    def with_shape(*, wide: bool, columns: str, csv: bool, **rest: Any) -> Any:
        if csv and (rest.get("as_json") or rest.get("every_s")):
            raise Stop(Exit.USAGE, text("listing.one_form"))
        names = tuple(name.strip() for name in columns.split(",") if name.strip())
        return command(shape=Shape(wide, names, csv), **rest)

    return _with_options(
        update_wrapper(with_shape, command),
        click.option("--wide", is_flag=True, help=text("help.wide")),
        click.option("--columns", metavar="NAMES", default="", help=text("help.columns")),
        click.option("--csv", is_flag=True, help=text("help.csv")),
    )


def watched(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--watch``: the command is run again and again, as a picture in one place."""

    def with_watch(*, every_s: float | None, **rest: Any) -> Any:
        if every_s is None:
            return command(**rest)
        if rest.get("as_json"):
            raise Stop(Exit.USAGE, text("listing.one_form"))
        from quotadeck.cli.looking import look_again

        return look_again(lambda: command(**rest), every_s)

    return _with_options(
        update_wrapper(with_watch, command),
        click.option(
            "--watch",
            "every_s",
            is_flag=False,
            flag_value=EVERY_S,
            type=click.FloatRange(0.2, 3_600),
            metavar="[SECONDS]",
            help=text("help.watch"),
        ),
    )


def _with_options(command: Callable[..., Any], *options: Option) -> Callable[..., Any]:
    for option in reversed(options):
        command = option(command)
    return command
