"""What holds for every test."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

MEMORY: Final = Path("/dev/shm")
"""Where Linux keeps files in memory."""
ROOM_BYTES: Final = 2 * 1024**3

# Timing is asserted in benchmarks alone: a slow machine breaks no promise.
settings.register_profile("quotadeck", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("quotadeck")


def pytest_configure(config: pytest.Config) -> None:
    """Have the tests' files in memory, where there is room: what they wait for is mostly the disk.

    Nothing that a kill can lose is there any sooner or later than on a disk. The soak and the
    benchmarks keep to the disk.
    """
    if config.option.markexpr in ("soak", "bench") or not os.access(MEMORY, os.W_OK):
        return
    room = os.statvfs(MEMORY)
    if room.f_bavail * room.f_frsize >= ROOM_BYTES and not room.f_flag & os.ST_NOEXEC:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: a third of the tests' time is spent waiting for processes."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What is collected stays: the collector looks through it neither meanwhile nor ever again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, in whatever order the rest is: else it ends alone."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
