"""What is wrong with a request is said, with the field, in OpenAI's dialect."""

import json
from typing import Any

import httpx
import pytest

from tests.processes import Gateway

GOOD: dict[str, Any] = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "Hello."}]}

BAD: list[tuple[Any, str, str | None]] = [
    (b"", "invalid_json", None),
    (b"{", "invalid_json", None),
    (b"[]", "invalid_json", None),
    (b"[" * 10_000, "invalid_json", None),
    (b'"text"', "invalid_json", None),
    (b"\xff\xfe", "invalid_json", None),
    ({"messages": GOOD["messages"]}, "invalid_value", "model"),
    ({**GOOD, "model": 7}, "invalid_value", "model"),
    ({**GOOD, "model": ""}, "invalid_value", "model"),
    ({"model": "gpt-4.1"}, "invalid_value", "messages"),
    ({**GOOD, "messages": []}, "invalid_value", "messages"),
    ({**GOOD, "messages": "hello"}, "invalid_value", "messages"),
    ({**GOOD, "messages": [7]}, "invalid_value", "messages[0]"),
    ({**GOOD, "messages": [{"content": "x"}]}, "invalid_value", "messages[0].role"),
    (
        {**GOOD, "messages": [{"role": "user", "content": 5}]},
        "invalid_value",
        "messages[0].content",
    ),
    ({**GOOD, "max_tokens": -2}, "invalid_value", "max_tokens"),
    ({**GOOD, "max_tokens": 10**30}, "invalid_value", "max_tokens"),
    ({**GOOD, "max_tokens": 10**15}, "invalid_value", "max_tokens"),
    ({**GOOD, "max_tokens": "many"}, "invalid_value", "max_tokens"),
    ({**GOOD, "max_tokens": 1.5}, "invalid_value", "max_tokens"),
    ({**GOOD, "max_tokens": True}, "invalid_value", "max_tokens"),
    ({**GOOD, "n": 0}, "invalid_value", "n"),
    ({**GOOD, "n": 10**9}, "invalid_value", "n"),
    ({**GOOD, "stream": "yes"}, "invalid_value", "stream"),
    ({**GOOD, "stream_options": {"include_usage": True}}, "invalid_value", "stream_options"),
    ({**GOOD, "stream": True, "stream_options": 1}, "invalid_value", "stream_options"),
]


def post(gateway: Gateway, key: str, body: object, **more: Any) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx.post(
        f"{gateway.base_url}/chat/completions",
        content=content,
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        verify=False,
        **more,
    )


@pytest.mark.parametrize(("body", "code", "param"), BAD)
def test_a_bad_body_is_400_naming_the_field(
    gateway: Gateway, key: str, body: object, code: str, param: str | None
) -> None:
    answer = post(gateway, key, body)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["code"], error["param"]) == (code, param)
    assert error["message"]
    assert answer.headers["x-request-id"].startswith("req_")


def test_over_10_mb_is_413_stated_or_streamed(gateway: Gateway, key: str) -> None:
    big = b'{"model":"' + b"x" * (10 * 1024 * 1024) + b'"}'
    assert post(gateway, key, big).status_code == 413

    def pieces() -> Any:
        for _ in range(11):
            yield b" " * (1024 * 1024)

    with httpx.Client() as http:
        try:
            answer = http.post(
                f"{gateway.base_url}/chat/completions",
                content=pieces(),
                headers={"Authorization": f"Bearer {key}"},
            )
        except httpx.WriteError:
            return  # it hung up on us in the middle, which is as good
    assert answer.status_code == 413


def test_headers_over_32_kb_are_431(gateway: Gateway) -> None:
    answer = httpx.get(f"{gateway.base_url}/models", headers={"X-Long": "x" * 40_000})
    assert answer.status_code == 431


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "missing_api_key"),
        ({"Authorization": "Basic abc"}, "invalid_api_key"),
        ({"Authorization": "Bearer"}, "missing_api_key"),
        ({"x-api-key": "short"}, "invalid_api_key"),
        ({"Authorization": "Bearer " + "q" * 70}, "invalid_api_key"),
    ],
)
def test_a_missing_malformed_or_unknown_key_is_401(
    gateway: Gateway, headers: dict[str, str], code: str
) -> None:
    answer = httpx.get(f"{gateway.base_url}/models", headers=headers)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == code


def test_a_key_may_come_as_x_api_key(gateway: Gateway, key: str) -> None:
    assert httpx.get(f"{gateway.base_url}/models", headers={"X-API-Key": key}).status_code == 200


def test_what_is_not_in_the_table_is_404_and_the_wrong_method_405(
    gateway: Gateway, key: str
) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    root = gateway.base_url
    assert httpx.post(f"{root}/audio/speech", headers=headers, json={}).status_code == 404
    assert httpx.get(f"{root}/../admin/v1/snapshot", headers=headers).status_code == 404
    wrong = httpx.get(f"{root}/chat/completions", headers=headers)
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")


def test_the_data_plane_and_the_admin_api_do_not_know_each_other(
    gateway: Gateway, key: str
) -> None:
    root = gateway.base_url.removesuffix("/v1")
    assert httpx.get(f"{root}/admin/v1/whoami").status_code == 404
    with gateway.admin() as admin:
        answer = admin.post("http://gateway/v1/chat/completions", json=GOOD)
    assert answer.status_code == 404


def test_keys_that_differ_are_refused_whichever_comes_first(gateway: Gateway, key: str) -> None:
    for secrets in ((key, "qd_" + "o" * 60), ("qd_" + "o" * 60, key)):
        headers = [("authorization", f"Bearer {secret}") for secret in secrets]
        answer = httpx.get(gateway.base_url + "/models", headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "ambiguous_api_key")
    both = [("x-project-id", "free"), ("x-project-id", "other")]
    headers = [("authorization", f"Bearer {key}"), *both]
    assert httpx.get(gateway.base_url + "/models", headers=headers).status_code == 400
