"""Refusals on record: none is lost, and a storm is one counted row a second."""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from quotadeck.domain.calls import MAX_KEYS, Call, Counted, Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.gate import Gate
from quotadeck.domain.ids import new_id
from quotadeck.domain.limits import MICRO
from quotadeck.domain.refusals import LimitReached
from quotadeck.gateway.data.arrival import Arrival
from quotadeck.gateway.data.keys import Caller
from quotadeck.gateway.data.observers import RefusedRequest
from quotadeck.gateway.watch.refusal_log import RefusalLog
from quotadeck.store import Ledger
from tests.clocks import HandClock
from tests.gateway.values import NOON_US, catalogue, plan, request

RPM, TPM = "project:analytics:rpm", "project:analytics:tpm"


@dataclass
class Log:
    ledger: Ledger
    log: RefusalLog
    clock: HandClock

    def refuse(
        self,
        times: int = 1,
        *,
        cause: Cause = Cause.RPM,
        model: str = "opus",
        key: str = "k_prod",
        asked: int = MICRO,
    ) -> list[str]:
        """Their ids; each is a millisecond after the one before it."""
        of = plan(catalogue(zone="Asia/Tokyo"))
        wanted = request(model=model, stream=True)
        refusal = LimitReached(RPM, 60, "rpm", 1, 1_500, cause)
        refusal.gates = Gate(RPM, 60, asked, 400_000), Gate(TPM, 9_000, 140 * MICRO, -5)
        refusal.estimated_tokens, refusal.most_nano = (100, 40), 900
        ids = []
        for _ in range(times):
            at_us = self.clock.wall_us()
            ids.append(new_id("req", at_us, os.urandom(10)))
            arrival = Arrival(ids[-1], at_us, self.clock.monotonic_ns(), "theirs")
            self.clock.advance_ms(1)
            caller = Caller(key, "analytics")
            self.log.refused(RefusedRequest(arrival, caller, wanted, refusal, 429, of))
        return ids

    async def rows(self) -> list[Call]:
        await self.ledger.flushed()
        return [call for _, call in await self.ledger.reader.calls()]

    async def counts(self) -> list[int]:
        return [call.count for call in await self.rows()]


@pytest.fixture
async def it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Log]:
    monkeypatch.setattr("quotadeck.store.ballast.BALLAST_BYTES", 1024 * 1024)
    clock = HandClock(NOON_US)
    ledger = await Ledger.open(tmp_path / "state", clock)
    yield Log(ledger, RefusalLog(ledger, clock), clock)
    await ledger.close()


async def test_first_refusal_of_a_kind_is_on_record_at_once(it: Log) -> None:
    (name,) = it.refuse()
    (call,) = await it.rows()
    assert (call.id, call.count, call.outcome, call.cause) == (
        name,
        1,
        Outcome.REFUSED,
        Cause.RPM,
    )
    assert (call.project, call.key_id, call.model, call.binding) == (
        "analytics",
        "k_prod",
        "opus",
        RPM,
    )
    assert (call.http_status, call.stream, call.cost_nano_usd) == (429, True, 0)
    assert (call.day, call.client_request_id) == ("2026-11-24", "theirs")


async def test_record_has_the_gates_the_wait_and_the_size_of_what_was_refused(it: Log) -> None:
    it.refuse()
    (call,) = await it.rows()
    assert call.gates == (Gate(RPM, 60, MICRO, 400_000), Gate(TPM, 9_000, 140 * MICRO, -5))
    assert (call.wait_ms, call.counted) == (1_500, None)
    assert (call.estimated_input, call.estimated_output, call.held_nano_usd) == (100, 40, 900)


async def test_counted_record_says_what_a_replay_needs(it: Log) -> None:
    it.refuse()
    start_us = it.clock.wall_us()
    it.refuse(2, asked=5)
    it.refuse(3, asked=7, key="k_dev")
    end_us = it.clock.wall_us() - 1_000
    it.log.flush()
    counted = (await it.rows())[-1].counted
    assert counted == Counted(start_us, end_us, keys=2, asked_sum=31, asked_most=7)


async def test_keys_of_a_run_are_counted_up_to_a_bound(it: Log) -> None:
    for number in range(MAX_KEYS + 5):
        it.refuse(key=f"k_{number}")
    it.log.flush()
    counted = (await it.rows())[-1].counted
    assert counted is not None
    assert counted.keys == MAX_KEYS


async def test_id_of_a_counted_refusal_finds_the_record_it_was_counted_into(it: Log) -> None:
    first, second, *others = it.refuse(5)
    it.log.flush()
    it.clock.advance_ms(50)
    later = it.refuse(4)
    it.log.flush()
    await it.rows()
    reader = it.ledger.reader
    for own in (first, second, *later[:2]):
        found = await reader.call(own)
        assert found is not None
        assert (found.is_own, [call.id for call in found.calls]) == (True, [own])
    for names, record in ((others, second), (later[2:], later[1])):
        for name in names:
            for project in ("", "analytics"):
                found = await reader.call(name, project)
                assert found is not None
                assert (found.is_own, [call.id for call in found.calls]) == (False, [record])
    assert await reader.call(others[0], "search") is None
    long_ago = new_id("req", NOON_US - 1_000, bytes(10))
    between = new_id("req", it.clock.wall_us() - 30_000, bytes(10))
    after = new_id("req", it.clock.wall_us() + 60_000, bytes(10))
    assert [await reader.call(name) for name in (long_ago, between, after)] == [None] * 3
    assert await reader.call("req_not-one-of-ours") is None


async def test_storm_of_a_second_is_one_more_row_that_counts_the_rest(it: Log) -> None:
    it.refuse(1_000)
    assert await it.counts() == [1]
    it.log.flush()
    assert await it.counts() == [1, 999]


async def test_second_refusal_of_a_second_is_counted_and_not_lost(it: Log) -> None:
    it.refuse(2)
    it.log.flush()
    assert await it.counts() == [1, 1]


async def test_next_second_begins_anew(it: Log) -> None:
    it.refuse(5)
    it.log.flush()
    it.refuse(3)
    it.log.flush()
    it.log.flush()
    assert await it.counts() == [1, 4, 1, 2]


async def test_kinds_are_counted_apart(it: Log) -> None:
    for cause, model in ((Cause.RPM, "opus"), (Cause.TPM, "opus"), (Cause.RPM, "flash")):
        it.refuse(2, cause=cause, model=model)
    it.log.flush()
    rows = await it.rows()
    assert sorted((call.model, call.cause) for call in rows) == [
        ("flash", "rpm"),
        ("flash", "rpm"),
        ("opus", "rpm"),
        ("opus", "rpm"),
        ("opus", "tpm"),
        ("opus", "tpm"),
    ]


async def test_day_is_that_of_the_projects_zone(it: Log) -> None:
    it.clock.advance_ms(3 * 3_600_000)
    it.refuse()
    (call,) = await it.rows()
    assert call.day == "2026-11-25"


async def test_refusals_stand_while_the_journal_fails_and_are_recorded_when_it_works_again(
    it: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_call: Call) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(it.ledger, "end_now", full)
        it.refuse(3)
        it.log.flush()
        it.refuse(4)
        it.log.flush()
    it.log.flush()
    it.log.flush()
    assert await it.counts() == [7]


async def test_one_row_that_fails_takes_no_other_with_it(
    it: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = it.ledger.end_now

    def picky(call: Call) -> None:
        if call.cause is Cause.TPM:
            raise OSError(5, "Input/output error")
        write(call)

    it.refuse(3, cause=Cause.TPM)
    it.refuse(3, cause=Cause.RPM)
    with monkeypatch.context() as broken:
        broken.setattr(it.ledger, "end_now", picky)
        it.log.flush()
    assert await it.counts() == [1, 1, 2]
    it.log.flush()
    assert await it.counts() == [1, 1, 2, 2]
