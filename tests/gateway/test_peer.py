"""The Unix socket: who may use it, who is at its other end, and how large a head may be."""

import asyncio
import contextlib
import grp
import os
import pwd
import socket
import stat
from pathlib import Path

import httpx
import pytest
import uvloop
from starlette.types import Receive, Scope, Send

from console.domain.commands import Actor, Role
from console.gateway.peer import (
    HEAD_LIMIT_BYTES,
    IDLE_S,
    PATH_LIMIT_BYTES,
    PEER_UID,
    PIPELINED,
    SocketBusy,
    SocketError,
    SocketPathTooLong,
    actor_of,
    bind_socket,
)
from tests.gateway.serving import ME, served, short

MY_GROUP = grp.getgrgid(os.getgid()).gr_name


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


class TestBinding:
    def test_the_socket_is_for_its_owner_and_group_alone(self, tmp_path: Path) -> None:
        path = short(tmp_path) / "run" / "s"
        bound = bind_socket(path, MY_GROUP)
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o750
        assert path.stat().st_gid == os.getgid()
        bound.remove()
        bound.sock.close()
        assert not path.exists()

    def test_a_folder_that_is_there_stays_as_it_is(self, tmp_path: Path) -> None:
        folder = short(tmp_path) / "run"
        folder.mkdir()
        folder.chmod(0o711)
        bound = bind_socket(folder / "s", None)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o711
        bound.sock.close()

    def test_a_live_socket_is_left_alone(self, tmp_path: Path) -> None:
        path = short(tmp_path) / "s"
        bound = bind_socket(path, None)
        with pytest.raises(SocketBusy) as busy:
            bind_socket(path, None)
        assert "a gateway answers there already" in str(busy.value)
        assert "\n" not in str(busy.value)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
        bound.sock.close()

    def test_a_socket_file_that_nobody_answers_is_replaced(self, tmp_path: Path) -> None:
        path = short(tmp_path) / "s"
        bind_socket(path, None).sock.close()
        assert path.is_socket()
        bound = bind_socket(path, None)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
        bound.sock.close()

    def test_what_is_no_socket_is_not_removed(self, tmp_path: Path) -> None:
        path = short(tmp_path) / "s"
        path.write_text("precious")
        with pytest.raises(SocketError, match="something that is no socket is there"):
            bind_socket(path, None)
        assert path.read_text() == "precious"

    def test_anothers_socket_is_not_removed_at_the_end(self, tmp_path: Path) -> None:
        path = short(tmp_path) / "s"
        first = bind_socket(path, None)
        first.sock.close()
        second = bind_socket(path, None)
        first.remove()
        assert path.is_socket()
        second.remove()
        second.remove()
        second.sock.close()

    def test_a_path_that_does_not_fit_is_said_with_its_length(self, tmp_path: Path) -> None:
        path = tmp_path / ("x" * PATH_LIMIT_BYTES)
        with pytest.raises(SocketPathTooLong, match=f"at most {PATH_LIMIT_BYTES} bytes"):
            bind_socket(path, None)

    def test_the_longest_path_that_fits(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        bound = bind_socket(Path("x" * PATH_LIMIT_BYTES), None)
        bound.sock.close()

    def test_a_group_that_does_not_exist(self, tmp_path: Path) -> None:
        with pytest.raises(SocketError, match="there is no group 'nobody-here'"):
            bind_socket(short(tmp_path) / "s", "nobody-here")

    def test_a_place_that_cannot_be(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(SocketError, match="the admin socket cannot be made here"):
            bind_socket(short(tmp_path) / "file" / "s", None)


class TestActors:
    UID = os.getuid()

    def test_the_gateways_own_account_is_admin(self) -> None:
        assert actor_of(self.UID, {}, self.UID) == Actor(ME, Role.ADMIN, "socket")

    def test_who_is_not_listed_is_a_viewer(self) -> None:
        roles = {Role.OPERATOR: ("user:somebody-else", "group:none-of-mine")}
        assert actor_of(self.UID, roles, -1) == Actor(ME, Role.VIEWER, "socket")

    @pytest.mark.parametrize("listed", [f"user:{ME}", f"group:{MY_GROUP}"])
    @pytest.mark.parametrize("role", [Role.OPERATOR, Role.ADMIN])
    def test_by_name_or_by_group(self, listed: str, role: Role) -> None:
        assert actor_of(self.UID, {role: (listed,)}, -1).role is role

    def test_the_highest_role_counts(self) -> None:
        roles = {Role.OPERATOR: (f"user:{ME}",), Role.ADMIN: (f"group:{MY_GROUP}",)}
        assert actor_of(self.UID, roles, -1).role is Role.ADMIN

    def test_every_supplementary_group_counts(self) -> None:
        members = [
            (group.gr_name, member)
            for group in grp.getgrall()
            for member in group.gr_mem
            if _known(member)
        ]
        if not members:
            pytest.skip("no account of this machine is in a supplementary group")
        group, member = members[0]
        roles = {Role.OPERATOR: (f"group:{group}",)}
        assert actor_of(pwd.getpwnam(member).pw_uid, roles, -1).role is Role.OPERATOR

    def test_an_account_that_does_not_exist_is_a_viewer_by_its_number(self) -> None:
        uid = next(uid for uid in range(61_000, 65_000) if not _exists(uid))
        assert actor_of(uid, {}, -1) == Actor(f"uid:{uid}", Role.VIEWER, "socket")


def _known(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _exists(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


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
            b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\na: ",
            b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n1;a=",
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
            assert sent < 2_000_000

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

    async def test_who_sends_requests_without_reading_replies_is_cut(self, tmp_path: Path) -> None:
        begun = 0

        async def slow(_scope: Scope, _receive: Receive, _send: Send) -> None:
            nonlocal begun
            begun += 1
            await asyncio.Event().wait()

        bound = bind_socket(short(tmp_path) / "s", None)
        async with served(slow, bound.sock) as connections:
            reader, writer = await asyncio.open_unix_connection(str(bound.path))
            writer.write(b"GET / HTTP/1.1\r\n\r\n" * (PIPELINED + 2))
            async with asyncio.timeout(10):
                with contextlib.suppress(ConnectionError):
                    assert await reader.read() == b""
            assert begun == 1
            assert not connections
            writer.close()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()

    async def test_one_connection_too_many_is_cut_and_the_others_are_served(
        self, tmp_path: Path
    ) -> None:
        bound = bind_socket(short(tmp_path) / "s", None)
        async with served(whose, bound.sock, most=3):
            idle = [await asyncio.open_unix_connection(str(bound.path)) for _ in range(2)]
            late, late_writer = await asyncio.open_unix_connection(str(bound.path))
            async with asyncio.timeout(10):
                with contextlib.suppress(ConnectionError):
                    assert await late.read() == b""
                for reader, writer in idle:
                    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
                    head = await reader.readuntil(b"\r\n\r\n")
                    assert head.startswith(b"HTTP/1.1 200 ")
                    writer.close()
            late_writer.close()

    @pytest.mark.parametrize("served_before", [False, True])
    @pytest.mark.parametrize(
        "sent",
        [
            b"",
            b"GET / HTTP/1.1\r\nhost: ",
            b"POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\nhalf",
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
