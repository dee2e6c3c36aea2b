"""The terminal that a command prints on; asked before any word is needed."""

import os
import sys


def terminal_width() -> int | None:
    """The columns of the terminal on standard output; None where it is none, or does not know."""
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or None
    except (OSError, ValueError, AttributeError):
        return None
