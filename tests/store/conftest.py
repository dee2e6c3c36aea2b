"""Ledgers that tests open and that are closed behind them."""

import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from quotadeck.store import Keep, Ledger, Reader
from tests.clocks import HandClock

Opener = Callable[..., Awaitable[Ledger]]
ReaderOpener = Callable[[], Awaitable[Reader]]


@pytest.fixture(autouse=True)
def _small_ballast(monkeypatch: pytest.MonkeyPatch) -> None:
    """A megabyte a test instead of sixteen; the full size is for the tests that are about it."""
    monkeypatch.setattr("quotadeck.store.ballast.BALLAST_BYTES", 1024 * 1024)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
async def open_ledger(directory: Path, clock: HandClock) -> AsyncIterator[Opener]:
    """Open the test's ledger; one that is still open at the end is closed."""
    ledgers: list[Ledger] = []

    async def opener(keep: Keep | None = None) -> Ledger:
        ledgers.append(await Ledger.open(directory, clock, keep))
        return ledgers[-1]

    yield opener
    for ledger in ledgers:
        await ledger.close()


@pytest.fixture
async def open_reader(directory: Path) -> AsyncIterator[ReaderOpener]:
    """Open readers of the test's ledger."""
    readers: list[Reader] = []

    async def opener() -> Reader:
        readers.append(await Reader.open(directory))
        return readers[-1]

    yield opener
    for reader in readers:
        await reader.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Make a file system of so many megabytes; needs the right to mount one."""
    places: list[Path] = []

    def made(megabytes: int) -> Path:
        place = tmp_path / f"disk_{len(places)}"
        place.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(place)]
        if shutil.which("mount") is None or subprocess.run(command, check=False).returncode:
            pytest.skip("this account may not mount a file system")
        places.append(place)
        return place

    yield made
    for place in places:
        subprocess.run(["umount", str(place)], check=True)
