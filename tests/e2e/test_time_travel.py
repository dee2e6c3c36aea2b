"""The console over a real gateway goes back before a change, and before the gateway's beginning."""

from pathlib import Path

import httpx

from quotadeck.clock import MachineClock
from quotadeck.sources.gateway.source import GatewaySource
from quotadeck.tui.app import Quotadeck
from quotadeck.tui.keys.bindings import Keys
from quotadeck.tui.themes import find_theme
from tests.load import chat
from tests.processes import running
from tests.tui.driving import sees, shown, until
from tests.tui.play import JST


async def test_what_was_before_a_pause_is_shown_again(tmp_path: Path) -> None:
    with running(tmp_path, "[projects.shop]\nrpm = 600\n[projects.other]") as gateway:
        headers = {"authorization": f"Bearer {gateway.add_key('shop')}"}
        async with httpx.AsyncClient(base_url=gateway.base_url, headers=headers) as http:
            for _ in range(3):
                assert (await http.post("/chat/completions", json=chat())).status_code == 200
        theme, _ = find_theme("dark", {})
        source = GatewaySource(gateway.socket)
        app = Quotadeck(source, clock=MachineClock(), theme=theme, keys=Keys(), zone=JST)
        async with app.run_test(size=(120, 30)) as pilot:
            await sees(pilot, "● live", "3/600")
            live = app.link.live()
            assert live is not None
            before_us = live.present.now_us
            gateway.command("pause", "project:shop", field="paused", value=True, for_ms=600_000)
            await sees(pilot, "paused")

            app.overview.travel.to(before_us)
            await sees(pilot, "PAST", "actions are off", "3/600")
            row = next(line for line in app.overview.projects.text() if "shop" in line)
            assert "paused" not in row
            past = app.link.past
            assert past is not None
            assert past.snapshot.at_us == before_us
            await pilot.press("p")
            await sees(pilot, "this is the past")

            await pilot.press("at", *"-3d", "enter")
            await sees(pilot, "not recorded: it is before the ledger's beginning")
            await pilot.press("full_stop")
            await sees(pilot, "● live", "paused")

            gateway.stop()
            await until(pilot, lambda: "DISCONNECTED" in shown(app))
            await pilot.press("at", *"2s", "enter")
            await until(pilot, lambda: bool(app.link.travel.problem))
