"""A revoked key still used is told at once and then rarely; strangers when they are many."""

from quotadeck.domain.cause import Cause
from quotadeck.domain.refusals import (
    KeyMissing,
    KeyRevoked,
    KeyUnknown,
    LimitReached,
    NoSuchPath,
    Refusal,
)
from quotadeck.domain.snapshot import Event
from quotadeck.gateway.data.arrival import Arrival
from quotadeck.gateway.data.keys import Caller
from quotadeck.gateway.data.observers import RefusedRequest
from quotadeck.gateway.watch.key_alarm import MANY, KeyAlarm
from quotadeck.words import say
from tests.clocks import HandClock
from tests.gateway.values import NOON_US, catalogue, plan

REVOKED = KeyRevoked("k_old", "analytics")
MINUTE_MS = 60_000


class Told:
    """The alarm, and what it told; its job runs every second that passes."""

    def __init__(self) -> None:
        self.clock = HandClock(NOON_US)
        self.events: list[Event] = []
        self.alarm = KeyAlarm(self.clock, self.events.append)
        self.plan = plan(catalogue())

    def refused(self, refusal: Refusal, times: int = 1, key: str = "k_old") -> None:
        known = isinstance(refusal, KeyRevoked | LimitReached)
        caller = Caller(key, "analytics") if known else None
        arrival = Arrival("req_1", NOON_US, self.clock.monotonic_ns())
        for _ in range(times):
            self.alarm.refused(RefusedRequest(arrival, caller, None, refusal, 401, self.plan))

    def passes(self, ms: int) -> None:
        for _ in range(0, ms, 1_000):
            self.clock.advance_ms(1_000)
            self.alarm.second()

    @property
    def texts(self) -> list[str]:
        return [say(event.told) for event in self.events]


def test_a_revoked_key_is_told_at_its_first_use_with_its_id() -> None:
    it = Told()
    it.refused(REVOKED, 3)
    assert it.texts == ["analytics: the revoked key k_old is still used"]
    assert it.events[0].subject == "project:analytics"


def test_what_goes_on_is_one_event_with_a_count_every_five_minutes() -> None:
    it = Told()
    for _ in range(10):
        it.refused(REVOKED, 3)
        it.passes(MINUTE_MS)
    counts = [event.told.facts["count"] for event in it.events]
    assert counts == [1, 14, 15]
    assert "is still used, 15 times in 5m" in it.texts[-1]


def test_what_ceased_is_told_anew_when_it_comes_back() -> None:
    it = Told()
    it.refused(REVOKED)
    it.passes(6 * MINUTE_MS)
    assert len(it.events) == 1
    it.refused(REVOKED)
    assert it.texts[0] == it.texts[1]


def test_keys_are_told_apart() -> None:
    it = Told()
    it.refused(REVOKED, 2)
    it.refused(REVOKED, 2, key="k_older")
    assert [event.told.facts["key"] for event in it.events] == ["k_old", "k_older"]


def test_a_strangers_odd_request_is_not_told_and_many_in_a_minute_are() -> None:
    it = Told()
    for _ in range(5):
        it.refused(KeyUnknown(), MANY - 1)
        it.passes(MINUTE_MS)
    assert it.events == []
    it.refused(KeyUnknown(), MANY)
    assert it.texts == ["10 requests in 1s came with a key that is none of ours"]
    assert it.events[0].subject == ""


def test_strangers_are_counted_by_cause_whatever_they_send() -> None:
    it = Told()
    for number in range(MANY):
        it.refused(NoSuchPath(f"/{number}", ()))
        it.refused(KeyMissing())
    assert [event.told.kind for event in it.events] == ["stranger.wrong_path", "stranger.bad_key"]
    assert len(it.alarm._runs) == 2
    it.passes(6 * MINUTE_MS)
    assert not it.alarm._runs


def test_other_refusals_are_none_of_its_business() -> None:
    it = Told()
    it.refused(LimitReached("project:analytics:rpm", 60, "rpm", 1, 1_500, Cause.RPM), 100)
    assert it.events == []
