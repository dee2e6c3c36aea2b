"""The console on bad days: a store locked or broken under it, midnight, clocks set, a thin line."""

import os
import random
import sqlite3
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.test_console import ask, console
from tests.processes import running
from tests.screen import Screen
from tests.tui.test_terminal import PLAY, left

BERLIN: Final = ("--zone", "Europe/Berlin", "--every", "0.2")
ONE: Final = "[projects.analytics]\nrpm = 600\n"


def test_a_locked_store_is_told_while_the_present_goes_on_and_is_read_again_after(
    tmp_path: Path,
) -> None:
    with running(tmp_path, ONE) as gateway:
        key = gateway.add_key("analytics")
        with console(gateway) as screen:
            screen.shows("● live", "analytics")
            other = sqlite3.connect(gateway.state / "ledger.db", isolation_level=None, timeout=20)
            other.execute("BEGIN IMMEDIATE")
            assert ask(gateway, key).status_code == 200
            screen.shows("● live", "1/600", "ledger locked by another process")
            screen.press("c")
            screen.shows("calls", "● following")
            screen.hides("ok  ")
            other.close()
            screen.shows("gpt-4.1     ok")
            screen.press("q")
            screen.shows("● live", "analytics")
            screen.hides("ledger locked")


def test_a_store_broken_under_the_console_ends_no_page_and_hides_nothing(tmp_path: Path) -> None:
    with running(tmp_path, ONE) as gateway:
        key = gateway.add_key("analytics")
        with console(gateway, columns=120) as screen:
            for _ in range(3):
                assert ask(gateway, key).status_code == 200
            screen.shows("● live", "3/600")
            path = gateway.state / "ledger.db"
            sqlite3.connect(path).execute("PRAGMA wal_checkpoint").close()
            with path.open("r+b") as file:
                file.seek(4_096)
                file.write(random.Random(3).randbytes(path.stat().st_size - 4_096))
            os.utime(path)
            screen.shows("● live", "ledger damaged")
            for key_of_page in ("c", "t", "a"):
                screen.press(key_of_page)
                screen.shows("esc back")
                screen.press("q")
                screen.shows("● live", "ledger damaged")
            screen.press("@")
            screen.type("-1s")
            screen.press("enter")
            screen.until(
                lambda: "PAST" in screen.text or "refused: the ledger" in screen.text, "an answer"
            )
            screen.press(".")
            screen.shows("● live", "ledger damaged")
            assert ask(gateway, key).status_code == 200
            screen.shows("4/600")


def test_at_midnight_of_the_projects_zone_the_money_is_anew_and_what_was_is_yesterdays(
    tmp_path: Path,
) -> None:
    go = tmp_path / "go"
    late = [*PLAY, *BERLIN, "--go", str(go), "--at", "2026-11-24T22:59:59Z"]
    with Screen(late, columns=100) as screen:
        screen.shows("23:59 CET", "today $1.25k", "23:59 analytics: budget 90 %")
        go.touch()
        screen.shows("00:00 CET", "today $0 of", "24 Nov 23:59 analytics: budget 90 %")
        screen.press("enter")
        screen.shows("day ends 26 Nov 00:00", "budget      $0 / $500")


@pytest.mark.parametrize(
    ("at", "before", "after", "event"),
    [
        ("2026-03-29T00:59:59Z", "01:59 CET", "03:00 CEST", "01:58 gateway started"),
        ("2026-10-25T00:59:59Z", "02:59 CEST", "02:00 CET", "02:58 CEST gateway started"),
    ],
)
def test_the_day_the_clocks_change_is_one_day_and_no_hour_is_taken_for_another(
    tmp_path: Path, at: str, before: str, after: str, event: str
) -> None:
    go = tmp_path / "go"
    calm = [*PLAY, *BERLIN, "--go", str(go), "--scene", "calm", "--at", at]
    with Screen(calm, columns=100) as screen:
        screen.shows(before, "today $15.0 of 3.00k", event)
        go.touch()
        screen.shows(after, "today $15.0 of 3.00k", event)
        screen.press("enter")
        screen.shows("day ends 30 Mar 00:00" if "-03-" in at else "day ends 26 Oct 00:00")


def test_a_line_that_trickles_byte_by_byte_draws_whole_and_takes_no_arrow_for_escape() -> None:
    relay = [sys.executable, "-m", "tests.relay", "--keys-us", "4000", "--"]
    with Screen([*relay, *PLAY, "--still"]) as screen:
        screen.shows("● live", "? help", "▸analytics", within_s=20)
        screen.press("down")
        screen.shows("▸batch-embed")
        screen.press("up", "/")
        screen.type("é–")
        screen.shows("/é–")
        screen.press("esc")
        screen.resize(100, 30)
        screen.until(lambda: "? help" in screen.lines()[-1], "keys in the last line")
        screen.press("p")
        screen.shows("pause analytics")
        screen.press("esc", "q")
        assert screen.exit_code() == 0
        left(screen)
