"""When a manager asks its gateway, and for how much: by its own clock, and without a network."""

import pytest

from quotadeck.client.leased.answer import Granted, KnownLimit
from quotadeck.client.leased.pool import Needs, Pool
from quotadeck.domain.limits import BudgetLimit, RateLimit

SECOND = 1_000_000_000
RPM = {"requests": KnownLimit(RateLimit(600, 10), 50)}
ONE = Needs(1, 0, 0)


def leased(requests: int, *, binding: str = "", wait_ms: int | None = None) -> Pool:
    """A pool that got so many requests of 600 a minute at the instant 0."""
    pool = Pool("a", 0)
    more = {"requests": requests, "tokens": None, "nano_usd": None}
    pool.given(Granted("lease_1", more, more, 60_000, RPM, binding, wait_ms), 0, 0)
    return pool


def due(pool: Pool, at_s: float, *, waiting: bool = False) -> str:
    now_ns = int(at_s * SECOND)
    more, _ = pool.lacks([ONE] if waiting else [], now_ns)
    what, when_ns = pool.next(now_ns, waiting=waiting, lacking=bool(more))
    return what if when_ns <= now_ns else ""


def test_a_lease_in_use_is_renewed_well_before_it_ends() -> None:
    pool = leased(50)
    pool.take("r1", ONE, 0)
    assert [due(pool, at) for at in (1, 14.9, 15)] == ["", "", "renew"]
    assert pool.next(SECOND, waiting=False, lacking=False) == ("renew", 15 * SECOND)


def test_while_somebody_waits_the_gateway_is_told_every_two_seconds() -> None:
    pool = leased(50)
    pool.told_waiting = True
    assert [due(pool, at, waiting=True) for at in (1, 1.9, 2)] == ["", "", "renew"]
    assert due(pool, 0.6) == "renew", "that nobody waits any more is told soon"


def test_what_nobody_asks_for_is_given_back_after_ten_seconds() -> None:
    pool = leased(50)
    assert [due(pool, at) for at in (9.9, 10)] == ["", "back"]
    pool.take("r1", ONE, 10 * SECOND)
    assert due(pool, 25) == "renew", "one that has not ended may still draw"
    pool.ended("r1", back=False)
    assert due(pool, 25) == "back"


def test_of_a_lease_that_ran_out_nothing_is_left() -> None:
    pool = leased(50)
    assert pool.short(ONE, 60 * SECOND - 1) == ""
    assert (pool.expired(60 * SECOND), pool.short(ONE, 60 * SECOND)) == (True, "requests")
    pool.void()
    assert (pool.left["requests"], pool.left["tokens"]) == (0, None)


def test_what_was_never_sent_is_there_again_and_what_was_is_not() -> None:
    pool = leased(2)
    pool.take("r1", ONE, 0)
    pool.take("r2", ONE, 0)
    assert pool.short(ONE, 0) == "requests"
    assert pool.kept() == {"requests": 2}, "both may still draw"
    pool.ended("r1", back=True)
    pool.ended("r2", back=False)
    assert (pool.left["requests"], pool.kept()) == (1, {"requests": 1})


def test_what_was_taken_of_a_lease_that_is_over_is_not_there_in_the_next() -> None:
    pool = leased(2)
    pool.take("r1", ONE, 0)
    pool.over()
    more = {"requests": 1, "tokens": None, "nano_usd": None}
    pool.given(Granted("lease_2", more, more, 60_000, RPM, "", None), SECOND, SECOND)
    pool.ended("r1", back=True)
    assert (pool.left["requests"], pool.kept()) == (1, {"requests": 1})
    assert pool.next(SECOND, waiting=False, lacking=False) == ("back", pool.not_before_ns)
    assert pool.to_give_back() == "lease_1"
    assert pool.lease == "lease_2"


def test_as_much_as_passed_in_the_last_second_is_held_ahead() -> None:
    pool = leased(10)
    for number in range(8):
        pool.take(f"r{number}", ONE, 0)
    assert pool.runs_low()
    more, least = pool.lacks([], 0)
    assert (more, least) == ({"requests": 6}, {}), "eight ahead, of which two are here"
    more, least = pool.lacks([ONE] * 5, 0)
    assert (more, least) == ({"requests": 11}, {"requests": 0})
    more, _ = pool.lacks([], 20 * SECOND)
    assert more == {}, "of what passed long ago nothing is held"


def test_one_that_needs_more_than_a_lease_may_hold_goes_with_all_that_it_may() -> None:
    """The rest is taken at the gateway when the call comes there."""
    pool = leased(100)
    assert pool.most("requests") == 100
    assert pool.needs(Needs(1_000, 7, 7)) == {"requests": 100}
    assert pool.short(Needs(1_000, 7, 7), 0) == ""


def test_of_money_a_lease_holds_a_tenth_at_most() -> None:
    pool = Pool("a", 0)
    limits = {"nano_usd": KnownLimit(BudgetLimit(1_000, "2026-11-24", 0), 700, 100)}
    more = {"requests": None, "tokens": None, "nano_usd": 50}
    pool.given(Granted("lease_1", more, more, 60_000, limits, "", None), 0, 0)
    assert pool.most("nano_usd") == 75
    assert pool.unsure(Needs(1, 0, 60), SECOND) == ""
    assert pool.unsure(Needs(1, 0, 60), 3 * SECOND) == "nano_usd", "it was told too long ago"
    assert due(pool, 3) == "renew", "so it is asked anew"


def test_what_was_used_elsewhere_is_told_until_it_was_heard() -> None:
    pool = leased(50)
    pool.spend("m", [1, 10, 5, 700])
    pool.spend("m", [1, 20, 5, 300])
    first = pool.tells()
    assert first["used"] == [
        {"model": "m", "requests": 2, "input_tokens": 30, "output_tokens": 10, "nano_usd": 1_000}
    ]
    pool.spend("n", [1, 1, 1, 1])
    assert pool.tells() == first, "the answer may have been lost"
    pool.heard(0)
    second = pool.tells()
    assert [row["model"] for row in second["used"]] == ["n"]
    assert second["used_number"] > first["used_number"]
    pool.heard(0)
    assert (pool.tells(), pool.untold) == ({}, False)


def test_what_was_used_elsewhere_is_told_twice_a_second_and_kept_until_then() -> None:
    """Each time is a record a model in the gateway's ledger; a renewal may be due each moment."""
    pool = leased(10)
    pool.take("r1", ONE, 0)
    pool.ended("r1", back=False)
    pool.spend("m", [1, 10, 5, 700])
    assert [due(pool, at) for at in (0.4, 0.5)] == ["", "renew"]
    assert pool.kept() == {"requests": 10}, "others would take it before it is told"
    pool.tells()
    assert (pool.kept(told=True), pool.kept(told=False)) == ({"requests": 9}, {"requests": 10})
    pool.heard(SECOND)
    pool.spend("m", [1, 10, 5, 700])
    assert [due(pool, at) for at in (1.4, 1.5)] == ["", "renew"]
    pool.tell_after(3_000, 2 * SECOND)
    assert [due(pool, at) for at in (4.9, 5)] == ["", "renew"], "it was refused"
    pool.void()
    assert pool.next(2 * SECOND, waiting=False, lacking=False) == ("tell", 5 * SECOND)
    assert pool.last(2 * SECOND) == ("tell", 5 * SECOND)
    pool.tell_after(60_000, 2 * SECOND)
    assert pool.last(2 * SECOND) == ("tell", 2 * SECOND), "nobody waits for that at the end"


def test_of_many_models_the_last_are_told_together() -> None:
    pool = leased(50)
    for number in range(40):
        pool.spend(f"m{number}", [1, 0, 0, 0])
        pool.spend(f"m{number}", [1, 0, 0])
    told = pool.tells()["used"]
    assert len(told) == 16, "the gateway takes no more; those without a price apart"
    assert sum(row["requests"] for row in told) == 80
    assert {tuple(row)[-1] for row in told[-2:]} == {"nano_usd", "output_tokens"}


@pytest.mark.parametrize(("wait_ms", "seconds"), [(2_500, 2.5), (None, 1), (3_600_000, 60)])
def test_a_wait_that_was_told_counts_up_to_a_minute_and_is_asked_about_meanwhile(
    wait_ms: int | None, seconds: float
) -> None:
    pool = leased(0, binding="project:a:rpm", wait_ms=wait_ms)
    assert pool.there_ns == seconds * SECOND
    again_s = min(seconds, 2)
    assert due(pool, again_s - 0.001, waiting=True) == ""
    assert due(pool, again_s, waiting=True) == "renew"
