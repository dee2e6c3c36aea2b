"""The same request is answered once; nothing that is no whole answer is kept."""

import asyncio
import gc
import threading
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import nullcontext
from typing import Any, NoReturn

import httpx
import httpx2
import openai
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from quotadeck.client.help.cache import Cache
from quotadeck.client.help.cache_key import cache_key
from quotadeck.client.help.kept import Kept
from tests.client.help.sdks import Sdks
from tests.sim.driver import MODEL, Upstream

BODY: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}]}
WHOLE = {"choices": [{"finish_reason": "stop", "message": {"content": "Hi"}}]}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=6,
)  # fmt: skip
BODIES = st.dictionaries(st.text(), JSON, max_size=5)


def not_asked() -> dict[str, Any]:
    pytest.fail("it was asked")


def shuffled(value: Any) -> Any:
    """The same, written down otherwise."""
    if isinstance(value, dict):
        return {name: shuffled(value[name]) for name in reversed(value)}
    if isinstance(value, list):
        return tuple(shuffled(one) for one in value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**50:
        return float(value)
    return value


@settings(max_examples=40)
@given(BODIES, st.text())
def test_the_same_body_has_one_key_however_it_is_written(
    body: dict[str, Any], project: str
) -> None:
    assert cache_key(body, project) == cache_key(shuffled(body), project)
    assert cache_key(body, project) != cache_key(body, project + "x")


def plain(value: Any) -> Any:
    """As `repr` tells values apart, less what JSON does not."""
    if isinstance(value, dict):
        return sorted((name, plain(inner)) for name, inner in value.items())
    if isinstance(value, list):
        return [plain(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@settings(max_examples=40)
@given(BODIES, BODIES)
def test_different_bodies_have_different_keys(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert (repr(plain(one)) == repr(plain(other))) == (cache_key(one) == cache_key(other))


def test_what_does_not_change_the_answer_can_be_left_out() -> None:
    assert cache_key({**BODY, "user": "a"}, without=["user"]) == cache_key(BODY)
    assert cache_key({**BODY, "user": "a"}) != cache_key(BODY)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), b"bytes", object(), {1: 2}])
def test_what_is_no_body_has_no_key(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        cache_key({"a": value})


STEPS = st.lists(
    st.tuples(
        st.sampled_from("abcde"), st.integers(1, 60), st.sampled_from(["put", "get", "wait"])
    ),
    max_size=60,
)


@given(STEPS, st.integers(1, 4), st.integers(1, 100))
def test_it_never_holds_more_than_its_bounds(
    steps: list[tuple[str, int, str]], entries: int, most: int
) -> None:
    now_s = [0.0]
    kept = Kept(entries, most, 100, lambda: now_s[0])
    model: dict[str, tuple[int, float]] = {}
    for key, size, what in steps:
        if what == "wait":
            now_s[0] += size
        elif what == "put":
            kept.put(key, size, size)
            model.pop(key, None)
            if size <= most:
                model[key] = size, now_s[0] + 100
            while len(model) > entries or sum(one for one, _ in model.values()) > most:
                del model[next(iter(model))]
        else:
            known = model.pop(key, None)
            if known and known[1] > now_s[0]:
                model[key] = known
                assert kept.get(key) == known[0]
            else:
                assert kept.get(key) is None
        assert len(kept) == len(model) <= entries
        assert kept.size_bytes == sum(one for one, _ in model.values()) <= most


def test_what_was_used_longest_ago_goes_first() -> None:
    kept = Kept(2, 100, 100, lambda: 0.0)
    for key in "ab":
        kept.put(key, key, 1)
    assert kept.get("a") == "a"
    kept.put("c", "c", 1)
    assert [kept.get(key) for key in "abc"] == ["a", None, "c"]


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


@pytest.mark.parametrize(
    ("fault", "ends"),
    [
        ("", None),
        ("truncate=2", None),
        ("stream-error=2", openai.APIError),
        ("reset-chunk=2", (httpx.HTTPError, httpx2.HTTPError, openai.APIError)),
    ],
)
def test_a_stream_is_kept_only_whole(sdks: Sdks, fault: str, ends: Any) -> None:
    cache = Cache()

    def call() -> openai.Stream[openai.types.chat.ChatCompletionChunk]:
        return sdks.chat.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": "Hello"}],
            stream=True,
            extra_headers={"X-Sim-Fault": fault} if fault else {},
        )

    events: list[Any] = []
    with pytest.raises(ends) if ends else nullcontext():
        events += cache.stream(BODY, call)
    assert len(cache.kept) == (0 if fault else 1)
    if not fault:
        assert list(cache.stream(BODY, list)) == events


async def test_a_stream_that_its_reader_leaves_is_not_kept(upstream: Upstream) -> None:
    cache = Cache()
    async with openai.AsyncOpenAI(base_url=upstream.base_url, api_key="any", max_retries=0) as sdk:

        async def call() -> openai.AsyncStream[openai.types.chat.ChatCompletionChunk]:
            return await sdk.chat.completions.create(
                model=MODEL, messages=[{"role": "user", "content": "Hello"}], stream=True
            )

        reading = cache.stream_async(BODY, call)
        await anext(reading)
        await reading.aclose()  # type: ignore[attr-defined]
        assert len(cache.kept) == 0
        whole = [event async for event in cache.stream_async(BODY, call)]
        assert len(cache.kept) == 1
        assert [event async for event in cache.stream_async(BODY, call)] == whole


@pytest.mark.parametrize(
    ("events", "kept"),
    [
        ([{"type": "message_start"}, {"type": "message_stop"}], 1),
        ([{"type": "message_start"}, {"type": "content_block_delta"}], 0),
        ([{"type": "response.created"}, {"type": "response.completed"}], 1),
        ([{"type": "response.created"}, {"type": "response.failed"}], 0),
        ([{"choices": [{"index": 0, "finish_reason": "stop"}]}, {"choices": []}], 1),
        ([{"choices": [{"index": 0}]}, {"choices": [{"index": 1, "finish_reason": "stop"}]}], 0),
        ([{"choices": [{"index": 0, "finish_reason": "stop"}]}, {"error": {"code": 500}}], 0),
        ([], 0),
    ],
)
def test_a_whole_stream_of_each_form_is_known(events: list[Any], kept: int) -> None:
    cache = Cache()
    assert list(cache.stream(BODY, lambda: events)) == events
    assert len(cache.kept) == kept


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


def chunks(count: int) -> Iterator[Any]:
    """A stream of the official SDK's objects, which are the caller's to change."""
    for number in range(count):
        ends = "stop" if number == count - 1 else None
        delta = {"index": 0, "delta": {"content": f"word {number} "}, "finish_reason": ends}
        yield ChatCompletionChunk.model_validate(
            {
                "id": "chatcmpl-1",
                "object": "chat.completion.chunk",
                "created": 1,
                "model": MODEL,
                "choices": [delta],
            }
        )


def replied() -> ChatCompletion:
    said = {"role": "assistant", "content": "Hi"}
    return ChatCompletion.model_validate(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": MODEL,
            "choices": [{"index": 0, "message": said, "finish_reason": "stop"}],
        }
    )


def test_what_the_first_reader_of_a_stream_makes_of_it_is_his_alone() -> None:
    cache = Cache()
    for event in cache.stream(BODY, lambda: chunks(3)):
        event.choices[0].delta.content = "mine"
    for _ in range(2):
        kept = list(cache.stream(BODY, lambda: chunks(0)))
        assert kept == list(chunks(3))
        kept[0].choices.clear()


async def test_and_so_it_is_in_asyncio() -> None:
    cache = Cache()

    async def events() -> Any:
        async def come() -> AsyncIterator[Any]:
            for event in chunks(3):
                yield event

        return come()

    async for event in cache.stream_async(BODY, events):
        event.choices[0].delta.content = "mine"
    assert [event async for event in cache.stream_async(BODY, events)] == list(chunks(3))


def test_a_stream_and_a_whole_reply_are_not_each_others() -> None:
    cache = Cache()
    list(cache.stream(BODY, lambda: chunks(3)))
    assert cache.get_or_call(BODY, replied) == replied()
    assert list(cache.stream(BODY, lambda: chunks(0))) == list(chunks(3))


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


@pytest.mark.parametrize("streamed", [False, True])
def test_it_takes_no_more_memory_than_it_counts(streamed: bool) -> None:
    cache = Cache()

    def fill(number: int) -> None:
        body = {**BODY, "seed": number}
        if streamed:
            list(cache.stream(body, lambda: chunks(50)))
        else:
            cache.get_or_call(body, replied)

    fill(0)
    cache.kept.clear()
    gc.collect()
    tracemalloc.start()
    try:
        for number in range(100):
            fill(number)
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held / 1.2 <= cache.kept.size_bytes <= held * 1.5


def test_a_stream_larger_than_all_that_is_kept_passes_and_is_not() -> None:
    cache = Cache(most_bytes=5_000)
    assert len(list(cache.stream(BODY, lambda: chunks(100)))) == 100
    assert len(cache.kept) == 0
