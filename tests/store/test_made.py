"""Whose the ids are that replies made: on record with the reply's end, for 30 days."""

import shutil
from pathlib import Path

import pytest

from quotadeck.store import Keep, Ledger
from tests.clocks import HandClock
from tests.store.conftest import Opener
from tests.store.values import ended, event

DAY_MS = 86_400_000
RESPONSE = ("response", "resp_1")


async def test_a_kill_loses_none_that_a_client_may_know_of(
    open_ledger: Opener, directory: Path, tmp_path: Path, clock: HandClock
) -> None:
    ledger = await open_ledger()
    await ledger.end_call(ended("req_1"), (RESPONSE, ("conversation", "conv_1")))
    # Both records stand in the journal now, before SQLite has either.
    left = Path(shutil.copytree(directory, tmp_path / "left"))
    again = await Ledger.open(left, clock)
    try:
        assert await again.reader.owner(*RESPONSE) == "analytics"
        assert await again.reader.owner("conversation", "conv_1") == "analytics"
        assert await again.reader.owner("file", "resp_1") == ""
        assert [call.id for _, call in await again.reader.calls()] == ["req_1"]
    finally:
        await again.close()


async def test_what_is_one_projects_no_other_takes(open_ledger: Opener) -> None:
    ledger = await open_ledger()
    for number, project in enumerate(("analytics", "search", "analytics")):
        ledger.end_call(ended(f"req_{number}", project=project), (RESPONSE,))
    await ledger.flushed()
    assert await ledger.reader.owner(*RESPONSE) == "analytics"


async def test_it_goes_30_days_after_it_was_last_made(
    open_ledger: Opener, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = await open_ledger()
    old, kept = ("response", "resp_old"), ("conversation", "conv_kept")
    ledger.end_call(ended("req_1", at_us=clock.wall_us()), (old, kept))
    clock.advance_ms(29 * DAY_MS)
    ledger.end_call(ended("req_2", at_us=clock.wall_us()), (kept,))
    await ledger.flushed()
    assert await ledger.reader.owner(*old) == "analytics"
    clock.advance_ms(2 * DAY_MS)
    ledger.event(event("evt_1"))
    while await ledger.reader.owner(*old):
        await ledger.flushed()
    assert await ledger.reader.owner(*kept) == "analytics"


async def test_no_more_are_kept_than_there_is_room_for(
    open_ledger: Opener, clock: HandClock
) -> None:
    ledger = await open_ledger(Keep(made_rows=10))
    for number in range(30):
        ledger.end_call(ended(f"req_{number}"), (("file", f"file-{number}"),))
    await ledger.flushed()
    clock.advance_ms(61_000)
    ledger.event(event("evt_1"))
    while await ledger.reader.owner("file", "file-19"):
        await ledger.flushed()
    assert await ledger.reader.owner("file", "file-20") == "analytics"
