"""What is learned of a provider's limits holds the manager back, and nothing else does."""

from typing import Any

import pytest

from quotadeck.client import AcquireTimeout, Estimate, QuotaManager
from quotadeck.client.providers import Place
from quotadeck.client.transport.provider import Mark, Provider
from quotadeck.client.transport.rate_headers import limits_told
from quotadeck.domain.limits import MAX_PER_MINUTE, MICRO
from tests.clocks import HandClock


class Rig:
    """A provider of a manager without limits, on a clock that the test turns."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.manager = QuotaManager(None, None, None, clock=self.clock)
        self.core = self.manager._core
        self.provider = self.core.providers.begin(
            Place("api.example.com", "m", 1), lambda name: Provider(name, self.core)
        )

    def ask(self, tokens: int = 10) -> Mark:
        """Send a request of this size. Raises AcquireTimeout where it would have to wait."""
        want = self.core.want("p", Estimate(tokens), None, 0, (self.provider,))
        reservation = self.core.admit(want)
        assert reservation
        mark = self.provider.sent(tokens)
        reservation.settle(tokens)
        return mark

    def tell(
        self, mark: Mark, left: int, reset: str, limit: int = 60, unit: str = "requests"
    ) -> None:
        headers = {
            f"x-ratelimit-limit-{unit}": str(limit),
            f"x-ratelimit-remaining-{unit}": str(left),
            f"x-ratelimit-reset-{unit}": reset,
        }
        self.provider.learn(mark, limits_told(headers, self.clock.wall_us()))

    def wait_s(self, tokens: int = 10) -> float | None:
        try:
            self.ask(tokens)
        except AcquireTimeout as waits:
            return (
                waits.wait_s if waits.bucket.startswith(f"provider:{self.provider.name}:") else None
            )
        return 0


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_a_limit_that_was_told_is_kept(rig: Rig) -> None:
    rig.tell(rig.ask(), left=2, reset="58s")
    assert [rig.wait_s(), rig.wait_s()] == [0, 0]
    assert rig.wait_s() == 1
    rig.clock.advance_ms(1_000)
    assert rig.wait_s() == 0


def test_tokens_are_kept_too(rig: Rig) -> None:
    rig.tell(rig.ask(), left=100, reset="54s", limit=1_000, unit="tokens")
    assert rig.wait_s(100) == 0
    assert rig.wait_s(50) == 3


def test_what_others_used_is_noticed(rig: Rig) -> None:
    rig.tell(rig.ask(), left=30, reset="30s")
    rig.tell(rig.ask(), left=5, reset="55s")
    assert [rig.wait_s() for _ in range(5)] == [0] * 5
    assert rig.wait_s() == 1


def test_an_old_answer_takes_nothing_twice(rig: Rig) -> None:
    """Four are under way when each of their replies tells the same that others used."""
    rig.tell(rig.ask(), left=30, reset="30s")
    marks = [rig.ask() for _ in range(4)]
    for behind, mark in enumerate(marks):
        rig.tell(mark, left=19 - behind, reset="40s")
    assert [rig.wait_s() for _ in range(16)] == [0] * 16
    assert rig.wait_s() == 1


def test_a_reply_that_was_overtaken_takes_nothing(rig: Rig) -> None:
    rig.tell(rig.ask(), left=30, reset="30s")
    first, second = rig.ask(), rig.ask()
    rig.tell(second, left=29, reset="31s")
    rig.tell(first, left=28, reset="32s")
    assert [rig.wait_s() for _ in range(28)] == [0] * 28
    assert rig.wait_s() == 1


def test_replies_that_agree_are_believed_while_others_are_under_way(rig: Rig) -> None:
    rig.tell(rig.ask(), left=30, reset="30s")
    marks = [rig.ask() for _ in range(10)]
    for behind, mark in enumerate(marks[:5]):
        rig.tell(mark, left=19 - behind, reset="40s")
    assert rig.provider._paced["requests"].corrected == 0
    rig.tell(marks[5], left=14, reset="46s")
    assert rig.provider._paced["requests"].corrected == 10 * MICRO
    assert [rig.wait_s() for _ in range(10)] == [0] * 10
    assert rig.wait_s() == 1


def test_a_pause_lasts_as_long_as_was_told_and_a_minute_at_most(rig: Rig) -> None:
    rig.provider.pause(2_500)
    rig.provider.pause(1_000)
    assert rig.wait_s() == 2.5
    rig.clock.advance_ms(2_500)
    assert rig.wait_s() == 0
    rig.provider.pause(3_600_000)
    assert rig.wait_s() == 60
    rig.clock.advance_ms(90_000)
    rig.provider.pause(1_000)
    assert rig.wait_s() == 1


def test_the_report_tells_of_it(rig: Rig) -> None:
    rig.tell(rig.ask(), left=30, reset="30s")
    rig.ask()
    rig.provider.pause(2_500)
    rig.provider.refused += 1
    [told] = rig.manager.usage_report().providers
    assert told[:3] == ("api.example.com/m", 1, 2.5)
    assert [(room.kind, room.limit, room.left) for room in told.rooms] == [("rpm", 60, 29)]
    *_, last = str(rig.manager.usage_report()).splitlines()
    assert last.split() == ["api.example.com/m", "1", "2.5", "s", "29", "now", "of", "60", "rpm"]


def test_a_days_limit_is_no_rate(rig: Rig) -> None:
    """10,000 a day refill one in 8.64 s; as a minute's they would be no limit at all."""
    for gone in (1, 2, 3):
        rig.tell(rig.ask(), left=10_000 - gone, reset=f"{gone * 8.64:.2f}s", limit=10_000)
    assert not rig.provider.takes(1, 0)
    rig.tell(rig.ask(), left=0, reset="8.64s", limit=10_000)
    assert rig.wait_s() == pytest.approx(8.64)


def test_a_window_that_begins_anew_is_waited_for(rig: Rig) -> None:
    rig.tell(rig.ask(), left=30, reset="50s")
    rig.tell(rig.ask(), left=0, reset="20s")
    assert rig.wait_s() == 20


def test_a_bucket_of_seconds_is_one_of_seconds(rig: Rig) -> None:
    """As a gateway's: ten seconds' worth of 60 a minute are 10, and refill in ten seconds."""
    for left in (9, 8, 7):
        rig.tell(rig.ask(), left=left, reset=f"{10 - left}s", limit=10)
    [take] = rig.provider.takes(1, 0)
    limit: Any = take.limit
    assert (limit.per_minute, limit.window_s) == (60, 10)


def test_a_limit_whose_reset_is_told_in_whole_seconds_is_kept(rig: Rig) -> None:
    """Of 1,000 a minute one that is gone is back "in a second", which a thousand of would take
    1,000 s: Anthropic tells it so."""
    for left in (999, 998, 997):
        rig.tell(rig.ask(), left=left, reset="1", limit=1_000)
    rig.tell(rig.ask(), left=400, reset="36", limit=1_000)
    rig.tell(rig.ask(), left=1, reset="60", limit=1_000)
    assert rig.wait_s() == 0
    assert rig.wait_s() == pytest.approx(0.06)


@pytest.mark.parametrize("limit", [10**11, 10**12])
def test_a_limit_beyond_all_that_are_is_the_highest(rig: Rig, limit: int) -> None:
    for _ in range(3):
        rig.tell(rig.provider.sent(1), left=1, reset="2.00s", limit=limit, unit="tokens")
    [take] = rig.provider.takes(1, 0)
    told: Any = take.limit
    assert told.per_minute == MAX_PER_MINUTE


def test_anthropics_tighter_limits_hold_back_when_they_are_used_up(rig: Rig) -> None:
    told = {
        "anthropic-ratelimit-output-tokens-limit": "8000",
        "anthropic-ratelimit-output-tokens-remaining": "0",
        "anthropic-ratelimit-output-tokens-reset": "2026-11-24T03:00:07Z",
    }
    rig.provider.learn(rig.ask(), limits_told(told, rig.clock.wall_us()))
    assert rig.wait_s() == 7
