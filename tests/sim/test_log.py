"""The log is what every client can be reconciled with."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from quotadeck.sim.catalogue import MODELS, RESOLD
from quotadeck.sim.faults import HEADER
from quotadeck.sim.prices import Spent, bill_nano

from .driver import MODEL, Upstream, body, events, eventually, running

NewId = Callable[[], str]
NAMES = [model.id for model in RESOLD]
STREAM: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}


async def test_every_whole_reply_is_in_the_log_when_it_arrives(
    upstream: Upstream, http: aiohttp.ClientSession, new_id: NewId
) -> None:
    async def one(model: str, stream: bool) -> None:
        request_id = new_id()
        payload = body(f"Call {request_id}.") | {"model": model} | (STREAM if stream else {})
        async with http.post(
            f"{upstream.base_url}/chat/completions",
            json=payload,
            headers={"X-Request-Id": request_id},
        ) as answer:
            raw = await answer.read()
        reply = events(raw)[-2] if stream else orjson.loads(raw)
        line = upstream.line(request_id)
        usage = reply["usage"]
        assert line.pop("at_us") > 1_700_000_000_000_000
        assert line == {
            "id": reply["id"],
            "request_id": request_id,
            "model": model,
            "status": 200,
            "prompt_tokens": usage["prompt_tokens"],
            "cached_tokens": usage["prompt_tokens_details"]["cached_tokens"],
            "completion_tokens": usage["completion_tokens"],
            "cost_nano_usd": bill_nano(
                MODELS[model].prices, Spent(usage["prompt_tokens"], usage["completion_tokens"])
            ),
            "stream": stream,
            "delivered": True,
            "form": "chat",
            "cache_write_tokens": 0,
            "cache_write_1h_tokens": 0,
            "reasoning_tokens": 0,
            "web_searches": 0,
            "tier": "",
            "caller": "",
        }

    await asyncio.gather(*(one(model, stream) for model in NAMES for stream in (True, False)))


async def test_a_stream_that_the_client_cuts_is_billed_for_what_was_generated(
    upstream: Upstream, new_id: NewId
) -> None:
    request_id = new_id()
    headers = {"X-Request-Id": request_id, HEADER: "endless=0"}
    raw = await upstream.exchange(body(**STREAM), headers, enough_bytes=20_000)
    await eventually(lambda: upstream.has_line(request_id))
    line = upstream.line(request_id)
    assert line["delivered"] is False
    assert line["completion_tokens"] >= len(raw.chunks) - 3


async def test_a_json_call_that_nobody_waits_for_is_billed_whole(
    upstream: Upstream, http: aiohttp.ClientSession, new_id: NewId
) -> None:
    request_id = new_id()
    url = f"{upstream.base_url}/chat/completions"
    headers = {"X-Request-Id": request_id, HEADER: "slow=0.1"}
    with pytest.raises(TimeoutError):
        async with http.post(
            url, json=body(max_tokens=9), headers=headers, timeout=aiohttp.ClientTimeout(0.03)
        ):
            pass
    await eventually(lambda: upstream.has_line(request_id))
    assert upstream.line(request_id)["delivered"] is False
    assert 1 <= upstream.line(request_id)["completion_tokens"] <= 9


@pytest.mark.parametrize(
    ("fault", "delivered"),
    [
        ("reset-chunk=4", False),
        ("truncate", False),
        ("truncate=4", False),
        ("stream-error=4", False),
        ("usage-huge", True),
        ("usage-missing", True),
        ("slowloris=0", True),
        ("split-data", True),
    ],
)
async def test_faults_on_the_wire_are_logged_with_the_truth(
    upstream: Upstream, new_id: NewId, fault: str, delivered: bool
) -> None:
    truth_id, request_id = new_id(), new_id()
    payload = body("The truth, please.", max_tokens=12, **STREAM)
    await upstream.exchange(payload, {"X-Request-Id": truth_id})
    await upstream.exchange(payload, {"X-Request-Id": request_id, HEADER: fault})
    await eventually(lambda: upstream.has_line(request_id))
    truth, line = upstream.line(truth_id), upstream.line(request_id)
    assert line["delivered"] is delivered
    assert line["prompt_tokens"] == truth["prompt_tokens"]
    if fault.endswith("=4"):
        assert line["completion_tokens"] == 3  # after the role's event
    else:
        assert line["completion_tokens"] == truth["completion_tokens"]
    assert line["cost_nano_usd"] == bill_nano(
        MODELS[MODEL].prices, Spent(line["prompt_tokens"], line["completion_tokens"])
    )


@pytest.mark.parametrize("fault", ["status=503", "refuse", "error-200", "hostile"])
async def test_what_was_never_generated_is_not_billed(
    upstream: Upstream, new_id: NewId, fault: str
) -> None:
    request_id, after_id = new_id(), new_id()
    await upstream.exchange(body(), {"X-Request-Id": request_id, HEADER: fault})
    await upstream.exchange(body(), {"X-Request-Id": after_id})
    assert upstream.has_line(after_id)
    assert not upstream.has_line(request_id)


async def test_a_restart_appends_and_repeats_no_id(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    log = tmp_path / "log"
    texts = []
    for _ in range(2):
        with running(log, "--seed", "3") as upstream:
            async with http.post(f"{upstream.base_url}/chat/completions", json=body()) as answer:
                texts.append((await answer.json())["choices"][0]["message"]["content"])
    assert texts[0] == texts[1]
    ids = [line["id"] for line in upstream.log()]
    assert len(set(ids)) == 2
