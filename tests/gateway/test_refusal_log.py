"""Refusals on record: none is lost, and a storm is one counted row a second."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from quotadeck.domain.calls import Call, Cause, Outcome
from quotadeck.gateway.flight import Arrival
from quotadeck.gateway.keys import Caller
from quotadeck.gateway.refusal_log import RefusalLog
from quotadeck.store import Ledger
from tests.clocks import HandClock
from tests.gateway.values import NOON_US, catalogue, plan, request

RPM = "project:analytics:rpm"


@dataclass
class Log:
    ledger: Ledger
    log: RefusalLog
    clock: HandClock
    ids: int = 0

    def refuse(self, times: int = 1, *, cause: Cause = Cause.RPM, model: str = "opus") -> None:
        of = plan(catalogue(zone="Asia/Tokyo")).projects["analytics"]
        asked = request(model=model, stream=True)
        for _ in range(times):
            self.ids += 1
            arrival = Arrival(f"req_{self.ids}", self.clock.wall_us(), self.clock.monotonic_ns())
            self.clock.advance_ns(1_000)
            caller = Caller("k_prod", "analytics")
            self.log.add(arrival, caller, of, asked, cause, RPM, lambda: 429)

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
    it.refuse()
    (call,) = await it.rows()
    assert (call.id, call.count, call.outcome, call.cause) == (
        "req_1",
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
    assert call.day == "2026-11-24"


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
        broken.setattr(it.ledger, "end_call", full)
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
    write = it.ledger.end_call

    def picky(call: Call) -> None:
        if call.cause is Cause.TPM:
            raise OSError(5, "Input/output error")
        write(call)

    it.refuse(3, cause=Cause.TPM)
    it.refuse(3, cause=Cause.RPM)
    with monkeypatch.context() as broken:
        broken.setattr(it.ledger, "end_call", picky)
        it.log.flush()
    assert await it.counts() == [1, 1, 2]
    it.log.flush()
    assert await it.counts() == [1, 1, 2, 2]
