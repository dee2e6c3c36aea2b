"""The command log as the desk reads it: all of it is found, and little of it is in memory."""

import gc
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from quotadeck.domain.commands import Entry
from quotadeck.domain.subject import Subject
from quotadeck.store.places import ledger_file
from quotadeck.words import say
from tests.gateway.desks import ADA, HOUR_MS, MIKA, PAUSE, RAISE, RESUME, bench, with_key

LAST = 2**62


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Nothing comes into SQLite meanwhile."""
    with closing(sqlite3.connect(ledger_file(directory), isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        yield
        db.execute("COMMIT")


def entries_in_memory() -> int:
    gc.collect()
    return sum(type(thing) is Entry for thing in gc.get_objects())


async def test_a_command_is_found_before_sqlite_has_it_and_once_afterwards(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        with locked(tmp_path):
            first = await at.does(with_key(RAISE, "key-00001"))
            await at.desk.submit(RESUME, MIKA, dry_run=False)
            assert (await at.ledger.reader.log()) == []
            assert [entry.applied for entry in await at.entries()] == [True, False]
            again = await at.does(with_key(RAISE, "key-00001"))
            assert again == replace(first, repeated=True)
        await at.ledger.flushed()
        assert await at.entries() == await at.ledger.reader.log()


async def test_pages_before_a_number_and_of_a_subject(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        for number in range(3):
            await at.does(replace(RAISE, value=21 + number))
        await at.ledger.flushed()
        with locked(tmp_path):
            await at.does(replace(RAISE, subject=Subject.project("search")))
            await at.does(replace(RAISE, value=30))
            page = at.desk.log.page
            newest = await page(before_seq=LAST, limit=3, subject="")
            assert [entry.seq for entry in newest] == [5, 4, 3]
            rest = await page(before_seq=3, limit=3, subject="")
            assert [entry.seq for entry in rest] == [2, 1]
            own = await page(before_seq=LAST, limit=3, subject="project:analytics")
            assert [entry.seq for entry in own] == [5, 3, 2]
            assert await page(before_seq=LAST, limit=3, subject="project:none") == []


async def test_a_long_log_of_refused_commands_takes_no_memory(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        before = entries_in_memory()
        for number in range(500):
            refused = with_key(replace(RAISE, value=400 + number), f"key-{number:05}")
            await at.desk.submit(refused, MIKA, dry_run=False)
            if number % 50 == 0:
                await at.ledger.flushed()
        await at.ledger.flushed()
        await at.does(with_key(RAISE, "key-other"))
        assert entries_in_memory() - before < 150
    del at
    async with bench(tmp_path) as at:
        assert [entry.idempotency_key for entry in at.ledger.recovered.entries] == ["key-other"]
        assert entries_in_memory() - before < 10


async def test_a_first_answer_names_the_override_above_it_also_when_that_is_over(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path) as at:
        await at.does(RAISE)
        standing = with_key(replace(RAISE, value=30, for_ms=None), "key-00001")
        first = await at.does(standing, ADA)
        assert "mika's override stays in force above this: 40 until" in say(first.warnings[0])
        at.clock.advance_ms(2 * HOUR_MS)
        again = await at.does(standing, ADA)
        assert again == replace(first, repeated=True)


async def test_a_pause_needs_no_readable_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quotadeck.store.sqlite.writer.GIVE_UP_S", 0.01)
    async with bench(tmp_path) as at:
        await at.does(with_key(RAISE, "key-00001"))
        for name in ("ledger.db", "ledger.db-wal"):
            size = (tmp_path / name).stat().st_size
            (tmp_path / name).write_bytes(os.urandom(size))
        paused = await at.does(with_key(PAUSE, "key-00002"))
        assert (paused.applied, at.paused()) == (True, True)
