"""A preview's replay: a second, on the busiest quarter of an hour too, and the gateway goes on.

The ledger is as a gateway leaves it: so many requests a second of forty projects that share one
target's limits, a tenth of them in counted refusals.
"""

import asyncio
import sqlite3
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import uvloop

from quotadeck.backtest.messages import Told
from quotadeck.clock import MachineClock
from quotadeck.domain.calls import Call, Counted, Outcome
from quotadeck.domain.catalogue import Catalogue, Project, Route, Target, Upstream
from quotadeck.domain.cause import Cause
from quotadeck.domain.commands import Field, Value
from quotadeck.domain.ids import new_id
from quotadeck.domain.price import Price
from quotadeck.domain.usage import Usage
from quotadeck.gateway.control.replayer import Replayer
from quotadeck.store import Ledger, file_layer
from quotadeck.store.journal.call_record import COLUMNS, end_list, row_of
from quotadeck.store.sqlite.tables import SUM_COLUMNS

RATES: Final = (20, 100, 1_000)
MINUTES: Final = 15
ROUNDS: Final = 7
_PROJECTS: Final = 40
_MINUTE_US: Final = 60_000_000
_PRICE: Final = Price(2_000_000, 8_000_000, 500_000, 2_000_000, "v1")
_CATALOGUE: Final = Catalogue(
    projects={
        f"p{number}": Project(
            f"p{number}",
            "One",
            limits={Field.RPM: 3_000, Field.TPM: 600_000, Field.BUDGET: 10**13},
        )
        for number in range(_PROJECTS)
    },
    upstreams={"main": Upstream("main", "http://127.0.0.1:9", "secret")},
    targets={
        "main/opus": Target(
            "main/opus", "main", "opus", _PRICE, limits={Field.RPM: 100_000, Field.TPM: 10**8}
        )
    },
    routes={"opus": Route("opus", ("main/opus",))},
)


def _calls(a_second: int, until_us: int) -> Iterator[Call]:
    """As they end, oldest first."""
    step_us = 1_000_000 // a_second
    for number in range(MINUTES * 60 * a_second):
        at_us = until_us - MINUTES * _MINUTE_US + number * step_us
        project = f"p{number % _PROJECTS}"
        call = Call(
            new_id("req", at_us, number.to_bytes(10, "big")), at_us, "2026-11-26", project, "k", 1,
            "opus", Outcome.OK, Cause.NONE, 200, target="main/opus", estimated_input=120,
            estimated_output=80, held_nano_usd=900_000, cost_nano_usd=400_000, total_ms=800,
            usage=Usage(100, 0, 25),
        )  # fmt: skip
        if number % 100 == 99:
            yield call._replace(
                outcome=Outcome.REFUSED, cause=Cause.RPM, count=10, target="", cost_nano_usd=0,
                binding=f"project:{project}:rpm", usage=Usage(0, 0, 0), total_ms=0,
                counted=Counted(at_us, at_us + 900_000, 1, 10_000_000, 1_000_000),
            )  # fmt: skip
        elif number % 100 < 90:
            yield call


async def _recorded(directory: Path, a_second: int) -> int:
    """A ledger with all that; until when it goes, UTC microseconds."""
    now_us = MachineClock().wall_us()
    ledger = await Ledger.open(directory, MachineClock())
    ledger.catalogue(file_layer(_CATALOGUE, request_window_s=10, token_window_s=60), now_us)
    await ledger.flushed()
    await ledger.close()
    with sqlite3.connect(directory / "ledger.db") as db:
        places = ", ".join("?" * len(COLUMNS))
        db.executemany(
            f"INSERT INTO calls (source_id, {', '.join(COLUMNS)}) VALUES (1, {places})",
            (row_of(end_list(call)) for call in _calls(a_second, now_us)),
        )
        minute = f"at_us - at_us % {_MINUTE_US}"
        sums = ["SUM(outcome <> 'refused')", *["0"] * (len(SUM_COLUMNS) - 1)]
        db.execute(
            "INSERT INTO rollups_minute (source_id, minute_us, project, model, change, "
            f"{', '.join(SUM_COLUMNS)}) SELECT 1, {minute}, project, model, 1, {', '.join(sums)} "
            f"FROM calls GROUP BY {minute}, project, model"
        )
        db.execute(
            "INSERT INTO refusals_minute (source_id, minute_us, project, model, cause, count) "
            f"SELECT 1, {minute}, project, model, cause, SUM(count) FROM calls "
            f"WHERE outcome = 'refused' GROUP BY {minute}, project, model"
        )
    return now_us


CHANGES: Final[Mapping[str, Callable[[int], Mapping[str, Mapping[str, Value]]]]] = {
    "a project's limit": lambda n: {"project:p0": {"rpm": 1_000 + n}},
    "a model's pause": lambda _: {"model:opus": {"paused": True}},
}


async def _asked(
    replayer: Replayer, after: Mapping[str, Mapping[str, Value]], now_us: int
) -> tuple[float, float, Told]:
    """How long it took, and the longest that the event loop was held meanwhile, in ms."""
    gap_ms = 0.0

    async def watch() -> None:
        nonlocal gap_ms
        while True:
            wall, cpu = time.perf_counter(), time.process_time()
            await asyncio.sleep(0.001)
            # What other processes take of the machine holds no loop: our own CPU time does.
            wall, cpu = time.perf_counter() - wall - 0.001, time.process_time() - cpu
            gap_ms = max(gap_ms, min(wall, cpu) * 1_000)

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0.01)
    gap_ms, began = 0.0, time.perf_counter()
    told = await replayer.ask({}, after, {}, now_us)
    took_ms = (time.perf_counter() - began) * 1_000
    watching.cancel()
    return took_ms, gap_ms, told


async def _measured(directory: Path, a_second: int) -> list[tuple[str, str]]:
    now_us = await _recorded(directory, a_second)
    figures: list[tuple[str, str]] = []
    for change, after in CHANGES.items():
        replayer = Replayer(directory)
        try:
            asked = [await _asked(replayer, after(n), now_us) for n in range(ROUNDS)]
        finally:
            await replayer.close()
        figures += _figures(f"{a_second:,} a second, {change}", asked)
    return figures


def _figures(name: str, asked: Sequence[tuple[float, float, Told]]) -> Iterator[tuple[str, str]]:
    first, *others = [took for took, _, _ in asked]
    estimates = [told.estimate for _, _, told in asked if told.estimate]
    minutes = sorted({one.minutes for one in estimates})
    calls = max((one.requests for one in estimates), default=0)
    checked = sum(one.checked for one in estimates)
    why = Counter(told.why for _, _, told in asked if told.estimate is None)
    yield (
        f"{name}: first; median; most",
        f"{first:.0f} ms; {statistics.median(others):.0f} ms; {max(others):.0f} ms",
    )
    yield (
        "… whole minutes of 15; most of its calls; checked; no figures",
        f"{minutes}; {calls:,}; {checked} of {len(estimates)}; {dict(why) or 'none'}",
    )
    yield "… the loop that asked was held, at most", f"{max(gap for _, gap, _ in asked):.1f} ms"


def run() -> Iterator[tuple[str, str]]:
    """(name, figure)."""
    for a_second in RATES:
        with tempfile.TemporaryDirectory() as directory:
            yield from uvloop.run(_measured(Path(directory), a_second))
