"""The gateway's own health: what is shown was measured."""

import shutil
from pathlib import Path

from quotadeck.gateway.watch.vitals import VitalSigns
from quotadeck.store import Ledger
from tests.clocks import HandClock


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
