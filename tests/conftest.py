"""What holds for every test."""

import os

import pytest
from hypothesis import HealthCheck, settings

# Timing is asserted in benchmarks alone: a slow machine breaks no promise.
settings.register_profile("quotadeck", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("quotadeck")


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: a third of the tests' time is spent waiting for processes."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, in whatever order the rest is: else it ends alone."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
