"""Reading a ledger in every state that a gateway can leave it in."""

import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import aiosqlite
import pytest

from quotadeck.domain.calls import Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.ids import new_id
from quotadeck.domain.subject import Subject
from quotadeck.store import Ledger, Reader, StoreError
from quotadeck.store.places import ledger_file
from quotadeck.store.sqlite.retention import _OLD_CALLS, _OLD_LEVELS, _OLD_STATES, _OLD_SUMS
from quotadeck.store.sqlite.tables import HOUR, KEY, MINUTE
from tests.clocks import HandClock
from tests.store.conftest import Opener, ReaderOpener
from tests.store.values import (
    START_US,
    all_calls,
    contents,
    ended,
    entry,
    event,
    refused,
    run_python,
)
from tests.wording import refuses

_WRITE_AND_DIE = """
import asyncio, os, sys
from pathlib import Path
from quotadeck.store import Ledger
from tests.clocks import HandClock
from tests.store.values import ended

async def main():
    ledger = await Ledger.open(Path(sys.argv[1]), HandClock())
    ledger.end_call(ended("req_1"))
    await ledger.flushed()
    os.kill(os.getpid(), 9)

asyncio.run(main())
"""

_READ_AS_ANYBODY = """
import asyncio, os, sys, urllib.parse  # all that is imported late, while we still may read it
from pathlib import Path
from quotadeck.store import Reader
import quotadeck.store.ledger

async def main():
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(int(sys.argv[2]))
        os.setuid(65534)
    directory = Path(sys.argv[1])
    assert not os.access(directory, os.W_OK)
    reader = await Reader.open(directory)
    print([call.id for _, call in await reader.calls()])
    await reader.close()

asyncio.run(main())
"""


def crashed(directory: Path) -> None:
    """A store whose gateway was killed, its last rows in the WAL."""
    assert run_python(_WRITE_AND_DIE, directory).returncode == -9
    assert (directory / "ledger.db-wal").stat().st_size > 0


async def test_a_reader_follows_the_gateway_that_writes(
    open_ledger: Opener, open_reader: ReaderOpener
) -> None:
    ledger = await open_ledger()
    reader = await open_reader()
    for number in range(3):
        ledger.end_call(ended(f"req_{number}"))
        await ledger.flushed()
        assert len(await reader.calls()) == number + 1
    assert reader.source_id == ledger.source_id


async def test_a_reader_after_a_clean_stop_makes_no_file(
    open_ledger: Opener, open_reader: ReaderOpener, directory: Path
) -> None:
    ledger = await open_ledger()
    ledger.end_call(ended("req_1"))
    await ledger.close()
    before = contents(directory)
    reader = await open_reader()
    assert len(await reader.calls()) == 1
    await reader.close()
    assert contents(directory) == before


async def test_a_reader_from_before_the_gateway_came_sees_what_it_writes(
    open_ledger: Opener, open_reader: ReaderOpener
) -> None:
    await (await open_ledger()).close()
    reader = await open_reader()
    assert await reader.calls() == []
    ledger = await open_ledger()
    ledger.end_call(ended("req_1"))
    await ledger.flushed()
    assert len(await reader.calls()) == 1


async def test_a_reader_after_a_crash_sees_what_stands_in_the_wal(
    open_reader: ReaderOpener, directory: Path
) -> None:
    crashed(directory)
    before = {name: data for name, data in contents(directory).items() if "shm" not in name}
    reader = await open_reader()
    assert [call.id for call in await all_calls(reader)] == ["req_1"]
    await reader.close()
    after = {name: data for name, data in contents(directory).items() if "shm" not in name}
    assert after == before


@pytest.fixture
def public() -> Iterator[Path]:
    """A directory that another account can reach, unlike those under pytest's own."""
    outer = Path(tempfile.mkdtemp())
    outer.chmod(0o755)
    yield outer / "state"
    for path in [outer, *outer.rglob("*")]:
        if path.is_dir():
            path.chmod(0o755)
    shutil.rmtree(outer)


def group_of(path: Path) -> int:
    return path.stat().st_gid


def forbid_writing(directory: Path) -> None:
    for path in [directory, *directory.rglob("*")]:
        path.chmod(path.stat().st_mode & ~0o222)


@pytest.mark.parametrize("crash", [False, True], ids=["clean stop", "crash"])
async def test_the_on_call_group_reads_without_the_right_to_write(
    public: Path, crash: bool, clock: HandClock
) -> None:
    if crash:
        crashed(public)
    else:
        ledger = await Ledger.open(public, clock)
        ledger.end_call(ended("req_1"))
        await ledger.close()
    forbid_writing(public)
    done = run_python(_READ_AS_ANYBODY, public, group_of(public))
    assert done.stdout == "['req_1']\n", done.stderr


async def test_only_the_writers_connection_can_write(
    open_ledger: Opener, open_reader: ReaderOpener, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    real = aiosqlite.connect

    def noting(database: str, **options: object) -> aiosqlite.Connection:
        asked.append(database)
        return real(database, **options)  # type: ignore[arg-type]

    monkeypatch.setattr("aiosqlite.connect", noting)
    ledger = await open_ledger()
    reader = await open_reader()
    assert [uri.partition("?")[2] for uri in asked] == ["mode=rw", *["mode=ro"] * 3]
    ledger.end_call(ended("req_1"))
    await ledger.flushed()
    for connection in (reader._db, ledger.reader._db):
        for statement in (
            "DELETE FROM calls",
            "INSERT INTO buckets (source_id, key) VALUES (1, 'x')",
            "CREATE TABLE t (x)",
            "PRAGMA user_version = 9",
        ):
            with pytest.raises(aiosqlite.OperationalError, match=r"readonly|query_only"):
                await connection.execute_fetchall(statement)
    wal = (directory / "ledger.db-wal").read_bytes()
    with pytest.raises(aiosqlite.OperationalError):
        await reader._db.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
    assert (directory / "ledger.db-wal").read_bytes() == wal


async def test_filters_and_pages_of_calls(open_ledger: Opener) -> None:
    ledger = await open_ledger()
    for number in range(10):
        ledger.end_call(
            ended(
                f"req_{number}",
                project="search" if number % 2 else "analytics",
                model="gpt-4.1" if number < 5 else "claude-opus-4.7",
                outcome=Outcome.UPSTREAM_ERROR if number == 3 else Outcome.OK,
            )
        )
    ledger.end_call(refused("req_storm", Cause.RPM, 90))
    await ledger.flushed()
    reader = ledger.reader

    async def names(**given: object) -> list[str]:
        found = await reader.search(**given)  # type: ignore[arg-type]
        assert found.ended == (len(found.rows) < int(str(given.get("limit", 100))))
        return [call.id for _, call in found.rows]

    assert await names(newest=True, limit=2) == ["req_9", "req_storm"]
    assert await names(newest=True, project="search", limit=2) == ["req_7", "req_9"]
    assert [call.id for _, call in await reader.calls(last=2)] == ["req_9", "req_storm"]
    assert [call.id for _, call in await reader.calls(project="search", last=1)] == ["req_9"]
    assert await names(project="search", model="gpt-4.1") == ["req_1", "req_3"]
    assert await names(outcome="upstream_error") == ["req_3"]
    assert await names(outcome="refused") == ["req_storm"]
    assert await names(project="' OR 1=1 --") == []
    first = await reader.calls(limit=4)
    assert await names(after=first[-1][0], limit=4) == ["req_4", "req_5", "req_6", "req_7"]
    assert (await reader.totals())["analytics"].refused == {"rpm": 90}


async def test_no_page_of_a_large_table_is_found_by_sorting_all_of_it(open_ledger: Opener) -> None:
    ledger = await open_ledger()
    for number in range(3):
        ledger.end_call(ended(f"req_{number}", at_us=START_US + number * 300 * 10**6))
    await ledger.flushed()
    reader, late_us = ledger.reader, START_US + 100 * 10**6
    statements: list[str] = [
        statement.replace("?", "1")
        for statement in (
            *(_OLD_CALLS, _OLD_LEVELS, _OLD_STATES),
            *(*_OLD_SUMS[MINUTE], *_OLD_SUMS[HOUR]),
        )
    ]
    await reader._db.set_trace_callback(statements.append)
    await reader.calls(last=5)
    await reader.calls(after=3)
    await reader.calls(project="search", last=5)
    await reader.search(project="search", model="gpt-4.1", newest=True)
    await reader.search(key="k", since_us=late_us, until_us=late_us, newest=True)
    for subject in (Subject.project("a"), Subject.model("m"), Subject.parse("gateway:")):
        await reader.series([subject], minutes=9, until_us=late_us, now_us=late_us)
    await reader.call(new_id("req", 5, bytes(10)), "search")
    await reader.rollups(per="minute", after=3, since_us=5)
    await reader.rollups(per="hour", after=3, since_us=5)
    await reader.rollups(per="day", project="search")
    await reader.states_at(5)
    await reader.catalogue_at(5)
    await reader.levels_at(5)
    await reader.levels(after=3)
    await reader.events(last=5)
    await reader.audit(before_seq=7)
    await reader.audit(subject="project:search")
    await reader.spent_on({"search": "2026-11-24"})
    await reader.known(["req_1"])
    await reader._db.set_trace_callback(None)  # type: ignore[arg-type]
    assert len(statements) == 48
    for statement in statements:
        rows = await reader._db.execute_fetchall(f"EXPLAIN QUERY PLAN {statement}")
        plan = " / ".join(row[3] for row in rows)
        assert "FOR ORDER BY" not in plan, (statement, plan)
        assert not re.search(r"SCAN (rollups|r\b)", plan), (statement, plan)


async def test_the_audit_is_read_backwards_by_subject(open_ledger: Opener) -> None:
    ledger = await open_ledger()
    for number in range(5):
        await ledger.command(entry(f"cmd_{number}"), durable=False)
    await ledger.flushed()
    reader = ledger.reader
    assert [item.seq for item in await reader.audit(limit=2)] == [5, 4]
    assert [item.seq for item in await reader.audit(before_seq=4, limit=2)] == [3, 2]
    assert len(await reader.audit(subject="project:analytics")) == 5
    assert await reader.audit(subject="project:search") == []


async def test_the_newest_events_come_oldest_first(open_ledger: Opener) -> None:
    ledger = await open_ledger()
    for number in range(5):
        ledger.event(event(f"evt_{number}"))
    await ledger.flushed()
    newest = await ledger.reader.events(last=2)
    assert [event.id for _, event in newest] == ["evt_3", "evt_4"]
    assert await ledger.reader.events(after=newest[0][0]) == newest[1:]


async def test_what_cannot_be_read_is_an_error_of_the_stores(
    open_ledger: Opener, directory: Path
) -> None:
    await (await open_ledger()).close()
    reader = await Reader.open(directory)
    (directory / "ledger.db").write_bytes(b"gone")
    with refuses(StoreError, match=r"ledger\.db"):
        await reader.rollups(per="day")
    await reader.close()


async def test_a_command_is_found_by_its_idempotency_key_by_an_index(
    open_ledger: Opener, open_reader: ReaderOpener, directory: Path
) -> None:
    ledger = await open_ledger()
    written = [await ledger.command(entry(f"{number}"), durable=False) for number in range(3)]
    await ledger.flushed()
    reader = await open_reader()
    assert await reader.commands_of("idem-1") == (written[1],)
    assert await reader.commands_of("idem-9") == ()
    assert await reader.last_command() == written[-1].seq
    with closing(sqlite3.connect(ledger_file(directory))) as db:
        plan = db.execute(
            f"EXPLAIN QUERY PLAN SELECT seq FROM commands WHERE source_id = 1 AND {KEY} = 'key-1'"
        ).fetchall()
    assert "USING INDEX commands_of_key (source_id=? AND <expr>=?)" in plan[0][3]
