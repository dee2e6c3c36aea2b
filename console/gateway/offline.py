"""Commands that were left for the gateway while it was down.

Each ``offline/*.json`` is a command as the admin API takes it. Who left it is the file's owner;
what came of it is in the audit, and the file goes when it was decided.
"""

import asyncio
import logging
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import ValidationError

from console.domain.commands import Actor, Role
from console.domain.text import clean
from console.gateway.desk import Desk
from console.gateway.peer import actor_of
from console.wire.messages import CommandRequest
from console.wire.translate import command_of

MAX_FILE_BYTES = 64 * 1024
LOG = logging.getLogger(__name__)


async def take_in(
    directory: Path, desk: Desk, own_uid: int, roles: Mapping[Role, tuple[str, ...]]
) -> None:
    """Decide every command in the folder, the oldest name first. A bad file is left and told."""
    for path, request, uid in await asyncio.to_thread(lambda: list(_left(directory))):
        actor = await asyncio.to_thread(actor_of, uid, roles, own_uid)
        answer = await desk.submit(
            command_of(request), Actor(actor.name, actor.role, "offline"), dry_run=False
        )
        if not answer.applied:
            LOG.warning("%s: refused: %s", clean(str(path)), answer.error)
        await asyncio.to_thread(path.unlink, missing_ok=True)


def _left(directory: Path) -> Iterator[tuple[Path, CommandRequest, int]]:
    for path in sorted(directory.glob("*.json")):
        try:
            text, uid = _read(path)
            yield path, CommandRequest.model_validate_json(text), uid
        except (OSError, ValidationError) as error:
            why = clean(str(error), 500)
            LOG.warning("%s: not a command: %s; left as it is", clean(str(path)), why)


def _read(path: Path) -> tuple[bytes, int]:
    """The file and its owner, of one open file: others may write to the folder."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        status = os.fstat(descriptor)
        # A second link could be somebody else's file, and would make its owner the actor.
        lone = stat.S_ISREG(status.st_mode) and status.st_nlink == 1
        if not lone or status.st_size > MAX_FILE_BYTES:
            raise OSError(f"it is no plain, lone file of at most {MAX_FILE_BYTES} bytes")
        return os.read(descriptor, MAX_FILE_BYTES), status.st_uid
    finally:
        os.close(descriptor)
