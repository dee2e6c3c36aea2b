"""A refusal that a client sees is counted for its project and on record, whatever it is for."""

import socket
from typing import Any

import httpx
import orjson

from tests.processes import Gateway, wait_until

HELLO = [{"role": "user", "content": "Hello."}]


def ask(gateway: Gateway, key: str, body: dict[str, Any]) -> int:
    headers = {"Authorization": f"Bearer {key}"}
    url = f"{gateway.base_url}/chat/completions"
    return httpx.post(url, json=body, headers=headers, verify=False).status_code


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


def refused(gateway: Gateway, method: str, path: str, **headers: str) -> tuple[int, str]:
    """Its status and the id that the client was told."""
    reply = httpx.request(method, gateway.base_url + path, headers=headers, verify=False)
    return reply.status_code, reply.headers["x-request-id"]


def found(gateway: Gateway, name: str) -> dict[str, Any]:
    """The record that a request's id leads to."""
    rows: list[dict[str, Any]] = wait_until(
        lambda: [row for row in gateway.calls() if row["id"] == name]
    )
    return rows[0]


def test_whoever_is_turned_away_is_found_by_the_id_it_was_told(gateway: Gateway) -> None:
    chat, stranger = "/chat/completions", "Bearer qd_" + "y" * 43
    for cause, status, asked in (
        ("unknown_key", 401, ("POST", chat, {"authorization": stranger})),
        ("bad_key", 401, ("POST", chat, {})),
        ("bad_key", 401, ("GET", "/models", {"authorization": "Basic abc"})),
        ("wrong_path", 404, ("GET", "/" + "z" * 300, {})),
        ("wrong_path", 405, ("GET", chat, {})),
    ):
        method, path, headers = asked
        answered, name = refused(gateway, method, path, **headers)
        row = found(gateway, name)
        assert (answered, row["outcome"], row["cause"]) == (status, "refused", cause)
        assert (row["project"], row["key_id"], row["model"]) == ("", "", "")


def raw(gateway: Gateway, *parts: bytes) -> tuple[int, str]:
    """Of what is answered to these bytes: its status and its id. Then the connection ends."""
    at = httpx.URL(gateway.base_url)
    with socket.create_connection((at.host, at.port or 80), timeout=10) as client:
        for part in parts:
            client.sendall(part)
        got = b""
        while part := client.recv(65_536):
            got += part
    head, _, body = got.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    named = dict(line.split(": ", 1) for line in lines[1:])
    assert (named["content-type"], named["connection"]) == ("application/json", "close")
    assert orjson.loads(body)["error"]["code"] == "invalid_request"
    return int(lines[0].split()[1]), named["x-request-id"]


def test_what_is_no_request_is_told_so_in_the_apis_shape_and_on_record(gateway: Gateway) -> None:
    for status, sent in (
        (400, b"\x16\x03\x01\x02\x00 a client that speaks TLS\r\n\r\n"),
        (400, b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"),
        (431, b"GET /v1/models HTTP/1.1\r\nHost: x\r\nA: %b\r\n\r\n" % (b"x" * 64_000)),
    ):
        answered, name = raw(gateway, sent)
        row = found(gateway, name)
        assert (answered, row["http_status"], row["cause"]) == (status, status, "invalid")
        assert (row["outcome"], row["project"], row["key_id"]) == ("refused", "", "")


def test_a_body_that_is_none_is_on_record_under_its_key(gateway: Gateway) -> None:
    key = gateway.add_key("other")  # of "free" there may be so many in a second that they count
    head = (
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %b\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n" % key.encode()
    )
    answered, name = raw(gateway, head, b"5\r\nhello", b" and no line end")
    row = found(gateway, name)
    assert (answered, row["http_status"], row["cause"]) == (400, 400, "invalid")
    assert (row["project"], row["key_id"]) == ("other", key[3:11])


def test_a_project_that_its_key_does_not_serve_is_on_record_under_the_key(
    gateway: Gateway,
) -> None:
    key = gateway.add_key("pausable")
    headers = {"authorization": f"Bearer {key}", "x-project-id": "not-its-own"}
    answered, name = refused(gateway, "GET", "/models", **headers)
    row = found(gateway, name)
    assert (answered, row["cause"], row["project"]) == (403, "invalid", "pausable")
    assert row["key_id"] == key[3:11]


def test_a_storm_of_strangers_is_a_row_or_two_a_second_and_an_event(gateway: Gateway) -> None:
    before = len(gateway.calls())
    for number in range(60):
        refused(gateway, "GET", f"/storm-{number}")
    wait_until(lambda: any("stranger.wrong_path" in str(e) for e in gateway.get("/events")["rows"]))
    rows = gateway.calls()[before:]
    assert len(rows) < 30
    assert not any("storm" in str(row) for row in rows)


def test_a_stranger_counts_for_nobody(gateway: Gateway) -> None:
    before = sum(row.flow.refused_60s for row in gateway.snapshot().projects)
    assert ask(gateway, "qd_" + "x" * 43, {"model": "gpt-4.1", "messages": HELLO}) == 401
    assert sum(row.flow.refused_60s for row in gateway.snapshot().projects) <= before
    assert gateway.snapshot().vitals.strangers_refused_60s >= 1
