"""Who is at the other end of a Unix socket, and the socket itself, bound by us.

uvicorn leaves ``scope["client"]`` None there and would make the socket 0666.
"""

import asyncio
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

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from console.domain.commands import Actor, Role
from console.domain.text import clean

PEER_UID: Final = "peer_uid"
"""The key of ``scope["state"]`` under which the peer's uid stands; absent on TCP."""

HEAD_LIMIT_BYTES: Final = 32 * 1024
PATH_LIMIT_BYTES: Final = 103 if sys.platform == "darwin" else 107
"""sun_path of sockaddr_un, less its closing NUL."""

PIPELINED: Final = 32
"""Requests that may wait behind the one being answered: each is kilobytes for some bytes sent."""
IDLE_S: Final = 60.0
"""A head must be whole in this time, and a body may pause no longer."""

_SOCKET_MODE: Final = 0o660
_FOLDER_MODE: Final = 0o750
_TOO_LARGE: Final = b"The request's headers are larger than 32 KB."


class SocketError(Exception):
    """The admin socket cannot be bound; the text says what was found and what to do."""


class SocketBusy(SocketError):
    """Somebody answers at the path."""


class SocketPathTooLong(SocketError):
    """The path does not fit the kernel's address."""


class PeerProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol that knows its peer's uid and bounds what a peer can hold.

    What is not body is capped at 32 KB: heads, trailers and chunk extensions count alike, as bytes
    without any progress of a message. ``limit_concurrency`` is the most connections: one more is
    cut at once, while uvicorn alone would let it in and refuse everybody's requests.
    """

    _progress = False
    _idle_bytes = 0
    _may_exceed = False
    _too_large = False
    _cut = False
    _closing = False
    _since_s = 0.0
    """When the last progress was, or the first byte of a head that is not whole yet."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._since_s = self.loop.time()
        if self.limit_concurrency is not None and len(self.connections) >= self.limit_concurrency:
            self.connections.discard(self)
            transport.abort()
            return
        uid = _peer_uid(transport.get_extra_info("socket"))
        if uid is not None:
            self.app_state = {**self.app_state, PEER_UID: uid}

    def data_received(self, data: bytes) -> None:
        self._progress = False
        self._may_exceed = self._idle_bytes + len(data) > HEAD_LIMIT_BYTES
        super().data_received(data)
        if self._progress or not self._idle_bytes:
            self._since_s = self.loop.time()
        if self._progress:
            self._idle_bytes = 0
            return
        self._idle_bytes += len(data)
        if self._idle_bytes > HEAD_LIMIT_BYTES and not self.transport.is_closing():
            self._too_large = True
            self.send_400_response("")

    def on_headers_complete(self) -> None:
        self._progress = True
        if self._may_exceed and self._head_bytes() > HEAD_LIMIT_BYTES:
            self._too_large = True
            raise ValueError("headers too large")  # the parser turns it into send_400_response
        if len(self.pipeline) >= PIPELINED:
            self._cut = True
            raise ValueError("too many requests at once")
        super().on_headers_complete()
        # The scope keeps its list: trailers are no headers (RFC 9110, 6.5.1) and go nowhere.
        self.headers = []

    def on_body(self, body: bytes) -> None:
        self._progress = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._progress = True
        super().on_message_complete()

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def cut_if_idle(self, now_s: float) -> None:
        """End the connection where the peer owes us something for too long.

        That is a request that does not go on, or to read what a closing connection has left;
        between requests uvicorn's own timer runs. To be called once every ``IDLE_S`` or so.
        """
        if self.transport.is_closing():
            if self._closing:
                self.transport.abort()
            self._closing = True
            return
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or cycle.response_complete:
            owes = self.timeout_keep_alive_task is None
        else:
            owes = cycle.more_body
        if owes and now_s - self._since_s >= IDLE_S:
            self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        if self._cut:
            self.transport.abort()
            return
        if not self._too_large:
            super().send_400_response(msg)
            return
        self.transport.write(
            b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
            b"content-type: text/plain; charset=utf-8\r\n"
            b"content-length: %d\r\nconnection: close\r\n\r\n%b" % (len(_TOO_LARGE), _TOO_LARGE)
        )
        self.transport.close()


def _peer_uid(sock: Any) -> int | None:
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
            f"{clean(str(path))}: a socket's path has at most {PATH_LIMIT_BYTES} bytes and this "
            f"one has {length}: set a shorter `socket` in the config"
        )
    gid = _gid(path, group)
    try:
        _make_folder(path.parent, gid)
        _clear(path)
        return _bound(path, gid)
    except OSError as failed:
        raise SocketError(
            f"{clean(str(path))}: the admin socket cannot be made here "
            f"({failed.strerror or failed}): check who owns the folder and may give it to the "
            "group, or set another `socket` in the config"
        ) from failed


def _gid(path: Path, group: str | None) -> int:
    try:
        return -1 if group is None else grp.getgrnam(group).gr_gid
    except KeyError:
        raise SocketError(
            f"{clean(str(path))}: there is no group {clean(group or '')!r} on this machine: make "
            "it, or change `socket_group` in the config"
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
        raise SocketError(
            f"{clean(str(path))}: something that is no socket is there: it was left as it is; "
            "move it away, or set another `socket` in the config"
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
        except (BlockingIOError, TimeoutError):
            pass  # its queue is full: somebody lives there
    raise SocketBusy(
        f"{clean(str(path))}: a gateway answers there already: stop it first, or set another "
        "`socket` in the config"
    )


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
