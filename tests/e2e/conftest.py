"""A gateway process for a module's tests, with a project for each thing that is tried."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import Gateway, running

PROJECTS = """
[projects.free]
[projects.other]
name = "Another team"
[projects.slow]
rpm = 6
[projects.small]
tpm = 4000
[projects.poor]
daily_budget_usd = "0.01"
[projects.narrow]
concurrency = 1
[projects.picky]
models = ["gpt-4.1"]
[projects.watched]
rpm = 6
shadow = ["rpm"]
[projects.pausable]
[projects.tokyo]
zone = "Asia/Tokyo"
"""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A running gateway over a simulated upstream without delays."""
    directory: Path = tmp_path_factory.mktemp("gw")
    with running(directory, PROJECTS) as started:
        yield started


@pytest.fixture
def key(gateway: Gateway) -> str:
    """A key that serves every project of `PROJECTS`; `free` by default."""
    names = [line[10:-1] for line in PROJECTS.splitlines() if line.startswith("[projects.")]
    return gateway.add_key(*names)
