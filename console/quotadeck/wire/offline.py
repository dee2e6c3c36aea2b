"""A command that waits in a file for a gateway to start: a `CommandRequest` as JSON, and a number.

``format`` numbers what such a file says. One without is of the second format or the first, which
have no number and are read alike. The fourth may be about several subjects.
"""

from typing import Any, Final

import orjson

from quotadeck.domain.commands import Command
from quotadeck.wire.objects import plain

FORMAT: Final = 4


_ALWAYS: Final = 11
"""Fields of a command that are told whatever they say: the third format's."""


def request(command: Command, *, dry_run: bool) -> dict[str, Any]:
    """A command as the admin API takes it. What came later is left out where it says nothing, so
    that an older gateway takes all that it knows."""
    told = plain(command).items()
    said = {name: value for at, (name, value) in enumerate(told) if at < _ALWAYS or value}
    return said | {"dry_run": dry_run}


def written(command: Command) -> bytes:
    """What the file of a command says."""
    return orjson.dumps(request(command, dry_run=False) | {"format": FORMAT})


def parted(data: bytes) -> tuple[int | None, bytes]:
    """The number that a file tells, None where it tells none; and the command in it."""
    try:
        told = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None, data  # whoever reads it says what is wrong
    if not isinstance(told, dict) or type(told.get("format")) is not int:
        return None, data
    return told.pop("format"), orjson.dumps(told)
