"""Whatever an upstream sends, in any form: an answer, or an error in the form of the client."""

import json
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from quotadeck.dialects.base import NotAnAnswer, Relay
from quotadeck.dialects.beyond import CHOOSERS, IDS, UNBOUNDED
from quotadeck.domain.cause import Cause
from quotadeck.domain.refusals import Refusal, UpstreamFailed
from quotadeck.domain.sse import MAX_BLOCK_BYTES
from quotadeck.domain.usage import Usage
from quotadeck.gateway.upstream.failures import failed_as, failed_with
from quotadeck.gateway.upstream.keys import UpstreamKeys
from tests.dialects.forms import ERROR, FORMS, STREAMED, WAYS, WORDS, Way, data
from tests.dialects.whole_requests import WHOLE_REQUESTS

NO_KEYS = UpstreamKeys(())
_MARK = "\x7f"
HOSTILE = (
    *(b"null", b"true", b"-1", b"0.5", b"1000.0", b"1e308", b"NaN", b"Infinity", b"[]", b"{}"),
    *(b'"12"', b'"\\ud800"', b'"\xff"', b'"\\u0000\\r\\nx: y"', b'{"error": "x"}', b"[[5]]"),
    *(b"1" + b"0" * 400, b"1" * 5_000, b"18446744073709551616", b"99999999999999", b'["a"]'),
    *(b"[" * 2_000 + b"]" * 2_000, b'{"a":' * 600 + b"1" + b"}" * 600, b'[{"index": 4095}]'),
)
"""What stands in the place of any value."""
_OTHERS = {
    *("functions", "function_call", "audio", "prediction", "suffix", "best_of", "logprobs"),
    *("max_completion_tokens", "fallbacks", "compaction", "thread", "billing_policy", "prompt"),
}
"""Fields of some form that are in no whole request."""
each = pytest.mark.parametrize("way", WAYS, ids=str)
streamed = pytest.mark.parametrize("way", STREAMED, ids=str)


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items: Any = ()
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
    for name, inner in items:
        yield from _places(inner, (*path, name))


def _with(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    if not path:
        return other
    copied = dict(value) if isinstance(value, dict) else list(value)
    copied[path[0]] = _with(value[path[0]], path[1:], other)
    return copied


def spoiled(value: Any) -> Iterator[bytes]:
    """The value with anything in the place of each of its parts."""
    for path in _places(value):
        told = orjson.dumps(_with(value, path, _MARK))
        for other in HOSTILE:
            yield told.replace(orjson.dumps(_MARK), other)


def asks(way: Way, **more: object) -> Any:
    form = FORMS[way.asked]
    return way.dialect.parse(form.path, orjson.dumps({**form.asked, **more}), {})


def told(way: Way, stream: bytes, piece: int = 1 << 30) -> tuple[Relay, bytes]:
    """The stream as the client gets it, its end too: a terminal event or an error's."""
    relay = way.speech.relay(asks(way, stream=True))
    got = b""
    for at in range(0, len(stream), piece):
        if not relay.ended:
            got += relay.feed(stream[at : at + piece])
    got += relay.close()
    if relay.done and relay.error is None and not relay.broken:
        got += relay.terminal("0.1")
    else:
        why = relay.error.message if relay.error else relay.broken or "early"
        got += way.dialect.error_event(UpstreamFailed(why, Cause.BROKEN_REPLY), "0.1")
    assert got.decode().endswith("\n\n")
    return relay, got


def refused(way: Way, error: NotAnAnswer) -> None:
    refused_for(way, failed_as(error, {}, NO_KEYS).refusal)


def refused_for(way: Way, refusal: Refusal) -> None:
    reply = way.dialect.refusal(refusal, "req_1")
    assert orjson.loads(reply.body)["error"]["message"]


@streamed
def test_a_stream_cut_at_any_byte_is_whole_or_an_error(way: Way) -> None:
    stream = FORMS[way.spoken].stream
    for end in range(len(stream) + 1):
        relay, _ = told(way, stream[:end])
        assert relay.error is None
        again, _ = told(way, stream[:end], 7)
        assert (again.done, again.usage, again.begun) == (relay.done, relay.usage, relay.begun)
    relay, got = told(way, stream, 1)
    assert (relay.done, relay.usage) == (True, Usage(12, 0, 34))
    assert orjson.loads(way.dialect.to_whole(got))


@streamed
def test_whatever_stands_in_an_event_is_passed_on_or_an_error(way: Way) -> None:
    blocks = FORMS[way.spoken].stream.split(b"\n\n")[:-1]
    for at, block in enumerate(blocks):
        head, _, held = block.rpartition(b"data: ")
        others = HOSTILE if held == b"[DONE]" else spoiled(orjson.loads(held))
        for other in others:
            stream = b"\n\n".join((*blocks[:at], head + b"data: " + other, *blocks[at + 1 :], b""))
            relay, got = told(way, stream)
            if relay.usage is not None:
                assert min(relay.usage[:6]) >= 0
            if relay.done and relay.begun and relay.error is None:
                orjson.loads(way.dialect.to_whole(got))


@each
def test_whatever_stands_in_a_reply_is_answered_or_an_error(way: Way) -> None:
    for reply in (*spoiled(FORMS[way.spoken].whole), b"", b"<html>", b"\xef\xbb\xbf", *HOSTILE):
        try:
            read = way.speech.reply(reply)
        except NotAnAnswer as error:
            refused(way, error)
            continue
        if read.usage is not None:
            assert min(read.usage[:6]) >= 0
        if FORMS[way.asked].stream:
            relay = way.dialect.relay(asks(way, stream=True))
            relay.feed(way.dialect.to_stream(read.body, asks(way, stream=True))).decode()
            assert relay.ended


@each
def test_whatever_stands_in_an_error_is_told_in_the_clients_form(way: Way) -> None:
    for body in (*spoiled(ERROR), b"", b"<html>", b"\xff", b"\xef\xbb\xbf{}"):
        said = way.speech.error(body)
        for status in (400, 401, 404, 429, 500, 529, 204, 999):
            failed = failed_with(status, {}, said, False, NO_KEYS)
            reply = way.dialect.refusal(failed.refusal, "req_1")
            assert orjson.loads(reply.body)["error"]["message"]
            assert way.dialect.error_event(failed.refusal, None).endswith(b"\n\n")


@streamed
def test_an_error_keeps_its_words_wherever_it_comes(way: Way) -> None:
    first = FORMS[way.spoken].stream.partition(b"\n\n")[0] + b"\n\n"
    for error in (
        data(ERROR),
        data(ERROR, "error"),
        b"event: error\ndata: %b\n\n" % WORDS.encode(),
    ):
        for before in (b"", first):
            relay, got = told(way, before + error)
            assert relay.error is not None
            assert WORDS.encode() in got


@streamed
def test_an_event_without_end_is_given_up(way: Way) -> None:
    relay = way.speech.relay(asks(way, stream=True))
    piece = b"data: " + b"x" * (1 << 20)
    fed = 0
    while not relay.ended:
        relay.feed(piece)
        fed += len(piece)
    assert relay.broken
    assert fed <= MAX_BLOCK_BYTES + 2 * len(piece)


@each
def test_whatever_stands_in_a_request_is_forwarded_or_refused(way: Way) -> None:
    form = FORMS[way.asked]
    served = 0
    for body in (*spoiled(WHOLE_REQUESTS[way.asked]), *_with_any_field(form.asked)):
        try:
            ask = way.dialect.parse(form.path, body, {})
            sent = json.loads(way.speech.forward(ask, "there"))
        except Refusal as refusal:
            refused_for(way, refusal)
            continue
        served += 1
        assert sent["model"] == "there"
        assert hash(ask.beyond)
    assert served > 10


def _with_any_field(asked: dict[str, Any]) -> Iterator[bytes]:
    """A request with anything in the place of any field that is known."""
    known = {name for body in WHOLE_REQUESTS.values() for name in body}
    for name in sorted(known | CHOOSERS | UNBOUNDED.keys() | IDS.keys() | _OTHERS):
        told = orjson.dumps({**asked, name: _MARK})
        for other in HOSTILE:
            yield told.replace(orjson.dumps(_MARK), other)
