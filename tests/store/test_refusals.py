"""A file that is not ours, too new or broken is named in one line and left as it is."""

import sqlite3
from pathlib import Path

import pytest

from quotadeck.store import (
    Ledger,
    Reader,
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreForeign,
    StoreMissing,
    StoreNewer,
)
from quotadeck.store.sqlite.schema import USER_VERSION
from quotadeck.words import say
from tests.clocks import HandClock
from tests.store.conftest import Opener
from tests.store.values import contents, ended, run_python
from tests.wording import refuses


async def refusal(directory: Path, kind: type[StoreError]) -> str:
    """The words with which a gateway and a reader refuse; the files are as before."""
    before = contents(directory)
    with pytest.raises(kind) as caught:
        await Ledger.open(directory, HandClock())
    assert contents(directory) == before
    said = say(caught.value.told)
    assert str(directory) in said
    assert "\n" not in said
    return said


async def made(open_ledger: Opener, directory: Path) -> Path:
    ledger = await open_ledger()
    for number in range(200):
        ledger.end_call(ended(f"req_{number}"))
    await ledger.close()
    return directory / "ledger.db"


@pytest.mark.parametrize("content", [b"", b"hello", b"SQLite format 3\0", b"\0" * 4096])
async def test_what_is_no_database_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "ledger.db").write_bytes(content)
    said = await refusal(tmp_path, StoreForeign)
    assert "not a SQLite database" in said
    with pytest.raises(StoreForeign):
        await Reader.open(tmp_path)


async def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "ledger.db")
    db.executescript("PRAGMA application_id = 7; CREATE TABLE calls (id)")
    db.close()
    assert "another program" in await refusal(tmp_path, StoreForeign)
    with pytest.raises(StoreForeign):
        await Reader.open(tmp_path)


async def test_a_newer_format_is_refused(open_ledger: Opener, directory: Path) -> None:
    path = await made(open_ledger, directory)
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA user_version = {USER_VERSION + 1}")
    db.close()
    assert "newer Quotadeck" in await refusal(directory, StoreNewer)
    with refuses(StoreNewer, match="update Quotadeck"):
        await Reader.open(directory)


async def test_a_newer_format_that_stands_in_the_wal_alone_is_refused(
    open_ledger: Opener, directory: Path
) -> None:
    path = await made(open_ledger, directory)
    # Another process, because SQLite tidies the WAL up when its last connection closes.
    script = (
        "import os, sqlite3, sys\n"
        "db = sqlite3.connect(sys.argv[1])\n"
        "db.execute(f'PRAGMA user_version = {int(sys.argv[2])}')\n"
        "os._exit(0)\n"
    )
    assert run_python(script, path, USER_VERSION + 1).returncode == 0
    header = path.read_bytes()[60:64]
    assert int.from_bytes(header, "big") == USER_VERSION
    with pytest.raises(StoreNewer):
        await Ledger.open(directory, HandClock())
    assert path.read_bytes()[60:64] == header
    with pytest.raises(StoreNewer):
        await Reader.open(directory)


async def test_a_reader_of_a_damaged_ledger_says_what_a_start_does(
    open_ledger: Opener, directory: Path
) -> None:
    path = await made(open_ledger, directory)
    path.write_bytes(path.read_bytes()[:4096] + b"\xff" * 80_000)
    with refuses(StoreDamaged, match=r"is damaged .*rebuilds it from the newest backup"):
        await (await Reader.open(directory)).calls()


async def test_a_reader_of_an_empty_place_says_so(tmp_path: Path) -> None:
    with refuses(StoreMissing, match="no gateway has kept a ledger there"):
        await Reader.open(tmp_path)
    assert contents(tmp_path) == {}


async def test_a_second_gateway_is_refused_and_the_first_goes_on(
    open_ledger: Opener, directory: Path
) -> None:
    first = await open_ledger()
    script = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from quotadeck.store import Ledger, StoreBusy\n"
        "from quotadeck.words import say\n"
        "from tests.clocks import HandClock\n"
        "async def main():\n"
        "    try:\n"
        "        await Ledger.open(Path(sys.argv[1]), HandClock())\n"
        "    except StoreBusy as error:\n"
        "        print(say(error.told))\n"
        "asyncio.run(main())\n"
    )
    said = run_python(script, directory).stdout
    assert said.startswith(f"{directory}: another gateway is writing this store")
    with pytest.raises(StoreBusy):
        await Ledger.open(directory, HandClock())
    first.end_call(ended("req_1"))
    await first.flushed()
    await first.close()
    await open_ledger()
