"""Every fault can be called up, and is what it says."""

import gzip
import time
from collections.abc import Awaitable, Callable
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import orjson
import pytest

from quotadeck.sim.faults import HEADER, KINDS

from .driver import MODEL, Raw, Upstream, body, events, took_s

STREAM: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}
TEXT = "A reply of some length, please."
DONE = b"data: [DONE]\n\n"
Check = Callable[["Provoke"], Awaitable[None]]


class Provoke:
    """Sends the same request with one fault or none."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    async def json(self, fault: str | None = None, enough_bytes: int | None = None) -> Raw:
        return await self._send(body(TEXT, max_tokens=30), fault, enough_bytes)

    async def stream(self, fault: str | None = None, enough_bytes: int | None = None) -> Raw:
        return await self._send(body(TEXT, max_tokens=30, **STREAM), fault, enough_bytes)

    async def _send(self, payload: object, fault: str | None, enough_bytes: int | None) -> Raw:
        headers = {} if fault is None else {HEADER: fault}
        return await self._upstream.exchange(payload, headers, enough_bytes)


def error_of(raw: Raw) -> dict[str, Any]:
    return dict(orjson.loads(raw.body)["error"])


def said(raw: Raw) -> str:
    return "".join(
        choice["delta"].get("content") or ""
        for event in events(raw.body)
        if event != "[DONE]"
        for choice in event["choices"]
    )


async def check_status(provoke: Provoke) -> None:
    for status in (400, 401, 403, 404, 408, 429, 500, 502, 503, 529, 418):
        raw = await provoke.json(f"status={status}")
        assert raw.status == status
        assert set(error_of(raw)) == {"message", "type", "param", "code"}
        assert "retry-after" not in raw.headers
        assert "retry-after-ms" not in raw.headers
        assert raw.headers["x-request-id"]


async def check_retry_after(provoke: Provoke) -> None:
    for value, header in (("7", "7"), ("1000000000", "1000000000"), ("0.5", "0.5")):
        raw = await provoke.json(f"retry-after={value}")
        assert (raw.status, raw.headers["retry-after"]) == (429, header)
        assert error_of(raw)["code"] == "rate_limit_exceeded"


async def check_retry_after_date(provoke: Provoke) -> None:
    raw = await provoke.json("retry-after-date=90")
    ahead_s = parsedate_to_datetime(raw.headers["retry-after"]).timestamp() - time.time()
    assert raw.status == 429
    assert 80 < ahead_s <= 90


async def check_retry_after_ms(provoke: Provoke) -> None:
    raw = await provoke.json("retry-after-ms=250")
    assert (raw.status, raw.headers["retry-after-ms"]) == (429, "250")
    assert "retry-after" not in raw.headers


async def check_insufficient_quota(provoke: Provoke) -> None:
    raw = await provoke.json("insufficient-quota")
    assert (raw.status, error_of(raw)["code"]) == (429, "insufficient_quota")


async def check_hostile(provoke: Provoke) -> None:
    raw = await provoke.json("hostile=400")
    error = error_of(raw)
    assert raw.status == 400
    for name in ("message", "type", "code"):
        assert "\x1b]52;" in error[name]
        assert "\u202e" in error[name]
    assert "x-injected" not in raw.headers


async def check_error_200(provoke: Provoke) -> None:
    for raw in (await provoke.json("error-200"), await provoke.stream("error-200")):
        assert raw.status == 200
        assert error_of(raw)["message"]


async def check_html(provoke: Provoke) -> None:
    raw = await provoke.json("html=504")
    assert raw.status == 504
    assert raw.headers["content-type"].startswith("text/html")
    assert raw.body.startswith(b"<html>")


async def check_empty(provoke: Provoke) -> None:
    raw = await provoke.json("empty")
    assert (raw.status, raw.body, raw.ended) == (200, b"", "clean")


async def check_refuse(provoke: Provoke) -> None:
    raw = await provoke.json("refuse")
    assert (raw.status, raw.ended) == (0, "reset")


async def check_slow(provoke: Provoke) -> None:
    began_s = time.monotonic()
    raw = await provoke.json("slow=0.15")
    assert took_s(began_s) >= 0.15
    assert orjson.loads(raw.body)["choices"]


async def check_early_hints(provoke: Provoke) -> None:
    raw = await provoke.json("early-hints")
    assert raw.before.startswith(b"HTTP/1.1 103 Early Hints")
    assert raw.status == 200
    assert orjson.loads(raw.body)["choices"]


async def check_huge_body(provoke: Provoke) -> None:
    raw = await provoke.json("huge-body=3")
    assert len(raw.body) > 3 << 20
    assert raw.ended == "clean"
    assert orjson.loads(raw.body)["id"] == "chatcmpl-huge"


async def check_gzip_bomb(provoke: Provoke) -> None:
    raw = await provoke.json("gzip-bomb=8")
    assert raw.headers["content-encoding"] == "gzip"
    assert len(raw.body) < 64 << 10
    unpacked = gzip.decompress(raw.body)
    assert len(unpacked) > 8 << 20
    assert orjson.loads(unpacked) == {}


def usage_check(kind: str, expected: Callable[[int], object]) -> Check:
    async def check(provoke: Provoke) -> None:
        truth = orjson.loads((await provoke.json()).body)["usage"]
        lied = orjson.loads((await provoke.json(kind)).body)["usage"]
        streamed = events((await provoke.stream(kind)).body)[-2]
        for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
            assert lied[name] == expected(truth[name])
            assert type(lied[name]) is type(expected(truth[name]))
            assert streamed["usage"][name] == lied[name]
        assert streamed["choices"] == []

    return check


async def check_usage_missing(provoke: Provoke) -> None:
    assert "usage" not in orjson.loads((await provoke.json("usage-missing")).body)
    *chunks, done = events((await provoke.stream("usage-missing")).body)
    assert done == "[DONE]"
    assert all(chunk["choices"] and "usage" not in chunk for chunk in chunks)


async def check_usage_null(provoke: Provoke) -> None:
    assert orjson.loads((await provoke.json("usage-null")).body)["usage"] is None
    chunk = events((await provoke.stream("usage-null")).body)[-2]
    assert (chunk["choices"], chunk["usage"]) == ([], None)


async def check_usage_on_finish(provoke: Provoke) -> None:
    finish, done = events((await provoke.stream("usage-on-finish")).body)[-2:]
    assert done == "[DONE]"
    assert finish["choices"][0]["finish_reason"] == "length"
    assert finish["usage"]["completion_tokens"] == 30


async def check_reset_chunk(provoke: Provoke) -> None:
    whole = (await provoke.stream()).chunks
    for at in range(len(whole)):
        raw = await provoke.stream(f"reset-chunk={at}")
        assert (raw.status, raw.ended, len(raw.chunks)) == (200, "reset", at)


async def check_reset_byte(provoke: Provoke) -> None:
    for at in (0, 1, 100, 700):
        for raw in (
            await provoke.json(f"reset-byte={at}"),
            await provoke.stream(f"reset-byte={at}"),
        ):
            assert (raw.status, raw.ended, len(raw.body)) == (200, "reset", at)


async def check_truncate(provoke: Provoke) -> None:
    whole = await provoke.stream()
    almost = await provoke.stream("truncate")
    assert almost.ended == "clean"
    assert len(almost.chunks) == len(whole.chunks) - 1
    assert not almost.body.endswith(DONE)
    short = await provoke.stream("truncate=3")
    assert (short.ended, len(short.chunks)) == ("clean", 3)
    half = await provoke.json("truncate")
    assert half.ended == "clean"
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(half.body)


async def check_crlf(provoke: Provoke) -> None:
    raw = await provoke.stream("crlf")
    assert raw.body.endswith(b"data: [DONE]\r\n\r\n")
    assert raw.body.count(b"\n") == raw.body.count(b"\r\n")


async def check_no_space(provoke: Provoke) -> None:
    raw = await provoke.stream("no-space")
    assert raw.body.endswith(b"data:[DONE]\n\n")
    assert b"data: " not in raw.body


async def check_keepalive(provoke: Provoke) -> None:
    raw = await provoke.stream("keepalive")
    assert raw.chunks[::2] == [b": keep-alive\n\n"] * (len(raw.chunks) // 2)
    assert raw.body.endswith(DONE)


async def check_split_utf8(provoke: Provoke) -> None:
    raw = await provoke.stream("split-utf8")
    assert said(raw) == said(await provoke.stream())
    inside = [chunk for chunk in raw.chunks if chunk[0] & 0xC0 == 0x80]
    assert inside
    for chunk in inside:
        with pytest.raises(UnicodeDecodeError):
            chunk.decode()


async def check_split_data(provoke: Provoke) -> None:
    raw = await provoke.stream("split-data")
    assert said(raw) == said(await provoke.stream())
    assert raw.chunks[0] == b"da"
    assert raw.chunks[1] == b"ta:"
    assert raw.chunks[3] == b"\n"


async def check_slowloris(provoke: Provoke) -> None:
    for raw, plain in (
        (await provoke.stream("slowloris=0"), await provoke.stream()),
        (await provoke.json("slowloris=0"), await provoke.json()),
    ):
        assert {len(chunk) for chunk in raw.chunks} == {1}
        assert len(raw.body) == len(plain.body)


async def check_garbage(provoke: Provoke) -> None:
    raw = await provoke.json("garbage")
    assert (raw.status, raw.ended) == (200, "clean")
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(raw.body)
    raw = await provoke.stream("garbage=4")
    with pytest.raises(orjson.JSONDecodeError):
        events(raw.chunks[4])
    assert events(raw.chunks[3])
    assert raw.body.endswith(DONE)


async def check_stream_error(provoke: Provoke) -> None:
    raw = await provoke.stream("stream-error=5")
    assert len(raw.chunks) == 6
    assert events(raw.chunks[5])[0]["error"]["type"] == "server_error"
    assert raw.ended == "clean"


async def check_endless(provoke: Provoke) -> None:
    plain = len((await provoke.stream()).body)
    raw = await provoke.stream("endless=0", enough_bytes=2 * plain)
    assert raw.ended == "early"
    assert not any(chunk["choices"][0]["finish_reason"] for chunk in events(_whole(raw)))
    raw = await provoke.json("endless=0", enough_bytes=2000)
    assert raw.ended == "early"


def _whole(raw: Raw) -> bytes:
    return raw.body[: raw.body.rindex(b"\n\n")]


CHECKS: dict[str, Check] = {
    "status": check_status,
    "retry-after": check_retry_after,
    "retry-after-date": check_retry_after_date,
    "retry-after-ms": check_retry_after_ms,
    "insufficient-quota": check_insufficient_quota,
    "hostile": check_hostile,
    "error-200": check_error_200,
    "html": check_html,
    "empty": check_empty,
    "refuse": check_refuse,
    "slow": check_slow,
    "early-hints": check_early_hints,
    "huge-body": check_huge_body,
    "gzip-bomb": check_gzip_bomb,
    "usage-missing": check_usage_missing,
    "usage-null": check_usage_null,
    "usage-negative": usage_check("usage-negative", lambda count: -count),
    "usage-huge": usage_check("usage-huge", lambda _: 2**62),
    "usage-float": usage_check("usage-float", lambda count: count + 0.5),
    "usage-string": usage_check("usage-string", str),
    "usage-on-finish": check_usage_on_finish,
    "reset-chunk": check_reset_chunk,
    "reset-byte": check_reset_byte,
    "truncate": check_truncate,
    "crlf": check_crlf,
    "no-space": check_no_space,
    "keepalive": check_keepalive,
    "split-utf8": check_split_utf8,
    "split-data": check_split_data,
    "slowloris": check_slowloris,
    "garbage": check_garbage,
    "stream-error": check_stream_error,
    "endless": check_endless,
}


@pytest.mark.parametrize("kind", KINDS)
async def test_fault_is_what_it_says(upstream: Upstream, kind: str) -> None:
    await CHECKS[kind](Provoke(upstream))


async def test_board_counts_per_model_and_can_be_cleared(
    upstream: Upstream, http: aiohttp.ClientSession
) -> None:
    async def put(**fault: object) -> None:
        async with http.post(f"{upstream.root}/sim/faults", json=fault) as answer:
            assert answer.status == 201

    async def status(model: str) -> int:
        url = f"{upstream.base_url}/chat/completions"
        async with http.post(url, json=body(max_tokens=1) | {"model": model}) as answer:
            return answer.status

    await put(model="deepseek-v3.2", kind="status", value=503, count=2)
    await put(kind="status", value=529, count=1)
    assert await status("deepseek-v3.2") == 503
    assert await status(MODEL) == 529
    assert await status(MODEL) == 200
    assert await status("deepseek-v3.2") == 503
    assert await status("deepseek-v3.2") == 200

    await put(kind="status", value=500, seconds=0)
    assert await status(MODEL) == 200

    await put(kind="status", value=500)
    assert [await status(MODEL) for _ in range(3)] == [500] * 3
    async with http.get(f"{upstream.root}/sim/faults") as answer:
        board = await answer.json()
    assert [row["kind"] for row in board["in_force"]] == ["status"]
    assert set(board["kinds"]) == set(KINDS)
    async with http.delete(f"{upstream.root}/sim/faults") as answer:
        assert answer.status == 204
    assert await status(MODEL) == 200


@pytest.mark.parametrize(
    ("fault", "names"),
    [
        ({"kind": "earthquake"}, "kind"),
        ({}, "kind"),
        ({"kind": "slow", "value": -1}, "value"),
        ({"kind": "slow", "value": "soon"}, "value"),
        ({"kind": "slow", "value": True}, "value"),
        ({"kind": "slow", "count": 0}, "count"),
        ({"kind": "slow", "seconds": "nan"}, "seconds"),
        ({"kind": "slow", "model": 3}, "model"),
        ({"kind": "slow", "modle": MODEL}, "modle"),
    ],
)
async def test_wrong_faults_are_refused_by_name(
    upstream: Upstream, http: aiohttp.ClientSession, fault: dict[str, object], names: str
) -> None:
    async with http.post(f"{upstream.root}/sim/faults", json=fault) as answer:
        assert answer.status == 400
        assert (await answer.json())["error"]["param"] == names
