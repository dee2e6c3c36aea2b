"""Web pages: which may call, and what their browsers are told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from quotadeck.gateway.data.cors import CrossOrigin
from tests.gateway.rig import rig
from tests.gateway.serving import asked_over_http
from tests.gateway.values import CHAT, catalogue

PAGE = "https://app.example.com"
QUESTION = {
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization, content-type",
}


@asynccontextmanager
async def called_by(directory: Path, *origins: str) -> AsyncIterator[httpx.AsyncClient]:
    """A gateway that these pages may call, and its client."""
    async with rig(directory, catalogue()) as it:
        it.app._cross_origin = CrossOrigin(origins) if origins else None
        async with asked_over_http(it.app) as http:
            yield http


@pytest.mark.parametrize(("origins", "told"), [((PAGE,), PAGE), (("*",), "*")])
async def test_page_that_may_call_may_read_the_answer(
    tmp_path: Path, small_ballast: None, origins: tuple[str, ...], told: str
) -> None:
    async with called_by(tmp_path, *origins) as http:
        question = await http.options(CHAT, headers={"origin": PAGE, **QUESTION})
        assert question.status_code == 204
        assert question.headers["access-control-allow-origin"] == told
        assert question.headers["access-control-allow-headers"] == "authorization, content-type"
        assert "POST" in question.headers["access-control-allow-methods"]
        listed = await http.get("/v1/models", headers={"origin": PAGE})
        wrong = await http.post(CHAT, headers={"origin": PAGE}, content=b"{}")
        assert (listed.status_code, wrong.status_code) == (200, 400)
        for reply in (listed, wrong):
            assert reply.headers["access-control-allow-origin"] == told
            assert "x-request-id" in reply.headers["access-control-expose-headers"]
        for reply in (question, listed, wrong):
            assert "access-control-allow-credentials" not in reply.headers


async def test_another_page_is_told_nothing(tmp_path: Path, small_ballast: None) -> None:
    async with called_by(tmp_path, PAGE) as http:
        headers = {"origin": "https://evil.example.com"}
        question = await http.options(CHAT, headers={**headers, **QUESTION})
        listed = await http.get("/v1/models", headers=headers)
        for reply in (question, listed):
            assert "access-control-allow-origin" not in reply.headers
            assert reply.headers["vary"] == "origin"


async def test_only_what_is_under_v1_is_for_pages(tmp_path: Path, small_ballast: None) -> None:
    async with called_by(tmp_path, "*") as http:
        for path in ("/healthz", "/chat/completions", "/v1"):
            reply = await http.get(path, headers={"origin": PAGE})
            assert "access-control-allow-origin" not in reply.headers


async def test_without_a_list_no_page_may_call(tmp_path: Path, small_ballast: None) -> None:
    async with called_by(tmp_path) as http:
        reply = await http.options(CHAT, headers={"origin": PAGE, **QUESTION})
        assert reply.status_code == 405
        assert not [name for name in reply.headers if name.startswith("access-control")]


async def test_nothing_gets_into_a_head_by_what_a_browser_asks(
    tmp_path: Path, small_ballast: None
) -> None:
    async with called_by(tmp_path, "*") as http:
        asked = {**QUESTION, "access-control-request-headers": "a: b"}
        reply = await http.options(CHAT, headers={"origin": PAGE, **asked})
        assert "access-control-allow-headers" not in reply.headers
