"""Commands as large as they come: nobody holds the loop, the desk or a processor with them."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import thread_time
from typing import Any

import orjson
import pytest
from starlette.requests import Request

from quotadeck.domain.commands import EVERY_PROJECT
from quotadeck.domain.subject import Subject
from quotadeck.gateway.control.admin_command import read_command
from quotadeck.gateway.control.admin_error import AdminRefusal
from quotadeck.gateway.control.large import CHARGED
from quotadeck.words import say
from tests.gateway.desks import ADA, PAUSE, bench, why

COMMAND = {
    "action": "limit",
    "subject": "project:a",
    "field": "rpm",
    "value": 3,
    "idempotency_key": "12345678",
}
HOSTILE: dict[str, tuple[dict[str, Any], str]] = {
    "versions": ({"expected_versions": [-1] * 150_000}, "expected_versions has more than 10,000"),
    "wrong versions": ({"expected_versions": [-1] * 10_000}, "expected_versions is -1"),
    "subjects": ({"subjects": [0] * 10_000}, "subjects is 0"),
    "value": ({"value": {f"k{at}": [1, 1, 1] for at in range(20_000)}}, "value has more than 100"),
    "lists": ({"value": {"k": [1] * 200_000}}, "value has more than 100 parts"),
    "fields": ({f"k{at}": 0 for at in range(40_000)}, "a command has no 'k0'"),
}


def request_of(body: bytes) -> Request:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request({"type": "http", "method": "POST", "headers": []}, receive)


@pytest.mark.parametrize("name", HOSTILE)
async def test_half_a_megabyte_of_what_is_no_command_is_refused_at_once(name: str) -> None:
    more, words = HOSTILE[name]
    request = request_of(orjson.dumps(COMMAND | more))
    began_s = thread_time()
    with pytest.raises(AdminRefusal) as refused:
        await read_command(request)
    assert thread_time() - began_s < 0.2, "however busy the machine is; it was a second"
    assert words in say(refused.value.told)


async def test_work_beside_the_loop_is_charged_to_who_asked_for_it(tmp_path: Path) -> None:
    charged = list[int]()
    CHARGED.set(charged.append)
    async with bench(tmp_path) as at:
        many = tuple(Subject.project(f"p{number}") for number in range(40))
        answer = await at.desk.submit(
            replace(PAUSE, subject=many[0], subjects=many), ADA, dry_run=True
        )
        assert "p0" in why(answer)
        assert sum(charged) > 0
        assert not (await at.desk.submit(PAUSE, ADA, dry_run=True)).refused
        assert len(charged) == 1, "one of few is decided on the loop, which is measured anyway"


async def test_large_previews_are_decided_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    under_way, most = 0, 0

    async def counted(step: Callable[[], Any], *, large: bool) -> Any:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        return step()

    monkeypatch.setattr("quotadeck.gateway.control.desk.beside", counted)
    async with bench(tmp_path) as at:
        both = replace(PAUSE, subject=EVERY_PROJECT, all_but="high")
        await asyncio.gather(*(at.desk.submit(both, ADA, dry_run=True) for _ in range(5)))
    assert most == 1
