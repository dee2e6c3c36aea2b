"""What is booked: each part by its own price, and what has none as that."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from quotadeck.dialects.registry import DIALECTS
from quotadeck.domain.calls import Outcome
from quotadeck.domain.catalogue import Allow, Target, Upstream
from quotadeck.domain.price import BY_UPSTREAM, UNKNOWN_VERSION, Price, Rates, cost_pico
from quotadeck.domain.usage import Usage
from quotadeck.gateway.data.booked import Booked, booked
from tests.gateway.provider import Asked, Peer, Script, always, provider
from tests.gateway.rig import SECRET, Rig, rig
from tests.gateway.serving import asked_over_http
from tests.gateway.values import FLASH, OPUS, UPSTREAM, catalogue, plan

DEAR = Rates(4_000_000, 16_000_000, 4_000_000, 5_000_000, 8_000_000, 10**10, tier="priority")
PRICE = Price(
    2_000_000, 8_000_000, 500_000, 2_500_000, "v1", 4_000_000, 10**10, (DEAR,), ("priority",)
)
HAIKU = Price(300_001, 900_000, 30_000, 375_000, "v2")
HELD = 7_000_000


def target(model: str, price: Price, upstream: Upstream = UPSTREAM) -> Any:
    name = f"main/{model}"
    of = replace(
        catalogue(),
        upstreams={"main": upstream},
        targets={**catalogue().targets, name: Target(name, "main", model, price)},
    )
    return plan(of).targets[name]


OPUS_AT = target("claude-opus-5", PRICE)
TARGETS = {"main/claude-opus-5": OPUS_AT, "main/claude-haiku-5": target("claude-haiku-5", HAIKU)}
USED = Usage(100, 0, 10)
OWN = 100 * 2_000 + 10 * 8_000


def of(usage: Usage, at: Any = OPUS_AT) -> Booked:
    return booked(at, TARGETS, usage, HELD)


@pytest.mark.parametrize(
    ("tier", "cost", "version"),
    [
        ("", OWN, "v1"),
        ("priority", 2 * OWN, "v1"),
        # Charged with what was held, for nobody knows more.
        ("ultrafast", HELD, UNKNOWN_VERSION),
        ("priority+moon", HELD, UNKNOWN_VERSION),
        ("us", HELD, UNKNOWN_VERSION),
        ("image_generation", HELD, UNKNOWN_VERSION),
        # Not known either, but no more than the usual.
        ("flex", OWN, UNKNOWN_VERSION),
    ],
)
def test_only_a_tier_that_has_a_price_is_priced(tier: str, cost: int, version: str) -> None:
    usage = USED._replace(tier=tier)
    assert of(usage) == Booked(usage, cost, 0, version)
    dear = usage._replace(output_tokens=10_000)
    assert of(dear).cost_nano >= cost_pico(PRICE, dear) // 1_000


def test_what_other_models_did_is_priced_as_theirs_and_rounded_once() -> None:
    advice = Usage(33, 0, 1)
    beside = (("claude-haiku-5-20260801", advice), ("claude-haiku-5", advice))
    found = of(USED._replace(beside=beside))
    exact = OWN + 2 * Fraction(33 * 300_001 + 900_000, 1_000)
    assert found == Booked(USED, round(exact), round(exact - OWN), "v1")


def test_what_the_model_itself_did_beside_is_counted_with_it() -> None:
    found = of(USED._replace(beside=(("claude-opus-5-2026-08-01", Usage(1_000, 0, 1)),)))
    assert found == Booked(Usage(1_100, 0, 11), OWN + 2_008_000, 0, "v1")


def test_a_search_without_a_price_is_none_that_costs_nothing() -> None:
    unlisted = target("claude-opus-5", replace(PRICE, searches_known=False))
    assert of(USED, unlisted).version == "v1"
    found = of(USED._replace(web_searches=1), unlisted)
    assert (found.usage.tier, found.version) == ("web_search", UNKNOWN_VERSION)
    assert found.cost_nano == 10_000_000 + OWN > HELD


def test_what_a_model_without_a_price_did_has_none() -> None:
    found = of(USED._replace(beside=(("claude-sonnet-5", USED),)))
    assert found == Booked(USED._replace(tier="other_model"), HELD, 0, UNKNOWN_VERSION)


def test_the_upstreams_own_account_is_booked_where_the_config_says_so() -> None:
    stated = USED._replace(stated_nano=123, tier="ultrafast", web_searches=2)
    assert of(stated).version == UNKNOWN_VERSION
    by_them = target("claude-opus-5", PRICE, replace(UPSTREAM, price="upstream"))
    assert of(stated, by_them) == Booked(stated, 123, 0, BY_UPSTREAM)
    for own, upstream in (("list", "upstream"), ("upstream", "list")):
        at = target("claude-opus-5", PRICE, replace(UPSTREAM, price=upstream))
        at = replace(at, target=replace(at.target, booked_by=own))
        assert (of(stated, at).version == BY_UPSTREAM) is (own == BY_UPSTREAM)
    silent = stated._replace(stated_nano=None, tier="")
    assert of(silent, by_them) == Booked(silent, OWN + 20_000_000, 20_000_000, "v1")


# --- Over real sockets -----------------------------------------------------------------------

TOKENS = {"prompt_tokens": 12, "completion_tokens": 34, "total_tokens": 46}
IN_OUT = {"input_tokens": 12, "output_tokens": 34}
HOT = {"type": "server_error", "code": "server_error", "message": "too hot"}
CHAT = {"messages": [{"role": "user", "content": "Say abc"}], "max_tokens": 50}
FAILED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "/v1/chat/completions": (CHAT, {"error": HOT, "usage": TOKENS, "choices": []}),
    "/v1/completions": ({"prompt": "Say abc"}, {"error": HOT, "usage": TOKENS}),
    "/v1/embeddings": ({"input": "abc"}, {"error": HOT, "usage": {"prompt_tokens": 12}}),
    "/v1/responses": (
        {"input": "Say abc", "max_output_tokens": 50},
        {"id": "r", "status": "failed", "error": HOT, "output": [], "usage": IN_OUT},
    ),
    "/v1/messages": (CHAT, {"type": "error", "error": HOT, "usage": IN_OUT}),
}


@asynccontextmanager
async def between(
    directory: Path, script: Script, **more: Any
) -> AsyncIterator[tuple[Rig, httpx.AsyncClient]]:
    async with provider(script) as upstream:
        there = replace(
            UPSTREAM, base_url=f"http://127.0.0.1:{upstream.port}/v1", timeout_s=5.0, **more
        )
        at = replace(catalogue(), upstreams={"main": there})
        any_of = frozenset({"*"})
        allow = Allow(fields={"service_tier": any_of, "models": any_of})
        flash = replace(at.targets[FLASH], price=Price(1_000_000, 2_000_000, 0, 0, "v2"))
        at = replace(at, targets={**at.targets, FLASH: flash})
        projects = {name: replace(one, allow=allow) for name, one in at.projects.items()}
        at = replace(at, projects=projects)
        async with rig(directory, at, DIALECTS) as it, asked_over_http(it.app) as http:
            yield it, http


def answers(what: object, *lines: str, asked: list[Asked] | None = None) -> Script:
    async def answer(peer: Peer) -> None:
        await peer.answer(orjson.dumps(what), "200 OK", "Content-Type: application/json", *lines)

    return always(answer, asked)


async def posted(http: httpx.AsyncClient, path: str, fields: dict[str, Any]) -> httpx.Response:
    headers = {"authorization": f"Bearer {SECRET}"}
    return await http.post(path, json={"model": "opus", **fields}, headers=headers)


@pytest.mark.parametrize("path", FAILED)
async def test_what_a_failed_reply_says_it_used_is_billed(
    path: str, tmp_path: Path, small_ballast: None
) -> None:
    fields, said = FAILED[path]
    async with between(tmp_path, answers(said)) as (it, http):
        reply = await posted(http, path, fields)
        assert reply.status_code >= 500
        assert b"too hot" in reply.content
        call = await it.call()
    output = 0 if "embed" in path else 34
    assert call.outcome is Outcome.UPSTREAM_ERROR
    assert (call.usage, call.cost_nano_usd) == (
        Usage(12, 0, output),
        12 * 2_000 + output * 8_000,
    )


async def test_cost_that_nobody_knows_is_not_told(tmp_path: Path, small_ballast: None) -> None:
    said = {"id": "c", "choices": [{"message": {"content": "abc"}}], "usage": TOKENS}
    async with between(tmp_path, answers({**said, "service_tier": "ultrafast"})) as (it, http):
        reply = await posted(http, "/v1/chat/completions", CHAT)
        assert reply.status_code == 200
        assert "x-cost-usd" not in reply.headers
        whole = await posted(http, "/v1/chat/completions", {**CHAT, "stream": True})
        assert b"[DONE]" in whole.content
        assert b"cost-usd" not in whole.content
        calls = await it.calls()
    for call in calls:
        assert (call.price_version, call.usage.tier) == (UNKNOWN_VERSION, "ultrafast")
        assert call.cost_nano_usd == call.held_nano_usd > 0


STATED: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"choices": [{"message": {"content": "a"}}], "usage": TOKENS},
    "/v1/completions": {"choices": [{"text": "a"}], "usage": TOKENS},
    "/v1/responses": {"output": [{"type": "message"}], "usage": IN_OUT},
    "/v1/messages": {"type": "message", "content": [{"type": "text"}], "usage": IN_OUT},
}


@pytest.mark.parametrize("path", STATED)
async def test_cost_that_the_upstream_states_is_booked_in_every_dialect(
    path: str, tmp_path: Path, small_ballast: None
) -> None:
    said = {**STATED[path], "usage": {**STATED[path]["usage"], "cost": 0.000123}}
    async with between(tmp_path, answers(said), price="upstream") as (it, http):
        reply = await posted(http, path, FAILED[path][0])
        assert reply.headers["x-cost-usd"] == "0.000123"
        call = await it.call()
    assert (call.cost_nano_usd, call.price_version) == (123_000, BY_UPSTREAM)


async def test_a_header_that_the_config_names_is_sent_once(
    tmp_path: Path, small_ballast: None
) -> None:
    said = {
        "type": "message",
        "content": [{"type": "text", "text": "a"}],
        "usage": IN_OUT,
    }
    raw: list[bytes] = []

    async def script(peer: Peer) -> None:
        head = await peer.reader.readuntil(b"\r\n\r\n")
        raw.append(head.lower())
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        await peer.reader.readexactly(length)
        await peer.answer(orjson.dumps(said))

    own = (("Anthropic-Version", "2024-01-01"),)
    async with between(tmp_path, script, headers=own) as (it, http):
        headers = {"anthropic-version": "2026-10-21", "anthropic-beta": "files"}
        sent = {"authorization": f"Bearer {SECRET}", **headers}
        reply = await http.post("/v1/messages", json={"model": "opus", **CHAT}, headers=sent)
        assert reply.status_code == 200
        assert (await it.call()).target == OPUS
    assert raw[0].count(b"anthropic-version") == 1
    assert b"anthropic-version: 2024-01-01" in raw[0]
    assert b"anthropic-beta: files" in raw[0]


@pytest.mark.parametrize(
    ("model", "cost", "version"),
    [
        ("opus-4.7-20260101", 12 * 2_000 + 34 * 8_000, "v1"),
        ("flash", 12 * 1_000 + 34 * 2_000, "v2"),
        ("someone-elses", None, UNKNOWN_VERSION),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_whoever_may_have_answered_is_paid_by_the_price_of_who_did(
    model: str, cost: int | None, version: str, stream: bool, tmp_path: Path, small_ballast: None
) -> None:
    said = {
        "id": "c",
        "choices": [{"message": {"content": '"model":"x"'}, "delta": {"content": "abc"}}],
        "model": model,
        "usage": TOKENS,
    }
    event = b"data: " + orjson.dumps(said) + b"\n\ndata: [DONE]\n\n"

    async def answer(peer: Peer) -> None:
        kind = "text/event-stream" if stream else "application/json"
        data = event if stream else orjson.dumps(said)
        await peer.answer(data, "200 OK", f"Content-Type: {kind}")

    asked = {**CHAT, "models": ["flash", "someone-elses"], "stream": stream}
    async with between(tmp_path, always(answer)) as (it, http):
        assert (await posted(http, "/v1/chat/completions", asked)).status_code == 200
        call = await it.call()
    assert call.price_version == version
    assert call.cost_nano_usd == (call.held_nano_usd if cost is None else cost)
