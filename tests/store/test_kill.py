"""kill -9 at any moment: what was acknowledged is there once. The long count is in tests/soak."""

from pathlib import Path

from tests.store.killing import destroy_repeatedly, kill_repeatedly


async def test_nothing_acknowledged_is_lost_or_doubled_by_kills(directory: Path) -> None:
    await kill_repeatedly(directory, times=6, seed=1)


async def test_a_destroyed_ledger_comes_back_equal_after_kills(directory: Path) -> None:
    await destroy_repeatedly(directory, times=4, seed=2)
