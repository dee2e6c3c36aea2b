"""The log's lines: what they tell and what never, and that nobody waits for who reads them."""

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import orjson
import pytest

from quotadeck.domain.calls import Attempt, Call, Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.notice import notice
from quotadeck.domain.refusals import Draining, KeyUnknown, Refusal
from quotadeck.domain.snapshot import Event
from quotadeck.domain.state import AT_REST, State, StateKind, Urgency
from quotadeck.domain.subject import Subject
from quotadeck.gateway.data.arrival import Arrival
from quotadeck.gateway.data.keys import Caller
from quotadeck.gateway.data.observers import RefusedRequest
from quotadeck.gateway.log import handler
from quotadeck.gateway.log.handler import log, logged, of_request
from quotadeck.gateway.log.happenings import CallLines, also_told, event_told
from quotadeck.gateway.log.line import Line, as_json, as_text, for_journal
from quotadeck.gateway.log.sink import Sink
from quotadeck.wire.config import LogConfig
from tests.clocks import HandClock
from tests.gateway.values import NOON_US, catalogue, plan
from tests.processes import wait_until

PROMPT = "xyzzy: the patient's name is"
LOG = logging.getLogger("quotadeck.test")


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handler, "LAST_WORDS_S", 20.0)


class Read:
    """The other end of what the log is written to."""

    def __init__(self) -> None:
        self.out, self.fd = os.pipe()
        self.level = "info"

    def lines(self) -> list[bytes]:
        os.close(self.fd)
        with os.fdopen(self.out, "rb") as out:
            return out.read().splitlines()

    def said(self) -> list[dict[str, object]]:
        return [orjson.loads(line) for line in self.lines()]


@contextmanager
def to_pipe(**wish: object) -> Iterator[Read]:
    read = Read()
    with logged(LogConfig(**wish), read.fd):  # type: ignore[arg-type]
        yield read


def a_call(**more: object) -> Call:
    call = Call(
        "req_1", NOON_US, "2026-11-24", "shop", "k_1", 1, "opus", Outcome.OK, Cause.NONE, 200
    )
    return call._replace(target="main/opus", **more)  # type: ignore[arg-type]


def a_refusal(clock: HandClock, refusal: Refusal, project: str = "analytics") -> RefusedRequest:
    caller = Caller("k_1", project) if project else None
    arrival = Arrival("req_9", clock.wall_us(), clock.monotonic_ns(), "theirs")
    return RefusedRequest(arrival, caller, None, refusal, 503, plan(catalogue()))


def test_a_line_is_an_object_whose_event_says_what_happened() -> None:
    with to_pipe() as read:
        log(logging.WARNING, notice("upstream.fails", target="main/opus"), id="evt_1")
    [line] = read.said()
    assert list(line)[:4] == ["at", "level", "event", "text"]
    assert (line["level"], line["event"]) == ("warning", "upstream.fails")
    assert line["text"] == "main/opus fails"
    assert (line["target"], line["id"]) == ("main/opus", "evt_1")
    assert str(line["at"]).endswith("Z")


def test_the_level_is_the_least_that_is_told_and_access_has_its_own_switch() -> None:
    with to_pipe(level="warning", access=True) as read:
        LOG.info("calm")
        LOG.warning("grave")
        CallLines(HandClock(), access=True).ended(a_call(client_request_id="theirs"))
    grave, access = read.said()
    assert (grave["text"], grave["logger"]) == ("grave", "quotadeck.test")
    assert (access["event"], access["request_id"], access["status"]) == ("access", "req_1", 200)
    assert access["client_request_id"] == "theirs"


def test_without_the_switch_a_call_that_went_well_has_no_line() -> None:
    with to_pipe() as read:
        CallLines(HandClock(), access=False).ended(a_call())
    assert read.lines() == []


def test_an_error_tells_its_kind_and_its_way_and_none_of_its_words() -> None:
    with to_pipe() as read:
        try:
            raise KeyError(PROMPT)
        except KeyError:
            LOG.exception("request %s failed", "req_7", extra=of_request("req_7"))
            logging.getLogger("asyncio").exception("a task failed\n%s", PROMPT)
    lines = read.lines()
    assert not any(b"xyzzy" in line for line in lines)
    fault, other = map(orjson.loads, lines)
    assert (fault["event"], fault["request_id"], fault["error"]) == ("fault", "req_7", "KeyError")
    assert "test_log.py" in fault["trace"][-1]
    assert other["text"] == "a task failed"


def test_a_call_that_failed_has_a_line_with_its_id() -> None:
    attempt = Attempt("main/opus", Cause.UPSTREAM_5XX, 502, 30, "up-1")
    with to_pipe() as read:
        lines = CallLines(HandClock(), access=False)
        failed = a_call(
            outcome=Outcome.UPSTREAM_ERROR, cause=Cause.UPSTREAM_5XX, attempts=(attempt,)
        )
        lines.ended(failed)
        lines.ended(failed._replace(outcome=Outcome.UNKNOWN, cause=Cause.INTERNAL))
        lines.ended(failed._replace(outcome=Outcome.CLIENT_ERROR))
    first, *others = read.said()
    assert (first["event"], first["level"]) == ("call_failed", "warning")
    assert (first["request_id"], first["upstream_request_id"]) == ("req_1", "up-1")
    assert (first["cause"], first["status"]) == ("upstream_5xx", 502)
    assert [line["level"] for line in others] == ["error", "info"]


def test_of_a_kind_of_refusal_the_first_is_told_and_then_a_count_a_minute() -> None:
    clock = HandClock()
    with to_pipe() as read:
        lines = CallLines(clock, access=False)
        for _ in range(7):
            lines.refused(a_refusal(clock, Draining()))
        lines.refused(a_refusal(clock, KeyUnknown(), ""))
        clock.advance_ms(59_999)
        lines.second()
        lines.refused(a_refusal(clock, Draining()))
        clock.advance_ms(1)
        lines.second()
        clock.advance_ms(60_000)
        lines.second()
        lines.refused(a_refusal(clock, Draining()))
        lines.refused(a_refusal(clock, Draining()))
        lines.close()
    told = [
        (line["event"], line.get("project"), line["cause"], line["count"]) for line in read.said()
    ]
    assert told == [
        ("refused", "analytics", "draining", 1),
        ("refused", None, "unknown_key", 1),
        ("refused_more", "analytics", "draining", 7),
        ("refused", "analytics", "draining", 1),
        ("refused_more", "analytics", "draining", 1),
    ]


def test_alarms_are_told_as_they_begin_and_end() -> None:
    failing = State(StateKind.FAILING, Urgency.TROUBLE, "upstream_5xx")
    recorded: list[object] = []
    with to_pipe() as read:
        changed = also_told(lambda *states: recorded.append(states))
        changed(Subject.target("main/opus"), AT_REST, failing)
        changed(Subject.target("main/opus"), failing, AT_REST)
        told = notice("budget.dry", project="shop")
        event_told(Event("evt_1", NOON_US, "project:shop", told))
    began, ended, dry = read.said()
    assert len(recorded) == 2
    assert (began["event"], began["level"], began["cause"]) == ("state", "warning", "upstream_5xx")
    assert (ended["event"], ended["level"]) == ("state_over", "info")
    assert (dry["level"], dry["subject"]) == ("warning", "project:shop")


def test_the_journal_is_told_each_lines_priority(monkeypatch: pytest.MonkeyPatch) -> None:
    read = Read()
    there = os.fstat(read.fd)
    monkeypatch.setenv("JOURNAL_STREAM", f"{there.st_dev}:{there.st_ino}")
    with logged(LogConfig(), read.fd):
        LOG.info("calm")
        LOG.warning("grave")
        LOG.error("worse")
    lines = read.lines()
    assert [line[:3] for line in lines] == [b"<6>", b"<4>", b"<3>"]
    assert [orjson.loads(line[3:])["text"] for line in lines] == ["calm", "grave", "worse"]


def test_half_a_character_breaks_no_line() -> None:
    line = Line(NOON_US, logging.WARNING, "log", "half \ud83d of one", {"target": "\ud83d"})
    for write in (as_text, as_json, for_journal):
        written = write(line)
        assert b"half" in written
        assert written.endswith(b"\n")
    assert as_text(line).split()[1:3] == [b"WARNING", b"half"]


def test_who_reads_too_slowly_loses_lines_and_is_told_how_many() -> None:
    out, fd = os.pipe()
    room = os.fpathconf(fd, "PC_PIPE_BUF")
    line = b"x" * (room - 1) + b"\n"
    sink = Sink(fd, lambda count: b"dropped %d\n" % count, most_bytes=300 * room)
    for _ in range(1_000):
        sink.put(line)  # far more than the pipe holds, and nobody reads: none of these waits
    try:
        read = b""
        while sum(accounted(read)) < 1_000:  # and none is lost without a word
            read += os.read(out, 1 << 20)
        written, dropped = accounted(read)
        assert written >= 300
        assert dropped > 0
        wait_until(lambda: sink._held == 0)
        sink.put(b"on again\n")
        sink.close(20)
        assert os.read(out, 1 << 20) == b"on again\n"
    finally:
        os.close(out)
        os.close(fd)


def accounted(read: bytes) -> tuple[int, int]:
    """How many lines were written whole, and how many are told to be lost."""
    lines = [line for line in read.split(b"\n")[:-1] if line]
    lost = [int(line.split()[1]) for line in lines if line.startswith(b"dropped")]
    return len(lines) - len(lost), sum(lost)


def test_a_reader_that_is_gone_ends_nothing() -> None:
    out, fd = os.pipe()
    os.close(out)
    with logged(LogConfig(), fd):
        LOG.warning("to nobody")
    os.close(fd)


def test_the_end_waits_for_a_reader_that_reads_nothing_a_moment_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(handler, "LAST_WORDS_S", 0.01)
    out, fd = os.pipe()
    with logged(LogConfig(), fd):
        for _ in range(1_000):
            log(logging.INFO, notice("told", text="x" * 1_000))
        [writer] = [thread for thread in threading.enumerate() if thread.name == "log"]
    assert writer.is_alive()
    os.close(out)
    writer.join()
    os.close(fd)
