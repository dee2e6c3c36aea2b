"""A gateway process for the tests of this folder, with a project for each thing that is tried."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import MODELS, Gateway, running

PROJECTS = """
[projects.shared]
rpm = 240
tpm = 600000
daily_budget_usd = "5.00"
[projects.one]
rpm = 6000
tpm = 600000
daily_budget_usd = "5.00"
[projects.analytics]
rpm = 600
daily_budget_usd = "5.00"
[projects.free]
[projects.paused]
rpm = 600
[projects.scarce]
rpm = 60
[projects.poor]
daily_budget_usd = "0.01"
[projects.behind]
rpm = 6000
daily_budget_usd = "5.00"
[projects.named]
rpm = 6000
daily_budget_usd = "5.00"
[projects.elsewhere]
rpm = 6000
daily_budget_usd = "5.00"
[projects.seen]
rpm = 600
[projects.unpriced]
daily_budget_usd = "5.00"
[projects.direct]
rpm = 1
[projects.starved]
rpm = 1
[projects.closed]
rpm = 60
[projects.over]
rpm = 600
[projects.ended]
rpm = 600
[projects.dropped]
rpm = 6000
daily_budget_usd = "5.00"
[projects.leaseless]
rpm = 600
daily_budget_usd = "5.00"
[projects.two-keys]
rpm = 600
[projects.two-names]
rpm = 600
"""
TARGETS = "\n".join(
    f'[targets."main/{model}"]\nrpm = 1000000\ntpm = 1000000000' for model in MODELS
)


@pytest.fixture(scope="package")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    directory: Path = tmp_path_factory.mktemp("leased")
    with running(directory, PROJECTS, targets=TARGETS) as started:
        yield started
