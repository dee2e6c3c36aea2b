"""One HTTP connection: who is at its other end, and how much it may hold."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Collection
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvloop
from starlette.types import Receive, Scope, Send

from quotadeck.gateway.connection.heads import HEAD_LIMIT_BYTES
from quotadeck.gateway.connection.lingering import LINGER_BYTES
from quotadeck.gateway.connection.patience import IDLE_S, PACE_BYTES, STALL_S, STRANGER_S
from quotadeck.gateway.connection.peer import PEER_UID, bind_socket
from tests.gateway.serving import served, short


async def whose(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that answers with the peer's uid, after the whole body."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(scope["state"].get(PEER_UID)).encode()})


async def named(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that answers with the names of the headers, after the whole body."""
    while (await receive()).get("more_body"):
        pass
    names = b" ".join(name for name, _ in scope["headers"])
    await send({"type": "http.response.start", "status": 200, "headers": [(b"names", names)]})
    await send({"type": "http.response.body", "body": b""})


async def ask(path: Path, request: bytes, *more: bytes) -> bytes:
    """The head of what a server answers."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    try:
        for part in (request, *more):
            writer.write(part)
            await writer.drain()
        async with asyncio.timeout(10):
            return await reader.readuntil(b"\r\n\r\n")
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def one_that_sent(
    path: Path, connections: Collection[Any], sent: bytes
) -> AsyncIterator[Any]:
    """The server's side of a connection that has sent this head, to be fed by hand."""
    _, writer = await asyncio.open_unix_connection(str(path))
    writer.write(sent)
    async with asyncio.timeout(10):
        while not any(one.cycle for one in connections):  # noqa: ASYNC110
            await asyncio.sleep(0)
    [connection] = connections
    yield connection
    writer.close()


async def _uid_over_the_socket(path: Path) -> str:
    bound = bind_socket(path, None)
    async with served(whose, bound.sock):
        transport = httpx.AsyncHTTPTransport(uds=str(path))
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as http:
            return (await http.get("/")).text


class TestProtocol:
    async def test_the_peers_uid_is_in_the_state(self, tmp_path: Path) -> None:
        assert await _uid_over_the_socket(short(tmp_path) / "s") == str(os.getuid())

    def test_also_on_uvloop(self, tmp_path: Path) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            uid = runner.run(_uid_over_the_socket(short(tmp_path) / "s"))
        assert uid == str(os.getuid())

    async def test_over_tcp_nobody_is_known(self) -> None:
        sock = socket.socket()
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        async with served(whose, sock), httpx.AsyncClient() as http:
            assert (await http.get(f"http://127.0.0.1:{port}/")).text == "None"

    @pytest.mark.parametrize(
        "parts",
        [
            (b"GET / HTTP/1.1\r\nhost: x\r\na: %b\r\n\r\n" % (b"x" * HEAD_LIMIT_BYTES),),
            (b"GET /%b HTTP/1.1\r\nhost: x\r\n\r\n" % (b"x" * HEAD_LIMIT_BYTES),),
            (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * (HEAD_LIMIT_BYTES // 6 + 1) + b"\r\n",),
            (b"GET / HTTP/1.1\r\nhost: x\r\na: ", b"x" * 33_000),
        ],
        ids=["one", "path", "many", "without end"],
    )
    async def test_a_head_over_32_kb_is_431(self, tmp_path: Path, parts: tuple[bytes, ...]) -> None:
        bound = bind_socket(short(tmp_path) / "s", None)
        async with served(whose, bound.sock):
            answer = await ask(bound.path, *parts)
            assert answer.startswith(b"HTTP/1.1 431 ")
            assert b"connection: close" in answer

    async def test_a_head_that_just_fits_is_served(self, tmp_path: Path) -> None:
        bound = bind_socket(short(tmp_path) / "s", None)
        head = b"GET / HTTP/1.1\r\nhost: x\r\na: %b\r\n\r\n" % (b"x" * (HEAD_LIMIT_BYTES - 20))
        async with served(whose, bound.sock):
            assert (await ask(bound.path, head)).startswith(b"HTTP/1.1 200 ")

    async def test_a_large_body_is_no_head(self, tmp_path: Path) -> None:
        bound = bind_socket(short(tmp_path) / "s", None)
        head = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n"
        async with served(whose, bound.sock):
            answer = await ask(bound.path, head, *[b"x" * 100_000] * 10)
            assert answer.startswith(b"HTTP/1.1 200 ")

    @pytest.mark.parametrize(
        "beginning",
        [
            b"GET / HTTP/1.1\r\nhost: x\r\na: ",
            b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\na: ",
            b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n1;a=",
        ],
        ids=["head", "trailer", "chunk extension"],
    )
    async def test_what_has_no_end_is_cut(self, tmp_path: Path, beginning: bytes) -> None:
        bound = bind_socket(short(tmp_path) / "s", None)
        async with served(whose, bound.sock):
            _, writer = await asyncio.open_unix_connection(str(bound.path))
            sent = 0
            with contextlib.suppress(ConnectionError):
                writer.write(beginning)
                while sent < 64_000_000:
                    writer.write(b"x" * 32_000)
                    await writer.drain()
                    sent += 32_000
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
            assert sent < LINGER_BYTES + 2_000_000

    async def test_many_requests_on_one_connection_are_counted_apart(self, tmp_path: Path) -> None:
        bound = bind_socket(short(tmp_path) / "s", None)
        async with served(whose, bound.sock):
            transport = httpx.AsyncHTTPTransport(uds=str(bound.path))
            async with httpx.AsyncClient(transport=transport, base_url="http://x") as http:
                for _ in range(5):
                    answer = await http.get("/", headers={"a": "x" * 20_000})
                    assert answer.status_code == 200

    async def test_what_is_no_http_is_400(self, tmp_path: Path) -> None:
        bound = bind_socket(short(tmp_path) / "s", None)
        async with served(whose, bound.sock):
            assert (await ask(bound.path, b"nonsense\r\n\r\n")).startswith(b"HTTP/1.1 400 ")

    async def test_trailers_are_no_headers(self, tmp_path: Path) -> None:
        bound = bind_socket(short(tmp_path) / "s", None)
        sent = (
            b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
            b"1\r\nx\r\n0\r\nx-project-id: another\r\n\r\n"
        )
        async with served(named, bound.sock):
            assert b"names: host transfer-encoding\r\n" in await ask(bound.path, sent)

    async def test_who_sends_requests_without_reading_replies_is_read_no_further(
        self, tmp_path: Path
    ) -> None:
        begun = 0

        async def slow(_scope: Scope, _receive: Receive, _send: Send) -> None:
            nonlocal begun
            begun += 1
            await asyncio.Event().wait()

        bound = bind_socket(short(tmp_path) / "s", None)
        async with served(slow, bound.sock) as connections:
            sent = 0
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(bound.path))
                client.setblocking(False)
                while sent < 64_000_000:
                    await asyncio.sleep(0)
                    try:
                        sent += client.send(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n" * 1_000)
                    except BlockingIOError:
                        [connection] = connections
                        if connection.flow.read_paused:
                            break
            assert sent < 2_000_000
            assert begun == 1
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()

    @pytest.mark.parametrize("served_before", [False, True])
    @pytest.mark.parametrize(
        "sent",
        [
            b"",
            b"GET / HTTP/1.1\r\nhost: ",
            b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nhalf",
        ],
        ids=["nothing", "half a head", "half a body"],
    )
    async def test_who_sends_half_a_request_holds_no_connection_for_ever(
        self, tmp_path: Path, sent: bytes, served_before: bool
    ) -> None:
        bound = bind_socket(short(tmp_path) / "s", None)
        async with served(whose, bound.sock) as connections:
            reader, writer = await asyncio.open_unix_connection(str(bound.path))
            async with asyncio.timeout(10):
                if served_before:
                    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
                    await reader.readuntil(b"\r\n0\r\n\r\n")
                writer.write(sent)
                while not connections:  # noqa: ASYNC110 -- the server has no event for it
                    await asyncio.sleep(0)
                [connection] = connections
                while sent and served_before and connection.timeout_keep_alive_task:  # noqa: ASYNC110
                    await asyncio.sleep(0)
            now_s = asyncio.get_running_loop().time()
            connection.cut_if_idle(now_s + IDLE_S / 2)
            assert not connection.transport.is_closing()
            connection.cut_if_idle(now_s + IDLE_S)
            between_requests = served_before and not sent
            assert connection.transport.is_closing() != between_requests
            writer.close()

    async def test_a_body_that_drips_ends(self, tmp_path: Path) -> None:
        bound = bind_socket(short(tmp_path) / "s", None)
        head = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 999\r\n\r\n"
        async with (
            served(whose, bound.sock) as connections,
            one_that_sent(bound.path, connections, head) as connection,
        ):
            now_s = asyncio.get_running_loop().time()
            for second in range(0, round(IDLE_S), 5):
                connection.data_received(b"x")
                connection.cut_if_idle(now_s + second)
            assert not connection.transport.is_closing()
            connection.cut_if_idle(now_s + IDLE_S + 1)
            assert connection.transport.is_closing()

    async def test_a_body_on_a_slow_link_may_take_its_time(self, tmp_path: Path) -> None:
        bound = bind_socket(short(tmp_path) / "s", None)
        head = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9999999\r\n\r\n"
        async with (
            served(whose, bound.sock) as connections,
            one_that_sent(bound.path, connections, head) as connection,
        ):
            now_s = asyncio.get_running_loop().time()
            for second in range(0, 10 * round(IDLE_S), 5):
                connection.data_received(b"x" * (PACE_BYTES // 10))
                connection.cut_if_idle(now_s + second)
            assert not connection.transport.is_closing()

    async def test_the_body_of_an_answered_request_may_not_drip_either(
        self, tmp_path: Path
    ) -> None:
        async def at_once(_scope: Scope, _receive: Receive, send: Send) -> None:
            await send({"type": "http.response.start", "status": 401, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        bound = bind_socket(short(tmp_path) / "s", None)
        async with served(at_once, bound.sock) as connections:
            reader, writer = await asyncio.open_unix_connection(str(bound.path))
            writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 999\r\n\r\n")
            await reader.readuntil(b"\r\n0\r\n\r\n")
            [connection] = connections
            now_s = asyncio.get_running_loop().time()
            for second in range(0, round(IDLE_S), 5):
                connection.data_received(b"x")
                connection.cut_if_idle(now_s + second)
            connection.cut_if_idle(now_s + IDLE_S + 1)
            assert connection.transport.is_closing()
            writer.close()

    async def test_a_stranger_has_less_time(self) -> None:
        sock = socket.socket()
        sock.bind(("127.0.0.1", 0))
        async with served(whose, sock) as connections:
            reader, writer = await asyncio.open_connection(*sock.getsockname())
            writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            await reader.readuntil(b"\r\n0\r\n\r\n")
            [connection] = connections
            loop = asyncio.get_running_loop()
            assert connection.timeout_keep_alive_task.when() - loop.time() < STRANGER_S + 1
            writer.write(b"GET / HTTP/1.1\r\n")
            while connection.timeout_keep_alive_task:  # noqa: ASYNC110
                await asyncio.sleep(0)
            connection.cut_if_idle(loop.time() + STRANGER_S - 1)
            assert not connection.transport.is_closing()
            connection.cut_if_idle(loop.time() + STRANGER_S)
            assert connection.transport.is_closing()
            writer.close()

    @pytest.mark.parametrize("reads", [False, True])
    async def test_who_reads_nothing_of_a_reply_for_a_minute_is_cut(
        self, tmp_path: Path, reads: bool
    ) -> None:
        over = asyncio.Event()

        async def endless(_scope: Scope, receive: Receive, send: Send) -> None:
            await receive()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            gone = asyncio.ensure_future(receive())
            while not gone.done():
                await send({"type": "http.response.body", "body": b"x" * 100, "more_body": True})
                await asyncio.sleep(0)
            over.set()

        bound = bind_socket(short(tmp_path) / "s", None)
        async with served(endless, bound.sock) as connections:
            reader = socket.socket(socket.AF_UNIX)
            reader.connect(str(bound.path))
            reader.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            async with asyncio.timeout(10):
                while not connections:  # noqa: ASYNC110
                    await asyncio.sleep(0)
                [connection] = connections
                while not connection.flow.write_paused:  # noqa: ASYNC110
                    await asyncio.sleep(0)
                now_s = asyncio.get_running_loop().time()
                connection.cut_if_idle(now_s + STALL_S - 1)
                assert not connection.transport.is_closing()
                if reads:
                    reader.recv(1_000)
                connection.cut_if_idle(now_s + STALL_S)
                assert connection.transport.is_closing() != reads
                # A second more: between two sums of seconds there may be a hair less than a minute.
                connection.cut_if_idle(now_s + 2 * STALL_S + 1)
                assert connection.transport.is_closing()
                await over.wait()
            reader.close()

    async def test_a_closing_connection_waits_no_longer_for_its_reader(
        self, tmp_path: Path
    ) -> None:
        async def large(_scope: Scope, _receive: Receive, send: Send) -> None:
            headers = [(b"connection", b"close")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b"x" * 4_000_000})

        bound = bind_socket(short(tmp_path) / "s", None)
        async with served(large, bound.sock) as connections:
            with socket.socket(socket.AF_UNIX) as reader:
                reader.connect(str(bound.path))
                reader.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
                async with asyncio.timeout(10):
                    while not any(one.cycle for one in connections):  # noqa: ASYNC110
                        await asyncio.sleep(0)
                    [connection] = connections
                    while not connection.cycle.response_complete:  # noqa: ASYNC110
                        await asyncio.sleep(0)
                    now_s = asyncio.get_running_loop().time()
                    connection.cut_if_idle(now_s + STALL_S - 1)
                    assert len(connections) == 1
                    connection.cut_if_idle(now_s + STALL_S)
                    while connections:  # noqa: ASYNC110
                        await asyncio.sleep(0)

    async def test_a_stream_to_a_patient_client_is_never_cut(self, tmp_path: Path) -> None:
        begun = asyncio.Event()

        async def streaming(_scope: Scope, receive: Receive, send: Send) -> None:
            await receive()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            begun.set()
            await receive()

        bound = bind_socket(short(tmp_path) / "s", None)
        async with served(streaming, bound.sock) as connections:
            _, writer = await asyncio.open_unix_connection(str(bound.path))
            writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            async with asyncio.timeout(10):
                await begun.wait()
            [connection] = connections
            connection.cut_if_idle(asyncio.get_running_loop().time() + 100 * IDLE_S)
            assert not connection.transport.is_closing()
            writer.close()
