"""What the simulator accepts and refuses, in the provider's words."""

from typing import Any

import aiohttp
import pytest

from .driver import Upstream, body

URL = "/chat/completions"


@pytest.mark.parametrize(
    ("change", "param", "code"),
    [
        ({"messages": None}, "messages", None),
        ({"messages": "hi"}, "messages", "invalid_type"),
        ({"messages": []}, "messages", "empty_array"),
        ({"messages": ["hi"]}, "messages[0]", "invalid_type"),
        ({"messages": [{"role": "king", "content": "hi"}]}, "messages[0].role", "invalid_value"),
        ({"messages": [{"role": "user", "content": 3}]}, "messages[0].content", "invalid_type"),
        ({"model": ""}, "model", None),
        ({"max_tokens": 0}, "max_tokens", "integer_below_min_value"),
        ({"max_tokens": "9"}, "max_tokens", "invalid_type"),
        ({"max_tokens": True}, "max_tokens", "invalid_type"),
        ({"max_completion_tokens": 1.5}, "max_completion_tokens", "invalid_type"),
        ({"n": 129}, "n", "integer_above_max_value"),
        ({"stop": ["a"] * 5}, "stop", "array_above_max_length"),
        ({"stop": 7}, "stop", "invalid_type"),
        ({"stream": "yes"}, "stream", "invalid_type"),
        ({"stream_options": {"include_usage": True}}, "stream_options", None),
        ({"stream": True, "stream_options": True}, "stream_options", "invalid_type"),
        ({"tools": {}}, None, None),
        ({"tools": {"a": 1}}, "tools", "invalid_type"),
    ],
)
async def test_a_wrong_field_is_named(
    upstream: Upstream,
    http: aiohttp.ClientSession,
    change: dict[str, Any],
    param: str | None,
    code: str | None,
) -> None:
    payload = body(max_tokens=1) | change
    async with http.post(upstream.base_url + URL, json=payload) as answer:
        if param is None:
            assert answer.status == 200
            return
        assert answer.status == 400
        error = (await answer.json())["error"]
    assert (error["param"], error["code"]) == (param, code)
    assert error["type"] == "invalid_request_error"


@pytest.mark.parametrize("raw", [b"", b"{", b"[1]", b"[" * 10_000, b'{"model": "\xff"}'])
async def test_a_body_that_is_not_an_object_is_400(
    upstream: Upstream, http: aiohttp.ClientSession, raw: bytes
) -> None:
    async with http.post(upstream.base_url + URL, data=raw) as answer:
        assert answer.status == 400
        assert (await answer.json())["error"]["type"] == "invalid_request_error"


async def test_deep_content_is_400(upstream: Upstream, http: aiohttp.ClientSession) -> None:
    deep = b'{"model":"gpt-4.1","messages":[{"role":"user","content":[%s%s]}]}'
    async with http.post(
        upstream.base_url + URL, data=deep % (b'{"a":' * 400 + b"1", b"}" * 400)
    ) as answer:
        assert answer.status == 400


async def test_parts_images_names_and_tools_are_counted(
    upstream: Upstream, http: aiohttp.ClientSession
) -> None:
    async def prompt_tokens(payload: dict[str, Any]) -> int:
        async with http.post(upstream.base_url + URL, json=payload) as answer:
            assert answer.status == 200
            return int((await answer.json())["usage"]["prompt_tokens"])

    text = {"type": "text", "text": "Say hello."}
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 400}}
    plain = await prompt_tokens(body(max_tokens=1))
    assert await prompt_tokens(body(max_tokens=1, messages=[_user([text])])) == plain
    assert await prompt_tokens(body(max_tokens=1, messages=[_user([text, image])])) == plain + 85
    named = await prompt_tokens(
        body(max_tokens=1, messages=[_user("Say hello.") | {"name": "mia"}])
    )
    assert named == plain + 1
    tool = {"type": "function", "function": {"name": "look", "parameters": {}}}
    assert await prompt_tokens(body(max_tokens=1, tools=[tool])) > plain + 10


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("GET", URL, 405), ("POST", "/models", 405)],
)
async def test_routes_that_are_not_there_answer_in_shape(
    upstream: Upstream, http: aiohttp.ClientSession, method: str, path: str, status: int
) -> None:
    async with http.request(method, upstream.base_url + path) as answer:
        assert answer.status == status
        assert set((await answer.json())["error"]) == {"message", "type", "param", "code"}
        assert answer.headers["x-request-id"]


async def test_healthz(upstream: Upstream, http: aiohttp.ClientSession) -> None:
    async with http.get(f"{upstream.root}/healthz") as answer:
        assert await answer.json() == {"status": "ok"}


def _user(content: object) -> dict[str, Any]:
    return {"role": "user", "content": content}
