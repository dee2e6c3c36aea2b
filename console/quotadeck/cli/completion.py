"""``quotadeck completion``: the script that makes a shell complete our command lines."""

from typing import Final

import click

from quotadeck.cli.exits import Exit
from quotadeck.words import text

VARIABLE: Final = "_QUOTADECK_COMPLETE"
"""How a shell asks: `quotadeck.cli.app.run` hears of it there."""
SHELLS: Final = ("bash", "zsh", "fish")


@click.command(epilog="\b\n" + text("examples.completion"))
@click.argument("shell", type=click.Choice(SHELLS))
def completion(*, shell: str) -> int:
    """The script that makes a shell complete command lines.

    Projects, models, targets, keys and command ids are asked of the gateway as you type.
    """
    from click.shell_completion import get_completion_class

    from quotadeck.cli.app import root

    made = get_completion_class(shell)
    assert made is not None
    click.echo(made(root, {}, "quotadeck", VARIABLE).source())
    return Exit.OK
