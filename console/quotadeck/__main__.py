"""``python -m quotadeck``: the command, for children that must be this very version."""

from quotadeck.cli import main

main()
