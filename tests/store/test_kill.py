"""kill -9 at any moment: what was acknowledged is there once. The long count is in tests/soak."""

from pathlib import Path

from tests.store.killing import kill_repeatedly


async def test_nothing_acknowledged_is_lost_or_doubled_by_kills(directory: Path) -> None:
    await kill_repeatedly(directory, times=6, seed=1)
