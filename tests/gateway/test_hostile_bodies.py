"""Hostile requests of every form: each is served, or told what is wrong with it in its own form."""

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import brotli
import orjson
import pytest
import zstandard

from tests.dialects.forms import FORMS, WAYS, Way
from tests.gateway.holding import all_is_given_back, between, reply, told
from tests.gateway.provider import Peer
from tests.gateway.rig import BODY_LIMIT
from tests.gateway.values import FLASH, OPUS

each = pytest.mark.parametrize("way", WAYS, ids=str)
BIG = 10 * BODY_LIMIT
TOO_LARGE = 413
_LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
_NUMBERS = (
    *(b"1e999", b"-1e999", b"1" + b"0" * 400, b"NaN", b"Infinity", b"-0", b"-0.0", b"1e-999"),
    *(b"18446744073709551616", b"1.5", b"-7", b"01", b"0x10", b'"5"', b"true", b"[]", b"{}"),
)
_EMPTY_ZSTD = zstandard.compress(b"")
_SKIPPED = b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"
"""A frame of zstd's that holds nothing."""


class Sent(NamedTuple):
    """``status`` is what it must be answered with; 0: 200, or any that says what is wrong."""

    body: bytes
    status: int = 0
    coding: str = ""
    headers: tuple[tuple[str, str], ...] = ()


def of_a_wide_window(body: bytes) -> bytes:
    wide = zstandard.ZstdCompressionParameters(window_log=27)
    packing = zstandard.ZstdCompressor(compression_params=wide).compressobj()
    return packing.compress(body) + packing.flush()


def hostile(way: Way) -> Iterator[tuple[str, Sent]]:
    """Requests by a name each; what no translation sees is not sent to one."""
    good = orjson.dumps(FORMS[way.asked].asked)
    seen_by_all = (_names, _values)
    for one in (*seen_by_all, *(() if way.asked != way.spoken else (_letters, _packed, _headers))):
        for name, sent in one(good):
            yield f"{one.__name__} {name}", sent


def _more(good: bytes, member: bytes) -> bytes:
    return good[:-1] + b"," + member + b"}"


def _letters(good: bytes) -> Iterator[tuple[str, Sent]]:
    text = good.decode()
    yield "byte order mark", Sent(b"\xef\xbb\xbf" + good, 400)
    for coding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32"):
        yield coding, Sent(text.encode(coding), 400)
    for inner in (
        b"\xff",
        b"\xc0\xaf",
        b"\xed\xa0\x80",
        b"\xc3(",
        b"\x01",
        b"\t",
        b"\\x",
        b"\\ud800",
    ):
        yield repr(inner), Sent(good.replace(b"hi", b"h" + inner + b"i"), 400)
        yield f"{inner!r} outside", Sent(inner + good, 200 if inner == b"\t" else 400)
    for name, body in (("no", b""), ("blank", b" \r\n"), ("zero", b"\0"), ("form", b"model=opus")):
        yield name, Sent(body, 400)
    for name, more in (("brace", b"}"), ("object", good), ("zero behind", b"\0"), ("word", b"x")):
        yield name, Sent(good + more, 400)
    yield "white space behind", Sent(good + b"\r\n\t ", 200)
    yield "cut", Sent(good[:-1], 400)


def _names(good: bytes) -> Iterator[tuple[str, Sent]]:
    for name in ("model", *_LIMITS, "stream"):
        first, last = (b"5", b"77") if name in _LIMITS else (b'"flash"', b'"opus"')
        if name == "stream":
            first, last = b'"x"', b"false"
        escaped = "".join(f"\\u{ord(letter):04X}" for letter in name)
        for spelled in (name, escaped):
            key = spelled.encode()
            ahead = b'{"%b":%b,' % (key, first) + good[1:]
            yield f"{spelled} ahead", Sent(ahead)
            yield f"{spelled} behind", Sent(_more(good, b'"%b":%b' % (key, first)))
            yield (
                f"{spelled} twice",
                Sent(_more(good, b'"%b":%b,"%b":%b' % (key, first, key, last))),
            )
        yield (
            f"{name} in capitals",
            Sent(_more(good, b'"%b":%b' % (name.upper().encode(), last)), 403),
        )
    yield "none", Sent(_more(good, b'"":1'))
    yield "zero", Sent(_more(good, b'"\\u0000\\r\\nx: y":{"":[]}'))
    yield "long", Sent(_more(good, b'"%b":1' % (b"k" * 50_000)))
    yield "many", Sent(_more(good, b",".join(b'"K%d":1' % number for number in range(3_000))))
    yield "of objects", Sent(_more(good, b'"__proto__":{"model":"x"},"__class__":{"a":1}'))


def _values(good: bytes) -> Iterator[tuple[str, Sent]]:
    for name in (*_LIMITS, "n", "temperature", "seed"):
        for number in _NUMBERS:
            yield f"{name} {number[:9]!r}", Sent(_more(good, b'"%b":%b' % (name.encode(), number)))
    for opens, closes in ((b"[", b"]"), (b'{"a":', b"}")):
        for deep in (250, 300, 30_000):
            status = 0 if deep == 250 else 400
            nested = b'"zz":' + opens * deep + b"1" + closes * deep
            yield f"{opens!r} {deep}", Sent(_more(good, nested), status)
        yield f"{opens!r} open", Sent(b'{"zz":' + opens * 20_000, 400)
    many = ("messages", "input", "prompt", "tools", "system", "stop", "models", "file_ids")
    for name in many:
        for one in (b"1", b"{}", b'"a"', b"[]", b"null"):
            wide = b'"%b":[%b1]' % (name.encode(), (one + b",") * 3_000)
            yield f"{name} of {one!r}", Sent(_more(good, wide))
    for model in ("", "x" * 201, "opus\r\nx-injected: 1", "opus\0", "öpus", "../opus", "opus "):
        wrong = orjson.dumps({**orjson.loads(good), "model": model})
        yield f"the model {model[:9]!r}", Sent(wrong, 404 if 0 < len(model) < 99 else 400)
    yield "too long", Sent(_more(good, b'"zz":"%b"' % (b"x" * BIG)), TOO_LARGE)


def _packed(good: bytes) -> Iterator[tuple[str, Sent]]:
    packing = {
        "gzip": gzip.compress,
        "deflate": zlib.compress,
        "br": brotli.compress,
        "zstd": zstandard.compress,
    }
    bomb = bytes(BIG)
    for coding, pack in packing.items():
        packed = pack(good)
        yield coding, Sent(packed, 200, coding)
        yield f"{coding} cut", Sent(packed[:-1], 400, coding)
        yield f"{coding} and more", Sent(packed + b"{}", 400, coding)
        yield f"{coding} not", Sent(good, 400, coding)
        yield f"{coding} of nothing", Sent(pack(b""), 400, coding)
        yield f"{coding} without a byte", Sent(b"", 400, coding)
        yield f"a bomb of {coding}", Sent(pack(bomb), TOO_LARGE, coding)
        yield f"a bomb in {coding}", Sent(pack(gzip.compress(bomb)), TOO_LARGE, f"gzip, {coding}")
        yield f"{coding} twice", Sent(pack(packed), 200, f"{coding},{coding}")
        yield f"{coding} four times", Sent(packed, 415, ",".join([coding] * 4))
    yield "two members", Sent(gzip.compress(good[:9]) + gzip.compress(good[9:]), 200, "x-GZIP")
    yield "a frame that is skipped", Sent(_SKIPPED + zstandard.compress(good), 200, "zstd")
    yield "empty frames", Sent(_EMPTY_ZSTD * 2_000 + zstandard.compress(good), 200, "zstd")
    yield "a wide window", Sent(of_a_wide_window(good + b" " * BIG), 400, "zstd")
    yield "of an unknown coding", Sent(good, 415, "lzma")
    yield "with a weight", Sent(good, 415, "gzip;q=1")


def _headers(good: bytes) -> Iterator[tuple[str, Sent]]:
    for name in ("x-client-request-id", "x-request-id", "traceparent", "anthropic-version"):
        for value in ("\xff\xfe", "x" * 5_000, "", "a\tb", '"></script>', "%0d%0ax-injected: 1"):
            yield f"{name} {value[:9]!r}", Sent(good, 0, "", ((name, value),))
    for name in ("x-project-id", "openai-project"):
        for value in ("\xff", "x" * 5_000, "analytics, search", "../analytics"):
            yield f"{name} {value[:9]!r}", Sent(good, 0, "", ((name, value),))


def read_one_way(body: bytes) -> Any:
    """What everybody reads who reads it: no name stands in it twice."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len(dict(pairs)) == len(pairs), body[:99]
        return dict(pairs)

    return json.loads(body, object_pairs_hook=once)


@each
async def test_it_is_served_or_told_what_is_wrong(
    tmp_path: Path, small_ballast: None, way: Way, caplog: pytest.LogCaptureFixture
) -> None:
    form, forwarded, targets = FORMS[way.asked], list[bytes](), list[str]()
    whole = reply(orjson.dumps(FORMS[way.spoken].whole))

    async def script(peer: Peer) -> None:
        while asked := await peer.request():
            assert not [name for name in asked.headers if "injected" in name]
            forwarded.append(asked.body)
            await peer.send(whole)

    async with between(tmp_path, way, script) as (it, http, _):
        for name, sent in hostile(way):
            headers = [("content-type", "application/json"), *sent.headers]
            coded = [("content-encoding", sent.coding)] if sent.coding else []
            raw = [(key.encode(), value.encode("latin-1")) for key, value in headers + coded]
            forwarded.clear()
            got = await http.post(form.path, content=sent.body, headers=raw, timeout=60)
            assert "x-injected" not in got.headers, name
            assert got.status_code < 500, name
            if got.status_code != 200:
                assert told(way, got), name
                assert not forwarded, name
            else:
                [body] = forwarded
                targets.append(f"main/{read_one_way(body)['model'].partition('-')[0]}")
            assert got.status_code == (sent.status or got.status_code), name
        await all_is_given_back(it)
        priced = [call.target for _, call in await it.ledger.reader.calls(limit=1_000)]
        assert sorted(priced) == sorted(targets)
        assert {*priced} == {OPUS, FLASH}
    assert not [record for record in caplog.records if record.exc_info]
