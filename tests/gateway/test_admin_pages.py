"""The pages of the admin API: calls, roll-ups, levels, events, the audit and the keys."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from quotadeck.domain.answers import AuditPage
from quotadeck.domain.calls import Outcome
from quotadeck.domain.cause import Cause
from quotadeck.domain.notice import notice
from quotadeck.domain.pages import CallsPage, EventsPage, KeysPage, LevelsPage, RollupsPage
from quotadeck.domain.price import bound_nano
from quotadeck.domain.project_key import ProjectKey
from quotadeck.domain.snapshot import Event
from quotadeck.domain.subject import Subject
from quotadeck.gateway.control.admin import PREFIX
from quotadeck.sources.gateway import questions
from quotadeck.sources.gateway.source import GatewaySource
from quotadeck.store import file_layer
from quotadeck.wire.objects import load
from quotadeck.words import say
from tests.gateway.desks import (
    ADA,
    CATALOGUE,
    CHEAP,
    KEY_ADD,
    MIKA,
    PAUSE,
    PRICE,
    RAISE,
    RESUME,
    call,
    refusal,
    why,
)
from tests.gateway.serving import Admin, admin_api


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Admin]:
    """Served, and we are admin."""
    async with admin_api(tmp_path) as admin:
        yield admin


async def test_calls_by_cursor_and_the_last(api: Admin) -> None:
    at_us = api.at.clock.wall_us()
    for number in range(5):
        api.at.ledger.end_call(call(number, at_us))
    api.at.ledger.end_call(call(9, at_us, "search"))
    await api.at.ledger.flushed()
    seen: list[str] = []
    cursor = ""
    for _ in range(3):
        after = f"&after={cursor}" if cursor else ""
        answer = await api.http.get(f"{PREFIX}calls?limit=2&project=analytics{after}")
        page = load(CallsPage, answer.content)
        seen += [row.call.id for row in page.rows]
        cursor = page.next_cursor
    assert seen == [f"req_analytics_{number}" for number in range(5)]
    answer = await api.http.get(f"{PREFIX}calls?after={cursor}&project=analytics")
    empty = load(CallsPage, answer.content)
    assert (empty.rows, empty.next_cursor) == ((), cursor)
    last = (await api.http.get(f"{PREFIX}calls?last=2")).json()
    assert [row["id"] for row in last["rows"]] == ["req_analytics_4", "req_search_9"]
    only = (await api.http.get(f"{PREFIX}calls?outcome=refused&model=opus")).json()
    assert only["rows"] == []


async def test_rollups_of_minutes_and_days(api: Admin) -> None:
    at_us = api.at.clock.wall_us()
    api.at.ledger.end_call(call(1, at_us))
    api.at.ledger.end_call(refusal(2, at_us - 60_000_000, 30))
    await api.at.ledger.flushed()
    answer = await api.http.get(f"{PREFIX}rollups?since=2026-11-24T03:00:00Z")
    (minute,) = load(RollupsPage, answer.content).rows
    assert (minute.at_us, minute.forwarded, minute.refused) == (at_us, 1, {})
    answer = await api.http.get(f"{PREFIX}rollups?per=day")
    page = load(RollupsPage, answer.content)
    assert (page.rows[0].day, page.rows[0].refused) == ("2026-11-24", {"rpm": 30})
    hours = load(RollupsPage, (await api.http.get(f"{PREFIX}rollups?per=hour")).content).rows
    assert [(hour.at_us, hour.forwarded, hour.refused) for hour in hours] == [
        (at_us - 3_600_000_000, 0, {"rpm": 30}),
        (at_us, 1, {}),
    ]
    answer = await api.http.get(f"{PREFIX}rollups?per=day&after={page.next_cursor}")
    assert load(RollupsPage, answer.content).rows == ()


async def test_levels_and_events(api: Admin) -> None:
    key = "project:analytics:rpm"
    api.at.ledger.levels(api.at.clock.wall_us(), {key: 5}, {key: (3, 5, 60)})
    await api.at.does(PAUSE)
    await api.at.ledger.flushed()
    answer = await api.http.get(f"{PREFIX}levels?bucket={key}")
    (level,) = load(LevelsPage, answer.content).rows
    assert (level.at_us, level.least, level.last) == (api.at.clock.wall_us(), 3, 5)
    answer = await api.http.get(f"{PREFIX}events?last=5")
    (event,) = load(EventsPage, answer.content).rows
    assert say(event.event.told) == 'mika: analytics paused for 1h "batch bug"'


async def test_the_audit_newest_first_with_what_is_in_force(api: Admin) -> None:
    paused = await api.at.does(PAUSE)
    await api.at.does(replace(RAISE, subject=Subject.project("search"), value=700))
    await api.at.does(RESUME)
    await api.at.desk.submit(RESUME, MIKA, dry_run=False)
    answer = await api.http.get(f"{PREFIX}audit?limit=3")
    page = load(AuditPage, answer.content)
    assert [(row.entry.action, row.entry.applied, row.in_force) for row in page.rows] == [
        ("resume", False, False),
        ("resume", True, True),
        ("limit", True, True),
    ]
    assert why(page.rows[0].entry) == "analytics is not paused: there is nothing to resume"
    assert all(len(row.entry.hash) == 64 for row in page.rows)
    answer = await api.http.get(f"{PREFIX}audit?before_seq={page.next_before_seq}")
    rest = load(AuditPage, answer.content)
    assert [(row.id, row.in_force) for row in rest.rows] == [(paused.command_id, False)]
    assert rest.next_before_seq is None
    answer = await api.http.get(f"{PREFIX}audit?subject=project:search")
    assert [row.entry.after for row in load(AuditPage, answer.content).rows] == [700]


async def test_keys_never_show_the_secret_nor_its_hash(api: Admin) -> None:
    await api.at.does(KEY_ADD, ADA)
    answer = await api.http.get(f"{PREFIX}keys")
    (key,) = load(KeysPage, answer.content).keys
    assert (key.id, key.projects, key.label, key.added_by) == (
        "k_prod",
        ("analytics",),
        "prod",
        "ada",
    )
    audit = await api.http.get(f"{PREFIX}audit")
    assert (load(AuditPage, audit.content).rows[0].entry.after) == ProjectKey(
        "", ("analytics",), "prod"
    )
    assert "a" * 64 not in answer.text + audit.text


async def test_the_newest_calls_are_searched_for_page_by_page(
    api: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quotadeck.store.reading.search.SEARCHED", 3)
    at_us = api.at.clock.wall_us()
    for number in range(10):
        lost = Outcome.UNKNOWN if number in (1, 4) else Outcome.OK
        api.at.ledger.end_call(call(number, at_us, outcome=lost))
    await api.at.ledger.flushed()
    page, asked = None, 0
    while page is None or (page.more and len(page.rows) < 2):
        question = questions.calls(last=2, outcome="unknown", nearer=page)
        answer = await api.http.get(question.target)
        page, asked = question.answer(answer.status_code, answer.content, "here"), asked + 1
    assert [row.call.id for row in page.rows] == ["req_analytics_1", "req_analytics_4"]
    assert asked == 3
    answer = await api.http.get(f"{PREFIX}calls?before=1:5")
    assert (answer.status_code, answer.json()["error"][:14]) == (400, "before is for ")


async def test_calls_of_a_target_a_cause_a_key_and_a_time(api: Admin) -> None:
    at_us = api.at.clock.wall_us()
    for number in range(6):
        api.at.ledger.end_call(call(number, at_us + number * 1_000_000, key_id=f"k_{number % 2}"))
    api.at.ledger.end_call(call(6, at_us + 6_000_000, target="main/elsewhere"))
    api.at.ledger.end_call(refusal(7, at_us + 9_000_000, 4, Cause.TPM))
    await api.at.ledger.flushed()
    source = GatewaySource(api.socket)

    async def numbers(**asked: Any) -> list[int]:
        page = await source.calls(last=10, **asked)
        return [int(row.call.id.rpartition("_")[2]) for row in page.rows]

    assert await numbers(cause="tpm") == [7]
    assert await numbers(target="main/elsewhere") == [6]
    assert await numbers(key="_1", since_us=at_us + 2_000_000) == [3, 5]
    assert await numbers(until_us=at_us + 2_000_000) == [0, 1]
    newest = await source.calls(last=2)
    assert await numbers(before=newest.before_cursor) == [0, 1, 2, 3, 4, 5]
    assert await numbers(after=newest.next_cursor) == []
    assert await numbers(after=(await source.calls(last=2, key="none")).next_cursor) == []
    api.at.ledger.end_call(call(8, at_us + 10_000_000))
    await api.at.ledger.flushed()
    assert await numbers(after=newest.next_cursor) == [8]
    await source.close()
    answer = await api.http.get(f"{PREFIX}calls?cause=weather")
    assert (answer.status_code, answer.json()["notice"]["facts"]["name"]) == (400, "cause")
    answer = await api.http.get(f"{PREFIX}calls?id=req_analytics_1&model=opus")
    assert answer.status_code == 400


async def test_a_call_found_by_its_id_has_its_own_cursor(api: Admin) -> None:
    at_us = api.at.clock.wall_us()
    for number in range(3):
        api.at.ledger.end_call(call(number, at_us))
    await api.at.ledger.flushed()
    source = GatewaySource(api.socket)
    found = await source.call("req_analytics_1")
    assert found is not None
    assert (found.is_own, found.seqs, found.calls[0].id) == (True, (2,), "req_analytics_1")
    assert await source.call("req_analytics_1", "analytics") == found
    assert await source.call("req_analytics_1", "search") is None
    page = (await api.http.get(f"{PREFIX}calls?id=req_analytics_1")).json()
    after = await source.calls(last=5, after=page["next_cursor"])
    before = await source.calls(last=5, before=page["before_cursor"])
    await source.close()
    assert [row.id for row in after.rows] == ["req_analytics_2"]
    assert [row.id for row in before.rows] == ["req_analytics_0"]


async def test_a_call_found_by_its_id_has_the_price_of_its_time(api: Admin) -> None:
    at_us, ledger = api.at.clock.wall_us(), api.at.ledger
    dearer = replace(
        CATALOGUE.targets["main/opus"], price=replace(PRICE, output_pico=9, version="v2")
    )
    later = replace(CATALOGUE, targets={**CATALOGUE.targets, "main/opus": dearer})
    ledger.catalogue(file_layer(CATALOGUE), at_us - 5_000_000)
    ledger.catalogue(file_layer(later), at_us - 1_000_000)
    most = bound_nano(CHEAP, 90, 500)
    no = refusal(4, at_us, 1, Cause.BUDGET)._replace(
        target="", held_nano_usd=most, estimated_input=90, estimated_output=500
    )
    for one in (
        call(1, at_us - 2_000_000, price_version="v1"),
        call(2, at_us, price_version="v2"),
        call(3, at_us, price_version="v1"),
        no,
        no._replace(id="req_analytics_5", held_nano_usd=7),
        call(6, at_us - 6_000_000, price_version="v1"),
    ):
        ledger.end_call(one)
    await ledger.flushed()
    source = GatewaySource(api.socket)
    found = [await source.call(f"req_analytics_{number}") for number in range(1, 7)]
    await source.close()
    prices = [one.price if one else "unfound" for one in found]
    assert prices == [PRICE, dearer.price, None, CHEAP, None, None]


async def test_events_of_a_subject_and_a_time(api: Admin) -> None:
    at_us = api.at.clock.wall_us()
    for number in range(5):
        subject = "project:search" if number % 2 else "project:analytics"
        told = notice("told", text=str(number))
        api.at.ledger.event(Event(f"evt_{number}", at_us + number * 1_000_000, subject, told))
    await api.at.ledger.flushed()
    source = GatewaySource(api.socket)

    async def numbers(**asked: Any) -> list[str]:
        page = await source.events(last=2, **asked)
        return [str(row.event.told.facts["text"]) for row in page.rows]

    assert await numbers() == ["3", "4"]
    page = await source.events(last=2)
    assert page.more
    assert await numbers(before=page.before_cursor) == ["1", "2"]
    assert await numbers(after=page.next_cursor) == []
    assert await numbers(subject="project:search") == ["1", "3"]
    assert await numbers(since_us=at_us + 4_000_000) == ["4"]
    assert await numbers(until_us=at_us + 1_000_000) == ["0"]
    await source.close()
    assert (await api.http.get(f"{PREFIX}events?before=1:5")).status_code == 400
