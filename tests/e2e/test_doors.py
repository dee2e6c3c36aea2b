"""Nobody locks anybody out: floods of connections, and what the others notice of them."""

import asyncio
import contextlib
import os
import resource
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from quotadeck.domain.commands import Role
from quotadeck.gateway.control.admin_seats import PLACES, REQUESTS_OF_A_UID, STREAMS_OF_A_UID
from quotadeck.sources import Reading, SourceError
from quotadeck.sources.gateway.source import GatewaySource
from tests.load import chat
from tests.processes import Gateway, running, wait_until
from tests.wording import refuses, said

PROJECT = "[projects.one]\n[projects.two]\n"
FEW_FILES = ("sh", "-c", 'ulimit -n 1024; exec "$@"', "sh")
STREAM = b"GET /admin/v1/stream HTTP/1.1\r\nhost: gateway\r\n\r\n"

as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can connect as another account")


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    """A gateway with a thousand file descriptors, whose socket every account may use."""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        with running(Path(directory), PROJECT, before=FEW_FILES) as started:
            started.socket.chmod(0o666)
            yield started


def port_of(gateway: Gateway) -> int:
    return int(gateway.base_url.removesuffix("/v1").rpartition(":")[2])


@contextlib.contextmanager
def sockets(gateway: Gateway, count: int, sent: bytes = b"") -> Iterator[list[socket.socket]]:
    """So many connections to the data plane, each after sending this."""
    with contextlib.ExitStack() as stack:
        opened = []
        for _ in range(count):
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", port_of(gateway))))
            with contextlib.suppress(ConnectionError):
                sock.sendall(sent)
            opened.append(sock)
        yield opened


@contextlib.contextmanager
def watching(
    gateway: Gateway, uid: int, count: int, sent: bytes = STREAM
) -> Iterator[list[socket.socket]]:
    """So many connections of this account, each asking for a stream."""
    with contextlib.ExitStack() as stack:
        opened = [stack.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(count)]
        with account(uid):
            for sock in opened:
                sock.settimeout(10)
                sock.connect(str(gateway.socket))
                with contextlib.suppress(ConnectionError):
                    sock.sendall(sent)
        yield opened


@contextlib.contextmanager
def account(uid: int) -> Iterator[None]:
    """Whoever connects meanwhile is this account."""
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)


def answers_to(opened: list[socket.socket]) -> list[bytes]:
    """What was answered, of a refusal all; empty for a connection that was cut."""
    return [_answer(sock) for sock in opened]


def _answer(sock: socket.socket) -> bytes:
    answer = b""
    try:
        while part := sock.recv(4_096):
            answer += part
            head, _, body = answer.partition(b"\r\n\r\n")
            _, _, length = head.partition(b"content-length: ")
            if not length or len(body) == int(length.partition(b"\r\n")[0]):
                break
    except ConnectionError:
        pass
    return answer


def look(gateway: Gateway, uid: int) -> Reading:
    """What `quotadeck status` reads, as this account."""

    async def read() -> Reading:
        source = GatewaySource(gateway.socket)
        try:
            return await source.snapshot()
        finally:
            await source.close()

    with account(uid):
        return asyncio.run(read())


def status(gateway: Gateway) -> tuple[int, str]:
    """The command's exit code and all that it said."""
    done = subprocess.run(
        [sys.executable, "-m", "quotadeck", "status", "--socket", str(gateway.socket)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: ",
        b"GET /v1/models HTTP/1.1\r\nhost: x\r\nauthorization: no\r\ncontent-length: 9\r\n\r\nx",
    ],
    ids=["idle", "half a head", "a wrong key and half a body"],
)
def test_strangers_who_hold_connections_cost_nobody_a_request(
    gateway: Gateway, sent: bytes
) -> None:
    key = gateway.add_key("one")
    headers = {"Authorization": f"Bearer {key}"}
    fresh = httpx.Client(headers=headers, limits=httpx.Limits(max_keepalive_connections=0))
    with httpx.Client(headers=headers) as old, fresh:
        assert old.get(f"{gateway.base_url}/models").status_code == 200
        with sockets(gateway, 450, sent):
            for _ in range(20):
                answer = fresh.post(f"{gateway.base_url}/chat/completions", json=chat())
                assert answer.status_code == 200
            # A connection that once carried a key is not the one to go.
            assert len(open_connections(old)) == 1
            assert old.get(f"{gateway.base_url}/models").status_code == 200
            assert len(open_connections(old)) == 1
            [problem] = said(gateway.snapshot().vitals.problems)
            assert problem == "connections 384/384: idle ones are dropped"
            code, printed = status(gateway)
            assert code == 1
            assert problem in printed
            assert "admin connections " in printed


def open_connections(client: httpx.Client) -> list[object]:
    """Those of the client that still stand."""
    transport = client._transport
    assert isinstance(transport, httpx.HTTPTransport)
    return [one for one in transport._pool.connections if not one.has_expired()]


def test_requests_under_way_are_not_dropped_and_one_too_many_is_told(gateway: Gateway) -> None:
    """One project may take three quarters of the places, and the others still get in."""
    one, two = gateway.add_key("one"), gateway.add_key("two")
    begun = (
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer %b\r\n"
        b"content-length: 10\r\nexpect: 100-continue\r\n\r\n"
    )
    with sockets(gateway, 260, begun % one.encode()) as busy:
        answers = answers_to(busy)
        assert answers[:252] == [b"HTTP/1.1 100 Continue\r\n\r\n"] * 252
        assert all(answer.startswith(b"HTTP/1.1 503 ") for answer in answers[252:])
        assert all(b"retry-after: 1\r\n" in answer for answer in answers[252:])
        assert all(b"252 requests of one are under way" in answer for answer in answers[252:])
        url = f"{gateway.base_url}/chat/completions"
        answer = httpx.post(url, json=chat(), headers={"Authorization": f"Bearer {two}"})
        assert answer.status_code == 200
        with sockets(gateway, 450):
            for sock in busy[:252]:
                sock.sendall(b"no object!")
            assert all(answer.startswith(b"HTTP/1.1 400 ") for answer in answers_to(busy[:252]))


@as_root
def test_one_viewer_takes_a_share_of_the_admin_api_and_is_told_so(gateway: Gateway) -> None:
    with watching(gateway, 4_242, 128) as opened:
        answers = answers_to(opened)
        streams = [answer for answer in answers if answer.startswith(b"HTTP/1.1 200 ")]
        assert 0 < len(streams) <= STREAMS_OF_A_UID
        refused = [answer for answer in answers if answer not in streams]
        assert all(answer.startswith(b"HTTP/1.1 429 ") for answer in refused)
        assert all(b'{"error":"uid:4242 ' in answer for answer in refused)
        assert gateway.command("pause", "project:one")["applied"]
        [problem] = said(gateway.snapshot().vitals.problems)
        assert problem.startswith("admin connections ")
        assert problem.endswith("requests are refused")
        # Watching leaves the account some requests.
        assert look(gateway, 4_242).whoami.role is Role.VIEWER


@as_root
def test_an_account_over_its_share_reads_why(gateway: Gateway) -> None:
    asks = b"POST /admin/v1/commands HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n"
    asks += b"expect: 100-continue\r\n\r\n"
    more = REQUESTS_OF_A_UID[Role.VIEWER] - STREAMS_OF_A_UID
    with watching(gateway, 4_242, STREAMS_OF_A_UID) as opened:
        # All streams are open before anything else counts towards the share.
        assert all(answer.startswith(b"HTTP/1.1 200 ") for answer in answers_to(opened))
        with watching(gateway, 4_242, more, asks) as commands:
            assert all(answer.startswith(b"HTTP/1.1 100 ") for answer in answers_to(commands))
            with refuses(SourceError, match="one account may have 16: close consoles"):
                look(gateway, 4_242)
            assert look(gateway, 4_243).whoami.role is Role.VIEWER


@as_root
def test_many_viewers_leave_the_places_of_those_who_act(gateway: Gateway) -> None:
    with contextlib.ExitStack() as stack:
        opened = [
            sock
            for uid in range(5_000, 5_020)
            for sock in stack.enter_context(watching(gateway, uid, 16))
        ]
        assert gateway.command("pause", "project:one")["applied"]
        code, printed = status(gateway)
        assert code == 1
        assert "requests are refused" in printed
        late = stack.enter_context(watching(gateway, 5_020, 1))
        [answer] = answers_to(late)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"close consoles that nobody watches" in answer
        streams = [one for one in answers_to(opened) if one.startswith(b"HTTP/1.1 200 ")]
        assert 0 < len(streams) < PLACES[Role.VIEWER]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs prlimit")
def test_without_file_descriptors_idle_connections_make_room(gateway: Gateway) -> None:
    pid = gateway.process.pid
    key = gateway.add_key("one")
    headers = {"Authorization": f"Bearer {key}"}

    def used() -> int:
        return len(list(Path(f"/proc/{pid}/fd").iterdir()))

    before = used()
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    with sockets(gateway, 100):
        wait_until(lambda: used() >= before + 95)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (before + 85, hard))
        for _ in range(3):
            answer = httpx.get(f"{gateway.base_url}/models", headers=headers, timeout=15)
            assert answer.status_code == 200
        assert any("ulimit -n" in problem for problem in said(gateway.snapshot().vitals.problems))
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
        url = f"{gateway.base_url}/chat/completions"
        assert httpx.post(url, json=chat(), headers=headers).status_code == 200
