"""Providers' habits byte by byte: what the official SDK sees of them, and what is charged."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import openai
import orjson
import pytest
from openai.types.chat import ChatCompletionMessageParam

from quotadeck.domain.calls import Call, Outcome
from quotadeck.domain.price import Price
from tests.gateway.provider import Peer, provider
from tests.gateway.rig import SECRET, Rig, rig
from tests.gateway.serving import served_as
from tests.gateway.values import UPSTREAM, catalogue

PRICE = Price(1_000_000, 2_000_000, 100_000, 1_250_000, "v1")
"""1,000 nano-dollars a token of input, 2,000 of output, 100 from the cache, 1,250 to it."""
CHUNK = b'{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":['
HI = CHUNK + b'{"index":0,"delta":{"role":"assistant","content":"hi"},"finish_reason":null}]}'
STOP = CHUNK + b'{"index":0,"delta":{},"finish_reason":"stop"}]}'
COUNTS = b'"prompt_tokens":1000,"completion_tokens":100,"total_tokens":1100'
USED = CHUNK + b'],"usage":{' + COUNTS + b"}}"
ZEROS = CHUNK + b'],"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}}'
END = b"[DONE]"


def sse(*data: bytes, before: bytes = b"data: ", line_end: bytes = b"\n") -> bytes:
    return b"".join(before + one + line_end * 2 for one in data)


def stream(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n" + body


def whole(usage: bytes, status: bytes = b"200 OK", before: bytes = b"", more: bytes = b"") -> bytes:
    body = before + (
        b'{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m","choices":[{"index":'
        b'0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{'
        + usage
        + b"}"
        + more
        + b"}"
    )
    return b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
        status,
        len(body),
        body,
    )


@dataclass(frozen=True, slots=True)
class Bill:
    """What the ledger must hold; the defaults are those of an ordinary answer."""

    input_tokens: int = 1_000
    output_tokens: int = 100
    cached_tokens: int = 0
    cost_nano: int = 1_000_000 + 200_000


ORDINARY = Bill()
NUMBERED = b"".join(b"id: %d\n" % i + sse(one) for i, one in enumerate((HI, STOP, USED)))
STREAMS = {
    "plain": (sse(HI, STOP, USED, END), ORDINARY),
    "no-blank": (sse(HI, STOP, USED, END, before=b"data:"), ORDINARY),
    "crlf": (sse(HI, STOP, USED, END, line_end=b"\r\n"), ORDINARY),
    "cr": (sse(HI, STOP, USED, END, line_end=b"\r"), ORDINARY),
    "byte-order-mark": (b"\xef\xbb\xbf" + sse(HI, STOP, USED, END), ORDINARY),
    "ids": (NUMBERED + sse(END), ORDINARY),
    "ids-and-comments": (
        NUMBERED.replace(b"id:", b": ping\n\nid:") + b"\n\n: bye\n\n" + sse(END),
        ORDINARY,
    ),
    "id-at-the-end": (sse(HI, STOP, USED) + b"id: 9\nevent: done\n" + sse(END), ORDINARY),
    "retry-first": (b"retry: 3000\n\n" + sse(HI, STOP, USED, END), ORDINARY),
    "names-without-data": (b"event: ping\n\n" + sse(HI, STOP, USED, END), ORDINARY),
    "comments-as-data": (sse(b": keep-alive", HI, b": keep-alive", STOP, USED, END), ORDINARY),
    "comments-first": (b": PROCESSING\n\n" * 3 + sse(HI, STOP, USED, END), ORDINARY),
    "no-end": (sse(HI, STOP, USED), ORDINARY),
    "no-last-empty-line": (sse(HI, STOP, USED).rstrip(), ORDINARY),
    "usage-in-the-choice": (
        sse(HI, STOP[:-3] + b',"usage":{' + COUNTS + b"}}]}", END),
        ORDINARY,
    ),
    "usage-beside-the-choice": (
        sse(HI, STOP[:-1] + b',"x_groq":{"usage":{' + COUNTS + b"}}}", END),
        ORDINARY,
    ),
    "zeros-before-and-after": (sse(ZEROS, HI, STOP, USED, ZEROS, END), ORDINARY),
    "not-quite-json": (
        sse(HI[:-1] + b',"logprob":-Infinity,"half":"\\ud83d"}', STOP, USED, END),
        ORDINARY,
    ),
}
DETAILS = b',"prompt_tokens_details":{'
WHOLES = {
    "plain": (whole(COUNTS), ORDINARY),
    "byte-order-mark": (whole(COUNTS, before=b"\xef\xbb\xbf"), ORDINARY),
    "created": (whole(COUNTS, b"201 Created"), ORDINARY),
    "not-quite-json": (whole(COUNTS, more=b',"logprob":-Infinity,"x":NaN'), ORDINARY),
    "floats": (whole(COUNTS.replace(b"00,", b"00.0,")), ORDINARY),
    "nulls": (whole(COUNTS + DETAILS + b'"cached_tokens":null}'), ORDINARY),
    "deepseek": (
        whole(COUNTS + b',"prompt_cache_hit_tokens":900,"prompt_cache_miss_tokens":100'),
        Bill(cached_tokens=900, cost_nano=100_000 + 90_000 + 200_000),
    ),
    "moonshot": (
        whole(COUNTS + b',"cached_tokens":900'),
        Bill(cached_tokens=900, cost_nano=100_000 + 90_000 + 200_000),
    ),
    "cache-write": (
        whole(COUNTS + DETAILS + b'"cached_tokens":100,"cache_write_tokens":899}'),
        Bill(cached_tokens=100, cost_nano=1_000 + 10_000 + 899 * 1_250 + 200_000),
    ),
    "reasoning-beside": (
        whole(
            COUNTS.replace(b"1100", b"1400")
            + b',"completion_tokens_details":{"reasoning_tokens":300}'
        ),
        Bill(output_tokens=400, cost_nano=1_000_000 + 800_000),
    ),
    "reasoning-within": (
        whole(COUNTS + b',"completion_tokens_details":{"reasoning_tokens":90}'),
        ORDINARY,
    ),
}


ERRORS = {
    "object": sse(b'{"error":{"message":"too hot"}}'),
    "after-ids": NUMBERED + b"id: 3\n" + sse(b'{"error":{"message":"too hot"}}'),
    "named": b"event: error\n" + sse(b'{"message":"too hot"}'),
    "beside-choices": sse(
        CHUNK
        + b'{"index":0,"delta":{"content":""},"finish_reason":"error"}],'
        + b'"error":{"message":"too hot"}}',
        END,
    ),
    "at-the-top": sse(b'{"object":"error","message":"too hot","code":400}', END),
}


NOTHING = b'"prompt_tokens":0,"completion_tokens":0,"total_tokens":0'


@dataclass(frozen=True, slots=True)
class Between:
    """A gateway between the official SDK and an upstream; what is asked for names the answer."""

    sdk: openai.OpenAI
    sdk_async: openai.AsyncOpenAI
    rig: Rig

    async def whole(self, name: str) -> str:
        ask = partial(self.sdk.chat.completions.create, model="opus", messages=asking(name))
        reply = await asyncio.to_thread(ask)
        return reply.choices[0].message.content or ""

    async def stream(self, name: str) -> str:
        chunks = await self.sdk_async.chat.completions.create(
            model="opus", messages=asking(name), stream=True
        )
        return "".join([c.delta.content or "" async for chunk in chunks for c in chunk.choices])

    async def stream_in_a_thread(self, name: str) -> str:
        """The same by the synchronous client, whose reading is another code."""

        def read() -> str:
            chunks = self.sdk.chat.completions.create(
                model="opus", messages=asking(name), stream=True
            )
            return "".join(c.delta.content or "" for chunk in chunks for c in chunk.choices)

        return await asyncio.to_thread(read)


def asking(name: str) -> list[ChatCompletionMessageParam]:
    return [{"role": "user", "content": name}]


@asynccontextmanager
async def between(directory: Path, answers: Mapping[str, bytes]) -> AsyncIterator[Between]:
    async def script(peer: Peer) -> None:
        if asked := await peer.request():
            await peer.send(answers[orjson.loads(asked.body)["messages"][0]["content"]])

    of = catalogue(target={"price": PRICE}, rpm=6_000, tpm=None)
    async with provider(script) as upstream:
        there = replace(UPSTREAM, base_url=f"http://127.0.0.1:{upstream.port}/v1", timeout_s=5.0)
        async with rig(directory, replace(of, upstreams={"main": there})) as it:
            sock = socket.create_server(("127.0.0.1", 0))
            async with served_as("own", it.app, sock):
                url = f"http://127.0.0.1:{sock.getsockname()[1]}/v1"
                with openai.OpenAI(base_url=url, api_key=SECRET, max_retries=0) as sdk:
                    async with openai.AsyncOpenAI(
                        base_url=url, api_key=SECRET, max_retries=0
                    ) as sdk_async:
                        yield Between(sdk, sdk_async, it)


def billed(call: Call) -> Bill:
    assert (call.outcome, call.usage.is_estimate) == (Outcome.OK, False)
    return Bill(
        call.usage.input_tokens,
        call.usage.output_tokens,
        call.usage.cached_tokens,
        call.cost_nano_usd,
    )


pytestmark = pytest.mark.usefixtures("small_ballast")


async def test_stream_of_any_habit_is_whole_at_the_sdk_and_charged_as_stated(
    tmp_path: Path,
) -> None:
    answers = {name: stream(body) for name, (body, _) in STREAMS.items()}
    async with between(tmp_path, answers) as it:
        got = {name: await it.stream(name) for name in STREAMS}
        bills = dict(zip(STREAMS, map(billed, await it.rig.calls()), strict=True))
    assert got == dict.fromkeys(STREAMS, "hi")
    assert bills == {name: bill for name, (_, bill) in STREAMS.items()}


async def test_stream_of_any_habit_is_whole_at_the_synchronous_sdk(tmp_path: Path) -> None:
    names = [name for name in STREAMS if name.startswith("id") or name == "retry-first"]
    async with between(tmp_path, {name: stream(STREAMS[name][0]) for name in names}) as it:
        got = {name: await it.stream_in_a_thread(name) for name in names}
    assert got == dict.fromkeys(names, "hi")


async def test_whole_reply_of_any_habit_is_read_by_the_sdk_and_charged_as_stated(
    tmp_path: Path,
) -> None:
    async with between(tmp_path, {name: answer for name, (answer, _) in WHOLES.items()}) as it:
        got = {name: await it.whole(name) for name in WHOLES}
        bills = dict(zip(WHOLES, map(billed, await it.rig.calls()), strict=True))
    assert got == dict.fromkeys(WHOLES, "hi")
    assert bills == {name: bill for name, (_, bill) in WHOLES.items()}


@pytest.mark.parametrize("streamed", [True, False])
async def test_usage_of_nothing_beside_an_answer_is_charged_as_held(
    tmp_path: Path, streamed: bool
) -> None:
    answer = stream(sse(HI, STOP, ZEROS, END)) if streamed else whole(NOTHING)
    async with between(tmp_path, {"zeros": answer}) as it:
        assert await (it.stream if streamed else it.whole)("zeros") == "hi"
        call = await it.rig.call()
    assert (call.outcome, call.usage.is_estimate) == (Outcome.OK, True)
    assert call.cost_nano_usd == call.held_nano_usd > 0


async def test_error_in_a_stream_is_the_sdks_own_error_with_the_upstreams_words(
    tmp_path: Path,
) -> None:
    async with between(
        tmp_path, {name: stream(sse(HI) + body) for name, body in ERRORS.items()}
    ) as it:
        for name in ERRORS:
            with pytest.raises(openai.APIError, match="too hot"):
                await it.stream(name)
        with pytest.raises(openai.APIError, match="too hot"):
            await it.stream_in_a_thread("after-ids")
        calls = await it.rig.calls()
    assert [call.outcome for call in calls] == [Outcome.UPSTREAM_ERROR] * (len(ERRORS) + 1)
