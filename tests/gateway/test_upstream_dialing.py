"""New connections: every address of a name, in time, and by TLS to whom we trust."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from quotadeck.domain.catalogue import Upstream
from quotadeck.gateway.upstream.client import Bounds, Unreachable, UpstreamError
from quotadeck.gateway.upstream.dialing import Dialer, _mixed
from quotadeck.gateway.upstream.endpoint import Origin
from quotadeck.gateway.upstream.pool import Pool
from quotadeck.gateway.upstream.resolving import Address, Resolve
from quotadeck.gateway.upstream.wire import Wire
from tests.gateway.certificates import self_signed, served_by
from tests.gateway.provider import KEY, Peer, always, call, hello, provider

Made = Callable[[Resolve], Pool]


@pytest.fixture
async def made() -> AsyncIterator[Made]:
    """Makes pools that resolve names in the test's way."""
    pools: list[Pool] = []

    def make(resolve: Resolve) -> Pool:
        pools.append(Pool(Dialer(resolve), Bounds(connect_s=2)))
        return pools[-1]

    yield make
    for pool in pools:
        await pool.close()


def named(port: int, scheme: str = "http", host: str = "api.example") -> Upstream:
    return Upstream("openai", f"{scheme}://{host}:{port}/v1", KEY, 5.0)


def always_at(*ports: int) -> Resolve:
    """The name has an address for each of these ports."""

    async def resolve(_host: str, _port: int) -> Sequence[Address]:
        return [Address(socket.AF_INET, ("127.0.0.1", port)) for port in ports]

    return resolve


@contextmanager
def refusing() -> Iterator[int]:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield unused.getsockname()[1]


@contextmanager
def silent() -> Iterator[int]:
    """A port that takes no connection: its queue is full."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        try:
            yield full.getsockname()[1]
        finally:
            for one in waiting:
                one.close()


async def test_every_address_is_tried(made: Made) -> None:
    async with provider(always(hello)) as it:
        with refusing() as first, refusing() as second:
            pool = made(always_at(first, second, it.port))
            assert (await call(pool, named(it.port))).status == 200


@pytest.mark.skipif(sys.platform != "linux", reason="other kernels queue connections differently")
async def test_address_that_does_not_answer_holds_the_next_one_up_for_a_moment(made: Made) -> None:
    loop = asyncio.get_running_loop()
    async with provider(always(hello)) as it:
        with silent() as first:
            began_s = loop.time()
            pool = made(always_at(first, it.port))
            assert (await call(pool, named(it.port))).status == 200
            assert loop.time() - began_s < 1.5


async def test_without_any_that_answers_the_first_ones_fault_is_told(made: Made) -> None:
    with refusing() as first, refusing() as second:
        pool = made(always_at(first, second))
        with pytest.raises(Unreachable, match="no connection to openai: Connection refused"):
            await call(pool, named(1))


async def test_name_without_an_address_was_never_sent(made: Made) -> None:
    with pytest.raises(Unreachable, match="no address"):
        await call(made(always_at()), named(1))


async def test_resolver_that_hangs_is_given_up(made: Made) -> None:
    async def resolve(_host: str, _port: int) -> Sequence[Address]:
        await asyncio.Event().wait()
        raise AssertionError

    upstream = Upstream("openai", "http://api.example/v1", KEY, 0.2)
    with pytest.raises(Unreachable, match="took too long"):
        await call(made(resolve), upstream)


async def test_name_is_resolved_once_for_all_who_wait(made: Made) -> None:
    async def resolve(host: str, port: int) -> Sequence[Address]:
        asked.append((host, port))
        await all_asked.wait()
        return [Address(socket.AF_INET, ("127.0.0.1", port))]

    asked, all_asked = list[tuple[str, int]](), asyncio.Event()
    async with provider(always(hello)) as it:
        pool = made(resolve)
        calls = [asyncio.ensure_future(call(pool, named(it.port))) for _ in range(5)]
        await asyncio.sleep(0)
        calls.pop().cancel()  # the others need the answer
        await asyncio.sleep(0)
        all_asked.set()
        assert [one.status for one in await asyncio.gather(*calls)] == [200] * 4
    assert asked == [("api.example", it.port)]


async def test_next_request_resolves_again_where_the_last_one_failed(made: Made) -> None:
    async def resolve(_host: str, port: int) -> Sequence[Address]:
        answers.append(port)
        if len(answers) == 1:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return [Address(socket.AF_INET, ("127.0.0.1", port))]

    answers = list[int]()
    async with provider(always(hello)) as it:
        pool = made(resolve)
        with pytest.raises(Unreachable, match="openai: Temporary failure in name resolution"):
            await call(pool, named(it.port))
        assert (await call(pool, named(it.port))).status == 200


def test_families_take_turns() -> None:
    v6 = [Address(socket.AF_INET6, name) for name in "abc"]
    v4 = [Address(socket.AF_INET, "d")]
    assert [one.at for one in _mixed([*v6, *v4])] == ["a", "d", "b", "c"]


class Watched(Dialer):
    """Connections that are lost before anything is sent; and how long each might take."""

    within_s: float

    async def dial(
        self, origin: Origin, name: str, within_s: float, wire: Callable[[], Wire]
    ) -> Wire:
        self.within_s = within_s
        made = await super().dial(origin, name, within_s, wire)
        made.abort()
        return made


@pytest.mark.parametrize(("timeout_s", "within_s"), [(5.0, 2.5), (600.0, 10.0)])
async def test_connecting_leaves_at_least_half_of_the_time_to_the_answer(
    timeout_s: float, within_s: float
) -> None:
    dialer = Watched()
    pool = Pool(dialer)
    async with provider(always(hello)) as it:
        with pytest.raises(Unreachable, match="openai: it was closed at once"):
            await call(pool, it.upstream(timeout_s))
    assert dialer.within_s == within_s
    await pool.close()


async def test_connection_that_is_closed_at_once_is_told(made: Made) -> None:
    async def script(peer: Peer) -> None:
        peer.reset()

    async def at_once(_host: str, _port: int) -> Sequence[Address]:
        return [Address(socket.AF_INET, ("127.0.0.1", it.port))]

    async with provider(script) as it:
        pool = made(at_once)
        # Whether the loss is seen before or after we send is the kernel's choice.
        with pytest.raises(UpstreamError, match="openai"):
            await call(pool, named(it.port))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return self_signed(tmp_path_factory.mktemp("tls"))


async def test_own_authority_is_trusted_where_the_system_is_told_so(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    pool, body = Pool(), b"x" * (10 << 20)
    async with provider(always(hello), served_by(certificate)) as it:
        upstream = named(it.port, "https", "localhost")
        assert (await call(pool, upstream, body)).status == 200
        assert (await call(pool, upstream, body)).status == 200
        assert len(it.peers) == 1
        it.peers[0].writer.close()
        assert (await call(pool, upstream)).status == 200
        await pool.close()


async def test_certificate_that_nobody_vouches_for_was_never_sent(
    certificate: tuple[Path, Path], made: Made
) -> None:
    async with provider(always(hello), served_by(certificate)) as it:
        pool = made(always_at(it.port))
        with pytest.raises(Unreachable, match="not trusted: self-signed certificate"):
            await call(pool, named(it.port, "https", "localhost"))


async def test_certificate_of_another_was_never_sent(
    certificate: tuple[Path, Path], made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    async with provider(always(hello), served_by(certificate)) as it:
        pool = made(always_at(it.port))
        with pytest.raises(Unreachable, match="not trusted: Hostname mismatch"):
            await call(pool, named(it.port, "https", "api.example"))


async def test_address_whose_tls_fails_is_passed_over(
    certificate: tuple[Path, Path], made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_tls(peer: Peer) -> None:
        await peer.send(b"HTTP/1.1 400 This is no TLS\r\n\r\n")

    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    async with (
        provider(no_tls) as wrong,
        provider(always(hello), served_by(certificate)) as it,
    ):
        pool = made(always_at(wrong.port, it.port))
        assert (await call(pool, named(it.port, "https", "localhost"))).status == 200
