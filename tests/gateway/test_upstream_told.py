"""What an upstream tells beside its reply is used: waits, whether to retry, its id, its price."""

import pytest

from quotadeck.domain.calls import Attempt
from quotadeck.domain.cause import Cause
from quotadeck.gateway.upstream.told import stated_nano
from tests.gateway.chats import SHORT, STREAM, Open, completion, well
from tests.gateway.provider import Peer, always
from tests.gateway.values import OPUS


@pytest.mark.parametrize("data", [SHORT, STREAM], ids=["whole", "stream"])
async def test_waits_are_known_under_either_name(opened: Open, data: bytes) -> None:
    async def answer(peer: Peer) -> None:
        told = "llm_provider-retry-after: 7", "llm_provider-retry-after-ms: 6800"
        await peer.answer(b'{"error":{"message":"busy"}}', "429 Busy", *told)

    it, _ = await opened(always(answer))
    reply = await it.ask(data)
    assert reply.status == 429
    assert reply.sent_headers["retry-after"] == "7"
    assert reply.sent_headers["retry-after-ms"] == "6800"


@pytest.mark.parametrize(
    ("told", "passed", "wait"),
    [("true", "true", "7"), ("FALSE", "false", None), ("maybe", None, "7")],
)
async def test_whether_to_retry_is_the_upstreams_word(
    opened: Open, told: str, passed: str | None, wait: str | None
) -> None:
    async def answer(peer: Peer) -> None:
        said = f"x-should-retry: {told}", "retry-after: 7"
        await peer.answer(b'{"error":{"message":"busy"}}', "529 Overloaded", *said)

    it, _ = await opened(always(answer))
    reply = await it.ask(SHORT)
    assert reply.sent_headers.get("x-should-retry") == passed
    assert reply.sent_headers.get("retry-after") == wait


@pytest.mark.parametrize("name", ["x-request-id", "request-id", "apim-request-id"])
async def test_its_own_id_is_recorded_and_answered(opened: Open, name: str) -> None:
    async def answer(peer: Peer) -> None:
        await peer.answer(completion(), "200 OK", f"{name}: req_of_theirs")

    it, _ = await opened(always(answer))
    reply = await it.ask(SHORT)
    assert reply.sent_headers["x-upstream-request-id"] == "req_of_theirs"
    (attempt,) = (await it.call()).attempts
    assert attempt._replace(ms=0) == Attempt(OPUS, Cause.NONE, 200, 0, "req_of_theirs")


@pytest.mark.parametrize(("status", "sent"), [("400 Bad", 400), ("503 Busy", 503), ("401 No", 502)])
@pytest.mark.parametrize("data", [SHORT, STREAM], ids=["whole", "stream"])
async def test_its_id_is_answered_with_errors_too(
    opened: Open, status: str, sent: int, data: bytes
) -> None:
    async def answer(peer: Peer) -> None:
        await peer.answer(b'{"error":{"message":"no"}}', status, "x-request-id: req_of_theirs")

    it, _ = await opened(always(answer))
    reply = await it.ask(data)
    assert reply.status == sent
    assert reply.sent_headers["x-upstream-request-id"] == "req_of_theirs"


async def test_without_an_id_of_its_own_none_is_answered(opened: Open) -> None:
    it, _ = await opened(always(well))
    assert "x-upstream-request-id" not in (await it.ask(SHORT)).sent_headers


async def test_a_streams_id_is_answered_with_its_head(opened: Open) -> None:
    async def answer(peer: Peer) -> None:
        await peer.send(b"HTTP/1.1 200 OK\r\nx-request-id: req_of_theirs\r\nTransfer-Encoding: ")
        await peer.send(b"chunked\r\n\r\n")
        await peer.chunk(b'data: {"choices":[{"delta":{"content":"x"}}]}\n\ndata: [DONE]\n\n')
        await peer.chunk(b"")

    it, _ = await opened(always(answer))
    reply = await it.ask(STREAM)
    assert reply.sent_headers["x-upstream-request-id"] == "req_of_theirs"


@pytest.mark.parametrize(
    ("told", "nano"),
    [
        ("2.2e-06", 2_200),
        ("0.000022", 22_000),
        ("0.0", 0),
        ("12", 12_000_000_000),
        ("4.9e-10", 0),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("1e300", None),
        ("None", None),
        ("", None),
        ("1" * 65, None),
        ("é", None),
    ],
)
def test_its_price_is_read_to_the_nano_dollar(told: str, nano: int | None) -> None:
    assert stated_nano({b"x-litellm-response-cost": told.encode()}) == nano
    assert stated_nano({}) is None
