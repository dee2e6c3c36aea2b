"""The tasks of an incident at 80×24, played by keys alone before a real gateway.

Each has a budget of keys, what is typed as a value or a reason apart; ``Night.keys`` counts.
"""

import re
from collections.abc import Iterator
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
    with httpx.Client(headers=headers, base_url=gateway.base_url) as client:
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
    at.screen.shows("12 → 6")
    assert newest(gateway)["action"] == "undo"


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
