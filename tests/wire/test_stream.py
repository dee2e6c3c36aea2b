"""What the reader holds is what the sender had, whatever happened in between."""

import random
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given, settings

from quotadeck.domain.notice import notice
from quotadeck.domain.snapshot import (
    Budget,
    Event,
    Flow,
    Level,
    LimitReading,
    ProjectRow,
    RouteRow,
    Snapshot,
    Vitals,
)
from quotadeck.wire import stream
from quotadeck.wire.stream import Decoder, Encoder, StreamDamaged, StreamNewer
from tests.wire.snapshots import done, sequences

EVENTS = ("snapshot", "changes", "heartbeat")


def project(number: int, seed: int = 0) -> ProjectRow:
    dice = random.Random(f"{number} {seed}")
    level = Level(dice.randrange(10**7), 10**7, 10**9 + dice.randrange(10**6))
    limits = (
        LimitReading("rpm", 60, dice.randrange(99), level=level),
        LimitReading("concurrency", 16, dice.randrange(16)),
    )
    return ProjectRow(
        f"project-{number:04d}",
        f"Project {number}",
        "medium",
        number,
        False,
        limits,
        Budget(500 * 10**9, dice.randrange(10**11), 0, 1_764_000_000_000_000),
        Flow(dice.randrange(999), dice.randrange(10**6), p95_ms=dice.randrange(5_000)),
        models=("gpt-4.1", "claude-opus-4.7"),
    )


def snapshot(projects: int = 3) -> Snapshot:
    rows = tuple(project(number) for number in range(projects))
    route = RouteRow("gpt-4.1", 0, ("main/gpt-4.1",), "main/gpt-4.1", False)
    event = Event("evt_1", 5, "project:project-0000", notice("budget.step", reached_percent=90))
    return Snapshot(1_000, 5, Vitals("gw", "0.1", "src_1", 1), rows, (), (route,), (event,))


def edited(data: bytes, edit: Callable[[Any], None]) -> bytes:
    message = orjson.loads(data)
    edit(message)
    return orjson.dumps(message)


def following(sent: Snapshot) -> tuple[Encoder, Decoder]:
    encoder, decoder = Encoder(), Decoder()
    assert done(encoder.changes(sent)) is None
    decoder.apply("snapshot", done(encoder.full(sent)))
    return encoder, decoder


@settings(max_examples=50, deadline=None)
@given(sequences())
def test_readers_hold_exactly_what_the_sender_had_whenever_they_came(
    sequence: list[Snapshot],
) -> None:
    encoder = Encoder()
    readers: list[Decoder] = []
    for sent in sequence:
        changes = done(encoder.changes(sent))
        for reader in readers:
            if changes is None:
                assert reader.apply("heartbeat", encoder.heartbeat(sent)) == sent
            else:
                assert reader.apply("changes", changes) == sent
        readers.append(Decoder())
        assert readers[-1].apply("snapshot", done(encoder.full(sent))) == sent


def test_a_second_in_which_nothing_changed_is_only_a_heartbeat() -> None:
    encoder, decoder = following(before := snapshot())
    later = replace(before, now_ms=2_000, at_us=1_000_005)
    assert done(encoder.changes(later)) is None
    assert orjson.loads(encoder.heartbeat(later)) == {"now_ms": 2_000, "at_us": 1_000_005}
    got = decoder.apply("heartbeat", encoder.heartbeat(later))
    assert got == later
    assert got.projects is decoder.apply("heartbeat", encoder.heartbeat(later)).projects


def test_only_the_changed_cells_of_the_changed_rows_travel() -> None:
    encoder, _ = following(before := snapshot())
    row = before.projects[1]
    row = replace(row, flow=replace(row.flow, requests_60s=7_777), paused=True)
    after = replace(before, projects=(before.projects[0], row, before.projects[2]))
    data = done(encoder.changes(after))
    assert data is not None
    tables = orjson.loads(data)["tables"]
    assert list(tables) == ["projects"]
    (cells,) = tables["projects"]["cells"]
    assert cells[0] == 1
    assert sorted(map(str, cells[2::2])) == ["7777", "True"]
    assert "order" not in tables["projects"]


def test_a_new_row_does_not_send_the_old_ones_again() -> None:
    encoder, decoder = following(before := snapshot())
    event = Event("evt_2", 6, "", notice("command.pause", name="analytics"))
    after = replace(before, events=(event, *before.events))
    data = done(encoder.changes(after))
    assert data is not None
    assert orjson.loads(data)["tables"] == {
        "events": {"order": [["evt_2", 6, "", ["command.pause", {"name": "analytics"}]], 0]}
    }
    assert decoder.apply("changes", data) == after


def test_what_only_a_newer_sender_knows_is_passed_over() -> None:
    before = snapshot()
    encoder, _ = following(before)

    def newer(message: Any) -> None:
        message["mood"] = "calm"
        message["rows"]["moods"] = [["calm"]]
        message["columns"]["ProjectRow"].insert(3, "mood")
        message["columns"]["LimitReading"].insert(0, "colour")
        limits = message["columns"]["ProjectRow"].index("limits")
        for row in message["rows"]["projects"]:
            row.insert(3, "calm")
            row[limits] = [["red", *limit] for limit in row[limits]]
        message["rows"]["events"][0][3] = ["earthquake", {"strength": 9}]

    decoder = Decoder()
    got = decoder.apply("snapshot", edited(done(encoder.full(before)), newer))
    event = replace(before.events[0], told=notice("earthquake", strength=9))
    assert got == replace(before, events=(event,))
    assert decoder.apply("earthquake", b"[]") == got
    changes = {"step": 1, "now_ms": 9, "at_us": 9, "tables": {"moods": {"cells": [[0, 0, 1]]}}}
    assert decoder.apply("changes", orjson.dumps(changes)) == replace(got, now_ms=9, at_us=9)


def test_a_format_that_only_a_newer_version_reads_is_told_as_such() -> None:
    def newer(message: Any) -> None:
        message["format"] = 2

    with pytest.raises(StreamNewer, match="format 2, where this version reads up to 1"):
        Decoder().apply("snapshot", edited(done(Encoder().full(snapshot())), newer))


def test_a_column_that_an_older_sender_lacks_has_its_default() -> None:
    def older(message: Any) -> None:
        place = message["columns"]["ProjectRow"].index("models")
        for row in (message["columns"]["ProjectRow"], *message["rows"]["projects"]):
            del row[place]

    got = Decoder().apply("snapshot", edited(done(Encoder().full(snapshot())), older))
    assert [row.models for row in got.projects] == [(), (), ()]


def test_hostile_text_is_cleaned_on_arrival() -> None:
    hostile = "\x1b]52;c;aGk=\x07[@click=app.quit]\u202e"
    before = snapshot()
    encoder, decoder = following(before)
    row = replace(before.projects[0], name=hostile, models=(hostile,))
    after = replace(before, projects=(row, *before.projects[1:]))
    decoder.apply("snapshot", done(encoder.full(before)))
    data = done(encoder.changes(after))
    assert data is not None
    got = decoder.apply("changes", data)
    assert got.projects[0].name == "\ufffd]52;c;aGk=\ufffd[@click=app.quit]\ufffd"
    assert got.projects[0].models == (got.projects[0].name,)


def test_a_missed_change_is_an_error_and_never_a_wrong_screen() -> None:
    encoder, decoder = following(before := snapshot())
    done(encoder.changes(replace(before, projects=before.projects[:2])))
    data = done(encoder.changes(replace(before, projects=before.projects[:1])))
    assert data is not None
    with pytest.raises(StreamDamaged, match="step 2 does not follow 0"):
        decoder.apply("changes", data)


def test_a_reading_from_beside_the_stream_cannot_be_followed_by_mistake() -> None:
    encoder, _ = following(before := snapshot())
    aside = Decoder()
    assert aside.apply("snapshot", done(encoder.full(other := snapshot(2)))) == other
    data = done(encoder.changes(replace(before, projects=())))
    assert data is not None
    with pytest.raises(StreamDamaged):
        aside.apply("changes", data)


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"3", b"null", b"{}", b'{"step":1}', b"[" * 5_000, b"\xff",
     b'{"step":1,"now_ms":1,"at_us":1,"tables":{"projects":{"cells":[[99,0,1]]}}}',
     b'{"step":1,"now_ms":1,"at_us":1,"tables":{"projects":{"cells":[[0,0]]}}}',
     b'{"step":1,"now_ms":1,"at_us":1,"tables":{"projects":{"cells":[[0,0,5]]}}}',
     b'{"step":1,"now_ms":1,"at_us":1,"tables":{"projects":{"order":[7]}}}',
     b'{"step":1,"now_ms":"x","at_us":1,"tables":{}}'],
)  # fmt: skip
def test_nonsense_is_one_kind_of_error(data: bytes) -> None:
    for event in ("snapshot", "changes") if b"tables" in data else EVENTS:
        _, decoder = following(snapshot())
        with pytest.raises(StreamDamaged):
            decoder.apply(event, data)
        with pytest.raises(StreamDamaged):
            Decoder().apply(event, data)


@pytest.mark.parametrize(
    ("column", "value"),
    [("version", "1"), ("version", True), ("paused", 0), ("name", None), ("limits", [[1, 2]]),
     ("models", "gpt"), ("changes", [["x"]]), ("budget.spent_nano", 1.5)],
)  # fmt: skip
def test_a_cell_of_the_wrong_type_is_refused(column: str, value: object) -> None:
    def wrong(message: Any) -> None:
        message["rows"]["projects"][0][message["columns"]["ProjectRow"].index(column)] = value

    with pytest.raises(StreamDamaged):
        Decoder().apply("snapshot", edited(done(Encoder().full(snapshot())), wrong))


def test_a_row_is_encoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded, dump = list[Any](), stream._dump

    def noting(message: Any) -> bytes:
        encoded.append(message)
        return dump(message)

    encoder, before = Encoder(), snapshot()
    first = done(encoder.full(before))
    monkeypatch.setattr(stream, "_dump", noting)
    assert done(encoder.full(before)) == first
    assert len(encoded) == 1, "the head alone"
    row = replace(before.projects[1], paused=True)
    done(encoder.full(replace(before, projects=(before.projects[0], row))))
    assert len(encoded) == 3


def test_a_thousand_projects_stay_small_and_quick() -> None:
    encoder, decoder = following(before := snapshot(1_000))
    assert len(done(encoder.full(before))) < 300_000
    changed = [replace(project(number, seed=1), name="renamed") for number in range(20)]
    after = replace(before, projects=(*changed, *before.projects[20:]))
    started = time.process_time()
    data = done(encoder.changes(after))
    spent_s = time.process_time() - started
    assert data is not None
    assert len(data) < 4_000
    assert spent_s < 0.1  # 0.4 ms on an idle machine; this bound only sees a change of kind
    assert decoder.apply("changes", data) == after


def test_a_kept_row_takes_no_more_than_its_bytes() -> None:
    encoder, given = Encoder(), snapshot(2_000)
    tracemalloc.start()
    try:
        size = len(done(encoder.full(given)))
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 2 * size
