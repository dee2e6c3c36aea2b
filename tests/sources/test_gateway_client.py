"""A gateway asked by a command: each answer, and each way of having none, in words."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from quotadeck.domain.commands import Action, Command, Role
from quotadeck.domain.pages import CallsPage
from quotadeck.domain.subject import Subject
from quotadeck.sources import GatewayClient, Reading, SourceError, SourceGone
from quotadeck.sources.gateway import Question, questions
from quotadeck.wire.stream import Encoder
from tests.sources.scripted import WHOAMI, Script, answer, served, snapshot
from tests.wire.snapshots import done
from tests.wording import refuses

T = TypeVar("T")
PAGE = b'{"rows": [], "next_cursor": "1:0"}'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s"


async def talk(
    path: Path, scripts: dict[str, Script], work: Callable[[GatewayClient], T], **how: float
) -> T:
    def do() -> T:
        with GatewayClient(path, **how) as gateway:
            return work(gateway)

    async with served(path, scripts):
        return await asyncio.to_thread(do)


async def test_several_questions_are_answered_also_where_each_ends_the_connection(
    path: Path,
) -> None:
    body = done(Encoder().full(snapshot(1_000)))

    def read(gateway: GatewayClient) -> tuple[Reading, CallsPage]:
        return gateway.snapshot(), gateway.ask(questions.calls(last=5))

    scripts = {"whoami": answer(WHOAMI), "snapshot": answer(body), "calls": answer(PAGE)}
    reading, page = await talk(path, scripts, read)
    assert (reading.whoami.actor, reading.whoami.role) == ("mika", Role.OPERATOR)
    assert (reading.snapshot, reading.fresh) == (snapshot(1_000), True)
    assert page == CallsPage((), "1:0")


@pytest.mark.parametrize(
    ("script", "kind", "words"),
    [
        (answer(b"[1]"), SourceError, r"same version\? \(CallsPage is a list"),
        (answer(b'{"rows": []}'), SourceError, r"CallsPage lacks next_cursor"),
        (answer(b"<html>", "502 Bad Gateway"), SourceError, "refused: calls was answered 502"),
        (answer(b'{"error": "no \\u001b way"}', "403 No"), SourceError, "refused: no \ufffd way"),
        (lambda writer: writer.write(b"SSH-2.0\r\n"), SourceGone, "was lost .calls: Expected HTTP"),
        (lambda writer: writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n[]"),
         SourceGone, "was lost .calls: it ended before"),
    ],
)  # fmt: skip
async def test_what_is_no_answer_is_told_as_what_it_is(
    path: Path, script: Script, kind: type[SourceError], words: str
) -> None:
    with refuses(kind, match=words):
        await talk(path, {"calls": script}, lambda g: g.ask(questions.calls(last=5)))


async def test_a_gateway_that_says_nothing_is_waited_for_no_longer_than_that(path: Path) -> None:
    held = asyncio.Event()

    async def hold(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        await held.wait()
        writer.close()

    def ask() -> None:
        with GatewayClient(path, answer_s=0.05) as gateway:
            gateway.ask(questions.keys())

    async with await asyncio.start_unix_server(hold, path):
        with refuses(SourceGone, match=r"silent for 0.05 s \(keys\)"):
            await asyncio.to_thread(ask)
        held.set()


async def test_a_refused_command_is_an_answer(path: Path) -> None:
    body = b'{"applied": false, "subject": "project:a", "error": "no", "error_code": "not_allowed"}'
    command = Command(Action.PAUSE, Subject.project("a"), idempotency_key="12345678")
    told = await talk(
        path,
        {"commands": answer(body, "403 Forbidden")},
        lambda gateway: gateway.ask(questions.command(command, dry_run=False)),
    )
    assert not told.applied


def test_nobody_there_is_told_as_why(path: Path) -> None:
    with refuses(SourceGone, match="no such socket"), GatewayClient(path) as gateway:
        gateway.ask(questions.keys())


def test_what_is_asked_is_one_line_of_http_whatever_stands_in_it() -> None:
    asked = questions.calls(last=5, project="a&b c\r\nx", model="é/ü")
    assert asked.target == "/admin/v1/calls?last=5&project=a%26b%20c%0D%0Ax&model=%C3%A9%2F%C3%BC"
    assert Question("keys", bytes).target == "/admin/v1/keys"
