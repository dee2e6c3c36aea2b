"""The gateway's own health: what is shown was measured."""

import shutil
from pathlib import Path

from quotadeck.gateway.watch.vitals import VitalSigns
from quotadeck.store import Ledger
from tests.clocks import HandClock


async def test_a_loop_that_is_late_for_a_minute_is_told_apart(tmp_path: Path) -> None:
    clock = HandClock()
    ledger = await Ledger.open(tmp_path / "state", clock)
    signs = VitalSigns("gw", ledger, tmp_path, clock, lambda: False)

    def seconds(count: int, late_ms: int) -> list[str]:
        for _ in range(4 * count):
            clock.advance_ms(250)
            signs.beaten(late_ms * 1_000_000)
        return [str(one.kind) for one in signs.read().problems if "loop" in one.kind]

    try:
        assert seconds(2, 10) == []
        assert seconds(60, 80) == ["vital.loop_lag"]
        assert seconds(2, 80) == ["vital.loop_lags"]
        assert seconds(2, 10) == []
        assert seconds(2, 80) == ["vital.loop_lag"]
    finally:
        await ledger.close()


async def test_the_first_figure_of_the_disk_is_measured(
    tmp_path: Path, small_ballast: None
) -> None:
    clock = HandClock()
    ledger = await Ledger.open(tmp_path / "state", clock)
    try:
        vitals = VitalSigns("gw", ledger, tmp_path, clock, lambda: False)
        told = vitals.read().disk_free_percent
    finally:
        await ledger.close()
    usage = shutil.disk_usage(tmp_path)
    assert abs(told - usage.free * 100 // usage.total) <= 1
