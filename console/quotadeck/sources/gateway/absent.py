"""Nobody answers at a socket: which of the usual reasons it is, and what to do about it."""

import grp
import os
import socket
import stat
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from quotadeck.domain.text import clean
from quotadeck.sources.base import SourceGone
from quotadeck.wire.paths import MAX_SOCKET_BYTES, SocketPathTooLong, find_state, fitting_socket

CONNECT_S: Final = 2.0


def knock(where: Path) -> None:
    """Raise SourceGone, with why, if nobody takes connections there; costs microseconds."""
    connected(where).close()


def connected(where: Path) -> socket.socket:
    """A connection to the socket. Raises SourceGone, with why."""
    until_s = time.monotonic() + CONNECT_S
    while True:
        door = socket.socket(socket.AF_UNIX)
        door.settimeout(CONNECT_S)
        try:
            door.connect(str(where))
        except BlockingIOError:  # more wait before the door than find room there
            door.close()
            if time.monotonic() > until_s:
                raise SourceGone("source.crowded", socket=clean(str(where))) from None
            time.sleep(0.005)
        except OSError as gone:
            door.close()
            raise why_absent(where, str(gone), met=False) from None
        else:
            return door


def why_absent(path: Path, error: str, *, met: bool) -> SourceGone:
    """Which of the usual reasons it is, and what to do about it."""
    where = clean(str(path))
    try:
        mode = fitting_socket(path).stat().st_mode
    except SocketPathTooLong as too_long:
        return SourceGone(
            "source.path_too_long",
            socket=clean(str(path), 1_000),
            length=too_long.length,
            most=MAX_SOCKET_BYTES,
        )
    except (FileNotFoundError, NotADirectoryError):
        was_there = met or _was_there()
        return SourceGone("source.absent" if was_there else "source.absent.never", socket=where)
    except OSError as closed:
        why = clean(closed.strerror or "", 80)
        return SourceGone("source.hidden", socket=where, what=why, group=_group_of(path))
    if not stat.S_ISSOCK(mode):
        return SourceGone("source.no_socket", socket=where)
    if not os.access(path, os.R_OK | os.W_OK):
        return SourceGone("source.not_yours", socket=where, group=_group_of(path))
    return SourceGone("source.gone", socket=where, what=clean(error, 80))


def _was_there() -> bool:
    """Whether a gateway has served from this machine's state folder."""
    with suppress(OSError):
        return (find_state() / "ledger.db").exists()
    return False


def _group_of(path: Path) -> str:
    """The group of the socket, or of the folder that hides it from us."""
    gid = 0
    for place in (path, *path.parents):
        with suppress(OSError):
            gid = place.stat().st_gid
            break
    try:
        return clean(grp.getgrgid(gid).gr_name)
    except KeyError:
        return str(gid)
