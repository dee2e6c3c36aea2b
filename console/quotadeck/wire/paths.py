"""Where things are: the XDG base directories, and the gateway's socket. Nothing is created here.

Places follow the XDG Base Directory Specification 0.8: a variable that is empty or holds a
relative path counts as unset.
"""

import errno
import os
import socket
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

APP: Final = "quotadeck"
SOCKET_NAME: Final = "gateway.sock"
SERVICE_SOCKET: Final = Path("/run/quotadeck") / SOCKET_NAME
MAX_SOCKET_BYTES: Final = (108 if sys.platform == "linux" else 104) - 1
"""``sun_path`` of unix(7), and of BSD and macOS, less the closing NUL."""


class SocketPathTooLong(ValueError):
    """The system cannot bind a socket at a path of this length."""

    def __init__(self, path: Path) -> None:
        self.length = len(os.fsencode(path))
        self.found = f"the socket path {path}, which has {self.length} bytes"
        self.allowed = f"at most {MAX_SOCKET_BYTES} bytes: set gateway.socket to a shorter path"
        super().__init__(f"{self.found}; allowed: {self.allowed}")


@dataclass(frozen=True, slots=True)
class Found:
    """A socket to connect to, and where it was found, for people: ``QUOTADECK_SOCKET``."""

    path: Path
    why: str


def is_there(path: Path) -> bool:
    """Whether something is at a path. Where we may not look, yes: using it tells why not."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def state_dir() -> Path:
    """Where a user's ledger lives: ``$XDG_STATE_HOME/quotadeck``."""
    return _xdg("XDG_STATE_HOME", Path(".local", "state")) / APP


def find_state() -> Path:
    """The gateway's state folder as this user's config names it, or where it would be."""
    return _configured(config_file(), "state") or state_dir()


def state_of(socket: Path) -> Path | None:
    """The state folder of the gateway at a socket, where it is that of this user's config."""
    own = _configured(config_file(), "socket") or runtime_socket()
    return find_state() if socket == own else None


def config_file() -> Path:
    """A user's config: ``$XDG_CONFIG_HOME/quotadeck/config.toml``."""
    return _xdg("XDG_CONFIG_HOME", Path(".config")) / APP / "config.toml"


def console_file() -> Path:
    """What a user chose for the console: ``$XDG_CONFIG_HOME/quotadeck/console.toml``."""
    return config_file().with_name("console.toml")


def runtime_socket() -> Path:
    """A user's socket; in the state where there is no runtime directory."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    folder = Path(runtime) / APP if runtime.startswith("/") else state_dir()
    return folder / SOCKET_NAME


def demo_dir() -> Path:
    """Where the demo keeps its state and logs."""
    return state_dir() / "demo"


def demo_socket() -> Path:
    """The socket of the demo's gateway."""
    return demo_dir() / SOCKET_NAME


def fitting_socket(path: Path) -> Path:
    """The path itself. Raises SocketPathTooLong where a socket cannot be bound there."""
    if len(os.fsencode(path)) > MAX_SOCKET_BYTES:
        raise SocketPathTooLong(path)
    return path


def find_socket(explicit: Path | None = None) -> Found:
    """The gateway that is meant: the first of the places that is named, or has a socket.

    A socket that nobody answers at still counts: a dead gateway must not be taken for the demo;
    nor must a service whose folder is closed to us.
    Where there is none at all, it is the place where this user's gateway would be.
    """
    if explicit is not None:
        return Found(explicit, "--socket")
    if named := os.environ.get("QUOTADECK_SOCKET", ""):
        return Found(Path(named), "QUOTADECK_SOCKET")
    config = config_file()
    if (configured := _configured(config, "socket")) is not None:
        return Found(configured, str(config))
    own = runtime_socket()
    if _is_socket(own):
        return Found(own, "own_place")
    if is_there(SERVICE_SOCKET):
        return Found(SERVICE_SOCKET, "service_place")
    if _answers(demo_socket()):
        return Found(demo_socket(), "running_demo")
    return Found(own, "own_place")


def _xdg(variable: str, fallback: Path) -> Path:
    value = os.environ.get(variable, "")
    if value.startswith("/"):
        return Path(value)
    try:
        return Path.home() / fallback
    except RuntimeError:
        words = f"this account has no home directory: set HOME, or {variable}"
        raise FileNotFoundError(errno.ENOENT, words, "~") from None


def _configured(config: Path, what: str) -> Path | None:
    """A path under ``[gateway]`` of a config; a file that cannot be read has none (`load` says)."""
    try:
        named = tomllib.loads(config.read_text("utf-8-sig"))["gateway"][what]
        return (config.parent / Path(named).expanduser()).absolute()
    except (OSError, ValueError, LookupError, TypeError, RecursionError, RuntimeError):
        return None


def _is_socket(path: Path) -> bool:
    try:
        return path.is_socket()
    except OSError:
        return False  # another's place: the variable was inherited from who called `su`


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(os.fspath(path))
        except BlockingIOError:
            return True  # its backlog is full: somebody listens
        except OSError:
            return False
        return True
