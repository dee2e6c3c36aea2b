"""One ledger may hold what several sources have told, and nobody's figures are another's."""

from pathlib import Path

from quotadeck.domain.cause import Cause
from quotadeck.domain.money import NANO_PER_USD
from quotadeck.store import Reader, StoreMissing
from quotadeck.store.places import ledger_file
from quotadeck.store.sqlite.connection import connect, source_number
from quotadeck.store.sqlite.fold import Batch, Fold
from quotadeck.store.sqlite.schema import create
from tests.store.values import START_US, all_calls, assert_sums, ended, event, refused
from tests.wording import refuses

THEIRS = "src_of-another-system"


async def record(directory: Path, source_id: str, *, price: int) -> None:
    """What a recorder does: no journal, no gateway."""
    batch = Batch()
    batch.add_call(ended("req_1", cost_nano_usd=price))
    batch.add_call(refused("req_2", Cause.BUDGET, 4))
    batch.add_event(event("evt_1"))
    batch.levels.append((START_US, 3, 5, 60, "project:analytics:rpm"))
    db = await connect(ledger_file(directory))
    try:
        fold = Fold(db, await source_number(db, source_id, epoch=7))
        await fold.insert(batch)
        await fold.insert(batch)
    finally:
        await db.close()


async def test_a_recorder_folds_without_a_gateway_and_apart_from_it(tmp_path: Path) -> None:
    create(ledger_file(tmp_path), "src_ours", epoch=1)
    await record(tmp_path, "src_ours", price=NANO_PER_USD)
    await record(tmp_path, THEIRS, price=5)
    ours, theirs = await Reader.open(tmp_path), await Reader.open(tmp_path, THEIRS)
    assert (ours.source_id, theirs.source_id, theirs.epoch) == ("src_ours", THEIRS, 7)
    for reader, price in ((ours, NANO_PER_USD), (theirs, 5)):
        assert [call.cost_nano_usd for call in await all_calls(reader)] == [price, 0]
        await assert_sums(reader)
        total = (await reader.totals())["analytics"]
        assert (total.cost_nano_usd, total.forwarded, total.refused) == (price, 1, {"budget": 4})
        assert len(await reader.events()) == len(await reader.levels()) == 1
        assert len((await reader.search(outcome="refused")).rows) == 1
        assert await reader.known(["req_1", "req_9"]) == {"req_1"}
        assert await reader.log() == []
    await ours.close()
    await theirs.close()
    with refuses(StoreMissing, match="no records of the source src_nobody"):
        await Reader.open(tmp_path, "src_nobody")
