"""A series has what passed in each step; what nobody can have recorded is told from nothing."""

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quotadeck.domain.calls import Call, Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.ids import new_id
from quotadeck.domain.notice import notice
from quotadeck.domain.series import HOUR_US, MINUTE_US, Series, SeriesPage, window
from quotadeck.domain.snapshot import Event
from quotadeck.domain.subject import Subject, SubjectKind
from quotadeck.store import Ledger
from quotadeck.store.events import ALIVE
from tests.clocks import HandClock
from tests.store.conftest import Opener
from tests.store.values import ended, refused

GATEWAY = Subject(SubjectKind.GATEWAY, "")
ANALYTICS, SEARCH = Subject.project("analytics"), Subject.project("search")
GPT, OPUS = Subject.model("gpt-4.1"), Subject.model("opus")
EVERY = (ANALYTICS, SEARCH, GPT, OPUS, GATEWAY, Subject.project("nobody"))


def belongs(call: Call, subject: Subject) -> bool:
    of = {SubjectKind.PROJECT: call.project, SubjectKind.MODEL: call.model}
    return of.get(subject.kind, "") == subject.name


def expected(calls: list[Call], subject: Subject, page: SeriesPage) -> list[tuple[int, ...]]:
    """(asked, refused, failed, ended, tokens, cost) a step, call by call."""
    told: list[tuple[int, ...]] = []
    for number in range(len(page.rows[0].asked)):
        start_us = page.start_us + number * page.step_us
        of = [c for c in calls if belongs(c, subject)]
        of = [c for c in of if start_us <= c.at_us < start_us + page.step_us]
        no = sum(c.count for c in of if c.outcome is Outcome.REFUSED)
        done = [c for c in of if c.outcome is not Outcome.REFUSED]
        failed = sum(c.outcome is Outcome.UPSTREAM_ERROR for c in done)
        tokens = sum(c.usage.total for c in of)
        cost = sum(c.cost_nano_usd for c in of)
        told.append((no + len(done), no, failed, len(done), tokens, cost))
    return told


def figures(row: Series) -> list[tuple[int | None, ...]]:
    cells = (row.asked, row.refused, row.failed, row.ended, row.tokens, row.cost_nano)
    return list(zip(*cells, strict=True))


async def long_ago(open_ledger: Opener, clock: HandClock) -> Ledger:
    """A ledger that began four days ago, read now."""
    ledger = await open_ledger()
    clock.advance_ms(4 * 24 * HOUR_US // 1_000)
    return ledger


CALLS = st.lists(
    st.tuples(
        st.integers(0, 90 * MINUTE_US - 1),
        st.sampled_from(["analytics", "search"]),
        st.sampled_from(["gpt-4.1", "opus"]),
        st.sampled_from([Outcome.OK, Outcome.UPSTREAM_ERROR, Outcome.UNKNOWN, Outcome.REFUSED]),
        st.integers(1, 40),
    ),
    max_size=30,
)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=CALLS, minutes=st.integers(1, 90), later_us=st.integers(0, MINUTE_US))
async def test_every_step_sums_the_calls_that_arrived_in_it(
    open_ledger: Opener,
    clock: HandClock,
    rows: list[tuple[int, str, str, Outcome, int]],
    minutes: int,
    later_us: int,
) -> None:
    ledger = await long_ago(open_ledger, clock)
    now_us = clock.wall_us()
    for number, (before_us, project, model, outcome, count) in enumerate(rows):
        at_us = now_us - before_us
        name = f"req_{now_us}_{number}"
        call = ended(name, at_us=at_us, project=project, model=model, outcome=outcome)
        if outcome is Outcome.REFUSED:
            call = refused(name, Cause.RPM, count, at_us=at_us)
            call = call._replace(project=project, model=model)
        ledger.end_call(call)
    await ledger.flushed()
    calls = [call for _, call in await ledger.reader.calls(limit=-1)]
    for until_us in (None, now_us - 37 * MINUTE_US + later_us, now_us - 3 * HOUR_US):
        page = await ledger.reader.series(EVERY, minutes=minutes, until_us=until_us, now_us=now_us)
        assert page.step_us == MINUTE_US
        end_us = now_us if until_us is None else until_us
        assert page.start_us + page.minutes * MINUTE_US == end_us - end_us % MINUTE_US
        assert [row.subject for row in page.rows] == list(EVERY)
        for row in page.rows:
            assert figures(row) == expected(calls, row.subject, page)
    await ledger.close()


async def test_what_is_older_than_minutes_are_kept_comes_by_the_hour(
    open_ledger: Opener, clock: HandClock
) -> None:
    ledger = await long_ago(open_ledger, clock)
    now_us = clock.wall_us()
    old_us = now_us - 50 * HOUR_US
    for number, before_us in enumerate((5, 20, 65, 80, 200)):
        ledger.end_call(ended(f"req_{number}", at_us=old_us - before_us * MINUTE_US))
    await ledger.flushed()
    calls = [call for _, call in await ledger.reader.calls(limit=-1)]
    page = await ledger.reader.series(EVERY, minutes=90, until_us=old_us, now_us=now_us)
    assert (page.step_us, page.minutes % 60) == (HOUR_US, 0)
    assert page.start_us <= old_us - 90 * MINUTE_US
    assert old_us <= page.start_us + page.minutes * MINUTE_US
    for row in page.rows:
        assert figures(row) == expected(calls, row.subject, page)
    asked = page.rows[0].asked
    assert sum(one or 0 for one in asked) == 4


@pytest.mark.parametrize("minutes", [1, 59, 60, 61, 2_880])
@pytest.mark.parametrize("until_us", [7 * HOUR_US, 7 * HOUR_US + 1, 8 * HOUR_US - 1])
def test_a_window_covers_what_was_asked_in_whole_steps(minutes: int, until_us: int) -> None:
    until_us += 100 * HOUR_US
    end_us = until_us - until_us % MINUTE_US
    for from_us in (0, until_us):
        span = window(minutes, until_us, from_us)
        assert span.start_us <= end_us - minutes * MINUTE_US
        assert span.end_us >= end_us
        assert span.start_us % span.step_us == 0
        assert span.steps == len(span.starts_us)
        assert all(b - a == span.step_us for a, b in pairwise(span.starts_us))
    assert window(minutes, until_us, 0).steps == minutes


async def test_before_the_ledger_began_and_in_times_to_come_nothing_is_recorded(
    open_ledger: Opener, clock: HandClock
) -> None:
    began_us = clock.wall_us()
    ledger = await open_ledger()
    clock.advance_ms(5 * 60_000)
    now_us = clock.wall_us()
    ask = ledger.reader.series
    page = await ask([ANALYTICS, GATEWAY], minutes=10, until_us=now_us + 120_000_000, now_us=now_us)
    # Seven steps up to the present and one that is under way, of which five and that are on record.
    known = [start_us for start_us in page_starts(page) if began_us - MINUTE_US < start_us < now_us]
    for row in page.rows:
        there = [at for at, cell in zip(page_starts(page), row.asked, strict=True) if cell == 0]
        assert there == known
        assert row.asked[-1] is None
        assert row.asked[0] is None
        assert all(cell in (0, None) for cell in row.asked)


def page_starts(page: SeriesPage) -> list[int]:
    return [page.start_us + n * page.step_us for n in range(len(page.rows[0].asked))]


async def test_while_the_gateway_was_down_nothing_is_recorded(
    open_ledger: Opener, clock: HandClock
) -> None:
    ledger = await long_ago(open_ledger, clock)
    now_us = clock.wall_us()
    minute_us = now_us - now_us % MINUTE_US

    def started(before_min: float, alive_before_min: float | None) -> Event:
        at_us = minute_us - round(before_min * MINUTE_US)
        facts = {}
        if alive_before_min is not None:
            facts[ALIVE] = minute_us - round(alive_before_min * MINUTE_US)
        told = notice("gateway.started", **facts)
        return Event(new_id("evt", at_us, bytes(10)), at_us, "", told)

    ledger.event(started(20.5, None))
    ledger.event(started(10.5, 13.5))
    ledger.end_call(ended("req_1", at_us=minute_us - 12 * MINUTE_US))  # a clock may be wrong
    await ledger.flushed()
    page = await ledger.reader.series([ANALYTICS], minutes=15, until_us=None, now_us=now_us)
    down = [n for n, cell in enumerate(page.rows[0].asked) if cell is None]
    assert down == [2]
    assert page.rows[0].asked[3] == 1
    assert page.rows[0].asked.count(0) == 13
    # A start behind the window tells of it, too; the first one alone does.
    ledger.event(started(-30, 0.5))
    ledger.event(started(-40, -35))
    await ledger.flushed()
    later_us = now_us + 50 * MINUTE_US
    asked = ledger.reader.series(
        [ANALYTICS], minutes=10, until_us=minute_us + 10 * MINUTE_US, now_us=later_us
    )
    assert (await asked).rows[0].asked == (None,) * 10
    asked = ledger.reader.series(
        [ANALYTICS], minutes=10, until_us=minute_us + 35 * MINUTE_US, now_us=later_us
    )
    assert (await asked).rows[0].asked == (None,) * 5 + (0,) * 5


async def test_of_targets_nothing_is_recorded_minute_by_minute(
    open_ledger: Opener, clock: HandClock
) -> None:
    ledger = await long_ago(open_ledger, clock)
    ledger.end_call(ended("req_1", at_us=clock.wall_us()))
    await ledger.flushed()
    asked = [Subject.target("main/gpt-4.1-mini"), Subject.parse("newer:thing")]
    page = await ledger.reader.series(asked, minutes=3, until_us=None, now_us=clock.wall_us())
    assert [row.asked for row in page.rows] == [(None,) * 3] * 2
