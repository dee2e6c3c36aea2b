"""The report of a night: what it tells, and that nothing from outside is more than text in it."""

import csv
from dataclasses import replace
from datetime import UTC
from io import StringIO

import pytest

from quotadeck.domain.answers import AuditRow
from quotadeck.domain.cells import csv_cell, markdown_cell
from quotadeck.domain.commands import Action, Field, Rejected
from quotadeck.domain.days import micros
from quotadeck.domain.notice import notice
from quotadeck.domain.report import Alarm, Down, Passage, Report
from quotadeck.domain.snapshot import Event
from quotadeck.domain.subject import Subject
from quotadeck.sources.export import exported
from quotadeck.wire.objects import dump, load
from quotadeck.words.report import CSV_HEADS, markdown
from tests.gateway.values import entry

SINCE_US, UNTIL_US = micros("2026-11-25T02:00:00Z"), micros("2026-11-25T04:00:00Z")
MINUTE_US = 60_000_000
HOSTILE = '=HYPERLINK("x") | **b** <img src=x> `c`'
PAUSE = replace(
    entry(7, Subject.project("batch"), Field.PAUSED, value=True),
    at_us=SINCE_US + 47 * MINUTE_US,
    reason=HOSTILE,
    before=None,
    after=True,
)
REPORT = Report(
    name="gw-tokyo-1",
    since_us=SINCE_US,
    until_us=UNTIL_US,
    made_us=UNTIL_US + MINUTE_US,
    sums_since_us=SINCE_US,
    sums_until_us=UNTIL_US,
    projects=(
        Passage("batch", 1_000, 600, 40, 2_500_000_000, {"rpm": 500, "tpm": 90, "": 10}),
        Passage("=cmd|x", 10, 0, 0, 0, {}, 3),
    ),
    models=(Passage("opus", 1_010, 600, 40, 2_500_000_000, {"rpm": 600}),),
    alarms=(
        Alarm(
            Subject.project("batch"), "throttled", "rpm", "project:batch",
            SINCE_US + 41 * MINUTE_US, SINCE_US + 52 * MINUTE_US, 60, 90,
        ),
        Alarm(
            Subject.target("main/opus"), "failing", "upstream_5xx", "",
            SINCE_US + 110 * MINUTE_US, None, 3, 9,
        ),
    ),
    commands=(
        AuditRow(PAUSE, in_force=False),
        AuditRow(
            replace(
                PAUSE, seq=8, applied=False, actor="ken", action=Action.PAUSE,
                refused=Rejected("not_allowed", notice("refused.no_reason", action="pause")),
            ),
            in_force=False,
        ),
    ),
    events=(
        Event("evt_1", SINCE_US, "", notice("told", text="shop v412")),
        Event("evt_2", SINCE_US + MINUTE_US, "target:main/opus",
              notice("upstream.throttles", target="main/opus")),
        Event("evt_3", SINCE_US + 2 * MINUTE_US, "project:batch",
              notice("command.pause", actor="mika", name="batch")),
    ),
    down=(Down(SINCE_US + 70 * MINUTE_US, SINCE_US + 71 * MINUTE_US),),
)  # fmt: skip


def test_the_night_is_told_in_its_order_with_its_figures() -> None:
    told = markdown(REPORT, UTC)
    assert told.startswith("# gw-tokyo-1: 2026-11-25 02:00:00 to")
    assert "Asked 1,010, refused 600 (59%), failed 40 (9.7%), spent \\$2.50." in told
    assert "3 calls are of unknown price" in told
    assert "| 0 (0%) | \\$0 + 3 unknown |" in told
    assert "2 alarms, of batch, main/opus; 1 lasted at the end" in told
    assert "1 change, by mika" in told
    timeline = told.split("## What happened")[1].split("## Alarms")[0]
    marks = [line.split(" | ")[1].strip("| ") for line in timeline.splitlines()[4:] if line]
    assert marks == ["!", "!", "!", "»", "»", "✓", "!", "!"]
    assert "throttled ended after 11m" in timeline
    assert "The gateway was not running from 03:10:00 to 03:11:00 (1m)" in told
    assert "| batch | 1,000 | 600 (60%) | 40 (10%) | \\$2.50 | rpm 500, tpm 90, others 10 |" in told
    assert "main/opus is rate limited by its provider" in told


def test_texts_from_outside_stay_texts() -> None:
    told = markdown(REPORT, UTC)
    assert "<img" not in told.replace("\\<img", "")
    assert "\\*\\*b\\*\\*" in told
    rows = list(csv.reader(StringIO(exported(REPORT, "csv", UTC))))
    assert tuple(rows[0]) == CSV_HEADS
    assert all(len(row) == len(CSV_HEADS) for row in rows)
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)
    pause = next(row for row in rows if row[0] == "command")
    assert pause[6] == "'" + HOSTILE
    project = next(row for row in rows if row[0] == "project")
    assert project[7:] == ["1000", "600", "40", "2.5", "0"]
    alarm = [row for row in rows if row[0] == "alarm"]
    assert [row[2] for row in alarm] == ["2026-11-25T02:52:00+00:00", ""]


def test_json_is_read_as_it_was_written() -> None:
    assert load(Report, exported(REPORT, "json").encode()) == load(Report, dump(REPORT))


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("-", "'-"),
        ("@a", "'@a"),
        ("＝1+1", "'＝1+1"),
        (" =1+1", "' =1+1"),
        ("  -1", "'  -1"),
        ('a"b', '"a""b"'),
        ("a,b", '"a,b"'),
        ("x", "x"),
    ],
)
def test_a_cell_is_no_formula(text: str, cell: str) -> None:
    assert csv_cell(text) == cell


def test_markdown_of_a_text_is_the_text() -> None:
    assert markdown_cell("a\n|b|") == "a \\|b\\|"
