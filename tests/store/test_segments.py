"""A segment says what its format is and whose it is; what it says is believed, and not guessed."""

import shutil
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from quotadeck.domain.calls import Attempt, Call, OpenCall
from quotadeck.domain.cause import Cause
from quotadeck.domain.commands import Entry
from quotadeck.domain.steady import Mark
from quotadeck.domain.usage import Usage
from quotadeck.store import Ledger, StoreNewer, examine
from quotadeck.store.chain import GENESIS, seal
from quotadeck.store.journal.frames import framed, next_frame
from quotadeck.store.journal.records import (
    FORMAT,
    Levels,
    SegmentHead,
    UnreadableRecord,
    Value,
    Withdrawn,
    decoded,
    end_frame,
    levels_frame,
    open_frame,
    segment_frame,
)
from quotadeck.store.journal.segment import Head, read_head
from tests.clocks import HandClock
from tests.formats.__main__ import golden
from tests.store.conftest import Opener
from tests.store.damages import segment
from tests.store.values import all_calls, contents, ended, entry, opened, refused
from tests.wording import refuses

FIRST = golden("segment.journal", 1)
"""Written by the last version that gave its format no number."""


def _old(call: OpenCall) -> OpenCall:
    return call._replace(run_id="", client_request_id="")


def _old_end(call: Call, attempts: tuple[Attempt, ...]) -> Call:
    used = Usage(90, 10, 33) if attempts else Usage()
    new = {"run_id": "", "client_request_id": "", "fees_nano_usd": 0, "wait_ms": None, "gates": ()}
    return call._replace(**new, counted=None, usage=used, attempts=attempts)  # type: ignore[arg-type]


def _old_entry(seq: int, prev_hash: str, digest: str) -> Entry:
    """Values were told as texts then."""
    made = seal(entry(f"cmd_{seq}"), seq, prev_hash)
    return replace(made, before="no", after="yes", hash=digest)


ONE, TWO = (
    "3a4726bf3b2c1faf827ee542c7e29fd5b3339a32d20508bd6473e1fb132c5078",
    "c416e7c6dad13f31d08ae284650e9f77e0f636aacc595414018c4f0282695233",
)
IN_THE_FIRST: list[Value] = [
    _old(opened("req_1")),
    _old_end(ended("req_1"), (Attempt("main/gpt-4.1-mini", Cause.NONE, 0, 320),)),
    _old_end(refused("req_2", Cause.RPM, 300), ()),
    _old(opened("req_3")),
    _old_entry(1, GENESIS, ONE),
    _old_entry(2, ONE, TWO),
    Withdrawn(2),
    Levels(
        77,
        {"project:analytics:rpm": 5},
        {"project:analytics:rpm": (3, 5, None)},
        Mark(1, 2, "boot-1", 3),
    ),
]


def payloads(data: bytes) -> list[bytes]:
    found, at = [], 0
    while (frame := next_frame(data, at)) is not None:
        found.append(data[slice(*frame)])
        at = frame[1]
    return found


def test_the_first_format_is_read_as_what_it_said() -> None:
    assert read_head(FIRST) == Head(1)
    assert [decoded(payload, 1) for payload in payloads(FIRST.read_bytes())] == IN_THE_FIRST


def test_a_record_of_one_format_is_never_taken_for_one_of_another() -> None:
    """By its shape it is known where the head was damaged; what has the same is the same."""
    for payload, said in zip(payloads(FIRST.read_bytes()), IN_THE_FIRST, strict=True):
        assert decoded(payload, None) == said
        try:
            assert decoded(payload, 2) == said
        except UnreadableRecord:
            continue
        assert payload.startswith(b'["command"')
    ours = [open_frame(opened("req_1")), end_frame(ended("req_1"))]
    ours.append(levels_frame(7, {}, {"a:rpm": (1, 2, 3)}, Mark(1, 2, "boot-1", 3)))
    for payload in payloads(b"".join(ours)):
        assert decoded(payload, None) == decoded(payload)
        with pytest.raises(UnreadableRecord):
            decoded(payload, 1)


async def test_an_old_segment_is_folded_and_replayed_beside_a_new_one(
    open_ledger: Opener, directory: Path
) -> None:
    first = await open_ledger()
    first.end_call(ended("req_9"))
    await first.close()
    shutil.copy(FIRST, segment(directory, 2))
    ledger = await open_ledger()
    assert ledger.recovered.losses == ()
    found = await all_calls(ledger.reader)
    assert [call.id for call in found] == ["req_9", "req_1", "req_2", "req_3"]
    assert found[2] == IN_THE_FIRST[2]
    assert [call.id for call in ledger.recovered.unknown] == ["req_3"]
    assert ledger.recovered.levels == {"project:analytics:rpm": 5}
    assert [item.id for item in await ledger.reader.log()] == ["cmd_1"]
    assert (await ledger.reader.chain()).broken is None


async def test_a_segment_begins_with_its_format_and_its_source(
    open_ledger: Opener, directory: Path
) -> None:
    ledger = await open_ledger()
    path = segment(directory, 1)
    assert read_head(path) == Head(FORMAT, ledger.source_id)
    assert decoded(payloads(path.read_bytes())[0]) == SegmentHead(FORMAT, ledger.source_id)


def test_a_head_that_is_damaged_anywhere_is_known_to_be(tmp_path: Path) -> None:
    head, path = segment_frame("src_1"), tmp_path / "0000000001.journal"
    data = head + end_frame(ended("req_1"))
    for at in range(len(head)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :])
        assert read_head(path).format is None


@pytest.mark.parametrize("old", [True, False])
async def test_a_damaged_head_takes_no_other_record_with_it(
    old: bool, open_ledger: Opener, directory: Path
) -> None:
    ledger = await open_ledger()
    ledger.end_call(ended("req_9"))
    await ledger.close()
    ours = segment_frame(ledger.source_id) + end_frame(ended("req_7")) + end_frame(ended("req_8"))
    data = bytearray(FIRST.read_bytes() if old else ours)
    data[20] ^= 1
    segment(directory, 2).write_bytes(data)
    again = await open_ledger()
    found = [call.id for call in await all_calls(again.reader)]
    assert found == (["req_9", "req_1", "req_2", "req_3"] if old else ["req_9", "req_7", "req_8"])


@pytest.mark.parametrize(
    "head", [(), (FORMAT,), (0, "src_1"), (1, "src_1"), (None, None), ("2", "src_1"), (FORMAT, 7)]
)
async def test_a_head_that_no_version_writes_is_a_damaged_one(
    open_ledger: Opener, directory: Path, head: tuple[object, ...]
) -> None:
    first = await open_ledger()
    await first.close()
    segment(directory, 2).write_bytes(
        framed(("segment", *head)) + end_frame(ended("req_1")) + framed(("of the future", 1))
    )
    ledger = await open_ledger()
    assert [call.id for call in await all_calls(ledger.reader)] == ["req_1"]
    assert any(told.kind == "vital.records_unreadable" for told in ledger.problems)


async def test_a_newer_segment_in_the_archive_is_refused_and_none_is_moved(
    open_ledger: Opener, directory: Path
) -> None:
    await (await open_ledger()).close()
    folder = directory / "archive"
    folder.mkdir()
    newer = framed(("segment", FORMAT + 1, {"of": "the future"}))
    (folder / segment(directory, 7).name).write_bytes(newer)
    (folder / segment(directory, 6).name).write_bytes(segment_frame("src_1"))
    with refuses(StoreNewer, match="update Quotadeck"):
        await open_ledger()
    assert len(list(folder.iterdir())) == 2


async def test_a_newer_journal_is_refused_and_left_as_it_is(
    open_ledger: Opener, directory: Path
) -> None:
    await (await open_ledger()).close()
    segment(directory, 7).write_bytes(framed(("segment", FORMAT + 1, "src_1", "of the future")))
    before = contents(directory)
    with refuses(StoreNewer, match=f"format {FORMAT + 1}.*update Quotadeck"):
        await Ledger.open(directory, HandClock())
    with pytest.raises(StoreNewer):
        await examine(directory)
    assert contents(directory) == before


async def test_another_ledgers_segment_is_told_and_left_alone(
    open_ledger: Opener, directory: Path, tmp_path: Path
) -> None:
    other = await Ledger.open(tmp_path / "other", HandClock())
    other.end_call(ended("req_other"))
    source_id = other.source_id
    await other.close()
    first = await open_ledger()
    first.end_call(ended("req_1"))
    await first.close()
    shutil.copy(segment(tmp_path / "other", 1), segment(directory, 2))
    foreign = sha256(segment(directory, 2).read_bytes()).digest()
    ledger = await open_ledger()
    (loss,) = ledger.recovered.losses
    assert loss.grave
    assert loss.told.kind == "store.foreign_segments"
    assert (loss.told.facts["segments"], loss.told.facts["sources"]) == (("2",), (source_id,))
    assert (loss,) == await examine(directory)
    ledger.end_call(ended("req_2"))
    ledger.levels(1, {}, {})
    await ledger.flushed()
    assert [call.id for call in await all_calls(ledger.reader)] == ["req_1", "req_2"]
    assert sha256(segment(directory, 2).read_bytes()).digest() == foreign
