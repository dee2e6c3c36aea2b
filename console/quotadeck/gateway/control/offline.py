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
from quotadeck.domain.notice import Notice, NoticeError, notice
from quotadeck.domain.text import clean
from quotadeck.gateway.connection.peer import actor_of
from quotadeck.gateway.control.admin_command import complaint
from quotadeck.gateway.control.desk import Desk, Tell
from quotadeck.store.events import gateway_event
from quotadeck.wire.messages import CommandRequest
from quotadeck.wire.offline import FORMAT, parted
from quotadeck.wire.translate import command_of
from quotadeck.words import say
from quotadeck.words.commands import refusal

MAX_FILE_BYTES: Final = 512 * 1024
MAX_COMMANDS: Final = 1_000
"""Carried out or refused at one start, which waits for them; the others stay for the next."""
MAX_FILES: Final = 10_000
"""Looked at in one start."""
_TOLD: Final = 20
LOG = logging.getLogger(__name__)


class _Left(NoticeError):
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
    left: list[Notice] = []
    owners: dict[int, Actor] = {}
    decided = 0
    for path in await asyncio.to_thread(_files, directory, left):
        if decided == MAX_COMMANDS:
            left.append(notice("offline.most", count=decided))
            break
        try:
            request, uid = await asyncio.to_thread(_command, path)
            if uid not in owners:
                found = await asyncio.to_thread(actor_of, uid, roles, own_uid)
                owners[uid] = replace(found, origin="offline")
            answer = await desk.submit(command_of(request), owners[uid], dry_run=False)
            if answer.refused and answer.refused.code == "unrecorded":
                raise _Left("offline.unrecorded", **answer.refused.notice.facts)
            decided += 1
            if answer.refused:
                LOG.warning("%s: refused: %s", clean(str(path)), refusal(answer.refused))
            await asyncio.to_thread(path.unlink, missing_ok=True)
        except _Left as stays:
            left.append(Notice(stays.told.kind, {**stays.told.facts, "file": clean(path.name)}))
        except OSError as error:
            why = clean(error.strerror or str(error))
            left.append(notice("offline.unreadable", file=clean(path.name), why=why))
    for told in _few(left):
        LOG.warning("%s", say(told))
        tell(gateway_event(told, clock))


def _files(directory: Path, left: list[Notice]) -> list[Path]:
    """The names in their order; what keeps us from reading them is added to ``left``."""
    try:
        if directory.is_symlink():
            left.append(notice("offline.link"))
            return []
        found = sorted(Path(entry) for entry in os.scandir(directory) if _is_named(entry.name))
    except FileNotFoundError:
        return []
    except OSError as error:
        left.append(notice("offline.closed", why=error.strerror or str(error)))
        return []
    if len(found) > MAX_FILES:
        left.append(notice("offline.more", count=len(found) - MAX_FILES, most=MAX_FILES))
    return found[:MAX_FILES]


def _is_named(name: str) -> bool:
    return name.endswith(".json")


def _few(left: list[Notice]) -> Iterator[Notice]:
    yield from islice(left, _TOLD)
    if len(left) > _TOLD:
        yield notice("offline.left", count=len(left) - _TOLD)


def _command(path: Path) -> tuple[CommandRequest, int]:
    """The command and the owner of the file. Raises _Left or OSError."""
    data, uid = _read(path)
    number, text = parted(data)
    if number is not None and number > FORMAT:
        raise _Left("offline.newer", found=number, known=FORMAT)
    try:
        request = CommandRequest.model_validate_json(text)
    except ValidationError as wrong:
        told = complaint(wrong)
        raise _Left("offline.no_command", **{**told.facts, "why": told.kind}) from None
    if request.dry_run:
        raise _Left("offline.dry_run")
    return request, uid


def _read(path: Path) -> tuple[bytes, int]:
    """The file and its owner, of one open file: others may write to the folder."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        status = os.fstat(descriptor)
        # A second link could be somebody else's file, and would make its owner the actor.
        lone = stat.S_ISREG(status.st_mode) and status.st_nlink == 1
        if not lone or status.st_size > MAX_FILE_BYTES:
            raise _Left("offline.odd", most_bytes=MAX_FILE_BYTES)
        return os.read(descriptor, MAX_FILE_BYTES), status.st_uid
    finally:
        os.close(descriptor)
