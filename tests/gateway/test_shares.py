"""No account takes the admin API, nor the data plane's loop, from the others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from quotadeck.domain.commands import Role
from quotadeck.domain.limits import MICRO
from quotadeck.gateway.control.admin import PREFIX
from quotadeck.gateway.control.admin_gate import Measured
from quotadeck.gateway.control.admin_seats import STREAMS_OF_A_UID
from quotadeck.gateway.control.shares import SHARES, Shares
from quotadeck.wire import objects
from tests.clocks import HandClock
from tests.gateway.desks import call, why
from tests.gateway.serving import ME, Admin, admin_api
from tests.gateway.test_refused_commands import told

VIEWER = SHARES[Role.VIEWER]
REFUSED_AT_ONCE, REFUSED_PER_S = VIEWER.refused.capacity // MICRO, VIEWER.refused.per_minute // 60
MS_NS = 1_000_000
PAUSE_BODY = {"action": "pause", "subject": "project:analytics", "reason": "a flood"}


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Admin]:
    """Served, and we are a viewer."""
    async with admin_api(tmp_path, own_uid=-1) as admin:
        yield admin


async def pause(api: Admin, number: int, **more: Any) -> httpx.Response:
    body = {**PAUSE_BODY, "idempotency_key": f"key-{number:06}", **more}
    return await api.http.post(f"{PREFIX}commands", json=body)


def too_many(answer: httpx.Response) -> tuple[int, str]:
    """The whole seconds to wait, and the words."""
    assert answer.status_code == 429
    error = answer.json()
    assert error["code"] == "too_many"
    return int(answer.headers["retry-after"]), error["error"]


class TestRefusedCommands:
    async def test_over_their_rate_commands_are_not_even_read(self, api: Admin) -> None:
        for number in range(REFUSED_AT_ONCE):
            assert (await pause(api, number)).status_code == 403
        answer = await api.http.post(f"{PREFIX}commands", content=b"no command at all")
        wait_s, words = too_many(answer)
        assert wait_s == 1
        assert f"commands of {ME} are refused faster than 5 a second" in words
        too_many(await pause(api, 0, dry_run=True))
        assert (await api.http.get(f"{PREFIX}whoami")).status_code == 200
        api.at.clock.advance_ms(1_000)
        for number in range(REFUSED_PER_S):
            assert (await pause(api, 1_000 + number)).status_code == 403
        too_many(await pause(api, 2_000))
        await api.at.desk.record_counted(ending=True)
        entries = await api.at.entries()
        assert told(entries) == REFUSED_AT_ONCE + REFUSED_PER_S
        assert "and 3 more not even read" in why(entries[-1])

    async def test_a_dry_run_and_a_repeat_of_a_good_command_are_no_refusals(
        self, tmp_path: Path
    ) -> None:
        async with admin_api(tmp_path) as api:
            for number in range(20):
                assert (await pause(api, 0)).status_code == 200
                answer = await pause(api, number, subject="project:none", dry_run=True)
                assert answer.status_code == 404
            assert len(await api.at.entries()) == 1

    async def test_a_script_of_an_operator_may_be_refused_a_thousand_times_at_once(self) -> None:
        refused = SHARES[Role.OPERATOR].refused
        assert (refused.capacity // MICRO, refused.per_minute // 60) == (1_000, 50)


async def test_a_script_with_many_processes_is_served_in_turns(tmp_path: Path) -> None:
    async with admin_api(tmp_path) as api, AsyncExitStack() as watching:
        for _ in range(STREAMS_OF_A_UID):
            stream = api.http.stream("GET", f"{PREFIX}stream")
            answer = await watching.enter_async_context(stream)
            assert answer.status_code == 200
        answers = await asyncio.gather(*(pause(api, number) for number in range(60)))
        assert [answer.status_code for answer in answers] == [200] * 60


class TestTime:
    async def test_who_asks_for_too_much_waits_and_is_told_how_long(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        small = replace(VIEWER, burst_ms=3)
        monkeypatch.setitem(SHARES, Role.VIEWER, small)
        async with admin_api(tmp_path, own_uid=-1) as api:
            for path in ("snapshot", "calls?last=1000", "audit", "no/such/path", "whoami?x=1"):
                for _ in range(1_000):
                    answer = await api.http.get(f"{PREFIX}{path}")
                    if answer.status_code == 429:
                        break
                wait_s, words = too_many(answer)
                assert f"{ME} has asked for more than a viewer's share" in words
                api.at.clock.advance_ms(wait_s * 1_000)
                answer = await api.http.get(f"{PREFIX}whoami")
                assert answer.status_code == 200

    async def test_a_stream_is_charged_when_it_begins(self, api: Admin) -> None:
        began = 0
        while True:
            async with api.http.stream("GET", f"{PREFIX}stream") as answer:
                if answer.status_code == 429:
                    break
                assert answer.status_code == 200
                began += 1
        assert 10 < began <= VIEWER.burst_ms // 10


class TestMeasured:
    """What is charged is the time in which nobody else had the loop."""

    async def test_each_step_is_charged_and_a_wait_is_not(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clock, go, spent = HandClock(), asyncio.Event(), list[int]()
        monkeypatch.setattr(
            "quotadeck.gateway.control.admin_gate.thread_time_ns", clock.monotonic_ns
        )

        async def work() -> None:
            clock.advance_ms(5)
            await go.wait()
            clock.advance_ms(7)

        async def asked() -> None:
            await Measured(work(), spent.append)

        asking = asyncio.create_task(asked())
        await asyncio.sleep(0)
        clock.advance_ms(1_000)
        go.set()
        await asking
        assert spent == [5 * MS_NS, 7 * MS_NS]

    async def test_a_cancellation_and_an_error_pass_through(self) -> None:
        ended = asyncio.Event()

        async def waiting() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

        async def failing() -> None:
            raise KeyError("as it was")

        async def asked(work: Any) -> None:
            await Measured(work, lambda _: None)

        asking = asyncio.create_task(asked(waiting()))
        await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert ended.is_set()
        with pytest.raises(KeyError, match="as it was"):
            await asked(failing())


class TestShares:
    """Levels by themselves."""

    def test_accounts_of_a_role_share_what_there_is(self) -> None:
        clock = HandClock()
        for accounts in (1, 5, 100):
            shares = Shares(clock)
            for uid in range(accounts):
                shares.of(uid, Role.VIEWER).spend(10_000 * MS_NS)
            one = shares.of(0, Role.VIEWER)
            one.spend(1_000 * MS_NS - one.wait_ns * one.ms_per_s // 1_000)
            rate = max(VIEWER.least_ms_per_s, VIEWER.ms_per_s // accounts)
            assert one.wait_ns == pytest.approx(1e12 / rate)

    def test_many_accounts_have_no_burst_each(self) -> None:
        shares = Shares(HandClock())
        accounts = [shares.of(uid, Role.VIEWER) for uid in range(20)]
        spent_ms = 0
        for account in accounts:
            while not account.wait_ns:
                account.spend(10 * MS_NS)
                spent_ms += 10
        assert spent_ms < 6 * VIEWER.burst_ms

    def test_an_account_in_debt_leaves_the_others_theirs(self) -> None:
        shares = Shares(HandClock())
        shares.of(1, Role.VIEWER).spend(10_000 * MS_NS)
        shares.of(2, Role.OPERATOR).spend(100_000 * MS_NS)
        assert shares.of(1, Role.VIEWER).wait_ns > 0
        assert shares.of(3, Role.VIEWER).wait_ns == 0
        assert shares.of(2, Role.OPERATOR).wait_ns > 0
        assert shares.of(4, Role.OPERATOR).wait_ns == 0

    def test_nobody_waits_for_ever(self) -> None:
        clock = HandClock()
        shares = Shares(clock)
        account = shares.of(1, Role.VIEWER)
        account.spend(2_000 * MS_NS)
        clock.advance_ms(account.wait_ns // MS_NS + 1)
        assert shares.of(1, Role.VIEWER).wait_ns == 0

    def test_who_has_rested_is_forgotten(self) -> None:
        clock = HandClock()
        shares = Shares(clock)
        for uid in range(1_000):
            shares.of(uid, Role.VIEWER).spend(MS_NS)
        clock.advance_ms(10_000)
        shares.of(0, Role.VIEWER)
        assert len(shares._accounts) == 1

    def test_who_is_being_served_is_not_forgotten(self) -> None:
        clock = HandClock()
        shares = Shares(clock)
        account = shares.of(1, Role.VIEWER)
        account.under_way += 1
        clock.advance_ms(10_000)
        assert shares.of(1, Role.VIEWER) is account
        account.under_way -= 1
        clock.advance_ms(10_000)
        assert shares.of(1, Role.VIEWER) is not account

    async def test_one_reads_one_page_at_a_time_and_all_take_turns(self) -> None:
        shares = Shares(HandClock())
        order: list[int] = []

        async def read(uid: int) -> None:
            async with shares.reading(shares.of(uid, Role.VIEWER)):
                await asyncio.sleep(0)
                order.append(uid)

        await asyncio.gather(*(read(1) for _ in range(5)), read(2), read(3))
        assert order.index(2) <= 2
        assert order.index(3) <= 3


async def test_a_long_page_lets_others_have_their_turn(
    api: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1_000):
        api.at.ledger.end_call(call(number, api.at.clock.wall_us()))
    await api.at.ledger.flushed()
    turns, at_turn = 0, list[int]()

    def noted(row: Any) -> bytes:
        at_turn.append(turns)
        return objects.dump(row)

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    monkeypatch.setattr("quotadeck.gateway.control.admin_pages.dump", noted)
    beside = asyncio.create_task(other())
    answer = await api.http.get(f"{PREFIX}calls?last=1000")
    beside.cancel()
    assert len(answer.json()["rows"]) == 1_000
    assert len(set(at_turn)) >= 40
