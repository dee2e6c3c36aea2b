"""The id of a 429 that a client holds leads to the call, on the screen and by the command."""

import sys
from pathlib import Path

import httpx

from tests.cli.driver import home_env, quotadeck
from tests.load import chat
from tests.processes import Gateway, running, wait_until
from tests.screen import Screen

PROJECTS = """
[projects.checkout]
rpm = 6
[projects.poor]
daily_budget_usd = "0.0000001"
"""


def ask(gateway: Gateway, key: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {key}"}
    url = f"{gateway.base_url}/chat/completions"
    return httpx.post(url, headers=headers, json=chat(), verify=False)


def test_the_ids_of_429s_are_found_and_tell_what_had_admitted_them(tmp_path: Path) -> None:
    with running(tmp_path, PROJECTS) as gateway:
        key = gateway.add_key("checkout")
        answers = [ask(gateway, key) for _ in range(8)]
        refused = [one for one in answers if one.status_code == 429]
        assert len(refused) >= 5
        ids = [one.headers["x-request-id"] for one in refused]
        env = home_env(tmp_path) | {"QUOTADECK_SOCKET": str(gateway.socket)}

        def told(request_id: str) -> str:
            return quotadeck("call", request_id, env=env).out

        first = wait_until(lambda: told(ids[0]))
        assert "429 rpm" in first
        assert "refused by   project:checkout:rpm: 0 left in the bucket of 6 a minute" in first
        assert "with rpm ≥ " in first
        assert f"retry-after: {refused[0].headers['retry-after']}," in first
        assert f"retry-after-ms: {refused[0].headers['retry-after-ms']}" in first
        last = wait_until(lambda: told(ids[-1]))
        assert "only counted: this is the record of its second" in last
        assert "alike from" in last
        nobody = quotadeck("call", "req_nobody", env=env)
        assert (nobody.code, nobody.out) == (1, "")
        assert "no call is on record under req_nobody" in nobody.err
        command = [sys.executable, "-m", "quotadeck", "--socket", str(gateway.socket)]
        with Screen(command, {}, columns=100, rows=30) as screen:
            screen.shows("checkout", "live")
            screen.press("c")
            screen.shows("calls", "following")
            screen.press("/", "ctrl+u")
            screen.type(ids[0])
            screen.press("enter")
            screen.shows("429 rpm", "with rpm ≥ ")
            screen.press("enter")
            screen.shows("client saw", "rate_limit_exceeded")
            screen.press("q", "/", "ctrl+u")
            screen.type(ids[-1])
            screen.press("enter")
            screen.shows("only counted")


def test_a_request_over_the_whole_budget_is_found_too(tmp_path: Path) -> None:
    with running(tmp_path, PROJECTS) as gateway:
        answer = ask(gateway, gateway.add_key("poor"))
        assert answer.status_code == 400
        env = home_env(tmp_path) | {"QUOTADECK_SOCKET": str(gateway.socket)}
        name = answer.headers["x-request-id"]
        told = wait_until(lambda: quotadeck("call", name, env=env).out)
        assert "400 never fits" in told
