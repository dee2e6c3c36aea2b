"""No byte of one request is read as another's, and nothing of a request outlives it."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from quotadeck.domain.refusals import Refusal
from quotadeck.gateway.connection.bodies import HELD_BYTES, MOST_CHUNKS, UNREAD_BODY_BYTES
from quotadeck.gateway.connection.exchange import Exchange
from tests.gateway.echoing import KINDS, asked, count_nothing, never, refused

pytestmark = pytest.mark.parametrize("kind", KINDS)

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"


def post(body: bytes, *fields: bytes, target: bytes = b"/") -> bytes:
    head = b"POST %b HTTP/1.1\r\nHost: x\r\n" % target
    return head + b"".join(field + b"\r\n" for field in fields) + b"\r\n" + body


def sized(body: bytes, *fields: bytes, target: bytes = b"/") -> bytes:
    return post(body, b"Content-Length: %d" % len(body), *fields, target=target)


def chunked(body: bytes, *fields: bytes, target: bytes = b"/") -> bytes:
    raw = b"%x;a=b\r\n%b\r\n0\r\nTrailer: x\r\n\r\n" % (len(body), body)
    return post(raw, b"Transfer-Encoding: chunked", *fields, target=target)


def in_two(raw: bytes, step: int = 1) -> Sequence[tuple[bytes, bytes]]:
    return [(raw[:at], raw[at:]) for at in range(0, len(raw), step)]


Framed = Callable[..., bytes]
UPGRADES = {
    "h2c": (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAEAAEAA"),
    "websocket": (b"Upgrade: websocket", b"Connection: keep-alive, Upgrade"),
    "anything": (b"upgrade: x", b"CONNECTION: x", b"connection:\tuPGRADE "),
    "nothing": (b"Upgrade:", b"Connection: upgrade"),
}


@pytest.mark.parametrize("framed", [sized, chunked])
@pytest.mark.parametrize("fields", UPGRADES.values(), ids=UPGRADES.keys())
async def test_upgrade_changes_nothing_wherever_it_is_cut(
    kind: str, fields: tuple[bytes, ...], framed: Framed
) -> None:
    raw = framed(SMUGGLED, *fields)
    async with asked(kind) as client:
        for parts in in_two(raw, 3):
            await client.send(*parts)
        answers = await client.last_answers()
    assert {(one.status, one.asked[3]) for one in answers} == {(200, SMUGGLED)}
    assert len(answers) == len(in_two(raw, 3))


async def test_a_bodiless_upgrade_is_a_request_like_any(kind: str) -> None:
    raw = b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    async with asked(kind) as client:
        await client.send(raw + SMUGGLED + raw)
        targets = [one.asked[1] for one in await client.last_answers()]
    assert targets == ["/a", "/smuggled", "/a"]


@pytest.mark.parametrize(
    "bad",
    [
        b"CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        post(b"", b"Content-Length: 3", b"Transfer-Encoding: chunked"),
        post(b"", b"Transfer-Encoding: gzip, chunked"),
        b"\x16\x03\x01\x02\x00",
        b"GET / HTTP/1.1\r\n\r\n",
        post(b"5;\nhello\r\n0\r\n\r\n", b"Transfer-Encoding: chunked"),
    ],
)
async def test_those_before_a_bad_request_are_answered_and_nothing_behind_it(
    kind: str, bad: bytes
) -> None:
    raw = sized(b"one", target=b"/1") + chunked(b"two", target=b"/2") + bad + SMUGGLED * 2
    for parts in (*in_two(raw, 7), tuple(raw[at : at + 1] for at in range(len(raw)))):
        async with asked(kind) as client:
            await client.send(*parts)
            first, second, refused = await client.answers()
        assert (first.asked[1], first.asked[3]) == ("/1", b"one")
        assert (second.asked[1], second.asked[3]) == ("/2", b"two")
        assert (refused.status, refused.closes) == (400, True)
        assert refused.why.endswith(".")


async def test_a_thousand_requests_at_once_are_answered_in_order(kind: str) -> None:
    raw = b"".join(
        b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % n if n % 3 else sized(b"x" * n, target=b"/%d" % n)
        for n in range(1_000)
    )
    async with asked(kind) as client:
        await client.send(raw)
        answers = await client.last_answers()
    assert [one.asked[1] for one in answers] == [f"/{n}" for n in range(1_000)]
    assert all(len(one.asked[3]) == (0 if n % 3 else n) for n, one in enumerate(answers))


async def test_one_request_is_begun_at_a_time_however_many_were_sent(kind: str) -> None:
    begun, release = 0, asyncio.Event()

    async def waiting(exchange: Exchange) -> None:
        nonlocal begun
        begun += 1
        await release.wait()
        await exchange.answer(200, b"", b"")

    async with asked(kind, waiting) as client:
        await client.send(SMUGGLED * 100)
        assert begun == 1
        release.set()
        await client.send(b"GET / HTTP/1.0\r\n\r\n" + SMUGGLED)
        assert len(await client.answers()) == 101


@pytest.mark.parametrize("framed", [sized, chunked])
async def test_the_body_of_an_answered_request_is_no_request(kind: str, framed: Framed) -> None:
    raw = framed(SMUGGLED * 3, target=b"/early")
    async with asked(kind) as client:
        for parts in in_two(raw):
            await client.send(*parts)
        answers = await client.last_answers()
    assert [one.asked[1] for one in answers] == ["/early"] * len(raw)


async def test_a_body_that_nobody_wants_is_read_to_its_end_but_not_for_ever(kind: str) -> None:
    async with asked(kind) as client:
        await client.send(sized(b"x" * UNREAD_BODY_BYTES, target=b"/early"))
        assert len(await client.last_answers()) == 1
    raw = sized(b"x" * (UNREAD_BODY_BYTES + 1_000), target=b"/early")
    async with asked(kind) as client:
        await client.send(raw[:200], raw[200:])
        assert len(await client.answers()) == 1


async def test_of_a_body_that_nobody_reads_yet_no_more_is_read(kind: str) -> None:
    async with asked(kind, never) as client:
        await client.send(sized(b"x" * 1_000_000)[:200_000])
        assert client.reads_no_more()


@pytest.mark.parametrize("target", [b"/", b"/early"])
async def test_a_body_in_tiny_chunks_leaves_others_their_turns(kind: str, target: bytes) -> None:
    body = b"x" * 100_000
    raw = post(
        b"1\r\nx\r\n" * len(body) + b"0\r\n\r\n", b"Transfer-Encoding: chunked", target=target
    )
    async with asked(kind) as client:
        at, turns = client.connection, 0
        at.data_received(raw)
        while client.held_bytes:
            assert client.reads_no_more() or client.held_bytes <= HELD_BYTES
            await asyncio.sleep(0)
            turns += 1
        assert turns >= len(body) // MOST_CHUNKS
        await client.waited_for()
        at.data_received(b"GET /last HTTP/1.0\r\n\r\n")
        first, last = await client.answers()
        assert first.asked[3] == (body if target == b"/" else b"")
        assert last.asked[1] == "/last"


async def test_a_client_that_goes_in_the_midst_of_its_chunks_is_forgotten(kind: str) -> None:
    async with asked(kind) as client:
        client.connection.data_received(
            post(b"1\r\nx\r\n" * 100_000, b"Transfer-Encoding: chunked")
        )
        client.writer.transport.abort()
        await client.nothing_under_way()


async def test_a_body_that_breaks_off_behind_its_answer_gets_no_second_one(kind: str) -> None:
    head = post(b"", b"Transfer-Encoding: chunked", target=b"/early")
    async with asked(kind) as client:
        await client.send(head, b"5\r\nhel", b"lo nonsense" + SMUGGLED)
        assert [one.status for one in await client.answers()] == [200]


async def test_the_application_hears_of_a_body_that_breaks_off(kind: str) -> None:
    heard = asyncio.Event()

    async def listening(exchange: Exchange) -> None:
        with pytest.raises(Refusal) as broken:
            await exchange.body(count_nothing)
        await exchange.answer(*refused(broken.value))
        heard.set()

    async with asked(kind, listening) as client:
        await client.send(post(b"5\r\nhello nonsense", b"Transfer-Encoding: chunked"), SMUGGLED)
        [answer] = await client.answers()
        assert (answer.status, answer.closes) == (400, True)
        async with asyncio.timeout(10):
            await heard.wait()


@pytest.mark.parametrize(
    "last",
    [b"GET /2 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", sized(b"2", b"Connection: close")],
)
async def test_nothing_is_read_behind_a_last_request(kind: str, last: bytes) -> None:
    async with asked(kind) as client:
        await client.send(SMUGGLED + last + SMUGGLED)
        first, second = await client.answers()
    assert (first.closes, second.closes) == (False, True)


async def test_an_answer_to_head_has_no_body_and_the_next_has_its_own(kind: str) -> None:
    async with asked(kind) as client:
        await client.send(b"HEAD /head HTTP/1.1\r\nHost: x\r\n\r\n" + SMUGGLED)
        head, next_one = await client.last_answers(("HEAD", "GET", "GET"))
    assert (head.status, head.body) == (200, b"")
    assert next_one.asked[1] == "/smuggled"


async def test_who_expects_a_continue_gets_it_at_its_turn_and_once(kind: str) -> None:
    expecting = sized(b"abc", b"Expect: 100-continue")
    async with asked(kind) as client:
        await client.send(SMUGGLED + expecting[:-3], expecting[-3:] + SMUGGLED + expecting)
        client.writer.write_eof()
        raw = await client.reader.read()
    heads = [line for line in raw.split(b"\r\n") if line.startswith(b"HTTP/") or b"HTTP/" in line]
    codes = [part[:3] for line in heads for part in line.split(b"HTTP/1.1 ")[1:]]
    assert codes == [b"200", b"100", b"200", b"200", b"100", b"200"]


async def test_who_is_refused_before_its_body_is_told_of_no_continue(kind: str) -> None:
    early = sized(SMUGGLED, b"Expect: 100-continue", target=b"/early")
    async with asked(kind) as client:
        await client.send(early[: -len(SMUGGLED)], SMUGGLED, SMUGGLED)
        client.writer.write_eof()
        first, *others = await client.answers()
    assert (first.asked[1], first.closes) == ("/early", kind == "own")
    # What it sends now may be its body, or its next request: on our own nothing more is read.
    assert [one.asked[1] for one in others] == ["/smuggled"] * (kind != "own")


async def test_who_has_sent_all_of_its_body_at_once_has_asked_for_no_continue(kind: str) -> None:
    early = sized(SMUGGLED, b"Expect: 100-continue", target=b"/early")
    async with asked(kind) as client:
        await client.send(early + SMUGGLED)
        assert [one.asked[1] for one in await client.last_answers()] == ["/early", "/smuggled"]


async def test_who_goes_away_has_asked_nothing_more(kind: str) -> None:
    begun: list[str] = []
    gone = asyncio.Event()

    async def listening(exchange: Exchange) -> None:
        begun.append(exchange.path)
        await exchange.body(count_nothing)
        exchange.watch(gone.set)
        await gone.wait()

    async with asked(kind, listening) as client:
        client.writer.write(sized(b"a", target=b"/first") + SMUGGLED * 3)
        client.writer.write_eof()
        async with asyncio.timeout(10):
            await gone.wait()
            assert await client.reader.read() == b""
    assert begun == ["/first"]


async def test_empty_lines_before_a_request_are_nothing_but_not_for_ever(kind: str) -> None:
    async with asked(kind) as client:
        await client.send(b"\r\n" + SMUGGLED + b"\r\n\r\n", b"\r", b"\n" + SMUGGLED)
        assert [one.asked[1] for one in await client.last_answers()] == ["/smuggled"] * 2
    async with asked(kind) as client:
        await client.send(*[b"\r\n" * 10_000] * 3)
        [answer] = await client.answers()
        assert (answer.status, answer.closes) == (431, True)
