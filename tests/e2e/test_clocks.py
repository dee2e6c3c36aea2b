"""A gateway process whose wall clock alone is stepped, by libfaketime."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from quotadeck.domain.money import NANO_PER_USD
from quotadeck.domain.snapshot import ProjectRow
from tests.processes import PATIENCE_S, Gateway, running, wait_until

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(LIBRARY is None, reason="no libfaketime (Debian: apt install libfaketime)"),
]
PROJECTS = """
[projects.poor]
daily_budget_usd = "0.01"
[projects.paused]
"""
BUDGET_NANO = NANO_PER_USD // 100


@dataclass
class Shifted:
    """A gateway, and the file that says how far its wall clock is off."""

    gateway: Gateway
    shift: Path
    key: str = ""

    def wall(self, shift: str) -> None:
        """Step the wall clock to so far from the machine's: ``-1d``, ``+0``."""
        self.shift.write_text(shift)

    def restart(self, shift: str) -> None:
        self.gateway.kill()
        self.wall(shift)
        self.gateway.start(*preloaded(self.shift))

    def spends(self) -> int:
        """Ask until the budget says no; how many were answered."""
        answered = 0
        asked = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "Three rivers?"}]}
        with httpx.Client(timeout=PATIENCE_S) as client:
            while True:
                answer = client.post(
                    f"{self.gateway.base_url}/chat/completions",
                    headers={"authorization": f"Bearer {self.key}"},
                    json={**asked, "max_tokens": 200},
                )
                if answer.status_code == 429:
                    assert answer.json()["error"]["code"] == "insufficient_quota"
                    return answered
                assert answer.status_code == 200, answer.text
                answered += 1

    def row(self, name: str = "poor") -> ProjectRow:
        return next(row for row in self.gateway.snapshot().projects if row.id == name)

    def booked(self) -> dict[str, int]:
        """What each day has spent, from the ledger's calls."""
        days: dict[str, int] = {}
        for call in self.gateway.calls(project="poor"):
            days[call["day"]] = days.get(call["day"], 0) + call["cost_nano_usd"]
        return days


def preloaded(shift: Path) -> tuple[str, ...]:
    return (
        "env",
        f"LD_PRELOAD={LIBRARY}",
        f"FAKETIME_TIMESTAMP_FILE={shift}",
        "FAKETIME_NO_CACHE=1",
        "FAKETIME_DONT_FAKE_MONOTONIC=1",
        "DONT_FAKE_MONOTONIC=1",
    )


@contextmanager
def shifted(directory: Path, shift: str) -> Iterator[Shifted]:
    file = directory / "shift"
    file.write_text(shift)
    with running(directory, PROJECTS, before=preloaded(file)) as gateway:
        it = Shifted(gateway, file)
        it.key = gateway.add_key("poor")
        yield it


def test_no_clock_that_was_wrong_gives_a_days_budget_again(tmp_path: Path) -> None:
    with shifted(tmp_path, "+0") as it:
        assert it.spends() > 0
        spent_nano = it.row().budget.spent_nano
        it.restart("-1d")
        it.spends()
        it.wall("+0")
        wait_until(lambda: it.row().budget.spent_nano == spent_nano)
        assert it.spends() == 0
        it.wall("+1d")
        it.spends()
        it.wall("+0")
        assert it.spends() == 0
        assert it.row().budget.spent_nano == spent_nano
        it.restart("+0")
        assert (it.spends(), it.row().budget.spent_nano) == (0, spent_nano)
        days = wait_until(lambda: len(it.booked()) == 3 and it.booked())
        assert max(days.values()) <= BUDGET_NANO


def test_no_clock_that_was_wrong_makes_a_pause_longer_or_brings_it_back(tmp_path: Path) -> None:
    with shifted(tmp_path, "+0") as it:
        assert it.gateway.command("pause", "project:paused", for_ms=1_000)["applied"]
        it.wall("-1d")
        wait_until(lambda: not it.row("paused").paused)
        long = it.gateway.command("pause", "project:poor", for_ms=3_600_000)
        it.restart("-2d")
        assert not it.row("paused").paused
        assert it.row().paused
        it.wall("+1d")
        wait_until(lambda: (it.row().changes[0].until_us or 0) > it.gateway.snapshot().at_us)
        assert it.row().paused
        ended = [row for row in it.gateway.get("/audit")["rows"] if row["action"] == "end"]
        assert [(row["actor"], row["subject"]) for row in ended] == [("gateway", "project:paused")]
        assert long["applied"]
