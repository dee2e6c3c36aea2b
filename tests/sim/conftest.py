"""Fixtures of the simulator's tests."""

import itertools
from collections.abc import AsyncIterator, Callable, Iterator

import aiohttp
import pytest

from .driver import Upstream, running


@pytest.fixture(scope="session")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upstream]:
    """One upstream for the tests that leave it as they found it."""
    with running(tmp_path_factory.mktemp("sim") / "upstream.jsonl", "--seed", "7") as process:
        yield process


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A bare HTTP client."""
    async with aiohttp.ClientSession() as session:
        yield session


_numbers = itertools.count(1)


@pytest.fixture
def new_id() -> Callable[[], str]:
    """Makes request ids, as the gateway would send them."""
    return lambda: f"req_test_{next(_numbers):04}"
