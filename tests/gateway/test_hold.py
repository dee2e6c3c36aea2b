"""Upstreams that fail, before clients of every form: an error in theirs, and nothing stays held."""

import asyncio
import gzip
from pathlib import Path
from typing import NamedTuple

import orjson
import pytest

from tests.dialects.forms import ERROR, FORMS, WAYS, WORDS, Way, data
from tests.gateway.holding import AT_ONCE, all_is_given_back, between, flowing, reply, told
from tests.gateway.provider import Peer, soon

each = pytest.mark.parametrize("way", WAYS, ids=str)


class Fault(NamedTuple):
    """What an upstream sends, to the last byte, and then resets, is silent, or hangs up."""

    sends: bytes
    ends: str = "fin"
    words: str = ""
    """What of it the client must be told."""
    retries: str = ""
    """Lines of the head that say whether and when to ask again."""


_SAYS = orjson.dumps(ERROR)
_NEVER = "x-should-retry: false"
_ON_DATE = "Wed, 26 Nov 2036 20:00:00 GMT"
FAULTS = {
    **{
        f"status {status}": Fault(reply(_SAYS, f"{status} x"), words=WORDS)
        for status in (400, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504, 520, 529)
    },
    **{f"status {status}": Fault(reply(_SAYS, f"{status} x")) for status in (401, 403, 302, 999)},
    "429 in seconds": Fault(reply(_SAYS, "429 x", "Retry-After: 2"), "", WORDS, "retry-after: 2"),
    "429 in ms": Fault(reply(_SAYS, "429 x", "retry-after-ms: 1500"), "", WORDS, "ms: 1500"),
    "429 in ages": Fault(reply(_SAYS, "429 x", "Retry-After: 1000000000"), "", WORDS, _NEVER),
    "429 on a date": Fault(reply(_SAYS, "429 x", f"Retry-After: {_ON_DATE}"), "", WORDS, _NEVER),
    "an answer's status": Fault(reply(orjson.dumps({**ERROR, "status": 503})), words=WORDS),
    "empty": Fault(reply(b"", "500 x")),
    "text": Fault(reply(WORDS.encode(), "500 x"), words=WORDS),
    "controls": Fault(reply(_SAYS.replace(b"Flux", b"\\u001b]52;Flux"), "500 x"), words=WORDS),
    "half a character": Fault(reply(_SAYS.replace(b'"x"', b'"\\ud800"'), "500 x"), words=WORDS),
    "deep": Fault(reply(b'{"error":' * 400 + b"1" + b"}" * 400, "500 x")),
    "reset": Fault(b"", "rst"),
    "half a head": Fault(b"HTTP/1.1 200 OK\r\nContent-"),
    "garbage": Fault(b"\x16\x03\x01\x02\x00\r\n\r\n"),
    "too short": Fault(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"),
    "two lengths": Fault(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}"),
    "packed badly": Fault(reply(b"\x1f\x8bx", "200 OK", "Content-Encoding: gzip")),
    "a bomb": Fault(
        reply(gzip.compress(bytes(20 << 20), 1), "200 OK", "Content-Encoding: gzip"),
    ),
    "null": Fault(reply(b"null")),
    "no events": Fault(flowing(b": hi\n\n")),
    "an error event": Fault(flowing(data(ERROR, "error")), words=WORDS),
    "an error object": Fault(flowing(data(ERROR)), words=WORDS),
    "no JSON": Fault(flowing(b"data: {broken\n\n")),
}


class Upstream:
    """One whose next fault the test sets."""

    def __init__(self) -> None:
        self.next = Fault(b"")

    async def script(self, peer: Peer) -> None:
        if not await peer.request():
            return
        await peer.send(self.next.sends)
        if self.next.ends == "rst":
            peer.reset()
        elif self.next.ends == "silent":
            await peer.reader.read()


@each
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_each_fault_is_an_error_in_the_clients_form(
    tmp_path: Path, small_ballast: None, way: Way, stream: bool, caplog: pytest.LogCaptureFixture
) -> None:
    form, upstream = FORMS[way.asked], Upstream()
    if stream and not form.stream:
        return
    asked = {**form.asked, "stream": True} if stream else form.asked
    async with between(tmp_path, way, upstream.script) as (it, http, _):
        for name, fault in FAULTS.items():
            upstream.next = fault
            got = await http.post(form.path, json=asked, timeout=60)
            words = told(way, got)
            assert fault.words in words, name
            lines = [f"{one}: {value}" for one, value in got.headers.items()]
            assert any(line.endswith(fault.retries) for line in lines), name
            assert fault.retries != _NEVER or "retry-after" not in got.headers
        await all_is_given_back(it)
    assert not [record for record in caplog.records if record.exc_info]


@each
async def test_it_is_answered_the_way_it_was_asked(
    tmp_path: Path, small_ballast: None, way: Way
) -> None:
    spoken, form, upstream = FORMS[way.spoken], FORMS[way.asked], Upstream()
    async with between(tmp_path, way, upstream.script) as (it, http, _):
        whole = reply(orjson.dumps(spoken.whole))
        for sends in (whole, flowing(spoken.stream)) if spoken.stream else (whole,):
            upstream.next = Fault(sends)
            got = await http.post(form.path, json=form.asked)
            assert got.status_code == 200, got.text
            if spoken.stream:
                assert "hé" in got.text
                got = await http.post(form.path, json={**form.asked, "stream": True})
                assert got.status_code == 200, got.text
                assert "cost-usd" in got.text
        costs = {call.cost_nano_usd for call in await it.calls()}
        assert len(costs) == 1
        await all_is_given_back(it)


@each
async def test_silence_is_an_error_too(tmp_path: Path, small_ballast: None, way: Way) -> None:
    form, upstream = FORMS[way.asked], Upstream()
    upstream.next = Fault(b"", "silent")
    async with between(tmp_path, way, upstream.script, timeout_s=0.05) as (it, http, _):
        for _ in range(20):
            got = await http.post(form.path, json=form.asked)
            assert told(way, got)
            if got.status_code != 502:  # not even connected in time, on a busy machine
                break
        assert got.status_code == 504
        await all_is_given_back(it)


@each
async def test_who_leaves_leaves_nothing_behind(
    tmp_path: Path, small_ballast: None, way: Way
) -> None:
    form, upstream = FORMS[way.asked], Upstream()
    first = FORMS[way.spoken].stream.partition(b"\n\n")[0] + b"\n\n"
    upstream.next = Fault(flowing(first) if form.stream else b"", "silent")
    async with between(tmp_path, way, upstream.script, timeout_s=0.3) as (it, http, there):
        asked = {**form.asked, "stream": True} if form.stream else form.asked
        leaving = [
            asyncio.create_task(http.post(form.path, json=asked, timeout=5)) for _ in range(AT_ONCE)
        ]
        await soon(lambda: len(there.peers) == AT_ONCE)
        for task in leaving:
            task.cancel()
        await asyncio.gather(*leaving, return_exceptions=True)
        await soon(lambda: all(peer.done.is_set() for peer in there.peers))
        await all_is_given_back(it)
        assert len(await it.calls()) == AT_ONCE
