"""The commands. ``main`` is the entry point of ``quotadeck``; each command loads what it needs."""

from typing import NoReturn


def main() -> NoReturn:
    """Run the command line and exit with its code (see `quotadeck.cli.exits`)."""
    import sys

    from quotadeck.cli.app import run

    sys.exit(run(sys.argv[1:]))
