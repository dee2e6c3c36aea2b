"""A restart forgets leases: what no call drew of them is there again, what calls drew is not."""

import shutil
from pathlib import Path

import pytest

from quotadeck.domain.limits import MICRO, RateLimit
from quotadeck.domain.replay import restore_levels
from quotadeck.gateway.plan import limits_of
from quotadeck.gateway.watch.levels import LevelKeeper
from quotadeck.store import Ledger
from tests.gateway.chats import COST, SHORT, Open, well
from tests.gateway.leasing import RPM, TPM, lease
from tests.gateway.provider import always


@pytest.mark.parametrize("recorded", ["before", "between", "behind"])
async def test_levels_come_back_without_what_was_leased_alone(
    opened: Open, tmp_path: Path, recorded: str
) -> None:
    """Whether the levels were written down before the lease, while it lived, or after its call."""
    it, _ = await opened(always(well))
    keeper = LevelKeeper(it.ledger, it.limiter, it.clock, it.leases.undrawn)
    await it.ask(SHORT)
    if recorded == "before":
        await keeper.record()
    made = await lease(it, requests=5, tokens=2_000, nano_usd=50_000_000)
    if recorded == "between":
        await keeper.record()
    assert (await it.ask(SHORT, headers={"x-quota-lease": made["id"]})).status == 200
    if recorded == "behind":
        await keeper.record()
    await it.ledger.flushed()
    shutil.copytree(tmp_path / "state", tmp_path / "left")
    again = await Ledger.open(tmp_path / "left", it.clock)
    limits = limits_of(it.plan[0])
    found = restore_levels(
        {key: one for key in (RPM, TPM) if isinstance(one := limits[key], RateLimit)},
        again.recovered.levels_at_us,
        again.recovered.levels,
        again.recovered.since,
        it.clock.wall_us(),
        under_way=again.recovered.under_way,
    )
    assert (found[RPM] // MICRO, found[TPM] // MICRO) == (8, 60_000 - 92)
    spent = await again.reader.spent_after("2026-11-20")
    assert spent["analytics"]["2026-11-24"] == 2 * COST
    await again.close()
