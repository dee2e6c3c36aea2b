"""Who is at the other end of a Unix socket, and the socket itself, bound by us.

uvicorn leaves ``scope["client"]`` None there and would make the socket 0666.
"""

import grp
import os
import pwd
import socket
import stat
import struct
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from quotadeck.domain.commands import Actor, Role
from quotadeck.domain.notice import NoticeError
from quotadeck.domain.text import clean

PEER_UID: Final = "peer_uid"
"""The key of ``scope["state"]`` under which the peer's uid stands; absent on TCP."""

PATH_LIMIT_BYTES: Final = 103 if sys.platform == "darwin" else 107
"""sun_path of sockaddr_un, less its closing NUL."""

_SOCKET_MODE: Final = 0o660
_FOLDER_MODE: Final = 0o750


class SocketError(NoticeError):
    """The admin socket cannot be bound."""


class SocketBusy(SocketError):
    """Somebody answers at the path."""


class SocketPathTooLong(SocketError):
    """The path does not fit the kernel's address."""


def peer_uid(sock: Any) -> int | None:
    """The uid of the process that connected; None where the socket is not a Unix one."""
    if sock is None or sock.family != socket.AF_UNIX:
        return None
    if sys.platform == "darwin":
        # struct xucred from LOCAL_PEERCRED (1) at level SOL_LOCAL (0): version, uid, groups.
        return int(struct.unpack_from("=II", sock.getsockopt(0, 1, 76))[1])
    # struct ucred: pid, uid, gid.
    credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("=iII"))
    return int(struct.unpack("=iII", credentials)[1])


def actor_of(uid: int, roles: Mapping[Role, tuple[str, ...]], own_uid: int) -> Actor:
    """The account behind a uid with the highest of its roles; the gateway's own uid is admin.

    ``roles`` list ``user:NAME`` and ``group:NAME``; who is not listed is a viewer. Reads the
    account database, which may ask the network: keep it off the event loop.
    """
    try:
        account = pwd.getpwuid(uid)
    except KeyError:
        name, holds = f"uid:{uid}", frozenset[str]()
    else:
        name = clean(account.pw_name)
        holds = frozenset({f"user:{account.pw_name}"} | _groups(account))
    if uid == own_uid:
        return Actor(name, Role.ADMIN, "socket")
    for role in (Role.ADMIN, Role.OPERATOR):
        if holds & set(roles.get(role, ())):
            return Actor(name, role, "socket")
    return Actor(name, Role.VIEWER, "socket")


def _groups(account: pwd.struct_passwd) -> set[str]:
    names = set[str]()
    for gid in os.getgrouplist(account.pw_name, account.pw_gid):
        try:
            names.add(f"group:{grp.getgrgid(gid).gr_name}")
        except KeyError:
            continue
    return names


@dataclass(frozen=True, slots=True)
class BoundSocket:
    """A listening socket and the file it made."""

    sock: socket.socket
    path: Path
    file: tuple[int, int]
    """Its inode and when it was made; a number alone is soon given to another file."""

    def remove(self) -> None:
        """Take the file away at the end, unless another has put its own there."""
        with suppress(FileNotFoundError):
            if _identity(self.path) == self.file:
                self.path.unlink()


def bind_socket(path: Path, group: str | None) -> BoundSocket:
    """A listening Unix socket at ``path``, mode 0660, of ``group`` where one is named.

    A missing folder is made (0750, of the group). A socket file that nobody answers is replaced;
    anything else there stays. Raises SocketError, SocketBusy or SocketPathTooLong.
    """
    length = len(os.fsencode(path))
    if length > PATH_LIMIT_BYTES:
        raise SocketPathTooLong(
            "socket.too_long", path=clean(str(path)), most=PATH_LIMIT_BYTES, length=length
        )
    gid = _gid(path, group)
    try:
        _make_folder(path.parent, gid)
        _clear(path)
        return _bound(path, gid)
    except OSError as failed:
        raise SocketError(
            "socket.not_made", path=clean(str(path)), what=failed.strerror or str(failed)
        ) from failed


def _gid(path: Path, group: str | None) -> int:
    try:
        return -1 if group is None else grp.getgrnam(group).gr_gid
    except KeyError:
        raise SocketError(
            "socket.no_group", path=clean(str(path)), group=clean(group or "")
        ) from None


def _make_folder(folder: Path, gid: int) -> None:
    if folder.is_dir():
        return
    folder.mkdir(parents=True)
    os.chown(folder, -1, gid)
    folder.chmod(_FOLDER_MODE)


def _clear(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise SocketError("socket.no_socket", path=clean(str(path)))
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
        except (BlockingIOError, TimeoutError):
            pass  # its queue is full: somebody lives there
    raise SocketBusy("socket.busy", path=clean(str(path)))


def _bound(path: Path, gid: int) -> BoundSocket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind(str(path))
        try:
            # Nobody can connect before listen(), so the file is never open to others.
            os.chown(path, -1, gid)
            path.chmod(_SOCKET_MODE)
            sock.listen()
            return BoundSocket(sock, path, _identity(path))
        except OSError:
            path.unlink(missing_ok=True)
            raise
    except OSError:
        sock.close()
        raise


def _identity(path: Path) -> tuple[int, int]:
    found = path.lstat()
    return found.st_ino, found.st_mtime_ns
