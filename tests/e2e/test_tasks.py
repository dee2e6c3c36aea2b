"""The tasks of an incident at 80×24, played by keys alone before a real gateway.

Each has a budget of keys, what is typed as a value or a reason apart; ``Night.keys`` counts.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.e2e.test_console import console
from tests.load import chat
from tests.processes import Gateway, running, wait_until
from tests.screen import Screen

PROJECTS: Final = """
[projects.batch-embed]
priority = "low"
rpm = 6
[projects.analytics]
rpm = 60
[projects.search]
rpm = 600
[projects.checkout]
priority = "high"
rpm = 600
daily_budget_usd = "5"
"""

OTHERS: Final = """
[projects.burning]
rpm = 600
daily_budget_usd = "0.05"
zone = "{zone}"
[projects.shared]
rpm = 600
[projects.raised]
rpm = 60
[projects.explained]
rpm = 6
"""


class Night:
    """A screen and the keys that it took."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        self.keys = 0

    def press(self, *keys: str) -> None:
        self.keys += len(keys)
        self.screen.press(*keys)

    def types(self, words: str) -> None:
        """A value or a reason, which no screen can spare."""
        self.screen.type(words)

    def took(self, most: int) -> None:
        assert self.keys <= most, f"{self.keys} keys, at most {most}"
        self.keys = 0


def ask(gateway: Gateway, key: str, project: str, times: int = 1) -> list[httpx.Response]:
    headers = {"Authorization": f"Bearer {key}", "X-Project-Id": project}
    with httpx.Client(headers=headers, base_url=gateway.base_url, verify=False) as client:
        return [client.post("/chat/completions", json=chat()) for _ in range(times)]


@pytest.fixture
def night(tmp_path: Path) -> Iterator[tuple[Gateway, str]]:
    """A gateway on which batch-embed storms, and a key for all."""
    with running(tmp_path, PROJECTS) as gateway:
        key = gateway.add_key("batch-embed", "analytics", "search", "checkout")
        ask(gateway, key, "checkout")
        ask(gateway, key, "analytics")
        ask(gateway, key, "batch-embed", 60)
        yield gateway, key


@pytest.fixture
def at(night: tuple[Gateway, str]) -> Iterator[Night]:
    gateway, key = night
    ask(gateway, key, "batch-embed", 30)
    with console(gateway) as screen:
        screen.shows("● live", "batch-embed")
        screen.until(lambda: "storm" in screen.lines()[3], "the culprit in the first row")
        yield Night(screen)


def newest(gateway: Gateway) -> dict[str, Any]:
    """The newest line of the audit."""
    with gateway.admin() as client:
        row: dict[str, Any] = client.get("audit", params={"limit": 1}).json()["rows"][0]
    return row


def test_who_is_in_trouble_and_why_and_since_when_is_on_the_first_screen(at: Night) -> None:
    first = at.screen.lines()[3]
    assert first.startswith("!")
    assert re.search(r"batch-embed +L storm ×\d+ \S+", first), first
    assert re.search(r"! \d", at.screen.lines()[0])
    at.took(0)


def test_the_culprit_is_paused_and_the_undo_takes_back_that_and_nothing_else(
    night: tuple[Gateway, str], at: Night
) -> None:
    gateway, key = night
    at.press("p")
    at.screen.shows("pause batch-embed")
    at.types("storming")
    at.press("enter")
    at.screen.shows("done: batch-embed")
    at.took(3)
    assert ask(gateway, key, "batch-embed")[0].status_code == 403
    assert ask(gateway, key, "search")[0].status_code == 200
    at.press("u")
    at.screen.shows("undo", "storming")
    at.press("enter")
    at.screen.shows("running")
    at.took(2)
    wait_until(lambda: ask(gateway, key, "batch-embed")[0].status_code != 403)


def test_a_limit_is_raised_for_an_hour(night: tuple[Gateway, str], at: Night) -> None:
    gateway, _ = night
    at.press("l")
    at.screen.shows("limit batch-embed", "rpm")
    at.types("12")
    at.press("tab", "tab")
    at.types("import")
    at.screen.shows("6 → 12")
    at.press("enter")
    at.screen.shows("done: batch-embed rpm 6 → 12 until", "↑rpm")
    at.took(5)
    at.press("u")
    at.screen.shows("undo")
    at.press("enter")
    at.screen.shows("12 → 6")  # as the dialog said it before, too
    wait_until(lambda: newest(gateway)["action"] == "undo")


def test_a_model_goes_to_its_fallback(at: Night) -> None:
    at.press("tab", "f")
    at.screen.shows("→")
    at.types("upstream 429s")
    at.press("enter")
    at.screen.shows("done: ", "↘")
    at.took(4)
    at.press("u")
    at.screen.shows("undo")
    at.press("enter")
    at.screen.shows("done: ")


def test_why_a_call_was_refused_is_found_by_its_id(night: tuple[Gateway, str], at: Night) -> None:
    gateway, key = night
    refused = ask(gateway, key, "batch-embed", 20)[-1]
    assert refused.status_code == 429
    name = refused.headers["x-request-id"]
    at.press("c", "/")
    at.types(name)
    at.press("enter")
    at.screen.shows("refused by", "project:batch-embed:rpm")
    at.took(3)


def test_the_history_of_the_last_hour_is_a_key_away(at: Night) -> None:
    at.press("t")
    at.screen.shows("storm", "batch-embed")
    at.took(2)


def test_the_night_is_written_to_a_file(night: tuple[Gateway, str], at: Night) -> None:
    del night
    at.press("e", "enter")
    shown = at.screen.shows("written to ")
    at.took(2)
    path = Path(re.search(r"written to (\S+\.md)", shown)[1])  # type: ignore[index]
    try:
        assert "batch-embed" in path.read_text(encoding="utf-8")
    finally:
        path.unlink()


def test_everything_but_high_priority_is_paused_as_one(
    night: tuple[Gateway, str], at: Night
) -> None:
    gateway, key = night
    at.press("P")
    at.screen.shows("pause 3 projects")
    at.types("night batch")
    at.press("tab", "tab") if "public" in at.screen.text else None
    at.types("stop")
    at.press("enter")
    at.screen.shows("done: ")
    at.took(4)
    assert ask(gateway, key, "search")[0].status_code == 403
    assert ask(gateway, key, "checkout")[0].status_code == 200
    at.press("u")
    at.screen.shows("undo")
    at.press("enter")
    at.screen.shows("done: ")
    wait_until(lambda: ask(gateway, key, "search")[0].status_code == 200)


def test_three_rows_are_limited_as_one(night: tuple[Gateway, str], at: Night) -> None:
    gateway, _ = night
    at.press("space", "space", "space", "l")
    at.screen.shows("limit 3 ")
    at.types("50%")
    at.press("tab")
    at.screen.press("tab")
    at.types("all of them")
    at.press("enter")
    at.screen.shows("done: 3 changed as one")
    at.took(6)
    assert newest(gateway)["group"]


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gateway, str]]:
    """A gateway with a project for each of the tests below; a budget's day ends in hours."""
    zone = "UTC" if 4 <= datetime.now(UTC).hour < 16 else "Etc/GMT-12"
    with running(tmp_path_factory.mktemp("others"), OTHERS.format(zone=zone)) as gateway:
        yield gateway, gateway.add_key("burning", "shared", "raised", "explained")


@contextmanager
def on(gateway: Gateway, project: str) -> Iterator[Night]:
    """The console with its cursor on the project's row."""
    with console(gateway) as screen:
        screen.shows("● live", project)
        screen.press("/")
        screen.type(project)
        screen.press("enter")
        screen.until(lambda: f"▸{project} " in screen.lines()[3], "the row")
        yield Night(screen)


def test_what_happens_next_is_on_the_row_and_at_what_rate_a_key_away(
    others: tuple[Gateway, str],
) -> None:
    gateway, key = others
    ask(gateway, key, "burning", 8)
    with on(gateway, "burning") as at:
        gone = re.compile(r"gone (\d\d:\d\d)$")
        at.screen.until(lambda: gone.search(at.screen.lines()[3]), "when the money ends")
        at.took(0)
        at.press("enter")
        at.screen.until(
            lambda: re.search(r"budget .*gone \d\d:\d\d at \$[\d.]+/h", at.screen.text),
            "at what rate it is spent",
        )
        at.took(1)


def test_who_changed_what_and_why_is_found_by_a_name(others: tuple[Gateway, str]) -> None:
    gateway, _ = others
    gateway.command("pause", "project:shared", for_ms=600_000, reason="a colleague's batch")
    with on(gateway, "shared") as at:
        at.screen.shows("ends ")
        at.took(0)
        at.press("a", "/")
        at.types("shared")
        at.press("enter")
        at.screen.shows("state running → paused", "a colleague's batch", "in force")
        [row] = [line for line in at.screen.lines() if "▸" in line]
        assert re.search(r"● *▸\d+ \w{3} \d\d:\d\d \S+ +pause +shared", row), row
        at.took(3)


def test_a_change_in_force_is_extended_without_typing_its_value_again(
    others: tuple[Gateway, str],
) -> None:
    gateway, _ = others
    raised = {"field": "rpm", "value": 300, "for_ms": 600_000}
    first = gateway.command("limit", "project:raised", **raised)
    with on(gateway, "raised") as at:
        at.screen.shows("↑rpm")
        at.press("E")
        at.screen.shows("extend raised", "300 → 300", "then 60 again")
        at.types("not done yet")
        at.press("enter")
        at.screen.shows("done: raised rpm 300 → 300 until", "rpm 60→300", "not done yet")
        at.took(2)
    [extended] = gateway.get("/audit", subject="project:raised", limit=1)["rows"]
    assert extended["action"] == "extend"
    assert extended["until"] > first["until"]


def test_what_would_have_admitted_a_call_is_explained(others: tuple[Gateway, str]) -> None:
    gateway, key = others
    assert ask(gateway, key, "explained", 9)[-1].status_code == 429
    with on(gateway, "explained") as at:
        at.press("c")
        at.screen.shows("429 rpm", "refused by")
        at.press("x")
        at.screen.shows(
            "It was refused at", "explained's rpm of 6 a minute", "It would have passed"
        )
        at.took(2)
