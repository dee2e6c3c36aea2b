"""The doctor asks upstreams by the ways of the gateway, and repeats what they say."""

from base64 import b64encode
from dataclasses import replace

import pytest

from quotadeck.cli.doctor.finding import Finding, Verdict
from quotadeck.cli.doctor.upstreams import all_asked
from quotadeck.domain.catalogue import Catalogue, Target, Upstream
from tests.gateway.provider import KEY, Asked, Peer, always, provider
from tests.gateway.proxying import HttpProxy
from tests.gateway.values import PRICE

MODELS = b'{"object":"list","data":[{"id":"gpt-4.1"}]}'
LOGIN = "gateway:pass-word-of-the-proxy"


async def found_at(upstream: Upstream) -> Finding:
    targets = {"main/gpt-4.1": Target("main/gpt-4.1", "main", "gpt-4.1", PRICE)}
    (finding,) = await all_asked(Catalogue({}, {"main": upstream}, targets, {}))
    return finding


async def listing(peer: Peer) -> None:
    await peer.answer(MODELS)


async def test_it_asks_with_headers_and_query_and_through_the_proxy() -> None:
    asked: list[Asked] = []
    basic = "Basic " + b64encode(LOGIN.encode()).decode()
    async with provider(always(listing, asked)) as it, HttpProxy(basic).serving() as proxy:
        upstream = replace(
            it.upstream(),
            name="main",
            plain_http=True,
            headers=(("x-portkey-provider", "openai"),),
            query=(("api-version", "1"),),
            proxy=proxy.address,
            proxy_login=LOGIN,
        )
        found = await found_at(upstream)
        assert (found.state, len(proxy.asked)) == (Verdict.OK, 1)
        assert "can be read on the way (plain_http)" in found.found
        refused = await found_at(replace(upstream, proxy_login="gateway:wrong"))
    (one,) = asked
    assert one.line == "GET /v1/models?api-version=1 HTTP/1.1"
    assert one.headers["x-portkey-provider"] == "openai"
    assert one.headers["authorization"] == f"Bearer {KEY}"
    assert refused.state is Verdict.FAIL
    assert "407: the proxy refuses the login" in refused.found
    assert "proxy_login" in refused.todo


async def test_it_asks_anthropic_as_anthropic_wants_it() -> None:
    asked: list[Asked] = []
    async with provider(always(listing, asked)) as it:
        found = await found_at(replace(it.upstream(), name="main", speaks=("messages",)))
    assert found.state is Verdict.OK
    assert (asked[0].headers["x-api-key"], "authorization" in asked[0].headers) == (KEY, False)
    assert "anthropic-version" in asked[0].headers


@pytest.mark.parametrize(
    ("status", "body", "said", "todo"),
    [
        ("400 Bad", b'{"status":"failure","message":"x-portkey-provider is required"}',
         "answers 400: x-portkey-provider is required", "headers"),
        ("404 No", b"", "answers 404", "base_url is right"),
        ("401 No", b'{"error":{"message":"no such key: %s"}}' % KEY.encode(),
         "401: the key is refused; it says: no such key: [key]", "new key"),
    ],
)  # fmt: skip
async def test_it_repeats_what_the_upstream_says(
    status: str, body: bytes, said: str, todo: str
) -> None:
    async def answer(peer: Peer) -> None:
        await peer.answer(body, status)

    async with provider(always(answer)) as it:
        found = await found_at(replace(it.upstream(), name="main"))
    assert found.found.endswith(said)
    assert todo in found.todo
