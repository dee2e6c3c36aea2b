"""A refusal that a client sees is counted for its project and on record, whatever it is for."""

from typing import Any

import httpx

from tests.processes import Gateway, wait_until

HELLO = [{"role": "user", "content": "Hello."}]


def ask(gateway: Gateway, key: str, body: dict[str, Any]) -> int:
    headers = {"Authorization": f"Bearer {key}"}
    url = f"{gateway.base_url}/chat/completions"
    return httpx.post(url, json=body, headers=headers).status_code


def on_record(gateway: Gateway, project: str, cause: str) -> list[dict[str, Any]]:
    def found() -> list[dict[str, Any]]:
        return [row for row in gateway.calls(project=project) if row["cause"] == cause]

    rows: list[dict[str, Any]] = wait_until(found)
    return rows


def test_a_revoked_key_counts_for_its_project(gateway: Gateway) -> None:
    key = gateway.add_key("other")
    assert gateway.command("key_revoke", f"key:{key[3:11]}")["applied"]
    assert ask(gateway, key, {"model": "gpt-4.1", "messages": HELLO}) == 401
    (row,) = on_record(gateway, "other", "key_revoked")
    assert (row["outcome"], row["key_id"], row["http_status"]) == ("refused", key[3:11], 401)


def test_an_invalid_request_is_on_record_and_its_text_is_not(gateway: Gateway, key: str) -> None:
    assert ask(gateway, key, {"model": "no-such-model", "messages": HELLO}) == 404
    assert ask(gateway, key, {"model": "gpt-4.1", "messages": "hello"}) == 400
    rows = on_record(gateway, "free", "invalid")
    assert {row["model"] for row in rows} == {""}
    assert {row["outcome"] for row in rows} == {"refused"}


def test_a_stranger_counts_for_nobody(gateway: Gateway) -> None:
    before = sum(row.flow.refused_60s for row in gateway.snapshot().projects)
    assert ask(gateway, "qd_" + "x" * 43, {"model": "gpt-4.1", "messages": HELLO}) == 401
    assert sum(row.flow.refused_60s for row in gateway.snapshot().projects) <= before
