"""Leases: what applications hold of a project's quota ahead of their calls."""

from typing import Any

import pytest

from quotadeck.admission.days import BudgetDays
from quotadeck.domain.commands import Field
from quotadeck.domain.lease import MOST_OF_A_KEY
from quotadeck.domain.limits import MICRO
from quotadeck.domain.money import NANO_PER_USD
from quotadeck.domain.subject import Subject
from quotadeck.gateway.data.keys import KeyRing
from tests.gateway.chats import ANALYTICS, SHORT, Open, well
from tests.gateway.leasing import MONEY, RPM, THEIRS, asks, ended, gives_back, lease, left
from tests.gateway.provider import always
from tests.gateway.values import NOON_US, entry


class TestWhatIsLeased:
    """From the very buckets that calls take from, and no more than is good for the others."""

    async def test_at_most_ten_seconds_of_the_rates_and_a_tenth_of_the_money(
        self, opened: Open
    ) -> None:
        it, _ = await opened(always(well))
        it.command(entry(1, ANALYTICS, Field.RPM, 30))
        held = (await lease(it))["held"]
        assert held == {"requests": 5, "tokens": 10_000, "nano_usd": NANO_PER_USD // 10}
        assert await left(it) == (0, 50_000, NANO_PER_USD * 9 // 10)

    async def test_what_is_asked_is_held_and_told_with_the_quota(self, opened: Open) -> None:
        it, _ = await opened(always(well))
        made = await lease(it, requests=3, tokens=500, nano_usd=1_000_000)
        assert (
            made["held"]
            == made["granted"]
            == {
                "requests": 3,
                "tokens": 500,
                "nano_usd": 1_000_000,
            }
        )
        assert (made["object"], made["project"]) == ("quota.lease", "analytics")
        assert (made["expires_in_ms"], made["expires_at"]) == (60_000, "2026-11-24T12:01:00Z")
        assert made["quota"]["limits"]["rpm"]["left_requests"] == 7
        assert made["quota"]["limits"]["budget"]["held_nano_usd"] == 1_000_000

    async def test_all_leases_of_a_project_hold_ten_seconds_together(self, opened: Open) -> None:
        it, _ = await opened(always(well))
        await lease(it, tokens=9_000)
        second = await lease(it, headers=THEIRS)
        assert second["held"]["tokens"] == 1_000
        third = await asks(it, tokens=600)
        assert (third.status, third.error["code"]) == (429, "rate_limit_exceeded")
        assert third.sent_headers["retry-after-ms"] == "1000"

    async def test_less_is_given_where_less_is_left_and_it_waits_where_nothing_is(
        self, opened: Open
    ) -> None:
        it, _ = await opened(always(well))
        for _ in range(7):
            await it.ask(SHORT)
        assert (await lease(it, requests=5))["held"]["requests"] == 3
        refused = await asks(it, requests=5)
        assert (refused.status, refused.sent_headers["retry-after-ms"]) == (429, "1000")
        it.clock.advance_ms(1_000)
        assert (await lease(it, requests=5))["held"]["requests"] == 1

    async def test_what_has_no_limit_needs_no_lease(self, opened: Open) -> None:
        it, _ = await opened(always(well), rpm=None, daily_budget_usd=None)
        assert (await lease(it))["held"] == {"requests": None, "tokens": 10_000, "nano_usd": None}
        free = await lease(it, headers={"x-project-id": "search"})
        assert free["held"] == {"requests": None, "tokens": None, "nano_usd": None}

    async def test_a_spent_budget_leases_no_money(self, opened: Open) -> None:
        it, _ = await opened(always(well))
        await it.limiter.restore_spent({MONEY: {"2026-11-24": NANO_PER_USD}})
        assert (await lease(it))["held"]["nano_usd"] == 0
        assert (await asks(it, least={"nano_usd": 1})).status == 200, "all that it may hold"

    async def test_no_more_leases_than_are_allowed(self, opened: Open) -> None:
        it, _ = await opened(always(well), rpm=None)
        for _ in range(MOST_OF_A_KEY):
            await lease(it, tokens=1)
        refused = await asks(it, tokens=1)
        assert (refused.status, refused.error["code"]) == (429, "too_many_leases")
        assert (await lease(it, headers=THEIRS, tokens=1))["held"]["tokens"] == 1

    @pytest.mark.parametrize(
        ("asked", "words"),
        [
            ({"requests": -1}, "requests"),
            ({"tokens": 1.5}, "tokens"),
            ({"least": 3}, "least"),
            ({"least": {"rpm": 3}}, "least.rpm"),
            ({"bogus": 1}, "bogus"),
            ({"manager": 7}, "manager"),
            ({"waiting": [{}] * 17}, "waiting"),
            ({"waiting": [{"who": 3}]}, "waiting.0.who"),
        ],
    )
    async def test_what_cannot_be_asked_is_told_by_its_field(
        self, opened: Open, asked: dict[str, Any], words: str
    ) -> None:
        it, _ = await opened(always(well))
        refused = await asks(it, **asked)
        assert (refused.status, refused.error["param"]) == (400, words)
        assert (await asks(it, "", None)).status == 200


class TestItsLife:
    """60 s from its last renewal; what nobody drew goes back."""

    async def test_a_renewal_prolongs_it_and_it_runs_out_without(self, opened: Open) -> None:
        it, _ = await opened(always(well))
        made = await lease(it, requests=4)
        it.clock.advance_ms(59_000)
        again = await lease(it, made["id"])
        assert again["held"]["requests"] == 4
        assert again["granted"]["requests"] == 0
        it.clock.advance_ms(60_000)
        await it.leases.second()
        assert await left(it) == (10, 60_000, NANO_PER_USD)
        refused = await asks(it, made["id"])
        assert (refused.status, refused.error["code"]) == (404, "lease_ended")
        assert "nobody renewed it" in refused.error["message"]

    async def test_it_is_over_at_its_instant_whoever_looks(self, opened: Open) -> None:
        it, _ = await opened(always(well))
        made = await lease(it, requests=4)
        it.clock.advance_ms(60_000)
        refused = await it.ask(SHORT, headers={"x-quota-lease": made["id"]})
        assert (refused.status, refused.error["code"]) == (404, "lease_ended")

    async def test_one_that_nobody_used_costs_nothing_and_says_so(self, opened: Open) -> None:
        it, _ = await opened(always(well))
        await lease(it, requests=4, tokens=1_200, nano_usd=5_000_000, manager="worker-1")
        it.clock.advance_ms(61_000)
        await it.leases.second()
        await it.flights.reap()
        begun, over = ended(it)
        assert begun.startswith(
            "analytics: the key k_prod leased quota · requests 4 · tokens 1,200 · $0.005 (lease_"
        )
        assert over.startswith(
            "analytics: a lease of k_prod ran out: nobody renewed it; no call drew on it, and it "
            "cost nothing; given back · requests 4 · tokens 1,200 · $0.005 (lease_"
        )
        assert over.endswith(", worker-1)")
        assert await it.calls() == []
        assert await left(it) == (10, 60_000, NANO_PER_USD)

    async def test_a_renewal_takes_more_and_gives_back(self, opened: Open) -> None:
        it, _ = await opened(always(well))
        made = await lease(it, requests=2, tokens=100, nano_usd=1_000)
        more = await lease(it, made["id"], requests=6)
        assert (more["held"]["requests"], more["granted"]["requests"]) == (6, 4)
        assert (more["held"]["tokens"], more["granted"]["tokens"]) == (100, 0)
        assert await left(it) == (4, 59_900, NANO_PER_USD - 1_000)
        less = await lease(it, made["id"], requests=1, tokens=0)
        assert less["held"] == {"requests": 1, "tokens": 0, "nano_usd": 1_000}
        assert await left(it) == (9, 60_000, NANO_PER_USD - 1_000)

    async def test_more_is_beyond_what_it_holds_at_that_moment(self, opened: Open) -> None:
        it, _ = await opened(always(well))
        made = await lease(it, more={"requests": 2, "tokens": 100})
        assert made["held"] == {"requests": 2, "tokens": 100, "nano_usd": 0}
        await it.ask(SHORT, headers={"x-quota-lease": made["id"]})
        again = await lease(it, made["id"], more={"requests": 3}, least={"requests": 1})
        assert (again["held"]["requests"], again["granted"]["requests"]) == (4, 3)
        for _ in range(5):
            await it.ask(SHORT)
        again = await lease(it, made["id"], more={"requests": 3}, least={"requests": 2})
        assert (again["held"]["requests"], again["wait_ms"], again["binding"]) == (4, 2_000, RPM)
        again = await lease(it, made["id"], keep={"requests": 1}, more={"tokens": 50})
        assert again["held"]["requests"] == 1
        assert (await left(it))[0] == 3

    async def test_a_renewal_for_which_there_is_too_little_lives_on_and_is_told_the_wait(
        self, opened: Open
    ) -> None:
        it, _ = await opened(always(well))
        made = await lease(it, requests=1)
        for _ in range(9):
            await it.ask(SHORT)
        again = await lease(it, made["id"], requests=5, least={"requests": 3})
        assert (again["held"]["requests"], again["wait_ms"]) == (1, 2_000)
        it.clock.advance_ms(2_000)
        again = await lease(it, made["id"], requests=5, least={"requests": 3})
        assert (again["held"]["requests"], again["granted"]["requests"]) == (3, 2)
        assert again["wait_ms"] == 0

    async def test_a_pause_ends_it_and_nothing_new_is_leased(self, opened: Open) -> None:
        it, _ = await opened(always(well))
        made = await lease(it, requests=4)
        paused = entry(1, ANALYTICS, Field.PAUSED, True, until_us=NOON_US + 60_000_000)
        it.command(paused)
        await it.leases.changed([ANALYTICS], it.plan[0], it.ring)
        assert (await it.bucket(RPM)).level == 10 * MICRO
        refused = await asks(it)
        assert (refused.status, refused.error["code"]) == (403, "project_paused")
        it.command()
        refused = await asks(it, made["id"])
        assert "ended with a pause of its project" in refused.error["message"]
        assert "ended with the pause" in ended(it)[-1]

    async def test_it_ends_with_its_key_and_by_an_operator(self, opened: Open) -> None:
        it, _ = await opened(always(well))
        mine, theirs = (await lease(it, requests=2))["id"], await lease(it, headers=THEIRS)
        await it.leases.changed([Subject.lease(mine)], it.plan[0], it.ring)
        refused = await asks(it, mine)
        assert "was ended by an operator" in refused.error["message"]
        await it.leases.changed([Subject.key("k_batch")], it.plan[0], KeyRing({}))
        refused = await asks(it, theirs["id"], headers=THEIRS)
        assert "ended with its key" in refused.error["message"]
        assert await left(it) == (10, 60_000, NANO_PER_USD)

    async def test_midnight_takes_its_money_anew_from_the_new_day(self, opened: Open) -> None:
        it, _ = await opened(always(well))
        made = await lease(it, nano_usd=1_000)
        it.clock.advance_ms(43_190_000)
        await it.leases.second()
        made = await lease(it, nano_usd=1_000)
        it.clock.advance_ms(20_000)
        again = await lease(it, made["id"])
        assert (again["held"]["nano_usd"], again["quota"]["limits"]["budget"]["day"]) == (
            1_000,
            "2026-11-25",
        )
        assert again["quota"]["limits"]["budget"]["held_nano_usd"] == 1_000
        await gives_back(it, made["id"])
        assert (await it.bucket(MONEY)).held == 0

    @pytest.mark.parametrize("renewed", [False, True])
    async def test_one_that_ends_while_its_day_is_learned_holds_nothing(
        self, opened: Open, monkeypatch: pytest.MonkeyPatch, renewed: bool
    ) -> None:
        it, _ = await opened(always(well))
        await it.limiter.restore_spent({}, known_after="2026-11-30")
        made = (await lease(it, requests=2))["id"] if renewed else ""
        if renewed:
            it.clock.advance_ms(43_190_000)
            await it.leases.second()
            made = (await lease(it, requests=2))["id"]
            it.clock.advance_ms(20_000)
        learn = BudgetDays.learn

        async def learned_too_late(days: BudgetDays, project: str, day: str) -> None:
            await learn(days, project, day)
            [live] = (await it.leases.page()).leases
            await it.leases.changed([Subject.lease(live.id)], it.plan[0], it.ring)

        monkeypatch.setattr(BudgetDays, "learn", learned_too_late)
        refused = await asks(it, made, requests=3)
        assert (refused.status, refused.error["code"]) == (404, "lease_ended")
        assert not (await it.leases.page()).leases
        assert await it.leases.undrawn() == {}
        assert await left(it) == (10, 60_000, NANO_PER_USD)

    async def test_yesterdays_money_makes_no_room_in_todays(self, opened: Open) -> None:
        it, _ = await opened(always(well))
        it.clock.advance_ms(43_190_000)
        made = await lease(it)
        assert made["held"]["nano_usd"] == NANO_PER_USD // 10
        it.command(entry(1, ANALYTICS, Field.BUDGET, NANO_PER_USD // 10))
        it.clock.advance_ms(20_000)
        again = await lease(it, made["id"])
        assert again["held"]["nano_usd"] == NANO_PER_USD // 100
