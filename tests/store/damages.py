"""A store as a kill -9 leaves it, and the ways in which it is then damaged."""

import os
import random
import shutil
import socket
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from quotadeck.store import Ledger
from quotadeck.store.chain import ChainLink, seal
from tests.clocks import HandClock
from tests.store.values import ended, entry

CALLS = 40
"""In each of three parts: in segment 1, and in segment 2 folded and not."""


async def leave(state: Path, to: Path) -> None:
    """Two runs; the second is killed when SQLite has half of its calls and none of its commands."""
    first = await Ledger.open(state, HandClock())
    for number in range(3):
        await first.command(entry(f"cmd_{number}", value=number), durable=True)
    _calls(first, "one")
    first.levels(1, {"a:rpm": 1}, {"a:rpm": (1, 1, 60)})
    await first.close()
    second = await Ledger.open(state, HandClock())
    _calls(second, "two")
    await second.flushed()
    other = sqlite3.connect(state / "ledger.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    _calls(second, "late")
    await second.command(entry("cmd_late"), durable=True)
    shutil.copytree(state, to)
    other.execute("ROLLBACK")
    other.close()
    await second.close()


def _calls(ledger: Ledger, run: str) -> None:
    for number in range(CALLS):
        ledger.end_call(ended(f"req_{run}_{number}"))


@dataclass(frozen=True)
class Damage:
    """What is done to a store, and what must come of it."""

    name: str
    do: Callable[[Path], object]
    says: str
    """A pattern of what is told at a start, or of the refusal."""
    calls: int | None = None
    """How many of the calls are there after it; None where the start is refused."""
    again: bool = False
    """The next start tells it too."""


def segment(state: Path, number: int = 2) -> Path:
    return state / "journal" / f"{number:010d}.journal"


def cut(state: Path, size: int) -> None:
    """Leave ``size`` bytes of segment 2; below zero, cut off so many."""
    path = segment(state)
    os.truncate(path, size if size >= 0 else path.stat().st_size + size)


def overwrite(path: Path, at: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at, os.SEEK_SET if at >= 0 else os.SEEK_END)
        file.write(data)


def append(state: Path, data: bytes) -> None:
    with segment(state).open("ab") as file:
        file.write(data)


def noise(size: int) -> bytes:
    return random.Random(7).randbytes(size)


def sql(state: Path, *statements: str) -> None:
    """Change the ledger behind its back, with all of it in the file."""
    db = sqlite3.connect(state / "ledger.db", isolation_level=None)
    db.execute("PRAGMA ignore_check_constraints = 1")
    db.execute("DROP INDEX commands_of_key")
    db.execute("DROP TRIGGER commands_are_never_changed")
    db.execute("DROP TRIGGER commands_are_never_removed")
    for statement in statements:
        db.execute(statement)
    db.close()


def slip_in(state: Path) -> None:
    """An entry made as ours are, between two of them."""
    db = sqlite3.connect(state / "ledger.db", isolation_level=None)
    link = ChainLink(*db.execute("SELECT seq, subject, hash, body FROM commands").fetchone())
    forged = seal(entry("cmd_forged"), 9, link.hash)
    body = b'{"forged":true}'
    db.execute(
        "INSERT INTO commands VALUES (1, 9, ?, ?, ?)", (str(forged.subject), forged.hash, body)
    )
    db.close()


def replaced(path: Path, kind: str) -> None:
    """Put something odd at a place; what a link points at is beside the state folder."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    target = path.parent.parent / "elsewhere"
    match kind:
        case "link":
            target.write_bytes(b"precious")
            path.symlink_to(target)
        case "dangling":
            path.symlink_to(target)
        case "fifo":
            os.mkfifo(path)
        case "directory":
            path.mkdir()
        case "socket":
            here = Path.cwd()
            os.chdir(path.parent)  # a socket's path is short
            try:
                with socket.socket(socket.AF_UNIX) as made:
                    made.bind(path.name)
            finally:
                os.chdir(here)
        case "device":
            os.mknod(path, 0o660 | 0o020000, os.makedev(1, 5))  # /dev/zero: reads for ever
        case "file":
            path.write_bytes(b"")


ODD = {
    "link": "a symbolic link",
    "dangling": "a symbolic link",
    "fifo": "a FIFO",
    "directory": "a directory",
    "socket": "a socket",
    "device": "a device",
    "file": "a file",
}
