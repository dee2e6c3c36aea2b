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
from quotadeck.wire.paths import SocketPathTooLong, find_state, fitting_socket

CONNECT_S: Final = 2.0
START_WORDS: Final = "start it with `quotadeck gateway`"
NEVER_WORDS: Final = "start one with `quotadeck gateway`, or try `quotadeck demo`"
"""The demo is advice for who tries it out, not for who lost a gateway in an incident."""


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
                raise SourceGone(f"{clean(str(where))}: too many others connect there") from None
            time.sleep(0.005)
        except OSError as gone:
            door.close()
            raise SourceGone(why_absent(where, str(gone), met=False)) from None
        else:
            return door


def why_absent(path: Path, error: str, *, met: bool) -> str:
    """Which of the usual reasons it is, and what to do about it."""
    where = clean(str(path))
    try:
        mode = fitting_socket(path).stat().st_mode
    except SocketPathTooLong as too_long:
        return clean(str(too_long), 1_000)
    except (FileNotFoundError, NotADirectoryError):
        words = START_WORDS if met or _was_there() else NEVER_WORDS
        return f"there is no gateway at {where} (no such socket): {words}"
    except OSError as closed:
        why = clean(closed.strerror or "", 80)
        return f"you may not look at {where} ({why}): ask to join the group {_group_of(path)}"
    if not stat.S_ISSOCK(mode):
        return f"{where} is not a socket: name the gateway's socket with --socket"
    if not os.access(path, os.R_OK | os.W_OK):
        return f"you may not use {where}: ask to join the group {_group_of(path)}"
    return f"nobody answers at {where} ({clean(error, 80)}): the gateway is gone; {START_WORDS}"


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
