"""What lies where in a store's directory, and with which rights.

The on-call group may read everything but the lock, so that history can be seen when the gateway
is down. Nothing is opened through a symbolic link, and nothing that would keep the opener waiting:
what stands at a name may have been put there by somebody else.
"""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

from quotadeck.store.errors import StoreError

DIRECTORY_MODE: Final = 0o750
FILE_MODE: Final = 0o640
_PARENT_MODE: Final = 0o755
_KINDS: Final = (
    (stat.S_ISLNK, "symbolic_link"),
    (stat.S_ISDIR, "directory"),
    (stat.S_ISFIFO, "fifo"),
    (stat.S_ISSOCK, "socket_file"),
    (stat.S_ISCHR, "device"),
    (stat.S_ISBLK, "device"),
    (stat.S_ISREG, "file"),
)


class OddFile(StoreError):
    """Something else stands where a plain file or a directory of ours belongs."""

    def __init__(self, path: Path, kind: str, wanted: str) -> None:
        super().__init__("store.odd_place", path=str(path), what=kind, wanted=wanted)
        self.kind = kind


def ledger_file(directory: Path) -> Path:
    return directory / "ledger.db"


def wal_file(directory: Path) -> Path:
    return directory / "ledger.db-wal"


def journal_directory(directory: Path) -> Path:
    return directory / "journal"


def lock_file(directory: Path) -> Path:
    return directory / "lock"


def ballast_file(directory: Path) -> Path:
    return directory / "ballast"


def reserve_file(directory: Path) -> Path:
    return directory / "reserve"


def archive_directory(directory: Path) -> Path:
    return directory / "archive"


def backups_directory(directory: Path) -> Path:
    return directory / "backups"


def suspicion_file(directory: Path) -> Path:
    return directory / "ledger.damaged"


def kind_of(mode: int) -> str:
    """What a file of this ``st_mode`` is: a word that has its name in `quotadeck.words`."""
    return next((word for test, word in _KINDS if test(mode)), "unknown_kind")


def check_places(directory: Path) -> None:
    """Refuse what SQLite would follow or wait for at its names. Raises OddFile or OSError."""
    path = ledger_file(directory)
    for name in (path, *(Path(f"{path}{end}") for end in ("-wal", "-shm", "-journal"))):
        check_plain(name)
    check_directory(journal_directory(directory))


def check_plain(path: Path) -> None:
    """Raises OddFile where something other than a plain file has this name, or OSError."""
    _check(path, stat.S_ISREG, "plain_file")


def check_directory(path: Path) -> None:
    """Raises OddFile where something other than a directory has this name, or OSError."""
    _check(path, stat.S_ISDIR, "directory")


def _check(path: Path, test: Callable[[int], bool], wanted: str) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not test(mode):
        raise OddFile(path, kind_of(mode), wanted)


def make_directory(path: Path) -> None:
    """Create the directory for owner and group; one that exists keeps its mode."""
    if path.is_dir():
        return
    for parent in reversed(path.parents):
        # Path.mkdir makes parents with all that the umask leaves.
        if not parent.is_dir():
            parent.mkdir(_PARENT_MODE, exist_ok=True)
    path.mkdir(exist_ok=True)
    path.chmod(DIRECTORY_MODE)
    sync_directory(path.parent)


def open_plain(path: Path, flags: int, mode: int = FILE_MODE) -> int:
    """Open a plain file: never through a link, never waiting. Raises OddFile or OSError."""
    try:
        descriptor = os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, mode)
    except OSError:
        # A link, a directory, a FIFO without a reader: each has an errno of its own.
        check_plain(path)
        raise
    found = os.fstat(descriptor).st_mode
    if stat.S_ISREG(found):
        return descriptor
    os.close(descriptor)
    raise OddFile(path, kind_of(found), "plain_file")


def is_open_at(path: Path, descriptor: int) -> bool:
    """Whether the open file is the one that has this name: one that is removed stays open."""
    try:
        return os.path.samestat(path.lstat(), os.fstat(descriptor))
    except OSError:
        return False


def create_file(path: Path, flags: int, mode: int = FILE_MODE) -> int:
    """Open with ``flags``, creating the file with its mode whatever the umask.

    Raises OddFile or OSError.
    """
    descriptor = open_plain(path, flags | os.O_CREAT, mode)
    if os.fstat(descriptor).st_uid == os.geteuid():
        os.fchmod(descriptor, mode)
    return descriptor


def sync_directory(path: Path) -> None:
    """Make a created, renamed or removed name durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
