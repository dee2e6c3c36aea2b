"""Two projects before one upstream key, over real sockets: what is the one's is not the other's."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.load import chat
from tests.processes import Gateway, running, wait_until

CONFIG = """
[projects.one]
rpm = 600
[projects.one.allow]
unbounded = ["web_search", "file"]
reserve_usd = "0.25"
fields = { service_tier = ["priority"] }
ids = ["file-listed"]
[projects.two]
rpm = 60
"""
RESERVE_NANO = 250_000_000
SEARCHING = chat(tools=[{"type": "web_search"}])


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with running(tmp_path_factory.mktemp("tenants"), CONFIG) as it:
        yield it


@pytest.fixture(scope="module")
def keys(gateway: Gateway) -> dict[str, str]:
    return {name: gateway.add_key(*name.split()) for name in ("one", "two", "one two")}


def ask(gateway: Gateway, key: str, body: dict[str, Any], **headers: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {key}", **headers}
    url = f"{gateway.base_url}/chat/completions"
    return httpx.post(url, json=body, headers=headers, timeout=30)


def test_what_one_may_the_other_may_not(gateway: Gateway, keys: dict[str, str]) -> None:
    for body, code in (
        (SEARCHING, "unbounded_not_allowed"),
        (chat(service_tier="priority"), "choice_not_allowed"),
        (chat(models=["dear"]), "choice_not_allowed"),
    ):
        refused = ask(gateway, keys["two"], body)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, code)
    assert ask(gateway, keys["one"], chat(service_tier="priority")).status_code == 200
    searched = ask(gateway, keys["one"], SEARCHING)
    assert searched.status_code == 200
    # SQLite follows the reply within milliseconds.
    [call] = wait_until(lambda: gateway.get("/calls", id=searched.headers["x-request-id"])["rows"])
    assert call["held_nano_usd"] >= RESERVE_NANO > call["cost_nano_usd"]


def test_an_id_of_nobody_is_not_found(gateway: Gateway, keys: dict[str, str]) -> None:
    def with_file(identity: str) -> dict[str, Any]:
        parts = [{"type": "file", "file": {"file_id": identity}}]
        return chat(messages=[{"role": "user", "content": parts}])

    refused = ask(gateway, keys["one"], with_file("file-theirs"))
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "file_not_found")
    assert ask(gateway, keys["one"], with_file("file-listed")).status_code == 200


def test_openais_header_says_whose_request_and_quota_it_is(
    gateway: Gateway, keys: dict[str, str]
) -> None:
    both = {"Authorization": f"Bearer {keys['one two']}", "OpenAI-Project": "two"}
    told = httpx.get(f"{gateway.base_url}/quota", headers=both)
    assert told.headers["x-project-id"] == "two"
    assert told.json()["project"] == "two"
    assert told.json()["limits"]["rpm"]["limit_requests_per_minute"] == 60
    theirs = ask(gateway, keys["one two"], chat(), **{"OpenAI-Project": "two"})
    assert theirs.headers["x-project-id"] == "two"
    assert ask(gateway, keys["one two"], chat()).headers["x-project-id"] == "one"
    [_, told_two] = [
        httpx.get(f"{gateway.base_url}/quota", headers={"Authorization": f"Bearer {keys[name]}"})
        for name in ("one", "two")
    ]
    assert told_two.json()["limits"]["budget"]["spent_nano_usd"] > 0
