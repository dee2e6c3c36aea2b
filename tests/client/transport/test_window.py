"""A provider's window is believed only where its replies leave no doubt, rounded as they are."""

from datetime import UTC, datetime
from math import ceil, floor
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quotadeck.client.transport.rate_headers import REQUESTS, Told, step_ms
from quotadeck.client.transport.window import MINUTE_S, SURE, Window

DAY_S = 86_400


class Bucket:
    """A provider's, to the microsecond; told as providers tell of theirs."""

    def __init__(self, limit: int, window_s: int) -> None:
        self.limit, self.window_s = limit, window_s
        self.level, self.now_us = float(limit), 1_795_489_200_400_000

    def ask(self, after_ms: int, requests: int) -> None:
        self.now_us += after_ms * 1_000
        refilled = after_ms * self.limit / self.window_s / 1_000
        self.level = min(self.limit, self.level + refilled)
        self.level -= min(requests, floor(self.level))

    @property
    def full_us(self) -> float:
        return (self.limit - self.level) * self.window_s / self.limit * 1e6

    def tell(self, form: str) -> Told:
        if form == "instant":
            at = datetime.fromtimestamp(ceil((self.now_us + self.full_us) / 1e6), UTC)
            reset = at.strftime("%Y-%m-%dT%H:%M:%SZ")
        elif form == "seconds":
            reset = str(ceil(self.full_us / 1e6))
        else:
            reset = f"{ceil(self.full_us / 1_000)}ms"
        return Told(REQUESTS, self.limit, floor(self.level), reset, self.now_us)


class Step(NamedTuple):
    after_ms: int
    requests: int


STEPS = st.lists(st.builds(Step, st.integers(0, 3_000), st.integers(1, 700)), max_size=40)
FORMS = st.sampled_from(["instant", "seconds", "ms"])


def seen(bucket: Bucket, form: str, steps: list[Step]) -> Window:
    window = Window()
    for step in steps:
        bucket.ask(*step)
        told = bucket.tell(form)
        if told.left < told.limit:
            window.see(told, told.full_ms or 0)
    return window


@given(st.sampled_from([50, 1_000, 4_000, 30_000]), FORMS, STEPS)
def test_a_limit_of_a_minute_stays_one(limit: int, form: str, steps: list[Step]) -> None:
    window = seen(Bucket(limit, MINUTE_S), form, steps)
    assert not window.is_long
    assert not window.begins_anew
    assert window.seconds == MINUTE_S


@given(st.sampled_from([200, 1_000, 10_000]), FORMS, STEPS)
def test_a_days_limit_is_never_one_of_seconds(limit: int, form: str, steps: list[Step]) -> None:
    window = seen(Bucket(limit, DAY_S), form, steps)
    assert not window.begins_anew
    assert window.seconds == MINUTE_S


@given(st.sampled_from([10, 100, 1_000]), st.sampled_from([5, 10, 20]), FORMS, STEPS)
def test_a_bucket_of_seconds_is_never_taken_for_a_days(
    limit: int, window_s: int, form: str, steps: list[Step]
) -> None:
    window = seen(Bucket(limit, window_s), form, steps)
    assert not window.is_long
    assert not window.begins_anew
    if window.seconds != MINUTE_S and form != "ms":
        assert window.seconds >= window_s * 0.5


@pytest.mark.parametrize("form", ["instant", "seconds", "ms"])
@pytest.mark.parametrize(("limit", "window_s"), [(10, 10), (1_000, 10), (200, 20)])
def test_a_bucket_of_seconds_is_known_once_half_of_it_is_gone(
    limit: int, window_s: int, form: str
) -> None:
    steps = [Step(0, limit // 2), *[Step(0, max(1, limit // 10))] * SURE]
    window = seen(Bucket(limit, window_s), form, steps)
    assert window_s <= window.seconds <= window_s * 1.3


@pytest.mark.parametrize("form", ["instant", "seconds", "ms"])
def test_a_days_limit_is_known_after_a_few_replies(form: str) -> None:
    window = seen(Bucket(10_000, DAY_S), form, [Step(0, 1)] * SURE)
    assert window.is_long


@pytest.mark.parametrize("first", [0, 30])
def test_a_window_that_begins_anew_is_neither(first: int) -> None:
    """1,000 in each minute of the clock: early in it, one that is gone comes back in a minute."""
    window = Window()
    for second in range(first, 60):
        told = Told(REQUESTS, 1_000, 1_000 - (second + 1) * 15, f"{60 - second}s", 0)
        window.see(told, told.full_ms or 0)
    assert window.begins_anew
    assert not window.is_long
    assert window.seconds == MINUTE_S


@pytest.mark.parametrize(
    ("reset", "ms"),
    [("12ms", 1), ("1m0.5s", 100), ("8.64s", 10), ("20s", 1_000), ("6m0s", 1_000), ("60", 1_000),
     ("1.25", 10), ("2026-11-24T03:00:07Z", 1_000), ("2026-11-24T03:00:07.250Z", 1), ("", 1_000)],
)  # fmt: skip
def test_the_step_of_a_reset_is_that_of_its_last_digit(reset: str, ms: int) -> None:
    assert step_ms(reset) == ms
