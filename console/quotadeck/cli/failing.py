"""How a failed command says so: a line for people, or a JSON object for programs; on stderr.

Stdout stays what was asked for, so that what reads it never takes an error for an answer. A change
that was refused is an answer: it stands on stdout, with its ``error``.
"""

from collections.abc import Sequence

import click

from quotadeck.cli.exits import Exit
from quotadeck.cli.fold import folded
from quotadeck.cli.terminal import terminal_width


def asks_json(arguments: Sequence[str]) -> bool:
    """Whether a command line asks for JSON: also one that cannot be read."""
    options = list(arguments)
    return "--json" in options[: options.index("--") if "--" in options else None]


def tell_failure(code: Exit, *lines: str, as_json: bool, who: str = "quotadeck") -> Exit:
    """Say it; gives the code back.

    The object has ``error`` (the words), ``code`` (a word of the exit code) and ``exit`` (itself),
    and is the last line: what was noted before stands above it.
    """
    if as_json:
        import json

        told = {"error": "; ".join(lines), "code": code.name.lower(), "exit": int(code)}
        click.echo(json.dumps(told).replace("\x7f", "\\u007f"), err=True)
        return code
    for line in lines:
        click.echo(folded(f"{who}: {line}", terminal_width()), err=True)
    return code
