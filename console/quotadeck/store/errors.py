"""Why a store cannot be opened. Each text says what happened, where, and what to do."""

import errno
from pathlib import Path


class StoreError(Exception):
    """The store cannot be used."""


class StoreMissing(StoreError):
    """There is no ledger at that place."""


class StoreBusy(StoreError):
    """Another process has it."""


class StoreForeign(StoreError):
    """The file is not a ledger of ours; ``what`` says why."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(f"{path} {what}; move it away, or name another state directory")
        self.what = what


class StoreNewer(StoreError):
    """A newer Quotadeck wrote it."""


class StoreOlder(StoreError):
    """An older Quotadeck wrote it, and it was not brought up to date yet."""


class StoreDamaged(StoreError):
    """It is ours, but cannot be trusted as it is; ``what`` says why."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(
            f"{path} is damaged ({what}); start the gateway: it moves it aside, and rebuilds it "
            "from the newest backup and the journal"
        )
        self.what = what


def unusable(directory: Path, error: OSError) -> StoreError:
    """A failed input or output in the state folder, with the path and what to do."""
    where = error.filename or directory
    what = error.strerror or str(error)
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        todo = "make room on its file system"
    elif error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        todo = "give the gateway's account the right to read and write it"
    else:
        todo = "see what stands there, or name another state directory"
    return StoreError(f"{where}: {what}; {todo}, then start again")
