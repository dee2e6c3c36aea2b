"""A command that waits in a file for a gateway to start: a `CommandRequest` as JSON, and a number.

``format`` numbers what such a file says. One without is of the second format or the first, which
have no number and are read alike.
"""

from typing import Final

import orjson

from quotadeck.domain.commands import Command
from quotadeck.wire.objects import dump

FORMAT: Final = 3


def written(command: Command) -> bytes:
    """What the file of a command says."""
    return dump(command, dry_run=False, format=FORMAT)


def parted(data: bytes) -> tuple[int | None, bytes]:
    """The number that a file tells, None where it tells none; and the command in it."""
    try:
        told = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None, data  # whoever reads it says what is wrong
    if not isinstance(told, dict) or type(told.get("format")) is not int:
        return None, data
    return told.pop("format"), orjson.dumps(told)
