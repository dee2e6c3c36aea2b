"""The console on a real terminal, before a real gateway: what is pressed is what is enforced."""

import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.load import chat
from tests.processes import Gateway, running, wait_until
from tests.screen import Screen

PROJECTS = """
[projects.analytics]
rpm = 600
daily_budget_usd = "5"
[projects.search]
[projects.checkout]
priority = "high"
"""


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    with running(tmp_path, PROJECTS) as started:
        yield started


def console(gateway: Gateway, *options: str, columns: int = 80, rows: int = 24) -> Screen:
    """The console where pydantic cannot be imported: it does everything here without."""
    without = gateway.socket.parent / "without"
    without.mkdir(exist_ok=True)
    (without / "pydantic.py").write_text("raise ImportError('the console imports pydantic')")
    command = [sys.executable, "-m", "quotadeck", "--socket", str(gateway.socket), *options]
    return Screen(command, {"PYTHONPATH": str(without)}, columns=columns, rows=rows)


def ask(gateway: Gateway, key: str, project: str = "analytics") -> httpx.Response:
    headers = {"Authorization": f"Bearer {key}", "X-Project-Id": project}
    url = f"{gateway.base_url}/chat/completions"
    return httpx.post(url, headers=headers, json=chat(), verify=False)


def test_a_pause_from_the_dialog_refuses_the_next_request_and_resume_lets_it_through(
    gateway: Gateway,
) -> None:
    key = gateway.add_key("analytics")
    with console(gateway) as screen:
        screen.shows("analytics", "search", "live")
        assert ask(gateway, key).status_code == 200
        screen.press("/")
        screen.type("analytics")
        screen.press("enter", "p")
        screen.shows("pause analytics", "reason")
        assert ask(gateway, key).status_code == 200
        screen.press("enter")
        screen.type("batch bug")
        screen.shows("batch bug")
        screen.press("enter")
        screen.hides("pause analytics")
        assert ask(gateway, key).status_code == 403
        screen.shows("‖")
        screen.press("r")
        screen.shows("resume analytics")
        screen.press("enter")
        screen.hides("resume analytics")
        assert ask(gateway, key).status_code == 200
    [resumed, paused, *_] = gateway.get("/audit", subject="project:analytics")["rows"]
    assert (paused["action"], paused["reason"]) == ("pause", "batch bug")
    assert resumed["action"] == "resume"


def test_what_is_typed_in_one_breath_is_done_as_if_typed_slowly(gateway: Gateway) -> None:
    with console(gateway) as screen:
        screen.shows("analytics", "search", "live")
        screen.type("/analytics\rp\rstorming")
        screen.shows('--reason "storming"')  # the first enter came too early, and was told so
        assert not gateway.get("/audit", subject="project:analytics")["rows"]
        screen.type(" client\r")
        screen.shows("done: analytics state running → paused")
        screen.type("lmany\x1b;")
        screen.shows("; does nothing here")
        screen.type("/\x15checkout\rl1\t\tdrill\r")
        screen.shows("type checkout in the last field to confirm")
        screen.type("checkout\r")
        screen.shows("done: checkout rpm unlimited → 1")
        screen.type("u\r")
        screen.shows("takes back  checkout rpm unlimited → 1", "! type checkout")
    [lowered] = gateway.get("/audit", subject="project:checkout")["rows"]
    [paused] = gateway.get("/audit", subject="project:analytics")["rows"]
    assert (lowered["reason"], paused["reason"]) == ("drill", "storming client")


def test_the_gateways_death_and_return_are_survived_and_said(gateway: Gateway) -> None:
    with console(gateway) as screen:
        screen.shows("analytics", "live")
        gateway.kill()
        screen.hides("● live")
        screen.shows("analytics")
        gateway.start()
        screen.shows("● live", within_s=15)


def test_what_an_application_leases_is_seen_and_ended_from_the_projects_page(
    gateway: Gateway,
) -> None:
    data = gateway.base_url, {"Authorization": f"Bearer {gateway.add_key('analytics')}"}
    waits = {"who": "nightly", "limit": "requests", "count": 3, "longest_ms": 12_000}
    asked = {"requests": 5, "manager": "worker-1", "waiting": [waits]}
    leased = httpx.post(f"{data[0]}/quota/leases", headers=data[1], json=asked)
    assert leased.status_code == 200, leased.text
    with console(gateway, columns=100, rows=40) as screen:
        screen.shows("analytics", "live")
        screen.press("/")
        screen.type("analytics")
        screen.press("enter", "enter")
        screen.shows("leased ahead", "worker-1 …", "3 of nightly wait for requests")
        screen.press("L")
        screen.shows("end a lease of analytics", "analytics → ended")
        screen.type("hung worker")
        screen.press("enter")
        screen.shows("done: a lease of analytics has ended")
        screen.shows("no lease")
    assert gateway.get("/leases")["leases"] == []
    named = {**data[1], "X-Quota-Lease": leased.json()["id"]}
    refused = httpx.post(f"{data[0]}/chat/completions", headers=named, json=chat())
    assert refused.status_code >= 400, "a call that names it is refused"


def test_read_only_has_no_changing_keys(gateway: Gateway) -> None:
    with console(gateway, "--read-only") as screen:
        screen.shows("analytics", "live")
        before = gateway.get("/audit")["rows"]
        screen.press("p", "l", "u")
        screen.press("?")
        screen.shows("overview: keys, read-only")
        assert "pause the row" not in screen.text
        assert gateway.get("/audit")["rows"] == before


def test_a_level_on_the_screen_follows_the_requests(gateway: Gateway) -> None:
    key = gateway.add_key("analytics")
    with console(gateway) as screen:
        screen.shows("analytics", "live")
        for _ in range(7):
            ask(gateway, key)

        def seven() -> bool:
            rows = [line for line in screen.lines() if line[2:].startswith("analytics ")]
            return any(" 7/600 rpm" in row for row in rows)

        screen.until(seven, "seven requests on the row")


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (60, 15), (200, 50)])
def test_hostile_text_in_a_reason_is_shown_and_not_obeyed(
    gateway: Gateway, columns: int, rows: int
) -> None:
    hostile = "\x1b]52;c;ZXZpbA==\x07[@click=app.quit]x[/]\x1b[2J\u202e"
    answer = gateway.command("pause", "project:search", reason=hostile, for_ms=600_000)
    assert answer["applied"], answer
    with console(gateway, columns=columns, rows=rows) as screen:
        screen.shows("search", "paused")
        screen.shows("[@click=app.quit]" if columns >= 80 else "paused")
        assert b"\x1b]52" not in screen.raw
        wait_until(lambda: screen.process.poll() is None)
