"""A 429 is tried again when it says so, other errors surface at once."""

import asyncio
import random
import time
from email.utils import formatdate
from typing import Any

import anthropic
import httpx
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quotadeck.client import Backoff
from quotadeck.client.help.failures import Failure, Kind, failure_of
from quotadeck.client.help.retry import Retry
from tests.client.help.sdks import Sdks
from tests.sim.driver import MODEL

LIMITED = Failure(Kind.LIMITED, 429)


def told(**headers: str) -> Failure:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return LIMITED._replace(headers=named)


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"retry_after": "2"}, 2),
        ({"retry_after": "0.5"}, 0.5),
        ({"retry_after_ms": "1500"}, 1.5),
        ({"retry_after": "1", "retry_after_ms": "1500"}, 1.5),
        ({"retry_after": "0"}, 1),
        ({"retry_after": "-5"}, 1),
        ({"retry_after": "4233600"}, 60),
        ({"retry_after": "1e300"}, 60),
        ({"retry_after": "inf"}, 60),
        ({"retry_after_ms": "99999999999999999999"}, 60),
        ({"retry_after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 1),
        ({"retry_after": "Fri, 31 Dec 9999 23:59:59 GMT"}, 60),
        ({"retry_after": "nan"}, 1),
        ({"retry_after": "soon"}, 1),
        ({"retry_after": ""}, 1),
        ({}, 1),
    ],
)
def test_a_wait_is_read_in_every_form_and_capped(headers: dict[str, str], wait_s: float) -> None:
    assert Retry().wait_s(told(**headers), 1, chance=0) == wait_s


def test_a_date_is_waited_for() -> None:
    wait_s = Retry().wait_s(told(retry_after=formatdate(time.time() + 10, usegmt=True)), 1, 0)
    assert wait_s is not None
    assert 5 < wait_s <= 10


@given(
    st.builds(
        Backoff,
        base_s=st.floats(0.01, 10),
        factor=st.floats(1, 5),
        ceiling_s=st.floats(10, 600),
        tries=st.integers(1, 30),
        jitter=st.floats(0, 1),
    ),
    st.text() | st.floats(0, 1e9).map(str),
    st.integers(1, 40),
    st.floats(0, 1),
)
def test_no_wait_is_below_what_was_told_nor_above_the_ceiling(
    backoff: Backoff, retry_after: str, tried: int, chance: float
) -> None:
    retry = Retry(backoff)
    wait_s = retry.wait_s(told(retry_after=retry_after), tried, chance)
    assert (wait_s is None) == (tried >= backoff.tries)
    if wait_s is not None:
        assert 0 <= wait_s <= backoff.ceiling_s
        try:
            seconds = int(float(retry_after) * 1_000) / 1_000
        except (ValueError, OverflowError):
            return
        assert wait_s >= min(seconds, backoff.ceiling_s) - 0.001


def test_without_a_wait_told_it_doubles_up_to_a_minute() -> None:
    retry = Retry(Backoff(tries=10))
    waits = [retry.wait_s(LIMITED, tried, chance=0) for tried in range(1, 11)]
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60, None]


def test_five_tries_are_made_by_default() -> None:
    slept: list[float] = []

    def refused() -> None:
        raise Refused(429)

    with pytest.raises(Refused):
        Retry().run(refused, slept.append)
    assert len(slept) == 4


class Refused(Exception):
    """As an SDK's error, by what it carries."""

    def __init__(self, status: int, code: str = "", **headers: str) -> None:
        self.status_code = status
        self.code = code
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.mark.parametrize(
    "error",
    [
        Refused(400),
        Refused(401),
        Refused(500),
        Refused(529),
        Refused(429, "insufficient_quota"),
        Refused(402),
        Refused(429, X_Should_Retry="false", Retry_After="1"),
        TimeoutError(),
        ConnectionResetError(),
        ValueError(),
    ],
)
def test_other_errors_surface_at_once(error: Exception) -> None:
    calls = []

    def fails() -> None:
        calls.append(1)
        raise error

    with pytest.raises(type(error)):
        Retry().run(fails, lambda _: pytest.fail("it waited"))
    assert calls == [1]


async def test_an_awaited_call_is_tried_again_until_it_passes() -> None:
    answers: list[Any] = [Refused(429, Retry_After="3"), Refused(429), "passed"]
    slept: list[float] = []

    async def call() -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    async def sleep(wait_s: float) -> None:
        slept.append(wait_s)

    assert await Retry(Backoff(jitter=0)).run_async(call, sleep) == "passed"
    assert slept[0] >= 3
    assert slept[1:] == [2]


async def test_a_cancelled_call_is_not_tried_again() -> None:
    calls = []
    begun = asyncio.Event()

    async def hangs() -> None:
        calls.append(1)
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(Retry().run_async(hangs))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert calls == [1]


@pytest.mark.parametrize(
    ("fault", "least_s"),
    [
        ("retry-after=1", 1),
        ("retry-after-ms=40", 0.04),
        ("retry-after-date=2", 0),
        ("status=429", 0),
    ],
)
def test_the_official_sdks_429_is_waited_for(sdks: Sdks, fault: str, least_s: float) -> None:
    slept: list[float] = []
    faults = [{"X-Sim-Fault": fault}, {}]
    assert Retry().run(lambda: sdks.openai(faults.pop(0)), slept.append).choices
    assert len(slept) == 1
    assert least_s <= slept[0] <= 3


@pytest.mark.parametrize(
    ("fault", "kind", "status"),
    [
        ("status=429", Kind.LIMITED, 429),
        ("insufficient-quota", Kind.NO_MONEY, 429),
        ("insufficient-quota=402", Kind.NO_MONEY, 402),
        ("status=401", Kind.REFUSED, 401),
        ("status=408", Kind.LATE, 408),
        ("status=503", Kind.FAILED, 503),
        ("html", Kind.FAILED, 502),
        ("refuse", Kind.NOT_REACHED, 0),
        ("slow=5", Kind.LATE, 0),
    ],
)
@pytest.mark.parametrize("family", ["openai", "anthropic", "httpx"])
def test_every_kind_of_failure_is_known_by_its_error(
    sdks: Sdks, family: str, fault: str, kind: Kind, status: int
) -> None:
    with pytest.raises((openai.APIError, anthropic.APIError, httpx.HTTPError)) as caught:
        getattr(sdks, family)({"X-Sim-Fault": fault}, 0.2 if fault == "slow=5" else 30)
    failure = failure_of(caught.value)
    # Anthropic has no such 429, and httpx's error does not read the body.
    if family != "openai" and fault == "insufficient-quota":
        kind = Kind.LIMITED
    assert (failure.kind, failure.status) == (kind, status)


@pytest.mark.parametrize("family", ["chat", "claude"])
def test_an_error_in_the_middle_of_a_stream_is_one_of_the_provider(sdks: Sdks, family: str) -> None:
    said: Any = {"role": "user", "content": "Hello"}
    create: Any = sdks.claude.messages if family == "claude" else sdks.chat.chat.completions
    with pytest.raises((openai.APIError, anthropic.APIError)) as caught:  # noqa: PT012
        stream = create.create(
            model=MODEL,
            max_tokens=50,
            messages=[said],
            stream=True,
            extra_headers={"X-Sim-Fault": "stream-error=2"},
        )
        assert list(stream)
    assert failure_of(caught.value).kind is Kind.FAILED


def test_chance_spreads_those_who_were_refused_together() -> None:
    dice = random.Random(1)
    waits = {Retry().wait_s(told(retry_after="2"), 1, dice.random()) for _ in range(100)}
    assert len(waits) > 90
    assert all(wait is not None and 2 <= wait <= 3 for wait in waits)
