"""What lies where in a store's directory, and with which rights.

The on-call group may read everything, so that history can be seen when the gateway is down.
"""

import os
from pathlib import Path
from typing import Final

DIRECTORY_MODE: Final = 0o750
FILE_MODE: Final = 0o640


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


def make_directory(path: Path) -> None:
    """Create the directory for owner and group; one that exists keeps its mode."""
    if path.is_dir():
        return
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(DIRECTORY_MODE)
    sync_directory(path.parent)


def create_file(path: Path, flags: int) -> int:
    """Open with ``flags``, creating the file readable for the group whatever the umask."""
    descriptor = os.open(path, flags | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
    if os.fstat(descriptor).st_uid == os.geteuid():
        os.fchmod(descriptor, FILE_MODE)
    return descriptor


def sync_directory(path: Path) -> None:
    """Make a created, renamed or removed name durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
