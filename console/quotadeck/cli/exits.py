"""How a command ends: one table of exit codes, and the exception that carries one with words."""

from enum import IntEnum
from typing import Final


class Exit(IntEnum):
    """Exit codes of every command."""

    OK = 0
    REFUSED = 1
    USAGE = 2
    UNREACHABLE = 3
    NOT_RECORDED = 4
    INTERRUPTED = 130
    PIPE = 141


MEANINGS: Final = {
    Exit.OK: "done; the answer is good",
    Exit.REFUSED: "refused, or a negative answer (a problem found, accounts that differ)",
    Exit.USAGE: "the command line or the config file is wrong; nothing was touched",
    Exit.UNREACHABLE: "nobody answers where the gateway, or a child of the demo, should be",
    Exit.NOT_RECORDED: "in force, but the gateway could not write its command log",
    Exit.INTERRUPTED: "interrupted (Ctrl-C), or a question was answered with no",
    Exit.PIPE: "the reader of our output went away (`| head`)",
}


class Stop(Exception):
    """Ends the command: ``code`` for the shell; each line says what happened and what next."""

    def __init__(self, code: Exit, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.code = code
        self.lines = lines
