"""A gateway between a client and an upstream of any form, and what must be so after all."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import orjson

from quotadeck.dialects.registry import DIALECTS, TRANSLATIONS
from quotadeck.gateway.data.lanes import Lanes
from tests.dialects.forms import Way
from tests.gateway.provider import Provider, Script, provider, soon
from tests.gateway.rig import Rig, rig
from tests.gateway.serving import asked_over_http
from tests.gateway.values import UPSTREAM, catalogue

BUDGET = 10**15
AT_ONCE = 20


def reply(body: bytes, status: str = "200 OK", *lines: str) -> bytes:
    head = (f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *lines, "", "")
    return "\r\n".join(head).encode() + body


def flowing(body: bytes, *lines: str) -> bytes:
    head = ("HTTP/1.1 200 OK", "Content-Type: text/event-stream", *lines, "Connection: close")
    return "\r\n".join((*head, "", "")).encode() + body


@asynccontextmanager
async def between(
    directory: Path, way: Way, script: Script, timeout_s: float = 60, also: tuple[str, ...] = ()
) -> AsyncIterator[tuple[Rig, httpx.AsyncClient, Provider]]:
    async with provider(script, patience_s=60) as upstream:
        there = replace(
            UPSTREAM,
            base_url=f"http://127.0.0.1:{upstream.port}/v1",
            timeout_s=timeout_s,
            speaks=(way.speaks, *also),
        )
        limits: dict[str, Any] = {
            "rpm": 10**6,
            "tpm": 10**9,
            "daily_budget_usd": BUDGET,
            "concurrency": AT_ONCE,
        }
        of = replace(catalogue(**limits), upstreams={"main": there})
        lanes = Lanes(TRANSLATIONS)
        async with rig(directory, of, DIALECTS, lanes) as at, asked_over_http(at.app) as http:
            yield at, http, upstream


def told(way: Way, got: httpx.Response) -> str:
    """The words of an error in the client's form, as an answer or as a stream's last event."""
    body = got.content
    if got.status_code == 200:
        assert got.headers["content-type"].startswith("text/event-stream")
        body = body.removesuffix(b"\n\n").rpartition(b"\n\n")[2].rpartition(b"data: ")[2]
    error = orjson.loads(body)["error"]
    if way.dialect.form == "messages":
        assert orjson.loads(body)["type"] == "error"
    if got.status_code == 429 or got.status_code >= 500:
        assert error["type"] != "invalid_request_error"
    return str(error["message"])


async def all_is_given_back(it: Rig) -> None:
    await soon(lambda: not it.flights.under_way)
    await it.ledger.flushed()
    calls = await it.ledger.reader.calls(limit=1_000)
    budget = await it.bucket("project:analytics:budget")
    assert (budget.held, BUDGET - budget.level) == (0, sum(one.cost_nano_usd for _, one in calls))
    slots = await it.bucket("project:analytics:concurrency")
    assert slots.held == 0
