"""A resolver that hangs holds up nobody but those who wait for its name."""

import asyncio
import socket
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from quotadeck.gateway.upstream.client import Unreachable
from quotadeck.gateway.upstream.pool import Pool
from tests.gateway.provider import always, call, hello, provider
from tests.load import chat
from tests.processes import Gateway, SimUpstream, start_upstream

HANGS = """
import runpy, socket, sys, threading
real = socket.getaddrinfo
def hangs(host, *args, **more):
    if host == "api.example" and not more.get("flags"):
        threading.Event().wait()
    return real(host, *args, **more)
socket.getaddrinfo = hangs
sys.argv[:3] = []
runpy.run_module("quotadeck", run_name="__main__", alter_sys=True)
"""
"""Runs the command behind it with a resolver that hangs at one name."""


class Resolver:
    """The system's, which hangs at each name under "example" until it is let go."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.go = threading.Event()
        self._real = socket.getaddrinfo

    def __call__(self, host: str, port: int, **more: Any) -> Any:
        if more.get("flags"):
            return self._real(host, port, **more)
        self.asked.append(host)
        if host.endswith(".example"):
            assert self.go.wait(20)
            return self._real("127.0.0.1", port, **more)
        return self._real(host, port, **more)


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    made = Resolver()
    monkeypatch.setattr(socket, "getaddrinfo", made)
    yield made
    made.go.set()


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    made = Pool()
    yield made
    await made.close()


async def test_those_who_come_later_join_the_lookup_that_hangs(
    pool: Pool, resolver: Resolver
) -> None:
    async with provider(always(hello)) as it:
        hung = replace(it.upstream(0.1), base_url=f"http://api.example:{it.port}/v1")
        for _ in range(5):
            with pytest.raises(Unreachable, match="took too long"):
                await call(pool, hung)
        assert resolver.asked == ["api.example"]
        waits = asyncio.ensure_future(call(pool, replace(hung, timeout_s=5.0)))
        await asyncio.sleep(0)
        resolver.go.set()
        assert (await waits).status == 200
    assert resolver.asked == ["api.example"]


async def test_other_names_are_resolved_while_many_hang(pool: Pool, resolver: Resolver) -> None:
    async with provider(always(hello)) as it:
        hung = [
            replace(it.upstream(0.1), base_url=f"http://{n}.example:{it.port}/v1")
            for n in range(40)
        ]
        await asyncio.gather(*(call(pool, one) for one in hung), return_exceptions=True)
        assert len(resolver.asked) == 40
        local = replace(it.upstream(), base_url=f"http://localhost:{it.port}/v1")
        assert (await call(pool, local)).status == 200


@pytest.fixture
def upstream(tmp_path: Path) -> Iterator[SimUpstream]:
    started = start_upstream(tmp_path)
    yield started
    started.stop()


def test_a_gateway_ends_while_a_lookup_hangs(tmp_path: Path, upstream: SimUpstream) -> None:
    upstream = replace(upstream, base_url="https://api.example/v1")
    gateway = Gateway(tmp_path, upstream, "[projects.one]\n")
    gateway.config.write_text(gateway.config.read_text().replace("timeout_s = 20", "timeout_s = 1"))
    gateway.start(sys.executable, "-c", HANGS)
    try:
        headers = {"Authorization": f"Bearer {gateway.add_key('one')}"}
        url = f"{gateway.base_url}/chat/completions"
        answer = httpx.post(url, json=chat(), headers=headers, timeout=10)
        assert answer.status_code == 502
        assert "it took too long" in answer.text
        gateway.process.terminate()
        assert gateway.process.wait(10) == 0
    finally:
        gateway.kill()
