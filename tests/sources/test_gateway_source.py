"""What the console is told when a gateway is absent, silent, gone, odd or well."""

import contextlib
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from quotadeck.clock import monotonic_ns
from quotadeck.domain.commands import Action, Command, Role
from quotadeck.domain.notice import notice
from quotadeck.domain.subject import Subject
from quotadeck.sources import Reading, SourceError, SourceGone, knock
from quotadeck.sources.gateway.source import GatewaySource
from quotadeck.wire.stream import Encoder
from quotadeck.words import say
from tests.sources.nobody import nobody
from tests.sources.scripted import WHOAMI, answer, event, served, snapshot, stream
from tests.wire.snapshots import done
from tests.wording import refuses


async def _read(source: GatewaySource, most: int = 100) -> list[Reading]:
    readings: list[Reading] = []
    async with aclosing(source.stream()) as coming:
        async for reading in coming:
            readings.append(reading)
            if len(readings) == most:
                break
    return readings


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s"


async def test_heartbeats_move_the_instant_and_are_not_fresh(path: Path) -> None:
    encoder, first = Encoder(), snapshot(1_000)
    later = snapshot(3_000, (notice("vital.disk", free_percent=4),))
    done(encoder.changes(first))
    sent = stream(
        event("snapshot", done(encoder.full(first))),
        event("heartbeat", encoder.heartbeat(snapshot(2_000))),
        event("changes", done(encoder.changes(later)) or b""),
    )
    async with served(path, {"whoami": answer(WHOAMI), "stream": sent}, hold=True):
        source = GatewaySource(path, monotonic_ns=lambda: 42)
        readings = await _read(source, 3)
        await source.close()
    assert [(r.fresh, r.snapshot.now_ms) for r in readings] == [
        (True, 1_000),
        (False, 2_000),
        (True, 3_000),
    ]
    assert readings[1].snapshot.vitals == first.vitals
    assert readings[2].snapshot == later
    assert {(r.whoami.actor, r.whoami.role, r.received_ns) for r in readings} == {
        ("mika", Role.OPERATOR, 42)
    }


async def test_what_was_asked_for_ahead_is_read_first_as_of_when_it_was_asked(path: Path) -> None:
    encoder, ahead, live = Encoder(), snapshot(1_000), snapshot(2_000)
    scripts = {
        "whoami": answer(WHOAMI),
        "snapshot": answer(done(encoder.full(ahead))),
        "stream": stream(event("snapshot", done(encoder.full(live)))),
    }
    async with served(path, scripts, hold=True):
        before_ns = monotonic_ns()
        source = GatewaySource(path)
        source.ask_ahead()
        asked_ns = monotonic_ns()
        first, second = await _read(source, 2)
        await source.close()
    assert (first.snapshot, second.snapshot) == (ahead, live)
    assert before_ns <= first.received_ns <= asked_ns
    assert (first.fresh, first.whoami) == (True, second.whoami)


async def test_where_asking_ahead_brings_nothing_the_stream_says_why(path: Path) -> None:
    scripts = {"whoami": answer(b"[]"), "snapshot": answer(b"{")}
    async with served(path, scripts):
        source = GatewaySource(path)
        source.ask_ahead()
        with refuses(SourceError, match="answered whoami with something"):
            await _read(source)
        await source.close()


def test_nobody_is_there_to_be_asked_ahead(path: Path) -> None:
    with refuses(SourceGone, match="no such socket"):
        GatewaySource(path).ask_ahead()


async def test_a_stream_that_ends_is_gone(path: Path) -> None:
    sent = stream(event("snapshot", done(Encoder().full(snapshot()))))
    async with served(path, {"whoami": answer(WHOAMI), "stream": sent}):
        source = GatewaySource(path)
        with refuses(SourceGone, match="ended the stream"):
            await _read(source)
        await source.close()


async def test_a_silent_stream_is_gone_and_a_comment_is_no_event(path: Path) -> None:
    sent = stream(event("snapshot", done(Encoder().full(snapshot()))), b": no event\n\n")
    async with served(path, {"whoami": answer(WHOAMI), "stream": sent}, hold=True):
        source = GatewaySource(path, silence_s=0.05)
        with refuses(SourceGone, match="silent"):
            await _read(source)
        await source.close()


@pytest.mark.parametrize(
    "sent",
    [
        event("snapshot", b"{"),
        event("snapshot", b"[" * 100_000),
        event("snapshot", b'{"step": 0}'),
        event("changes", b'{"step": 1, "now_ms": 1, "at_us": 1, "tables": {}}'),
    ],
)
async def test_nonsense_is_an_error_in_words(path: Path, sent: bytes) -> None:
    async with served(path, {"whoami": answer(WHOAMI), "stream": stream(sent)}, hold=True):
        source = GatewaySource(path)
        with refuses(SourceError, match="same version"):
            await _read(source)
        await source.close()


async def test_a_newer_gateways_stream_is_a_reason_to_update(path: Path) -> None:
    sent = done(Encoder().full(snapshot())).replace(b'"format":1', b'"format":2')
    async with served(path, {"whoami": answer(WHOAMI), "stream": stream(event("snapshot", sent))}):
        source = GatewaySource(path)
        with refuses(SourceError, match=r"newer and sends a stream of format 2.*update"):
            await _read(source)
        await source.close()


async def test_hostile_words_of_a_refusal_are_cleaned(path: Path) -> None:
    body = b'{"error": "no \\u001b]52;c;x\\u0007 way", "code": "x"}'
    async with served(path, {"whoami": answer(body, "403 Forbidden")}):
        source = GatewaySource(path)
        with refuses(SourceError, match="no �]52;c;x� way"):
            await source.snapshot()
        await source.close()


async def test_a_refused_command_is_an_answer(path: Path) -> None:
    body = b'{"applied": false, "subject": "project:a", "error": "no"}'
    async with served(path, {"commands": answer(body, "403 Forbidden")}):
        source = GatewaySource(path)
        command = Command(Action.PAUSE, Subject.project("a"), idempotency_key="12345678")
        told = await source.command(command, dry_run=False)
        await source.close()
    assert (told.applied, str(told.subject)) == (False, "project:a")


async def test_a_command_that_is_no_text_is_not_sent(path: Path) -> None:
    source = GatewaySource(path)
    with refuses(SourceError, match=r"no command that could be sent.*UTF-8"):
        await source.command(
            Command(Action.PAUSE, Subject.project("a"), reason="\udcff"), dry_run=False
        )
    await source.close()


def _nothing(_: Path) -> None: ...


def _a_file(path: Path) -> None:
    path.write_text("")


def _a_dead_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(path))


@pytest.mark.parametrize(
    ("put", "words"),
    [
        (_nothing, "no such socket"),
        (_a_file, "not a socket"),
        (_a_dead_socket, "nobody answers"),
    ],
)
async def test_no_socket_a_file_and_a_dead_socket_are_told_apart(
    path: Path, put: Callable[[Path], None], words: str
) -> None:
    put(path)
    with refuses(SourceGone, match=words):
        knock(path)
    source = GatewaySource(path)
    with refuses(SourceGone, match=words):
        await source.snapshot()
    await source.close()


def test_the_demo_is_advice_where_no_gateway_ever_was(
    path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with refuses(SourceGone, match=r"no such socket.* or try `quotadeck demo`"):
        knock(path)
    (tmp_path / "quotadeck").mkdir()
    (tmp_path / "quotadeck" / "ledger.db").touch()
    with refuses(SourceGone, match="no such socket") as gone:
        knock(path)
    assert "quotadeck demo" not in say(gone.value.told)
    _a_dead_socket(path)
    with refuses(SourceGone, match="start it with `quotadeck gateway`") as gone:
        knock(path)
    assert "quotadeck demo" not in say(gone.value.told)


def test_a_folder_that_is_closed_to_us_names_the_group_to_join(path: Path) -> None:
    closed = path.parent / "closed"
    closed.mkdir(mode=0o000)
    with nobody(), refuses(SourceGone, match=r"may not look at .* join the group"):
        knock(closed / "gateway.sock")
    closed.chmod(0o700)


def test_a_path_too_long_for_a_socket_is_told_as_that(path: Path) -> None:
    with refuses(SourceGone, match="at most"):
        knock(path / ("s" * 300))


def test_the_front_door_loads_no_client_no_loop_and_no_screen() -> None:
    heavy = "('httpx', 'asyncio', 'pydantic', 'textual', 'aiohttp')"
    asked = f"import sys, quotadeck.sources; print([m for m in {heavy} if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert told.stdout == "[]\n"


@pytest.mark.parametrize("room", [True, False])
def test_a_knock_waits_where_others_stand_before_the_door(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: bool
) -> None:
    path = tmp_path / "s"
    with contextlib.ExitStack() as stack:
        door = stack.enter_context(socket.socket(socket.AF_UNIX))
        door.bind(str(path))
        door.listen(0)
        stack.enter_context(socket.socket(socket.AF_UNIX)).connect(str(path))

        def slept(_: float) -> None:
            if room:
                stack.enter_context(door.accept()[0])

        monkeypatch.setattr("quotadeck.sources.gateway.absent.CONNECT_S", 10.0 if room else 0.01)
        monkeypatch.setattr("time.sleep", slept)
        if room:
            knock(path)
        else:
            with refuses(SourceGone, match="too many others"):
                knock(path)
