"""Calls that name a lease, managers that wait for one, and what operators see of both."""

from typing import Any

import orjson
import pytest

from quotadeck.dialects.messages import MESSAGES
from quotadeck.dialects.openai import OPENAI
from quotadeck.domain.cause import Cause
from quotadeck.domain.commands import Field
from quotadeck.domain.lease import LeaseEnd
from quotadeck.domain.lease_refusals import LeaseOver
from quotadeck.domain.limits import RateLimit
from quotadeck.domain.money import NANO_PER_USD
from quotadeck.domain.price import cost_nano
from quotadeck.domain.usage import Usage
from quotadeck.gateway.data import elsewhere
from tests.gateway.chats import ANALYTICS, BOUND, COST, SHORT, STREAM, Open, nothing_is_held, well
from tests.gateway.leasing import THEIRS, USED, asks, ended, gives_back, lease, left
from tests.gateway.provider import always
from tests.gateway.values import NOON_US, OPUS, entry


class TestCallsThatNameIt:
    """What the lease holds of a bucket moves to the call."""

    @pytest.mark.parametrize("data", [SHORT, STREAM], ids=["whole", "stream"])
    async def test_nothing_counts_twice(self, opened: Open, data: bytes) -> None:
        it, _ = await opened(always(well))
        made = await lease(it, requests=10, tokens=5_000, nano_usd=50_000_000)
        assert (await left(it))[0] == 0, "the bucket itself would refuse"
        reply = await it.ask(data, headers={"x-quota-lease": made["id"]})
        assert reply.status == 200, reply.body
        spent = (await it.call()).cost_nano_usd
        gone = await gives_back(it, made["id"])
        told = orjson.loads(gone.body)
        assert (told["calls"], told["given_back"]["requests"], told["drawn"]["requests"]) == (
            1,
            9,
            1,
        )
        assert await left(it) == (9, 60_000 - 46, NANO_PER_USD - spent)
        await nothing_is_held(it, spent)

    async def test_what_it_lacks_is_taken_as_usual(self, opened: Open) -> None:
        it, _ = await opened(always(well))
        made = await lease(it, requests=1, tokens=1, nano_usd=1)
        named = {"x-quota-lease": made["id"]}
        assert (await it.ask(SHORT, headers=named)).status == 200
        assert await left(it) == (9, 60_000 - 46, NANO_PER_USD - COST)
        assert (await it.ask(SHORT, headers=named)).status == 200
        assert await left(it) == (8, 60_000 - 92, NANO_PER_USD - 2 * COST)

    async def test_a_call_draws_no_more_than_its_header_allows(self, opened: Open) -> None:
        it, _ = await opened(always(well))
        made = await lease(it, requests=2, tokens=5_000, nano_usd=50_000_000)
        named = {"x-quota-lease": f"{made['id']};tokens=10; nano_usd=7"}
        await it.ask(SHORT, headers=named)
        told = orjson.loads((await gives_back(it, made["id"])).body)
        assert told["drawn"] == {"requests": 1, "tokens": 10, "nano_usd": 7}

    async def test_a_limit_that_the_lease_does_not_cover_still_refuses(self, opened: Open) -> None:
        it, _ = await opened(always(well), daily_budget_usd=BOUND)
        made = await lease(it, requests=10)
        first = await it.ask(SHORT, headers={"x-quota-lease": made["id"]})
        second = await it.ask(SHORT, headers={"x-quota-lease": made["id"]})
        assert (first.status, second.status) == (200, 429)
        assert second.error["code"] == "insufficient_quota"
        assert (await lease(it, made["id"]))["held"]["requests"] == 9, "and drew nothing"

    async def test_a_foreign_an_unknown_and_an_ended_lease_are_refused_in_words(
        self, opened: Open
    ) -> None:
        it, _ = await opened(always(well))
        theirs = (await lease(it, headers=THEIRS, requests=1))["id"]
        unknown = f"lease_{0:032x}"
        mine = (await lease(it, requests=1))["id"]
        await gives_back(it, mine)
        for name, code, says in (
            (theirs, "lease_not_found", "it is another's"),
            (unknown, "lease_not_found", "a restart of the gateway has forgotten it"),
            (mine, "lease_ended", "was given back"),
        ):
            refused = await it.ask(SHORT, headers={"x-quota-lease": name})
            assert (refused.status, refused.error["code"]) == (404, code)
            assert refused.sent_headers["x-should-retry"] == "false"
            assert says in refused.error["message"]
            assert "POST /v1/quota/leases" in refused.error["message"]
        wrong = await it.ask(SHORT, headers={"x-quota-lease": "mine"})
        assert (wrong.status, wrong.error["code"]) == (400, "invalid_header")
        assert [one.cause for one in it.refused] == [Cause.INVALID] * 4
        other = await it.ask(
            SHORT, headers={"x-quota-lease": theirs, **THEIRS, "x-project-id": "analytics"}
        )
        assert other.status == 200

    @pytest.mark.parametrize("how", LeaseEnd)
    def test_how_it_ended_is_told_in_every_dialect(self, how: LeaseEnd) -> None:
        over = LeaseOver("lease_01", how, NOON_US)
        told = {(r := d.refusal(over, "req_1")).body.decode() for d in (OPENAI, MESSAGES)}
        assert len(told) == 2
        assert r.status == 404
        for body in told:
            assert "lease_01" in body
            assert "2026-11-24T12:00:00Z" in body
            assert "has ended at" not in body, "it says how"


class TestCallsMadeElsewhere:
    """A manager's calls may go to a provider directly: what they used is told, and counts here."""

    async def test_what_was_used_is_charged_and_on_record_once(self, opened: Open) -> None:
        it, _ = await opened(always(well))
        made = await lease(it, requests=4, tokens=1_000, nano_usd=8_000_000, manager="w")
        row = {"model": "opus", "requests": 3, "input_tokens": 400, "output_tokens": 200}
        told = [{**row, "nano_usd": 5_000_000}]
        used: dict[str, Any] = {"used": told, "used_number": 1, "manager": "w"}
        keep: dict[str, Any] = {"keep": {"requests": 1, "tokens": 100, "nano_usd": 1_000_000}}
        for _ in range(2):
            again = await lease(it, made["id"], **used, **keep)
            assert again["held"] == {"requests": 1, "tokens": 100, "nano_usd": 1_000_000}
            assert await left(it) == (6, 60_000 - 700, NANO_PER_USD - 6_000_000)
        call = await it.call()
        assert (call.project, call.model, call.count) == ("analytics", "opus", 3)
        assert (call.cost_nano_usd, call.usage.total) == (5_000_000, 600)
        await gives_back(it, made["id"])
        assert await left(it) == (7, 60_000 - 600, NANO_PER_USD - 5_000_000)

    async def test_it_counts_without_a_lease_and_beyond_what_is_left(self, opened: Open) -> None:
        it, _ = await opened(always(well))
        used = [{"model": "m", "requests": 12, "nano_usd": 2 * NANO_PER_USD}]
        refused = await asks(it, used=used, used_number=1, manager="w")
        assert refused.status == 429
        assert await left(it) == (-2, 60_000, -NANO_PER_USD)
        assert (await it.ask(SHORT)).status == 429

    async def test_what_is_told_without_its_cost_has_that_of_the_gateways_prices(
        self, opened: Open
    ) -> None:
        it, _ = await opened(always(well))
        row = {"requests": 1, "input_tokens": 1_000, "output_tokens": 100}
        known, free = {"model": "opus-4.7", **row}, {"model": "opus-4.7", **row}
        used = [known, {**free, "nano_usd": 0}, {"model": "unheard-of", **row}]
        await asks(it, used=used, used_number=1, manager="w", tokens=1)
        costs = [(call.cost_nano_usd, call.price_version) for call in await it.calls()]
        target = it.plan[0].targets[OPUS].target
        assert costs == [
            (cost_nano(target.price, Usage(1_000, 0, 100)), target.price.version),
            (0, "told"),
            (0, "unknown"),
        ]
        assert costs[0][0] > 0
        assert (await left(it))[2] == NANO_PER_USD - costs[0][0]

    async def test_no_more_models_are_told_apart_than_it_says(
        self, opened: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(elsewhere, "MOST_MODELS", 2)
        it, _ = await opened(always(well))
        for number, model in enumerate(("a", "b", "c", "a", "d"), start=1):
            row = {"model": model, "requests": 1}
            await asks(it, used=[row], used_number=number, manager="w", tokens=1)
        assert [call.model for call in await it.calls()] == ["a", "b", "", "a", ""]

    async def test_one_key_tells_no_more_often_than_the_ledger_takes(
        self, opened: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(elsewhere, "REPORTS", RateLimit(60, 2))
        it, _ = await opened(always(well))
        rows = [{"model": "a", "requests": 1}, {"model": "b", "requests": 1}]
        assert (await asks(it, used=rows, used_number=1, manager="w", tokens=1)).status == 200
        late: dict[str, Any] = {"used": rows[:1], "used_number": 2, "manager": "w", "tokens": 1}
        refused = await asks(it, **late)
        assert (refused.status, refused.error["code"]) == (429, "too_many_reports")
        assert refused.sent_headers["retry-after-ms"] == "1000"
        theirs = await asks(it, used=rows, used_number=1, manager="w", tokens=1, headers=THEIRS)
        assert theirs.status == 200
        it.clock.advance_ms(1_000)
        assert (await asks(it, **late)).status == 200
        assert [call.model for call in await it.calls()] == ["a", "b", "a", "b", "a"]

    async def test_nobody_has_another_key_told_once_more_by_many_names(
        self, opened: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(elsewhere, "MOST_MANAGERS", 2)
        it, _ = await opened(always(well))
        told: dict[str, Any] = {"used": [{"model": "a", "requests": 1}], "used_number": 1}
        await asks(it, manager="mine", tokens=1, **told)
        for name in "xyz":
            await asks(it, manager=name, tokens=1, headers=THEIRS, **told)
        assert len(await it.calls()) == 4
        await asks(it, manager="mine", tokens=1, **told)
        assert len(await it.calls()) == 4, "it counts once"

    async def test_processes_of_one_name_count_each_for_itself(self, opened: Open) -> None:
        """Each numbers from one on, and so does whoever is started anew under the name."""
        it, _ = await opened(always(well))
        for process in ("first", "second", "started-anew"):
            for number in (1, 2):
                told = [{"model": f"{process}-{number}", "requests": 1}]
                name: dict[str, Any] = {"manager": "worker", "process": process}
                for _ in range(2):
                    await asks(it, used=told, used_number=number, tokens=1, **name)
        assert len({call.model for call in await it.calls()}) == len(await it.calls()) == 6

    async def test_to_tell_it_takes_no_lease(self, opened: Open) -> None:
        it, _ = await opened(always(well))
        it.command(entry(1, ANALYTICS, Field.PAUSED, True, until_us=NOON_US + 60_000_000))
        told = [{"model": "opus", "requests": 2, "input_tokens": 100, "nano_usd": 7}]
        for _ in range(2):
            reply = await asks(it, at=USED, process="p", manager="w", used=told, used_number=1)
            assert (reply.status, (said := orjson.loads(reply.body))["object"]) == (
                200,
                "quota.used",
            )
            assert said["quota"]["limits"]["budget"]["spent_nano_usd"] == 7
        assert [call.count for call in await it.calls()] == [2]
        assert await left(it) == (8, 60_000 - 100, NANO_PER_USD - 7)
        page = await it.leases.page()
        assert (page.leases, page.managers) == ((), ())
        asked = await asks(it, at=USED, requests=1)
        assert (asked.status, asked.error["param"]) == (400, "requests"), "nothing is leased there"

    async def test_it_counts_whatever_has_become_of_the_lease(self, opened: Open) -> None:
        it, _ = await opened(always(well))
        made = await lease(it, requests=1)
        await gives_back(it, made["id"])
        told = [{"model": "opus", "requests": 3}]
        for identity in (made["id"], f"lease_{0:032x}"):
            again = await asks(it, identity, used=told, used_number=1, process="p")
            assert again.status == 404
        assert [call.count for call in await it.calls()] == [3]


class TestManagersThatWait:
    """Each has a turn of its own: they meet at no instant, and nobody takes it from them."""

    async def test_each_is_told_its_own_instant_and_finds_its_part_there(
        self, opened: Open
    ) -> None:
        it, _ = await opened(always(well))
        for _ in range(10):
            await it.ask(SHORT)
        waits = [
            (await asks(it, requests=2, least={"requests": 2}, manager=name)).sent_headers
            for name in "abc"
        ]
        assert [one["retry-after-ms"] for one in waits] == ["2000", "4000", "6000"]
        for name in "abc":
            it.clock.advance_ms(2_000)
            assert (await it.ask(SHORT)).status == 429, "a newcomer waits for none of theirs"
            made = await lease(it, requests=9, least={"requests": 2}, manager=name)
            assert made["held"]["requests"] == 2

    async def test_two_of_one_name_do_not_take_each_others_turn(self, opened: Open) -> None:
        it, _ = await opened(always(well))
        for _ in range(10):
            await it.ask(SHORT)
        asked: dict[str, Any] = {"requests": 1, "manager": "worker"}
        waits = [(await asks(it, process=one, **asked)).sent_headers for one in "abba"]
        assert [one["retry-after-ms"] for one in waits] == ["1000", "2000", "2000", "1000"]
        waiting = [{"who": "import", "count": 1}]
        for one in "ab":
            await asks(it, process=one, waiting=waiting, **asked)
        rows = (await it.leases.page()).managers
        assert [(row.name, len(row.waiting)) for row in rows] == [("worker", 1)] * 2

    async def test_one_that_lives_waits_in_turn_too(self, opened: Open) -> None:
        it, _ = await opened(always(well))
        one, other = [await lease(it, requests=5, manager=name) for name in "ab"]
        wants: dict[str, Any] = {"requests": 7, "least": {"requests": 7}}
        first = await lease(it, one["id"], manager="a", **wants)
        second = await lease(it, other["id"], manager="b", **wants)
        assert (first["wait_ms"], first["held"]["requests"]) == (2_000, 5), "the leases' own bound"
        assert second["wait_ms"] == 2_000
        for _ in range(5):
            await it.ask(SHORT, headers={"x-quota-lease": one["id"]})
        first = await lease(it, one["id"], manager="a", requests=2, least={"requests": 2})
        assert (first["wait_ms"], first["held"]["requests"]) == (2_000, 0)
        it.clock.advance_ms(2_000)
        assert (await it.ask(SHORT)).status == 429
        first = await lease(it, one["id"], manager="a", requests=2, least={"requests": 2})
        assert (first["wait_ms"], first["held"]["requests"]) == (0, 2)

    async def test_a_key_whose_managers_never_come_for_theirs_is_promised_none(
        self, opened: Open
    ) -> None:
        it, _ = await opened(always(well))
        for _ in range(10):
            await it.ask(SHORT)
        for name in ("a", "b", "c", "d"):
            await asks(it, requests=1, manager=name)
        it.clock.advance_ms(5_001)
        await it.turns.second()
        answers = [(await it.ask(SHORT)).status for _ in range(6)]
        assert answers == [200] * 5 + [429], "what was kept for the last is free, too"
        refused = await asks(it, requests=1, manager="e")
        other = await asks(it, requests=1, manager="e", headers=THEIRS)
        waits = [one.sent_headers["retry-after-ms"] for one in (refused, other)]
        assert waits == ["999", "999"], "the first of them was promised nothing"


class TestWhatIsSeen:
    """By operators: every lease, and who waits in the applications, as of when it was told."""

    async def test_leases_and_managers_are_read_with_their_age(self, opened: Open) -> None:
        it, _ = await opened(always(well))
        waiting = [{"who": "import\x1b[2J", "limit": "tokens", "count": 3, "longest_ms": 1_200}]
        made = await lease(it, requests=4, manager="worker-1", waiting=waiting)
        await it.ask(SHORT, headers={"x-quota-lease": made["id"]})
        it.clock.advance_ms(5_000)
        page = await it.leases.page()
        (row,), (manager,) = page.leases, page.managers
        assert (row.id, row.project, row.key_id) == (made["id"], "analytics", "k_prod")
        assert (row.requests, row.drawn_requests, row.calls) == (3, 1, 1)
        assert (row.age_ms, row.until_us - page.at_us) == (5_000, 55_000_000)
        assert (manager.name, manager.lease_id, manager.age_ms) == ("worker-1", made["id"], 5_000)
        (who,) = manager.waiting
        assert (who.who, who.limit, who.count, who.longest_ms) == (
            "import\ufffd[2J",
            "tokens",
            3,
            1_200,
        )

    async def test_one_that_waits_for_its_lease_is_seen_too_and_forgotten_in_time(
        self, opened: Open
    ) -> None:
        it, _ = await opened(always(well))
        for _ in range(10):
            await it.ask(SHORT)
        waiting = [{"who": "import", "limit": "requests", "count": 1, "longest_ms": 10}]
        assert (await asks(it, manager="worker-2", waiting=waiting)).status == 429
        (manager,) = (await it.leases.page()).managers
        assert (manager.name, manager.lease_id, manager.waiting[0].count) == ("worker-2", "", 1)
        it.clock.advance_ms(121_000)
        assert (await it.leases.page()).managers == ()

    async def test_many_are_told_as_one(self, opened: Open) -> None:
        it, _ = await opened(always(well))
        for _ in range(10):
            made = await lease(it, requests=1)
            await gives_back(it, made["id"])
        assert len(it.told) == 4
        it.clock.advance_ms(10_000)
        await it.leases.second()
        assert ended(it)[4:] == ["analytics: in 10s besides 8 leases made, 8 given back, 16 in all"]

    @pytest.mark.parametrize(
        ("row", "param"),
        [
            ({"nano_usd": 2**53}, "used.0.nano_usd"),
            ({"input_tokens": 10**13}, "used.0.input_tokens"),
        ],
    )
    async def test_more_than_can_be_is_refused_and_leaves_no_trace(
        self, opened: Open, row: dict[str, int], param: str
    ) -> None:
        it, _ = await opened(always(well))
        refused = await asks(it, used=[{"model": "m", **row}], used_number=1, manager="w")
        assert (refused.status, refused.error["param"]) == (400, param)
        assert not await it.ledger.reader.calls(last=5)

    async def test_a_day_of_a_project_has_a_most(
        self, opened: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """However often it is told: sums over all projects are integers of 64 bits."""
        monkeypatch.setattr(elsewhere, "MOST_A_DAY", 100)
        it, _ = await opened(always(well))
        told = [{"model": "m", "input_tokens": 40}]
        for number in (1, 2):
            await asks(it, used=told, used_number=number, manager="w", tokens=1)
        refused = await asks(it, used=told, used_number=3, manager="w", tokens=1)
        assert (refused.status, refused.error["param"]) == (400, "used")
