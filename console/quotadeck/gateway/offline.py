"""Commands that were left for the gateway while it was down.

Each ``offline/*.json`` is a command as the admin API takes it. Who left it is the file's owner;
what came of it is in the audit, and the file goes when it was decided. What is no command to be
carried out stays where it is, and every start tells of it.
"""

import asyncio
import logging
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from quotadeck.domain.clock import Clock
from quotadeck.domain.commands import Actor, Role
from quotadeck.domain.text import clean, counted
from quotadeck.gateway.admin_command import complaint
from quotadeck.gateway.desk import Desk, Tell
from quotadeck.gateway.peer import actor_of
from quotadeck.store.events import gateway_event
from quotadeck.wire.messages import CommandRequest
from quotadeck.wire.translate import command_of
from quotadeck.words.commands import refusal

MAX_FILE_BYTES: Final = 64 * 1024
MAX_COMMANDS: Final = 1_000
"""Carried out or refused at one start, which waits for them; the others stay for the next."""
MAX_FILES: Final = 10_000
"""Looked at in one start."""
_TOLD: Final = 20
LOG = logging.getLogger(__name__)


class _Left(Exception):
    """Why a file stays where it is."""


async def take_in(
    directory: Path,
    desk: Desk,
    own_uid: int,
    roles: Mapping[Role, tuple[str, ...]],
    clock: Clock,
    tell: Tell,
) -> None:
    """Decide every command in the folder, the oldest name first; leave and tell what is none."""
    left: list[str] = []
    owners: dict[int, Actor] = {}
    decided = 0
    for path in await asyncio.to_thread(_files, directory, left):
        if decided == MAX_COMMANDS:
            left.append(f"offline: {decided} commands were taken in; the rest waits for a start")
            break
        try:
            request, uid = await asyncio.to_thread(_command, path)
            if uid not in owners:
                found = await asyncio.to_thread(actor_of, uid, roles, own_uid)
                owners[uid] = replace(found, origin="offline")
            answer = await desk.submit(command_of(request), owners[uid], dry_run=False)
            if answer.refused and answer.refused.code == "unrecorded":
                raise _Left(refusal(answer.refused))
            decided += 1
            if answer.refused:
                LOG.warning("%s: refused: %s", clean(str(path)), refusal(answer.refused))
            await asyncio.to_thread(path.unlink, missing_ok=True)
        except (_Left, OSError) as why:
            left.append(f"offline/{path.name}: {why}; it was left as it is")
    for text in _few(left):
        said = clean(text, 500)
        LOG.warning("%s", said)
        tell(gateway_event(said, clock))


def _files(directory: Path, left: list[str]) -> list[Path]:
    """The names in their order; what keeps us from reading them is added to ``left``."""
    try:
        if directory.is_symlink():
            left.append("offline is a link to somewhere else, so nothing there was taken in")
            return []
        found = sorted(Path(entry) for entry in os.scandir(directory) if _is_named(entry.name))
    except FileNotFoundError:
        return []
    except OSError as error:
        left.append(f"offline cannot be read ({error.strerror}), so nothing there was taken in")
        return []
    if len(found) > MAX_FILES:
        more = counted(len(found) - MAX_FILES, "file")
        left.append(f"offline holds {more} more than the {MAX_FILES} that are looked at")
    return found[:MAX_FILES]


def _is_named(name: str) -> bool:
    return name.endswith(".json")


def _few(left: list[str]) -> Iterator[str]:
    yield from islice(left, _TOLD)
    if len(left) > _TOLD:
        yield f"offline: {len(left) - _TOLD} more were left as they are"


def _command(path: Path) -> tuple[CommandRequest, int]:
    """The command and the owner of the file. Raises _Left or OSError."""
    text, uid = _read(path)
    try:
        request = CommandRequest.model_validate_json(text)
    except ValidationError as wrong:
        raise _Left(f"not a command: {complaint(wrong)}") from None
    if request.dry_run:
        raise _Left("a dry run, which nobody would see: leave dry_run out to have it carried out")
    return request, uid


def _read(path: Path) -> tuple[bytes, int]:
    """The file and its owner, of one open file: others may write to the folder."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        status = os.fstat(descriptor)
        # A second link could be somebody else's file, and would make its owner the actor.
        lone = stat.S_ISREG(status.st_mode) and status.st_nlink == 1
        if not lone or status.st_size > MAX_FILE_BYTES:
            raise _Left(f"no plain, lone file of at most {MAX_FILE_BYTES} bytes")
        return os.read(descriptor, MAX_FILE_BYTES), status.st_uid
    finally:
        os.close(descriptor)
