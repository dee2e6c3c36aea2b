"""Raw bytes that people, proxies and attackers send, by both servers: what each is answered.

Each is sent at once and byte by byte, with another request behind it: that one is answered only
where the first is a request, and never for bytes that are the first one's.
"""

import asyncio

import pytest

from tests.gateway.echoing import DATE, KINDS, Answer, asked
from tests.gateway.raw_requests import BAD, FINE, LAST, NEXT, TOO_LARGE, chunked, post


def by_kind_and_cut(raw: bytes) -> list[tuple[str, tuple[bytes, ...]]]:
    """To each server, at once and byte by byte, but not tens of thousands of them."""
    step = max(1, len(raw) // 500)
    cut = tuple(raw[at : at + step] for at in range(0, len(raw), step))
    return [(kind, parts) for kind in KINDS for parts in ((raw,), cut)]


async def answers(kind: str, parts: tuple[bytes, ...]) -> list[Answer]:
    async with asked(kind) as client:
        await client.send(*parts)
        await client.waited_for()
        client.writer.write_eof()
        return await client.answers()


@pytest.mark.parametrize("case", FINE)
async def test_what_is_a_request_is_answered_and_so_is_the_next(case: str) -> None:
    raw, body = FINE[case]
    for kind, parts in by_kind_and_cut(raw + NEXT):
        first, second = await answers(kind, parts)
        assert (first.status, first.closes, first.asked[3]) == (200, False, body)
        assert (second.status, second.asked[:2]) == (200, ("GET", "/next"))


@pytest.mark.parametrize("case", LAST)
async def test_behind_a_last_request_nothing_is_read(case: str) -> None:
    for kind, parts in by_kind_and_cut(LAST[case] + NEXT):
        [only] = await answers(kind, parts)
        assert (only.status, only.closes) == (200, True)


@pytest.mark.parametrize(
    ("case", "status"),
    [*((case, 400) for case in BAD), *((case, 431) for case in TOO_LARGE)],
)
async def test_what_is_none_is_refused_once_in_words_and_ends_the_connection(
    case: str, status: int
) -> None:
    raw = (BAD if status == 400 else TOO_LARGE)[case]
    for kind, parts in by_kind_and_cut(raw + NEXT):
        [only] = await answers(kind, parts)
        assert (only.status, only.closes) == (status, True), (kind, only)
        assert only.why.endswith(".")


@pytest.mark.usefixtures("now_is_known")
async def test_a_refusal_has_the_apis_shape_and_its_trace() -> None:
    async with asked("own") as client:
        await client.send(b"nonsense\r\n\r\n")
        raw = await client.reader.read()
    head, _, body = raw.partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"HTTP/1.1 400 Bad Request",
        DATE.rstrip(),
        b"x-request-id: trace",
        b"content-type: application/json",
        b"connection: close",
        b"content-length: %d" % len(body),
    ]
    assert body.startswith(b'{"error"')


@pytest.mark.parametrize("kind", KINDS)
async def test_a_reset_in_the_midst_of_anything_leaves_nothing(kind: str) -> None:
    raw = chunked(b"3\r\nabc\r\n0\r\n\r\n") + post("Content-Length: 3", body=b"abc")
    for at in range(len(raw)):
        async with asked(kind) as client:
            await client.send(raw[:at])
            client.connection.transport.abort()
            await client.nothing_under_way()
            await asyncio.sleep(0)
