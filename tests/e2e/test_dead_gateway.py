"""The console is opened when the gateway is dead: what its ledger knows, clearly the past."""

import shutil
import sys
from pathlib import Path

import httpx

from tests.load import chat
from tests.processes import running, wait_until
from tests.screen import Screen

PROJECTS = """
[projects.analytics]
rpm = 6
[projects.search]
"""
CONSOLE = (sys.executable, "-m", "quotadeck", "--zone", "UTC")


def test_a_dead_gateways_past_is_shown_and_the_present_when_it_is_back(tmp_path: Path) -> None:
    with running(tmp_path, PROJECTS) as gateway:
        headers = {"Authorization": f"Bearer {gateway.add_key('analytics')}"}
        url = f"{gateway.base_url}/chat/completions"
        for _ in range(12):
            httpx.post(url, headers=headers, json=chat(), verify=False)
        wait_until(lambda: sum(row["count"] for row in gateway.calls()) == 12)
        gateway.kill()
        config = tmp_path / "config" / "quotadeck"
        config.mkdir(parents=True)
        shutil.copy(gateway.config, config / "config.toml")
        env = {"XDG_CONFIG_HOME": str(config.parent), "XDG_STATE_HOME": str(tmp_path / "none")}
        with Screen(CONSOLE, env, columns=100) as screen:
            screen.shows("PAST", "actions are off", "now: ✗ no gateway", "nobody answers")
            screen.shows("asked 12/m", "analytics", "search")
            screen.press("p")
            screen.shows("this is the past: p changes nothing")
            screen.press("t")
            screen.shows("timeline", "nobody answers")
            screen.hides("nothing has happened yet")
            screen.press("esc", ".")
            screen.shows("✗ no reading yet")
            screen.press("[")
            screen.shows("PAST")
            gateway.start()
            screen.hides("no gateway")
            screen.press(".")
            screen.shows("● live", "analytics")


def test_without_a_ledger_of_its_own_it_is_said_in_a_line(tmp_path: Path) -> None:
    env = {"XDG_CONFIG_HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)}
    with Screen([*CONSOLE, "--socket", str(tmp_path / "g.sock")], env) as screen:
        screen.shows("there is no gateway at")
        assert screen.exit_code() == 3
