"""The same request is answered once; nothing that is no whole answer is kept."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any, NoReturn

import openai
import pydantic
import pytest

from quotadeck.client.help.cache import Cache
from tests.client.help.sdks import Sdks
from tests.sim.driver import MODEL

BODY: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}]}
WHOLE = {"choices": [{"finish_reason": "stop", "message": {"content": "Hi"}}]}


def not_asked() -> dict[str, Any]:
    pytest.fail("it was asked")


def test_an_answer_is_kept_for_its_time_and_its_project() -> None:
    now_s, calls = [0.0], []
    cache = Cache(ttl_s=60, clock=lambda: now_s[0])

    def call() -> dict[str, Any]:
        calls.append(now_s[0])
        return WHOLE

    for now_s[0] in (0.0, 59.0, 60.0):
        assert cache.get_or_call(BODY, call, "analytics") == WHOLE
    assert calls == [0, 60]
    cache.get_or_call(BODY, call, "content-gen")
    assert len(calls) == 3
    assert (cache.counts.hits, cache.counts.misses) == (1, 3)


def test_nobody_changes_what_others_get() -> None:
    cache = Cache()
    own = cache.get_or_call(BODY, lambda: {"choices": [{"finish_reason": "stop"}]})
    own["choices"].clear()
    again = cache.get_or_call(BODY, not_asked)
    assert again["choices"]
    again["choices"].clear()
    assert cache.get_or_call(BODY, not_asked)["choices"]


@pytest.mark.parametrize(
    "reply",
    [
        None,
        {"error": {"message": "no"}},
        {"choices": []},
        {"choices": [{"finish_reason": "stop"}, {"finish_reason": None}]},
        {"object": "response", "status": "in_progress"},
        {"object": "response", "status": "failed"},
        {"type": "message", "stop_reason": None},
    ],
)
def test_what_did_not_end_is_not_kept(reply: Any) -> None:
    cache = Cache()
    assert cache.get_or_call(BODY, lambda: reply) == reply
    assert len(cache.kept) == 0


def test_an_error_is_raised_and_not_kept() -> None:
    cache = Cache()
    with pytest.raises(ZeroDivisionError):
        cache.get_or_call(BODY, lambda: 1 // 0)
    assert cache.get_or_call(BODY, lambda: WHOLE) == WHOLE


async def test_those_who_ask_the_same_at_once_share_one_call() -> None:
    cache, calls, go = Cache(), [], asyncio.Event()

    async def call() -> dict[str, Any]:
        calls.append(1)
        await go.wait()
        return WHOLE

    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(cache.get_or_call_async(BODY, call)) for _ in range(20)]
        await asyncio.sleep(0)
        go.set()
    assert calls == [1]
    assert all(one.result() == WHOLE for one in asked)
    assert cache.counts.joined == 19


async def test_their_error_is_everybodys_and_the_next_asks_anew() -> None:
    cache, go = Cache(), asyncio.Event()

    async def fails() -> dict[str, Any]:
        await go.wait()
        raise ConnectionResetError

    async def passes() -> dict[str, Any]:
        return WHOLE

    asked = [asyncio.create_task(cache.get_or_call_async(BODY, fails)) for _ in range(3)]
    await asyncio.sleep(0)
    go.set()
    assert [type(one) for one in await asyncio.gather(*asked, return_exceptions=True)] == [
        ConnectionResetError
    ] * 3
    assert await cache.get_or_call_async(BODY, passes) == WHOLE


async def test_who_waits_for_a_cancelled_one_asks_himself() -> None:
    cache, begun = Cache(), asyncio.Event()

    async def hangs() -> dict[str, Any]:
        begun.set()
        await asyncio.Event().wait()
        return WHOLE

    async def passes() -> dict[str, Any]:
        return WHOLE

    first = asyncio.create_task(cache.get_or_call_async(BODY, hangs))
    await begun.wait()
    second = asyncio.create_task(cache.get_or_call_async(BODY, passes))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == WHOLE
    assert first.cancelled() or first.cancelling()


def test_threads_that_ask_the_same_share_one_call() -> None:
    cache, calls, found = Cache(), [], []
    begun, go = threading.Event(), threading.Event()

    def call() -> dict[str, Any]:
        calls.append(1)
        begun.set()
        go.wait(10)
        return WHOLE

    threads = [
        threading.Thread(target=lambda: found.append(cache.get_or_call(BODY, call)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    begun.wait(10)
    go.set()
    for thread in threads:
        thread.join()
    assert calls == [1]
    assert found == [WHOLE] * 8


@pytest.mark.parametrize("fault", ["", "status=500"])
def test_the_official_sdks_answers_are_kept_and_its_errors_are_not(sdks: Sdks, fault: str) -> None:
    cache = Cache()
    headers = {"X-Sim-Fault": fault} if fault else {}

    def call() -> openai.types.chat.ChatCompletion:
        return sdks.openai(headers)

    if fault:
        with pytest.raises(openai.InternalServerError):
            cache.get_or_call(BODY, call)
        assert len(cache.kept) == 0
        return
    first = cache.get_or_call(BODY, call)
    second = cache.get_or_call(BODY, call)
    assert second == first
    assert second is not first
    assert (cache.counts.hits, cache.counts.misses) == (1, 1)
    assert 100 < cache.kept.size_bytes < 10_000


async def test_a_stream_got_as_a_reply_is_each_ones_own() -> None:
    cache, calls = Cache(), []

    async def call() -> Any:
        calls.append(1)
        await asyncio.sleep(0)
        return iter([1, 2])

    both = await asyncio.gather(*(cache.get_or_call_async(BODY, call) for _ in range(2)))
    assert [list(one) for one in both] == [[1, 2], [1, 2]]
    assert len(calls) == 2
    assert len(cache.kept) == 0


@pytest.mark.parametrize("make", [lambda: Cache(0), lambda: Cache(ttl_s=0), lambda: Cache(1, 0)])
def test_a_cache_that_keeps_nothing_is_none(make: Callable[[], Cache]) -> None:
    with pytest.raises(ValueError, match="keeps at least"):
        make()


def test_whoever_is_asked_answers_for_himself() -> None:
    cache = Cache()
    ours, theirs = {"from": "one"}, {"from": "another"}
    assert cache.get_or_call(BODY, lambda: ours, of="https://one/v1") == ours
    assert cache.get_or_call(BODY, lambda: theirs, of="https://another/v1") == theirs
    assert cache.get_or_call(BODY, not_asked, of="https://one/v1") == ours


class _NotCopied:
    """An object that guards what it has."""

    def __reduce_ex__(self, _: Any) -> NoReturn:
        raise ValueError("it is not for others")


class _NotReadBack:
    def __reduce__(self) -> Any:
        return _no_more, ()


def _no_more() -> NoReturn:
    raise ValueError("there is but one of it")


class _NotLookedAt:
    def __getattr__(self, name: str) -> NoReturn:
        raise ValueError(f"nobody asks for its {name}")


def deep(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels):
        value = {"in": value}
    return value


@pytest.mark.parametrize(
    "make",
    [
        _NotCopied, _NotReadBack, _NotLookedAt, threading.Lock,
        lambda: {("a", 1): 2}, lambda: deep(100_000),
    ],
)  # fmt: skip
def test_an_answer_is_never_lost_over_keeping_it(make: Callable[[], Any]) -> None:
    cache, given = Cache(), make()
    assert cache.get_or_call(BODY, lambda: given) is given
    cache.get_or_call(BODY, lambda: given)
    assert list(cache.stream(BODY, lambda: [given])) == [given]


async def test_nor_is_that_of_those_who_wait_for_it() -> None:
    cache, calls = Cache(), []

    async def call() -> Any:
        calls.append(1)
        await asyncio.sleep(0)
        return _NotReadBack()

    got = await asyncio.gather(*(cache.get_or_call_async(BODY, call) for _ in range(3)))
    assert [type(one) for one in got] == [_NotReadBack] * 3
    assert len(calls) == 3


def test_objects_of_types_made_at_run_time_are_kept() -> None:
    """As those that the SDK parses a reply into."""

    class Answer(pydantic.BaseModel):
        number: int

    made = pydantic.create_model("Parsed", answer=Answer)
    cache, given = Cache(), made(answer=Answer(number=1))
    cache.get_or_call(BODY, lambda: given)
    again: Any = cache.get_or_call(BODY, not_asked)
    assert again == given
    assert again is not given
