"""Who holds locks on a file, as Linux lists them, also for those who may not open the file."""

from pathlib import Path
from typing import NamedTuple


class KernelLock(NamedTuple):
    """A lock on a file or on a part of it; ``pid`` is -1 where it belongs to an open file."""

    kind: str
    """``POSIX``, ``OFDLCK``, ``FLOCK`` …"""
    mode: str
    """``READ`` or ``WRITE``."""
    pid: int
    first_byte: int


def locks_on(path: Path) -> list[KernelLock] | None:
    """Those that are held; None where the system keeps no list. Raises OSError without the file."""
    inode = b"%d" % path.lstat().st_ino
    try:
        lines = Path("/proc/locks").read_bytes().splitlines()
    except OSError:
        return None
    # One that is waited for has a ninth word: an arrow before its kind.
    rows = (parts for parts in map(bytes.split, lines) if len(parts) == 8)
    return [
        KernelLock(parts[1].decode(), parts[3].decode(), int(parts[4]), int(parts[6]))
        for parts in rows
        if parts[5].rpartition(b":")[2] == inode
    ]
