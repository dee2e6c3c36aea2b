"""The stream and the snapshot over a real Unix socket, by hand and by the console's own client."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from quotadeck.domain.commands import Field, Role
from quotadeck.domain.snapshot import Snapshot
from quotadeck.gateway.control.admin import PREFIX
from quotadeck.sources.gateway.source import GatewaySource
from quotadeck.wire.stream import Decoder
from tests.gateway.desks import PAUSE, RAISE, RESUME, code
from tests.gateway.serving import ME, Admin, admin_api


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Admin]:
    """Served, and we are admin."""
    async with admin_api(tmp_path) as admin:
        yield admin


async def test_a_command_is_on_every_screen_at_once(api: Admin) -> None:
    async with api.http.stream("GET", f"{PREFIX}stream") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        async with aclosing(events(answer)) as stream:
            first = await anext(stream)
            assert first.projects[0].paused is False
            await api.at.does(PAUSE)
            api.feed.hurry()
            second = await anext(stream)
            assert second.projects[0].paused is True
            assert second.projects[0].changes[0].reason == "batch bug"


async def test_a_snapshot_alone(api: Admin) -> None:
    await api.at.does(RAISE)
    answer = await api.http.get(f"{PREFIX}snapshot")
    seen = Decoder().apply("snapshot", answer.content)
    (change,) = seen.projects[0].changes
    assert (change.field, change.value, change.was) == (Field.RPM, 40, 20)


async def test_a_reader_that_leaves_is_forgotten(api: Admin) -> None:
    before = asyncio.all_tasks()
    async with (
        api.http.stream("GET", f"{PREFIX}stream") as answer,
        aclosing(events(answer)) as stream,
    ):
        await anext(stream)
    async with asyncio.timeout(10):
        while asyncio.all_tasks() - before:  # noqa: ASYNC110  (the server's tasks end)
            await asyncio.sleep(0)


async def test_the_consoles_own_client_reads_and_commands(api: Admin) -> None:
    source = GatewaySource(api.socket)
    try:
        async with aclosing(source.stream()) as readings:
            first = await anext(readings)
            assert (first.whoami.actor, first.whoami.role) == (ME, Role.ADMIN)
            answer = await source.command(
                replace(RAISE, idempotency_key="key-00001"), dry_run=False
            )
            assert answer.applied
            api.feed.hurry()
            second = await anext(readings)
            assert second.snapshot.projects[0].changes[0].value == 40
        answer = await source.command(replace(RESUME, idempotency_key="key-00002"), dry_run=False)
        assert (answer.applied, code(answer)) == (False, "conflict")
        assert len((await source.audit(limit=5)).rows) == 2
    finally:
        await source.close()


async def events(answer: httpx.Response) -> AsyncGenerator[Snapshot, None]:
    """What a reader of the stream sees, event by event."""
    decoder, name = Decoder(), ""
    async for line in answer.aiter_lines():
        if line.startswith("event: "):
            name = line[7:]
        elif line.startswith("data: "):
            assert json.loads(line[6:])["now_ms"] >= 0
            yield decoder.apply(name, line[6:].encode())
