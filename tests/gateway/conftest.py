"""The data plane before a scripted provider, and the client that goes there."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import uvloop

from quotadeck.domain.catalogue import Upstream
from quotadeck.domain.commands import Field
from quotadeck.gateway.upstream.client import Bounds, UpstreamClient
from quotadeck.gateway.upstream.pool import Pool
from tests.gateway.aiohttp_upstream import AiohttpUpstream
from tests.gateway.chats import Open
from tests.gateway.echoing import DATE
from tests.gateway.provider import Provider, Script, provider
from tests.gateway.rig import Rig, rig
from tests.gateway.stories import Story
from tests.gateway.values import UPSTREAM, catalogue


@pytest.fixture
def now_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """For those who compare an answer to the byte."""
    monkeypatch.setattr("quotadeck.gateway.connection.http1_exchange.date_line", lambda: DATE)


def pytest_asyncio_loop_factories(
    item: pytest.Item,
) -> "Mapping[str, Callable[[], asyncio.AbstractEventLoop]]":
    """The way to a provider is tried on the gateway's loop, too."""
    on = {"asyncio": asyncio.new_event_loop}
    return on | {"uvloop": uvloop.new_event_loop} if "test_upstream" in item.nodeid else on


@pytest.fixture
def small_ballast(monkeypatch: pytest.MonkeyPatch) -> None:
    """A megabyte a test instead of sixteen."""
    monkeypatch.setattr("quotadeck.store.ballast.BALLAST_BYTES", 1024 * 1024)


@pytest.fixture
async def opened(tmp_path: Path, small_ballast: None) -> AsyncIterator[Open]:
    """Opens a data plane before a provider with this script; None: nobody listens."""
    async with AsyncExitStack() as stack:

        async def open_rig(
            script: Script | None,
            timeout_s: float = 5.0,
            upstream: Upstream = UPSTREAM,
            **analytics: Any,
        ) -> tuple[Rig, Provider]:
            it = Provider(1)
            if script:
                it = await stack.enter_async_context(provider(script))
            there = replace(
                upstream, base_url=f"http://127.0.0.1:{it.port}/v1", timeout_s=timeout_s
            )
            of = replace(catalogue(**analytics), upstreams={"main": there})
            return await stack.enter_async_context(rig(tmp_path, of)), it

        yield open_rig


@pytest.fixture
async def story(tmp_path: Path, small_ballast: None) -> AsyncIterator[Story]:
    """A gateway with projects a, b and c, of which each has 60 requests a minute."""
    story = Story(1, tmp_path)
    catalogue = story.config.catalogue
    rated = {
        name: replace(project, limits={**project.limits, Field.RPM: 60})
        for name, project in catalogue.projects.items()
    }
    story.config = replace(story.config, catalogue=replace(catalogue, projects=rated))
    await story.boot()
    yield story
    await story.gateway.close()


async def ask(story: Story) -> None:
    """A request of project a, under way in a task of its own."""
    story.random.choice = lambda _names: "a"  # type: ignore[method-assign, assignment, return-value]
    await asyncio.create_task(story.ask())


Bounded = Callable[[Bounds], UpstreamClient]


@pytest.fixture(params=["own", "aiohttp"])
async def bounded(
    request: pytest.FixtureRequest, nothing_left_open: None
) -> AsyncIterator[Bounded]:
    """Makes a client of each implementation of the two methods."""
    made: list[Any] = []

    def make(bounds: Bounds) -> UpstreamClient:
        one = Pool(bounds=bounds) if request.param == "own" else AiohttpUpstream(bounds)
        made.append(one)
        return one

    yield make
    for one in made:
        await one.close()


@pytest.fixture
async def client(bounded: Bounded) -> UpstreamClient:
    """A client of each implementation."""
    return bounded(Bounds())


@pytest.fixture(scope="module")
def nothing_left_open() -> Iterator[None]:
    """What was left open warns when it is collected, and a warning is an error."""
    yield
    gc.collect()
