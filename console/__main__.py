"""``python -m console``: the same as ``quotadeck``, for children that must be this very version."""

from console.cli import main

main()
