"""Two projects under one upstream key: neither gets at what is the other's, or past its config."""

from dataclasses import replace
from typing import Any

import orjson
import pytest

from quotadeck.dialects.base import Read
from quotadeck.dialects.openai import OPENAI
from quotadeck.domain.catalogue import Allow
from quotadeck.gateway.data.made import MadeIds
from tests.gateway.chats import BOUND, SHORT, Open, well
from tests.gateway.provider import Asked, always
from tests.gateway.rig import Reply, Rig
from tests.gateway.values import body, plan

SEARCHING = body(max_tokens=50, tools=[{"type": "web_search"}])
OTHER = {"x-project-id": "search"}


@pytest.fixture
def asked() -> list[Asked]:
    """What the upstream was sent."""
    return []


def with_file(identity: str) -> bytes:
    parts = [{"type": "file", "file": {"file_id": identity}}]
    return body(messages=[{"role": "user", "content": parts}], max_tokens=50)


def allow(it: Rig, project: str = "analytics", **what: Any) -> None:
    """Let a project have this from now on."""
    of = it.of.projects[project]
    projects = {**it.of.projects, project: replace(of, allow=Allow(**what))}
    it.of = replace(it.of, projects=projects)
    it.plan[0] = plan(it.of)


def refused(reply: Reply, status: int, code: str, *words: str) -> None:
    assert (reply.status, reply.error["code"]) == (status, code)
    assert all(word in reply.error["message"] for word in words), reply.error["message"]
    assert reply.sent_headers["x-should-retry"] == "false"


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"tools": [{"type": "web_search_preview"}]}, "web_search"),
        ({"background": True}, "background"),
        ({"mcp_servers": [{"url": "https://x"}]}, "mcp"),
        ({"previous_response_id": "resp_1"}, "stored_context"),
    ],
)
async def test_what_nothing_bounds_is_refused_by_name(
    opened: Open, asked: list[Asked], more: dict[str, Any], word: str
) -> None:
    it, _ = await opened(always(well, asked))
    reply = await it.ask(body(**more))
    refused(reply, 403, "unbounded_not_allowed", next(iter(more)), f'unbounded = ["{word}"]')
    assert asked == []
    assert await it.limiter.levels(["project:analytics:rpm", "project:analytics:tpm"]) == {}


async def test_where_the_config_allows_it_its_reserve_is_held_beside_the_bound(
    opened: Open, asked: list[Asked]
) -> None:
    it, _ = await opened(always(well, asked))
    allow(it, unbounded=frozenset({"web_search"}), reserve_nano=700_000)
    assert (await it.ask(SEARCHING)).status == 200
    call = await it.call()
    assert call.held_nano_usd == BOUND + 2_000 * (len(SEARCHING) - len(SHORT) + 960) + 700_000
    assert call.bound_is_estimate
    refused(await it.ask(SEARCHING, headers=OTHER), 403, "unbounded_not_allowed", "search")


async def test_a_reserve_beyond_the_days_budget_is_refused(opened: Open) -> None:
    it, _ = await opened(always(well))
    allow(it, unbounded=frozenset({"web_search"}), reserve_nano=10**9)
    assert (await it.ask(SEARCHING)).error["code"] == "exceeds_daily_budget"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("service_tier", "priority"),
        ("service_tier", "fast"),
        ("speed", "fast"),
        ("inference_geo", "us"),
        ("models", ["dear-model"]),
        ("fallbacks", [{"model": "dear-model"}]),
        ("provider", {"order": ["x"]}),
        ("route", "fallback"),
        ("api_base", "https://elsewhere.example"),
        ("extra_body", {"models": ["dear-model"]}),
    ],
)
async def test_what_chooses_for_itself_is_refused_by_name(
    opened: Open, asked: list[Asked], field: str, value: Any
) -> None:
    it, _ = await opened(always(well, asked))
    refused(await it.ask(body(**{field: value})), 403, "choice_not_allowed", field, "analytics")
    assert asked == []


@pytest.mark.parametrize("tier", ["auto", "default", "flex", None])
async def test_a_tier_that_costs_no_more_is_free(opened: Open, tier: str | None) -> None:
    it, _ = await opened(always(well))
    assert (await it.ask(body(max_tokens=50, service_tier=tier))).status == 200


async def test_a_choice_is_held_against_the_projects_list(opened: Open) -> None:
    it, _ = await opened(always(well))
    allow(it, fields={"models": frozenset({"cheap"}), "provider": frozenset({"*"})})
    assert (await it.ask(body(models=["cheap"], provider={"order": ["x"]}))).status == 200
    reply = await it.ask(body(models=["cheap", "dear"]))
    refused(reply, 403, "choice_not_allowed", "models", "'dear'", "cheap")
    refused(await it.ask(body(models=["cheap"]), headers=OTHER), 403, "choice_not_allowed")


@pytest.fixture
def making(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each reply says that it made a file, named after the reply."""
    plain = type(OPENAI).reply

    def reply(self: Any, data: bytes) -> Read:
        read = plain(self, data)
        made = orjson.loads(data).get("made")
        return read._replace(made=(("file", made),)) if made else read

    monkeypatch.setattr(type(OPENAI), "reply", reply)


async def test_an_id_is_its_makers_and_nobody_elses(
    opened: Open, asked: list[Asked], making: None
) -> None:
    async def answer(peer: Any) -> None:
        await peer.answer(orjson.dumps({"id": "c", "choices": [], "made": "file-1"}))

    it, _ = await opened(always(answer, asked))
    for project in ("analytics", "search"):
        allow(it, project, unbounded=frozenset({"file"}), reserve_nano=1)
    refused(await it.ask(with_file("file-1")), 404, "file_not_found", "'file-1'")
    await it.ask(SHORT)
    sent = len(asked)
    assert (await it.ask(with_file("file-1"))).status == 200
    refused(await it.ask(with_file("file-1"), headers=OTHER), 404, "file_not_found")
    # What another's reply names is not taken away from who made it.
    await it.ask(SHORT, headers=OTHER)
    refused(await it.ask(with_file("file-1"), headers=OTHER), 404, "file_not_found")
    assert (await it.ask(with_file("file-1"))).status == 200
    assert len(asked) == sent + 3
    # A gateway that has just started knows it from the ledger.
    await it.ledger.flushed()
    it.flights.made = MadeIds(it.ledger.reader.owner)
    assert (await it.ask(with_file("file-1"))).status == 200
    refused(await it.ask(with_file("file-1"), headers=OTHER), 404, "file_not_found")


async def test_ids_of_elsewhere_are_those_that_the_config_lists(opened: Open) -> None:
    it, _ = await opened(always(well))
    for project, ids in (("analytics", {"file-ours"}), ("search", {"*"})):
        allow(it, project, unbounded=frozenset({"file"}), reserve_nano=1, ids=frozenset(ids))
    assert (await it.ask(with_file("file-ours"))).status == 200
    refused(await it.ask(with_file("file-theirs")), 404, "file_not_found")
    assert (await it.ask(with_file("file-theirs"), headers=OTHER)).status == 200
