"""One simulated upstream for all that leave it as they found it."""

from collections.abc import Iterator

import pytest

from tests.client.help.sdks import Sdks, sdks_at
from tests.sim.driver import Upstream, running


@pytest.fixture(scope="session")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upstream]:
    """It takes any key, and answers at once."""
    with running(tmp_path_factory.mktemp("help") / "upstream.jsonl", "--seed", "7") as process:
        yield process


@pytest.fixture(scope="session")
def sdks(upstream: Upstream) -> Iterator[Sdks]:
    """The official clients, before it."""
    with sdks_at(upstream.base_url) as clients:
        yield clients
