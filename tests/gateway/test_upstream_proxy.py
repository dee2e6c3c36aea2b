"""Through an http proxy, and by authorities of one's own."""

from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from quotadeck.domain.catalogue import Upstream
from quotadeck.gateway.upstream.client import Unreachable
from quotadeck.gateway.upstream.pool import Pool
from quotadeck.wire.config import load
from tests.gateway.certificates import of_own_authority, served_by
from tests.gateway.provider import KEY, Asked, Provider, always, call, endpoint, hello, provider
from tests.gateway.proxying import HttpProxy
from tests.gateway.values import plan
from tests.wire.configs import SMALL, written

LOGIN = "gateway:pass-word-of-the-proxy"
BASIC = "Basic " + b64encode(LOGIN.encode()).decode()


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    made = Pool()
    yield made
    await made.close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[Path, Path]]:
    return of_own_authority(tmp_path_factory.mktemp("tls"))


def by(proxy: HttpProxy, it: Provider, ca_file: Path | None = None, login: str = "") -> Upstream:
    """The provider, by TLS where an authority vouches for it, as it is reached by the proxy."""
    scheme = "http" if ca_file is None else "https"
    url = f"{scheme}://localhost:{it.port}/v1"
    return Upstream(
        "main", url, KEY, 5.0, proxy=proxy.address, ca_file=str(ca_file or ""), proxy_login=login
    )


async def test_https_goes_through_one_tunnel_that_is_kept(
    pool: Pool, authority: tuple[Path, tuple[Path, Path]]
) -> None:
    ca_file, certificate = authority
    asked: list[Asked] = []
    async with (
        provider(always(hello, asked), served_by(certificate)) as it,
        HttpProxy().serving() as proxy,
    ):
        upstream = by(proxy, it, ca_file)
        for _ in range(3):
            assert (await call(pool, upstream)).body == b'{"hello":1}'
        assert proxy.asked == [f"CONNECT localhost:{it.port} HTTP/1.1"]
        assert pool.connections == 1
    assert [one.line for one in asked] == ["POST /v1/chat/completions HTTP/1.1"] * 3
    assert asked[0].headers["host"] == f"localhost:{it.port}"
    assert KEY.encode() not in proxy.passed, "the proxy sees nothing inside"


async def test_http_is_asked_of_the_proxy_by_its_whole_address(pool: Pool) -> None:
    asked: list[Asked] = []
    async with provider(always(hello, asked)) as it, HttpProxy(BASIC).serving() as proxy:
        upstream = by(proxy, it, login=LOGIN)
        for _ in range(3):
            assert (await call(pool, upstream)).status == 200
        line = f"POST http://localhost:{it.port}/v1/chat/completions HTTP/1.1"
        assert (proxy.asked, pool.connections) == ([line], 1)


async def test_ways_that_differ_share_no_connection(
    pool: Pool, authority: tuple[Path, tuple[Path, Path]]
) -> None:
    ca_file, certificate = authority
    async with (
        provider(always(hello), served_by(certificate)) as it,
        HttpProxy().serving() as one,
        HttpProxy().serving() as other,
    ):
        direct = replace(by(one, it, ca_file), proxy="")
        for upstream in (by(one, it, ca_file), by(other, it, ca_file), direct):
            assert (await call(pool, upstream)).status == 200
        assert (len(one.asked), len(other.asked), pool.connections) == (1, 1, 3)
        with pytest.raises(Unreachable, match="main: its certificate is not trusted"):
            await call(pool, replace(direct, ca_file=""))


async def test_proxy_gets_its_login_and_the_provider_does_not(
    pool: Pool, authority: tuple[Path, tuple[Path, Path]]
) -> None:
    ca_file, certificate = authority
    asked: list[Asked] = []
    async with (
        provider(always(hello, asked), served_by(certificate)) as it,
        HttpProxy(BASIC).serving() as proxy,
    ):
        upstream = by(proxy, it, ca_file, LOGIN)
        assert (await call(pool, upstream)).status == 200
        assert "proxy-authorization" not in asked[0].headers
        for said in (repr(endpoint(upstream)), repr(upstream)):
            assert "pass-word" not in said
            assert BASIC not in said


@pytest.mark.parametrize(
    ("proxy", "why"),
    [
        (HttpProxy(login="Basic x"), r"the proxy wants a login \(407\): proxy_login"),
        (HttpProxy(says=b"HTTP/1.1 403 No\r\n\r\n"), r"the proxy does not let us there \(403\)"),
        (HttpProxy(says=b"HTTP/1.1 502 Bad\r\n\r\n"), "the proxy gets no connection there"),
        (HttpProxy(says=b"HTTP/1.1 500 Oh\r\n\r\n"), r"the proxy opens no tunnel \(500\)"),
        (HttpProxy(says=b"SSH-2.0-no-proxy\r\n\r\n"), "what the proxy answers is no http"),
        (HttpProxy(says=b"HTTP/1.1 200 OK\r\n\r\nand more"), "what the proxy answers is no http"),
        (HttpProxy(says=b"HTTP/1.1 200 " + b"x" * 40_000), "what the proxy answers is no http"),
    ],
)
async def test_a_proxy_that_opens_no_tunnel_is_told_and_nothing_was_sent(
    pool: Pool, authority: tuple[Path, tuple[Path, Path]], proxy: HttpProxy, why: str
) -> None:
    ca_file, certificate = authority
    async with provider(always(hello), served_by(certificate)) as it, proxy.serving():
        with pytest.raises(Unreachable, match=f"no connection to main through its proxy: {why}"):
            await call(pool, by(proxy, it, ca_file))
        assert (it.peers, pool.connections) == ([], 0)


async def test_a_proxy_that_is_not_there_is_not_taken_for_the_provider(pool: Pool) -> None:
    async with provider(always(hello)) as it:
        async with HttpProxy().serving() as proxy:
            upstream = by(proxy, it)
        with pytest.raises(Unreachable, match="no connection to the proxy of main: Connection ref"):
            await call(pool, upstream)


async def test_own_headers_and_query_go_with_every_request(pool: Pool) -> None:
    asked: list[Asked] = []
    async with provider(always(hello, asked)) as it:
        upstream = replace(
            it.upstream(),
            base_url=f"http://127.0.0.1:{it.port}/openai/deployments/gpt-4.1",
            headers=(("Api-Key", "a secret of Azure"), ("AUTHORIZATION", "Basic x")),
            query=(("api-version", "2025-04-01-preview"), ("a b", "c&d")),
        )
        assert (await call(pool, upstream)).status == 200
        assert "a secret of Azure" not in repr(endpoint(upstream)) + repr(upstream)
    (one,) = asked
    query = "api-version=2025-04-01-preview&a+b=c%26d"
    assert one.line == f"POST /openai/deployments/gpt-4.1/chat/completions?{query} HTTP/1.1"
    assert one.headers["api-key"] == "a secret of Azure"
    assert one.headers["authorization"] == "Basic x", "in place of the dialect's own"


async def test_what_the_file_says_is_how_it_is_asked(
    pool: Pool, tmp_path: Path, authority: tuple[Path, tuple[Path, Path]]
) -> None:
    ca_file, certificate = authority
    asked: list[Asked] = []
    env = {"UPSTREAM_KEY": KEY, "LOGIN": LOGIN, "AZURE": "key-of-azure-0123456789"}
    async with (
        provider(always(hello, asked), served_by(certificate)) as it,
        HttpProxy(BASIC).serving() as proxy,
    ):
        lines = (
            f'proxy = "{proxy.address}"',
            'proxy_login = { env = "LOGIN" }',
            f'ca_file = "{ca_file}"',
            'query = { api-version = "2025-04-01" }',
            '[upstreams.main.headers]\napi-key = { env = "AZURE" }\nx-team = "platform"',
        )
        url = f"https://localhost:{it.port}/openai"
        text = SMALL.replace("https://api.example.com/v1", url).replace(
            'key = { env = "UPSTREAM_KEY" }', "\n".join(lines)
        )
        catalogue = load(written(tmp_path, text), env).catalogue
        assert (await call(pool, catalogue.upstreams["main"])).status == 200
        assert len(proxy.asked) == 1
    (one,) = asked
    assert one.line == "POST /openai/chat/completions?api-version=2025-04-01 HTTP/1.1"
    assert (one.headers["api-key"], one.headers["x-team"]) == (env["AZURE"], "platform")
    assert "authorization" not in one.headers
    keys = plan(catalogue).upstream_keys
    said = f"you sent api-key: {env['AZURE']} by pass-word-of-the-proxy, {BASIC}"
    assert keys.hide(said) == "you sent api-key: [key] by [key], Basic [key]"
