"""A long time at 80 % of a core, of everything that happens: nothing is left behind.

``QUOTADECK_SOAK_SECONDS`` says how long: 300, and 3600 for the hour of a release.
"""

import contextlib
import os
import re
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import orjson
import pytest

from tests.bench import cpu_s, resident_mb
from tests.bench.subjects import TARGETS, free_port, process
from tests.processes import Gateway, SimUpstream, wait_until
from tests.soak.mixed import Mixed, Seen, begin, result_of

SECONDS = float(os.environ.get("QUOTADECK_SOAK_SECONDS", "300"))
pytestmark = [pytest.mark.soak, pytest.mark.timeout(SECONDS + 600)]

SHARE, TRIED_S, CLIENTS = 0.8, 10.0, 100
GROWTH_MB = 4.0
QUIET_S = 60.0
FORGOTTEN_S = 10.0
"""More than a connection to an upstream is kept unused."""
PROJECTS = """
[projects.busy]
rpm = 10000000
tpm = 1000000000
concurrency = 1000
daily_budget_usd = "1000000"
"""
PROBED = (sys.executable, "-m", "tests.soak.probed")
ROOT = Path(__file__).parents[2]


@pytest.fixture
def probe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which the gateway tells what it holds."""
    path = tmp_path / "probe"
    monkeypatch.setenv("PROBE", str(path))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return path


@pytest.fixture
def gateway(tmp_path: Path, probe: Path) -> Iterator[Gateway]:
    port = free_port()
    stand_in = SimUpstream(None, f"http://127.0.0.1:{port}/v1", tmp_path / "none")  # type: ignore[arg-type]
    with process([sys.executable, "-m", "tests.soak.failing", str(port)], tmp_path):
        started = Gateway(tmp_path, stand_in, PROJECTS, TARGETS).start(*PROBED)
        try:
            yield started
        finally:
            if started.process.poll() is None:
                started.kill()


class Steady:
    """A gateway, and the loads on it."""

    def __init__(self, gateway: Gateway, ids: Path) -> None:
        self._gateway = gateway
        self._ids = ids
        self._port = int(gateway.base_url.removesuffix("/v1").rpartition(":")[2])
        self._key = gateway.add_key("busy")
        self.sizes: list[float] = []

    def load(self, seconds: float, per_second: float = 0.0) -> tuple[Seen, float]:
        """What was seen, and the gateway's CPU seconds; its memory goes to ``sizes``."""
        pid = self._gateway.process.pid
        asked = Mixed(self._port, self._key, CLIENTS, seconds, str(self._ids), per_second)
        spent = cpu_s(pid)
        begun = begin(asked)
        self.sizes = []
        while begun.poll() is None:
            self.sizes.append(resident_mb(pid))
            time.sleep(seconds / 120)  # the load's own end is waited for in between
        return result_of(begun), cpu_s(pid) - spent


def left_behind(gateway: Gateway, probe: Path) -> dict[str, Any]:
    """What the gateway holds, as it tells, and its open files: how many of each kind."""
    said: dict[str, Any] = orjson.loads(probe.read_bytes())
    files = Counter[str]()
    for descriptor in Path(f"/proc/{gateway.process.pid}/fd").iterdir():
        with contextlib.suppress(OSError):  # closed meanwhile
            files[re.sub(r"[0-9]+", "#", descriptor.readlink().name)] += 1
    return {**said, "files": files}


def at_rest(gateway: Gateway, probe: Path, expected: "Counter[str]") -> dict[str, Any]:
    """`left_behind`, once no request is under way and only the files ``expected`` are open.

    Raises AssertionError where that does not come about.
    """

    def calm() -> dict[str, Any] | None:
        seen = left_behind(gateway, probe)
        still = seen["flights"] or seen["taken"] or seen["files"] - expected
        return None if still else seen

    found: dict[str, Any] = wait_until(calm, QUIET_S)
    return found


def but_one(left: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """Without the one file that a backup's connection leaves.

    SQLite closes it later: while another connection of the process holds a lock, POSIX would drop
    that with it. The next backup takes it again, so it stays one.
    """
    if left["files"]["ledger.db"] == before["files"]["ledger.db"] + 1:
        left["files"]["ledger.db"] -= 1
    return left


def unlike_the_ledger(gateway: Gateway, ids: Path) -> dict[str, int]:
    """Replies without a row, and rows that there are twice, and calls that no roll-up has."""
    db = sqlite3.connect(f"file:{gateway.state / 'ledger.db'}?mode=ro", uri=True)
    try:
        db.execute("CREATE TEMP TABLE replied (id TEXT PRIMARY KEY) WITHOUT ROWID")
        with ids.open() as lines:
            db.executemany("INSERT INTO replied VALUES (?)", ((one.strip(),) for one in lines))
        asked = {
            "without a row": "SELECT count(*) FROM replied LEFT JOIN calls USING (id) "
            "WHERE calls.id IS NULL",
            "twice": "SELECT count(*) - count(DISTINCT id) FROM calls",
            "not in a roll-up": "SELECT (SELECT count(*) FROM calls WHERE outcome != 'refused') - "
            "(SELECT sum(forwarded) FROM rollups_minute)",
        }
        return {what: db.execute(query).fetchone()[0] for what, query in asked.items()}
    finally:
        db.close()


def test_a_long_time_of_load_leaves_nothing_behind(
    gateway: Gateway, probe: Path, tmp_path: Path, record_property: Any
) -> None:
    ids = tmp_path / "ids"
    steady = Steady(gateway, ids)
    steady.load(1.0)
    time.sleep(FORGOTTEN_S)
    files = left_behind(gateway, probe)["files"]
    tried, cpu = steady.load(TRIED_S)
    before = at_rest(gateway, probe, files)
    seen, used = steady.load(SECONDS, SHARE * tried.sent / cpu)
    sizes = steady.sizes
    quarter = len(sizes) // 4
    quarters = [median(sizes[at * quarter : (at + 1) * quarter]) for at in range(4)]
    said = (
        f"{seen}; {100 * used / SECONDS:.0f} % of a core, which carries {tried.sent / cpu:,.0f}/s; "
        f"memory by quarters {', '.join(f'{size:.1f}' for size in quarters)} MB"
    )
    record_property("seen", said)
    print(said)
    assert min(seen.whole, seen.failed, seen.left) > 0
    assert (tried.odd, seen.odd) == (0, 0), "every request that stays gets its reply"
    with contextlib.suppress(AssertionError):  # what differs is told below
        wait_until(lambda: but_one(left_behind(gateway, probe), before) == before, QUIET_S)
    assert but_one(left_behind(gateway, probe), before) == before
    assert before["flights"] == before["reservations"] == 0
    assert before["taken"] == []
    wait_until(lambda: not any(unlike_the_ledger(gateway, ids).values()), QUIET_S)
    assert max(quarters[1:]) - quarters[1] <= GROWTH_MB, said
