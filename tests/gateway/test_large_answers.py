"""Answers about ten thousand: the loop is let go of between their steps."""

import asyncio
import gc
import sqlite3
from collections.abc import Coroutine
from pathlib import Path
from time import thread_time
from typing import Any

import orjson

from quotadeck.domain.days import rfc3339
from quotadeck.gateway.control import admin_past
from quotadeck.store.places import ledger_file
from tests.gateway.desks import bench

MANY = 10_000
HOUR_US = 3_600_000_000
MINUTE_US = 60_000_000
MOST_S = 0.03
"""Of a processor, however busy the machine is; 0.1 where all is done in one turn."""


async def longest_turn_s(work: Coroutine[Any, Any, bytes]) -> tuple[bytes, float]:
    """What comes of it, and the longest turn of the loop meanwhile."""
    turns = list[float]()

    async def look() -> None:
        last = thread_time()
        while True:
            await asyncio.sleep(0.001)
            now = thread_time()
            turns.append(now - last)
            last = now

    gc.freeze()
    looking = asyncio.create_task(look())
    await asyncio.sleep(0.01)
    try:
        found = await work
        await asyncio.sleep(0.01)
    finally:
        looking.cancel()
        gc.unfreeze()
    return found, max(turns)


def fill(path: Path, now_us: int) -> None:
    """An hour of ten thousand projects, each of which was in trouble."""
    with sqlite3.connect(path) as db:
        source = db.execute("SELECT id FROM sources").fetchone()[0]
        hour_us = now_us // HOUR_US * HOUR_US - HOUR_US
        columns = [row[1] for row in db.execute("PRAGMA table_info(rollups_hour)")]
        known = {"source_id": source, "hour_us": hour_us, "model": "opus", "forwarded": 3}
        db.executemany(
            f"INSERT INTO rollups_hour VALUES ({', '.join('?' * len(columns))})",
            (
                [
                    None if name == "seq" else (known | {"project": f"p{at}"}).get(name, 1)
                    for name in columns
                ]
                for at in range(MANY)
            ),
        )
        facts = '{"urgency":"trouble","count":3}'
        db.executemany(
            "INSERT INTO states (source_id, subject, kind, cause, entered_us, left_us, facts, "
            "left_facts) VALUES (?, ?, 'failing', 'x', ?, ?, ?, ?)",
            (
                (source, f"project:p{at}", hour_us + at, hour_us + MINUTE_US, facts, facts)
                for at in range(MANY)
            ),
        )
    db.close()


async def test_a_report_and_the_alarms_of_all_leave_others_their_turns(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        now_us = at.clock.wall_us()
        fill(ledger_file(tmp_path), now_us)
        asked = {"since": rfc3339(now_us - 3 * HOUR_US)}
        reader = at.ledger.pages
        told, turn_s = await longest_turn_s(admin_past.report(asked, reader, at.desk, now_us, "gw"))
        assert len(orjson.loads(told)["projects"]) == MANY
        assert turn_s < MOST_S
        _, turn_s = await longest_turn_s(admin_past.alarms(asked, reader, now_us))
        assert turn_s < MOST_S
