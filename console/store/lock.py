"""One writer a store: an advisory lock (flock) that the kernel drops when its holder dies."""

import asyncio
import fcntl
import os
from pathlib import Path
from typing import Final

from console.store.errors import StoreBusy
from console.store.places import create_file, lock_file

_TRIES: Final = 5
_BETWEEN_S: Final = 0.02
"""A reader that asks whether somebody writes holds the lock for microseconds."""


async def acquire(directory: Path) -> int:
    """The lock's descriptor; closing it unlocks. Raises StoreBusy."""
    path = lock_file(directory)
    descriptor = create_file(path, os.O_RDWR)
    for left in reversed(range(_TRIES)):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if left:
                await asyncio.sleep(_BETWEEN_S)
        else:
            return descriptor
    os.close(descriptor)
    raise StoreBusy(
        f"{directory}: another gateway is writing this store; stop it, or give this one a "
        "state directory of its own"
    )


def is_held(directory: Path) -> bool:
    """Whether a writer holds the store; also without the right to write to its lock file."""
    try:
        descriptor = os.open(lock_file(directory), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
