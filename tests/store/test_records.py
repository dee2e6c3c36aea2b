"""What is written is read again, and what was damaged is not taken for something else."""

from hashlib import sha256

import orjson
import pytest

from quotadeck.domain.calls import moved
from quotadeck.domain.cause import Cause
from quotadeck.domain.steady import Mark
from quotadeck.store.chain import seal
from quotadeck.store.journal.frames import FRAME_HEAD_BYTES, next_frame
from quotadeck.store.journal.journal import Position, Record
from quotadeck.store.journal.records import (
    FORMAT,
    CatalogueRecord,
    ChangeRecord,
    Levels,
    SegmentHead,
    StateRecord,
    UnreadableRecord,
    Withdrawn,
    catalogue_frame,
    command_frame,
    commands_frame,
    decoded,
    end_frame,
    levels_frame,
    move_frame,
    open_frame,
    segment_frame,
    state_frame,
    withdrawal_frame,
)
from quotadeck.store.sqlite.fold import sort
from tests.store.values import ended, entry, move_of, opened, refused

MARK = Mark(5, 6, "boot-1", 7)
CATALOGUE = b'{"projects":{"a":{"rpm":5}}}'
STATE = StateRecord(9, "project:a", "throttled", "rpm", True, {"count": 3, "asked": 40})
MOVE = move_of(opened("req_1"))
ONE = seal(entry("cmd_2"), 2, "0" * 64)
CHANGE = (ONE, seal(entry("cmd_3"), 3, ONE.hash))
RECORDS = [
    segment_frame("src_1"),
    open_frame(opened("req_1")),
    end_frame(ended("req_1")),
    end_frame(refused("req_2", Cause.RPM, 300)),
    command_frame(seal(entry("cmd_1"), 1, "0" * 64)),
    levels_frame(5, {"project:a:rpm": -7}, {"project:a:rpm": (-9, -7, 60)}, MARK),
    withdrawal_frame(1),
    catalogue_frame(CATALOGUE, 11),
    state_frame(STATE),
    move_frame(MOVE),
    commands_frame(CHANGE),
    withdrawal_frame(4, 2),
    open_frame(moved(opened("req_1"), MOVE)),
]


def payloads(data: bytes) -> list[bytes]:
    found, at = [], 0
    while (frame := next_frame(data, at)) is not None:
        start, at = frame
        found.append(data[start:at])
    return found


BODIES = [record[FRAME_HEAD_BYTES:] for record in RECORDS]


def test_every_type_comes_back_as_it_was() -> None:
    log = b"".join(RECORDS)
    assert [decoded(payload) for payload in payloads(log)] == [
        SegmentHead(FORMAT, "src_1"),
        opened("req_1"),
        ended("req_1"),
        refused("req_2", Cause.RPM, 300),
        seal(entry("cmd_1"), 1, "0" * 64),
        Levels(5, {"project:a:rpm": -7}, {"project:a:rpm": (-9, -7, 60)}, MARK),
        Withdrawn(1),
        CatalogueRecord(CATALOGUE, sha256(CATALOGUE).hexdigest(), 11),
        STATE,
        MOVE,
        ChangeRecord(CHANGE),
        Withdrawn(4, 2),
        moved(opened("req_1"), MOVE),
    ]


def test_a_tail_torn_at_any_byte_loses_the_torn_record_alone() -> None:
    for record in RECORDS:
        before = RECORDS[0] + RECORDS[1]
        for kept in range(len(record)):
            assert payloads(before + record[:kept]) == BODIES[:2]


def test_a_flipped_bit_loses_one_record_and_none_behind_it() -> None:
    log = b"".join(RECORDS)
    ends = [sum(map(len, RECORDS[: index + 1])) for index in range(len(RECORDS))]
    for at in range(len(log)):
        flipped = bytearray(log)
        flipped[at] ^= 1 << at % 8
        hit = next(index for index, end in enumerate(ends) if at < end)
        assert payloads(bytes(flipped)) == BODIES[:hit] + BODIES[hit + 1 :]


def test_lost_blocks_that_read_as_zeros_are_no_records() -> None:
    assert payloads(bytes(64)) == []
    assert payloads(RECORDS[0] + bytes(64) + RECORDS[1]) == BODIES[:2]


def test_text_in_a_record_cannot_pass_for_a_record() -> None:
    smuggled = RECORDS[1].decode("latin-1")
    record = open_frame(opened(smuggled))
    assert payloads(record[:-1] + RECORDS[2]) == [BODIES[2]]


@pytest.mark.parametrize(
    "payload", [b'["open"]', b'["end",1]', b'["later",1]', b'["levels"', b"[]"]
)
def test_a_whole_record_that_is_not_understood_is_named_so(payload: bytes) -> None:
    with pytest.raises(UnreadableRecord):
        decoded(payload)


@pytest.mark.parametrize("record", [*RECORDS[1:3], move_frame(MOVE)], ids=["open", "end", "move"])
@pytest.mark.parametrize("more", [-1, 1])
def test_a_list_with_more_or_fewer_fields_is_of_no_format_that_is_known(
    record: bytes, more: int
) -> None:
    """Read by position it would say something else, and nobody would know."""
    items = orjson.loads(record[FRAME_HEAD_BYTES:])
    other = [*items[:3], "slipped in", *items[3:]] if more > 0 else [*items[:3], *items[4:]]
    with pytest.raises(UnreadableRecord):
        decoded(orjson.dumps(other))
    slipped = Record(orjson.dumps(other), Position(1, 1))
    batch, unreadable = sort([slipped], [], set())
    assert (len(batch), unreadable) == ((0, 1) if items[0] == "end" else (0, 0))


def test_usage_with_fewer_counts_is_of_no_format_that_is_known() -> None:
    items = orjson.loads(RECORDS[2][FRAME_HEAD_BYTES:])
    at = next(index for index, item in enumerate(items) if isinstance(item, list))
    items[at] = items[at][:-1]
    with pytest.raises(UnreadableRecord):
        decoded(orjson.dumps(items))
