"""The picture of a past instant is the one that was shown then, field by field."""

import sqlite3
from dataclasses import replace
from pathlib import Path

from quotadeck.domain.as_of import snapshot_of
from quotadeck.domain.bucket import refill
from quotadeck.domain.limits import MICRO, RateLimit
from quotadeck.domain.notice import notice
from quotadeck.domain.rules import RULE_OF, Windows
from quotadeck.domain.snapshot import (
    AnyRow,
    Gap,
    LimitedRow,
    LimitReading,
    Past,
    Per,
    Snapshot,
)
from quotadeck.domain.state import Held, State
from quotadeck.domain.subject import Subject
from quotadeck.gateway.slices import in_turns
from quotadeck.store import AsOf
from quotadeck.store.events import gateway_event
from tests.gateway.shift import Shift, shift
from tests.gateway.values import FLASH

PICTURES = 100
DAY_US = 24 * 3_600_000_000
RATES = {
    ("batch", "flash"): 0.9,
    ("chat", "opus"): 1.5,
    ("chat", "flash"): 0.7,
    ("lab", "flash"): 0.2,
}


async def test_a_hundred_pictures_are_shown_again_as_they_were(tmp_path: Path) -> None:
    async with shift(tmp_path / "state") as it:
        for _ in range(9):  # the live picture's slots are whole tens of seconds: so are these
            await it.tick()
            await it.run(999)
        shown = [await _ten_seconds(it, number) for number in range(PICTURES)]
        await it.gateway.ledger.flushed()
        as_of = AsOf(it.gateway.ledger.pages)
        wrong: list[str] = []
        for live in shown:
            then = await as_of.then(live.at_us, it.clock.wall_us(), it.open_calls())
            past = await in_turns(snapshot_of(then))
            wrong += differences(live, past)
    kinds = {row.state.kind for live in shown for row in live.projects}
    assert {"throttled", "failing", "storm", "spent", "paused", "ok"} <= kinds
    assert not wrong, "\n".join(wrong[:40])


async def _ten_seconds(it: Shift, number: int) -> Snapshot:
    """Traffic, with something new now and then; and what is shown at their end."""
    match number:
        case 12:
            it.fails[FLASH] = 0.5
        case 20:
            it.fails[FLASH] = 0.0
        case 25:
            await it.does("pause", Subject.project("lab"), for_ms=95_000, field="paused")
        case 40:
            limit = {"field": "rpm", "value": 120, "for_ms": 200_000}
            await it.does("limit", Subject.project("batch"), **limit)
        case 50:
            await it.does("fallback", Subject.model("opus"), field="target", value=FLASH)
        case 70:
            await it.does("pause", Subject.model("flash"), for_ms=60_000, field="paused")
    storm = 30 <= number < 36
    rates = {**RATES, ("batch", "flash"): 6.0} if storm else RATES
    for second in range(10):
        await it.second(rates)
        if second < 9:
            await it.tick()
    live = await it.now()
    await it.tick()
    return live


async def test_what_is_no_longer_on_record_is_named(tmp_path: Path) -> None:
    async with shift(tmp_path / "state") as it:
        before_us = it.clock.wall_us() - 1
        for number in range(8):
            live = await _ten_seconds(it, number)
        await it.run(60_000)
        await it.gateway.ledger.flushed()
        as_of = AsOf(it.gateway.ledger.pages)

        async def seen(days: int) -> Snapshot:
            then = await as_of.then(live.at_us, live.at_us + days * DAY_US, it.open_calls())
            return await in_turns(snapshot_of(then))

        whole = await seen(0)
        calls = await seen(3)
        assert calls.past == Past(Per.CALL, (Gap.LEVELS, Gap.VITALS))
        assert [row.flow for row in calls.projects] == [row.flow for row in whole.projects]
        assert [row.budget for row in calls.projects] == [row.budget for row in whole.projects]
        assert {limit.level for row in calls.projects for limit in row.limits} == {None}

        with sqlite3.connect(tmp_path / "state" / "ledger.db") as db:
            db.execute("DELETE FROM calls WHERE seq < (SELECT max(seq) FROM calls)")
        minute = await seen(0)
        assert minute.past == Past(Per.MINUTE, (Gap.UNDER_WAY, Gap.TARGETS, Gap.VITALS))
        hour = await seen(8)
        gone = (Gap.LEVELS, Gap.UNDER_WAY, Gap.TARGETS, Gap.VITALS)
        assert hour.past == Past(Per.HOUR, gone)
        for past in (minute, hour):
            chat = past.projects[1]
            assert 0 < chat.flow.requests_60s <= 200
            assert chat.flow.p95_ms
            assert chat.flow.spent_10m_nano > 0
            assert [row.name for row in past.projects] == [row.name for row in live.projects]
        nothing = await seen(100)
        assert nothing.past is not None
        assert {Gap.FLOW, Gap.STATES, Gap.SPENT} <= set(nothing.past.gaps)
        assert [row.state.kind for row in nothing.projects] == ["ok"] * 4

        then = await as_of.then(before_us, it.clock.wall_us())
        first = await in_turns(snapshot_of(then))
        assert (first.projects, first.knows(Gap.BEFORE)) == ((), False)


async def test_a_gateway_that_was_down_shows_its_names_and_nothing_else(tmp_path: Path) -> None:
    async with shift(tmp_path / "state") as it:
        await _ten_seconds(it, 0)
        alive_us = it.clock.wall_us()
        await it.run(3_600_000)
        started = notice("gateway.started", alive_us=alive_us)
        it.gateway.tell(gateway_event(started, it.clock))
        await it.run(1_000)
        await it.gateway.ledger.flushed()
        as_of = AsOf(it.gateway.ledger.pages)
        down_us = alive_us + 60_000_000
        past = await in_turns(snapshot_of(await as_of.then(down_us, it.clock.wall_us())))
        assert past.past is not None
        assert past.past.per == Per.NOTHING
        until_us = it.clock.wall_us() - 1_000_000
        assert (past.past.down_since_us, past.past.down_until_us) == (alive_us, until_us)
        assert [row.id for row in past.projects] == ["batch", "chat", "idle", "lab"]
        assert not past.knows(Gap.FLOW)
        up = await as_of.then(it.clock.wall_us(), it.clock.wall_us())
        assert up.started_us == until_us
        assert up.past.down_since_us is None


def differences(live: Snapshot, past: Snapshot) -> list[str]:
    """What the one says and the other does not, in words."""
    assert past.past is not None
    assert (past.past.per, past.past.gaps) == (Per.CALL, (Gap.VITALS,))
    assert past.at_us == live.at_us
    found: list[str] = []
    same = replace(past.vitals, version="0", state=live.vitals.state)
    known = ("name", "source_id", "started_us", "counting_since_us", "strangers_refused_60s")
    found += [
        f"vitals.{name}" for name in known if getattr(live.vitals, name) != getattr(same, name)
    ]
    found += _state("gateway", live, live.vitals.state, past, past.vitals.state)
    if live.events != past.events:
        found.append(f"events: {[one.id for one in live.events]}")
    for mine, theirs in zip(_rows(live), _rows(past), strict=True):
        assert mine.id == theirs.id
        found += _state(mine.id, live, mine.state, past, theirs.state)
        same_state: AnyRow = replace(theirs, state=mine.state)
        if isinstance(mine, LimitedRow) and isinstance(same_state, LimitedRow):
            found += _limits(live, mine, past, same_state)
            same_state = replace(same_state, limits=mine.limits)
        if mine != same_state:
            found.append(f"{live.at_us} {mine.id}:\n  {mine}\n  {same_state}")
    return found


def _rows(of: Snapshot) -> tuple[AnyRow, ...]:
    return (*of.projects, *of.targets, *of.routes)


def _limits(live: Snapshot, one: LimitedRow, past: Snapshot, other: LimitedRow) -> list[str]:
    found = []
    for mine, theirs in zip(one.limits, other.limits, strict=True):
        if replace(mine, level=None) != replace(theirs, level=None):
            found.append(f"{live.at_us} {one.id}: {mine} {theirs}")
        elif mine.level is not None:
            # Sampled every ten seconds: what was taken since the last sample is not in it.
            taken = {"rpm": 70, "tpm": 70 * 160}[mine.field] * MICRO
            now, then = _level(live, mine), _level(past, theirs)
            if not now - MICRO <= then <= now + taken:
                found.append(f"{live.at_us} {one.id} {mine.field}: level {now} {then}")
    return found


def _level(at: Snapshot, reading: LimitReading) -> int:
    level = reading.level
    assert level is not None
    limit = Windows().limit(RULE_OF[reading.field], reading.limit)
    assert isinstance(limit, RateLimit)
    return refill(level.level, level.at_ms * 1_000_000, limit, at.now_ms * 1_000_000)[0]


def _state(name: str, live: Snapshot, mine: State, past: Snapshot, theirs: State) -> list[str]:
    """Kind, cause, who and since; the counts of now are of another span than those of then."""
    one, other = _told(live, mine), _told(past, theirs)
    return [] if one == other else [f"{live.at_us} {name}:\n  {one}\n  {other}"]


def _told(at: Snapshot, state: State) -> list[tuple[object, ...]]:
    held: list[Held] = [state, *state.others]
    told: list[tuple[object, ...]] = [
        (one.kind, one.cause, one.who, _age_s(at, one.since_ms), one.until_us) for one in held
    ]
    return [*told, (state.cleared, _age_s(at, state.cleared_ms))]


def _age_s(at: Snapshot, ms: int | None) -> int | None:
    return None if ms is None else round((at.now_ms - ms) / 1_000)
