"""What a data key is told of its own project, and of no other."""

from typing import Any

import orjson

from quotadeck.domain.commands import Field
from quotadeck.domain.limits import Priority, SlotLimit, Take
from quotadeck.domain.rules import LimitKind, bucket_key
from quotadeck.domain.subject import Subject
from tests.gateway.chats import COST, SHORT, Open, well
from tests.gateway.provider import always
from tests.gateway.rig import Rig
from tests.gateway.values import NOON_US, entry

ANALYTICS = Subject.project("analytics")


async def quota(it: Rig, **headers: str) -> dict[str, Any]:
    reply = await it.ask(b"", method="GET", path="/v1/quota", headers=headers)
    assert reply.status == 200, reply.body
    assert reply.sent_headers["content-type"] == "application/json"
    return dict(orjson.loads(reply.body))


async def test_levels_and_money_are_those_that_admission_has(opened: Open) -> None:
    it, _ = await opened(always(well), concurrency=2)
    before = await quota(it)
    assert (before["object"], before["project"], before["wait_ms"]) == ("quota", "analytics", 0)
    assert before["limits"]["rpm"] == {
        "limit_requests_per_minute": 60,
        "burst_requests": 10,
        "left_requests": 10,
        "wait_ms": 0,
        "full_in_ms": 0,
        "shadow": False,
    }
    await it.ask(SHORT)
    after = (await quota(it))["limits"]
    assert (after["rpm"]["left_requests"], after["rpm"]["full_in_ms"]) == (9, 1_000)
    assert (after["tpm"]["left_tokens"], after["tpm"]["burst_tokens"]) == (60_000 - 46, 60_000)
    slots = after["concurrency"]
    assert (slots["limit_requests_at_once"], slots["left_requests"]) == (2, 2)
    money = after["budget"]
    assert (money["limit_nano_usd"], money["spent_nano_usd"]) == (10**9, COST)
    assert (money["left_nano_usd"], money["held_nano_usd"]) == (10**9 - COST, 0)
    assert (money["day"], money["resets_at"]) == ("2026-11-24", "2026-11-25T00:00:00Z")


async def test_the_wait_is_that_of_the_next_request(opened: Open) -> None:
    it, _ = await opened(always(well))
    for _ in range(10):
        await it.ask(SHORT)
    told = await quota(it)
    assert (told["limits"]["rpm"]["left_requests"], told["wait_ms"]) == (0, 1_000)
    turn = await it.ask(SHORT, headers={"x-stainless-retry-count": "0"})
    assert (turn.status, turn.sent_headers["retry-after-ms"]) == (429, "1000")
    assert "It is kept for you then" in turn.error["message"]
    assert (await quota(it))["wait_ms"] == 2_000, "behind the turn of another"
    it.clock.advance_ms(2_000)
    assert (await quota(it))["wait_ms"] == 0
    assert (await it.ask(SHORT)).status == 200


async def test_a_pause_and_a_spent_budget_have_no_wait_that_could_be_told(opened: Open) -> None:
    it, _ = await opened(always(well))
    await it.ask(SHORT)
    paused = entry(1, ANALYTICS, Field.PAUSED, "true", until_us=NOON_US + 60_000_000)
    it.command(paused)
    told = await quota(it)
    assert (told["paused"], told["paused_until"]) == (True, "2026-11-24T12:01:00Z")
    assert told["wait_ms"] is None
    it.command()
    it.command(entry(2, ANALYTICS, Field.BUDGET, COST))
    told = await quota(it)
    money = told["limits"]["budget"]
    assert (money["limit_nano_usd"], money["spent_nano_usd"]) == (COST, COST)
    assert money["left_nano_usd"] == 0
    assert (money["wait_ms"], told["wait_ms"]) == (None, None)


async def test_slots_that_are_taken_have_no_wait_that_could_be_told(opened: Open) -> None:
    it, _ = await opened(always(well), concurrency=1)
    slot = Take(bucket_key(ANALYTICS, LimitKind.CONCURRENCY), 1, SlotLimit(1))
    await it.limiter.acquire("under way", [slot], Priority.MEDIUM, 60_000)
    told = await quota(it)
    slots = told["limits"]["concurrency"]
    assert (slots["left_requests"], slots["under_way_requests"]) == (0, 1)
    assert (slots["wait_ms"], told["wait_ms"]) == (None, None)
    await it.limiter.release("under way")
    assert (await quota(it))["wait_ms"] == 0


async def test_each_project_is_told_its_own(opened: Open) -> None:
    it, _ = await opened(always(well))
    await it.ask(SHORT)
    other = await quota(it, **{"x-project-id": "search"})
    assert other["project"] == "search"
    assert other["limits"] == {"budget": {**other["limits"]["budget"], "spent_nano_usd": 0}}
    assert other["limits"]["budget"]["limit_nano_usd"] is None
    refused = await it.ask(b"", method="GET", path="/v1/quota", headers={"authorization": "no"})
    assert refused.status == 401
    assert (await it.ask(b"{}", path="/v1/quota")).status == 405
