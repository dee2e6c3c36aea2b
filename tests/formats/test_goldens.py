"""What a version has left on somebody's disk is read by every later one.

A golden is never written again. Where one of these fails because a format was changed: give the
format its next number, give the old one its file (`store.formats.format_1`) or its migration, and
write the golden of the new number with ``python -m tests.formats``.
"""

import gzip
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from orjson import loads

from quotadeck.domain.commands import Entry
from quotadeck.domain.history import FileLayer, LevelSample, StateSpan
from quotadeck.store import Ledger, Reader
from quotadeck.store.journal.records import FORMAT, ChangeRecord, SegmentHead, Value, decoded
from quotadeck.store.journal.segment import Head, read_head
from quotadeck.store.sqlite.schema import USER_VERSION, create
from quotadeck.wire.messages import CommandRequest
from quotadeck.wire.offline import FORMAT as OFFLINE
from quotadeck.wire.offline import parted, written
from quotadeck.wire.stream import CHANGES, HEARTBEAT, SNAPSHOT, Decoder
from quotadeck.wire.stream import FORMAT as STREAM
from quotadeck.wire.translate import command_of
from tests.clocks import HandClock
from tests.formats import known
from tests.formats.__main__ import golden, segment, stream
from tests.store.test_records import payloads

NEWER = "the format was changed: give it its next number, and read tests/formats/test_goldens.py"


@pytest.mark.parametrize("number", known.RECORDS)
def test_each_record_is_read_as_what_it_said(number: int) -> None:
    path = golden("segment.journal", number)
    assert read_head(path) == Head(number, known.SOURCE)
    found = payloads(path.read_bytes())
    expected = list(map(_unhashed, known.RECORDS[number]))
    assert [_unhashed(decoded(payload, number)) for payload in found] == expected
    assert [_unhashed(decoded(payload, None)) for payload in found] == expected, "by its shape"


def _unhashed(record: Value) -> Value:
    """Hashes are of the bytes as they were written: `test_a_command_log_holds_byte_for_byte`."""
    if isinstance(record, Entry):
        return replace(record, hash="", prev_hash="")
    if isinstance(record, ChangeRecord):
        return ChangeRecord(tuple(replace(e, hash="", prev_hash="") for e in record.entries))
    return record


def test_records_are_written_as_their_number_says() -> None:
    """But for what stands by name in them: an entry's object may have more names."""
    path = golden("segment.journal", FORMAT)
    assert path.exists(), NEWER
    ours, theirs = payloads(segment()), payloads(path.read_bytes())
    assert decoded(ours[0]) == SegmentHead(FORMAT, known.SOURCE)
    for our, their in zip(ours, theirs, strict=True):
        by_name = our.startswith((b'["command",{', b'["commands",['))
        assert by_name or our == their, NEWER


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """A state folder with the golden ledger, its gateway stopped."""
    (tmp_path / "journal").mkdir()
    (tmp_path / "ledger.db").write_bytes(
        gzip.decompress(golden("ledger.db.gz", USER_VERSION).read_bytes())
    )
    return tmp_path


async def test_a_ledger_is_read_as_what_it_said(ledger: Path) -> None:
    reader = await Reader.open(ledger)
    assert reader.source_id == known.SOURCE
    ended = known.END
    assert [call for _, call in await reader.calls()] == [
        *(call._replace(charged=()) for call in (ended, known.REFUSED)),
    ]
    for per in ("minute", "hour", "day"):
        (row,) = await reader.rollups(per=per)
        assert (row.forwarded, row.refused, row.cost_nano_usd) == (1, {"rpm": 300}, 700)
        assert (row.cache_write_1h_tokens, row.reasoning_tokens, row.fees_nano_usd) == (3, 20, 10)
    assert await reader.owner("file", "file-1") == "analytics"
    assert await reader.levels() == [LevelSample(1, known.AT_US, known.RPM, -3, 5, 60)]
    assert await reader.events() == [(1, known.EVENT)]
    (held,) = await reader.states_at(known.AT_US)
    assert held == StateSpan(
        *("project:analytics", "throttled", "rpm", known.AT_US, known.AT_US + 5),
        {"count": 3},
        {"count": 90, "asked": 400},
    )
    content = {"projects": {"analytics": {"limits": {"rpm": 60}, "name": "Analytics"}}}
    said = FileLayer(known.AT_US, known.CATALOGUE.hash, content)
    assert await reader.catalogue_at(known.AT_US) == said
    await reader.close()


async def test_a_ledger_of_the_second_format_is_brought_up_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "journal").mkdir()
    path = tmp_path / "ledger.db"
    path.write_bytes(gzip.decompress(golden("ledger.db.gz", 2).read_bytes()))
    for _ in range(2):
        started = await Ledger.open(tmp_path, HandClock(known.AT_US + 120_000_000))
        one = (await started.reader.calls(last=9))[0][1]
        before = known.END.usage._replace(web_searches=0, tier="", stated_nano=None)
        assert one == known.END._replace(usage=before, charged=())
        assert (await started.reader.chain()).head.hash == known.HEAD_2
        started.end_call(known.END._replace(id="req_9"))
        await started.flushed()
        newest = (await started.reader.calls(last=1))[0][1]
        assert newest.usage == known.END.usage
        await started.close()
        assert int.from_bytes(path.read_bytes()[60:64], "big") == USER_VERSION


async def test_a_command_log_holds_byte_for_byte(ledger: Path) -> None:
    reader = await Reader.open(ledger)
    chain = await reader.chain()
    assert (chain.broken, chain.head.hash) == (None, known.HEAD)
    (entry,) = await reader.log()
    assert replace(entry, hash="") == replace(known.ENTRY, hash="")
    assert entry.hash == known.HEAD
    await reader.close()


async def test_a_start_goes_on_with_a_ledger(ledger: Path) -> None:
    started = await Ledger.open(ledger, HandClock(known.AT_US + 120_000_000))
    assert [entry.id for entry in started.recovered.entries] == ["cmd_1"]
    started.end_call(known.END._replace(id="req_9"))
    await started.flushed()
    assert [call.id for _, call in await started.reader.calls()] == ["req_1", "req_2", "req_9"]
    await started.close()


def test_tables_are_as_their_number_says(ledger: Path, tmp_path: Path) -> None:
    fresh = tmp_path / "fresh.db"
    create(fresh, "src_1", 1)
    assert _tables(fresh) == _tables(ledger / "ledger.db"), NEWER


def _tables(path: Path) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (USER_VERSION,)
        return db.execute("SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2").fetchall()


@pytest.mark.parametrize("number", [2, 3, OFFLINE])
def test_a_command_that_was_left_for_a_gateway_is_read(number: int) -> None:
    said, body = parted(golden("command.json", number).read_bytes())
    assert said == (None if number == 2 else number)
    assert command_of(CommandRequest.model_validate_json(body)) == known.COMMAND


def test_a_command_is_left_as_its_number_says() -> None:
    path = golden("command.json", OFFLINE)
    assert path.exists(), NEWER
    assert written(known.COMMAND) == path.read_bytes(), NEWER


def test_a_stream_says_all_that_its_number_says() -> None:
    """More columns are passed over; none may go, or say its value in another way."""
    path = golden("stream.jsonl", STREAM)
    assert path.exists(), NEWER
    ours, theirs = (loads(data.split(b"\n")[0]) for data in (stream(), path.read_bytes()))
    for name, rows in theirs["rows"].items():
        for our, their in zip(ours["rows"][name], rows, strict=True):
            cls = {"vitals": "Vitals", "events": "Event"}.get(name, f"{name[:-1].title()}Row")
            said = dict(zip(ours["columns"][cls], our, strict=True))
            for column, value in zip(theirs["columns"][cls], their, strict=True):
                assert column in said, NEWER
                if not isinstance(value, list):
                    assert said[column] == value, NEWER
    for cls, columns in theirs["columns"].items():
        assert set(columns) <= set(ours["columns"][cls]), NEWER


def test_a_stream_is_followed() -> None:
    whole, changes, heartbeat = golden("stream.jsonl", STREAM).read_bytes().split(b"\n")
    decoder = Decoder()
    assert decoder.apply(SNAPSHOT, whole) == known.SNAPSHOT
    assert decoder.apply(CHANGES, changes) == known.CHANGED
    assert decoder.apply(HEARTBEAT, heartbeat) == known.CHANGED
