"""What callers call their requests: recorded, found, told to the upstream, the key of nothing."""

import orjson
import pytest

from tests.gateway.chats import SHORT, STREAM, Open, well
from tests.gateway.provider import Asked, always
from tests.gateway.rig import Rig

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


async def asked_with(
    opened: Open, headers: dict[str, str], data: bytes = SHORT
) -> tuple[Rig, Asked]:
    asked: list[Asked] = []
    it, _ = await opened(always(well, asked))
    reply = await it.ask(data, headers=headers)
    assert reply.sent_headers["x-request-id"].startswith("req_")
    return it, asked[0]


async def test_a_callers_name_and_trace_go_on_and_are_found(opened: Open) -> None:
    name = "~" * 256
    it, asked = await asked_with(
        opened, {"x-client-request-id": f" {name} ", "traceparent": PARENT}
    )
    call = await it.call()
    assert asked.headers["x-request-id"] == call.id
    assert asked.headers["x-client-request-id"] == call.client_request_id == name
    assert (asked.headers["traceparent"], call.run_id) == (PARENT, TRACE)
    for known in (call.id, name, TRACE):
        found = await it.ledger.reader.call(known)
        assert found is not None
        assert (found.is_own, found.calls) == (True, (call._replace(charged=()),))
    assert await it.ledger.reader.call(name, "search") is None
    assert await it.ledger.reader.call("") is None


async def test_a_name_is_the_key_of_nothing(opened: Open) -> None:
    it, _ = await asked_with(opened, {"x-client-request-id": "one"})
    await it.ask(STREAM, headers={"x-client-request-id": "one"})
    await it.calls()
    found = await it.ledger.reader.call("one")
    assert found is not None
    assert len({call.id for call in found.calls}) == 2


@pytest.mark.parametrize("name", ["a b", "ü", "x" * 257, "a\tb", "\x7f"])
async def test_a_name_that_is_none_is_refused_with_what_one_is(opened: Open, name: str) -> None:
    asked: list[Asked] = []
    it, _ = await opened(always(well, asked))
    reply = await it.ask(SHORT, headers={"x-client-request-id": name})
    assert (reply.status, reply.error["code"]) == (400, "invalid_header")
    assert "1 to 256 visible ASCII" in reply.error["message"]
    assert asked == []


async def test_a_proxys_name_is_recorded_where_the_caller_has_none(opened: Open) -> None:
    it, asked = await asked_with(opened, {"x-request-id": "from-a-proxy"})
    assert asked.headers["x-client-request-id"] == "from-a-proxy"
    await it.ask(SHORT, headers={"x-request-id": "not fit to go on"})
    assert [call.client_request_id for call in await it.calls()] == [
        "from-a-proxy",
        "not fit to go on",
    ]


@pytest.mark.parametrize(
    ("parent", "goes_on"),
    [
        (PARENT, True),
        (f"01-{TRACE}-00f067aa0ba902b7-01-more", True),
        (f"00-{TRACE}-00f067aa0ba902b7-01-more", False),
        (f"ff-{TRACE}-00f067aa0ba902b7-01", False),
        (f"00-{'0' * 32}-00f067aa0ba902b7-01", False),
        (f"00-{TRACE}-{'0' * 16}-01", False),
        (PARENT.upper(), False),
        ("nonsense", False),
    ],
)
async def test_a_trace_goes_on_as_w3c_has_it(opened: Open, parent: str, goes_on: bool) -> None:
    it, asked = await asked_with(opened, {"traceparent": parent})
    assert asked.headers.get("traceparent") == (parent if goes_on else None)
    assert (await it.call()).run_id == (TRACE if goes_on else "")


async def test_a_refusal_has_the_callers_name_in_its_words_nowhere(opened: Open) -> None:
    it, _ = await opened(always(well, []))
    reply = await it.ask(orjson.dumps({}), headers={"x-client-request-id": "xyzzy"})
    assert reply.status == 400
    assert b"xyzzy" not in reply.body
