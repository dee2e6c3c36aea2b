"""The raw bytes of our own servers' tests, to stock uvicorn and to nginx: where we differ, and why.

What two readers take differently is how one tenant's bytes become another's; so every difference
is in a table with its reason, and one that is gone has to leave it.
"""

import asyncio
import contextlib
import json
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import h11
import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from tests.gateway.echoing import KINDS, Client, asked, parsed
from tests.gateway.raw_requests import BAD, FINE, LAST, NEXT, TOO_LARGE
from tests.soak.proxies import started

RAW: Final = {**{case: raw for case, (raw, _) in FINE.items()}, **LAST, **BAD, **TOO_LARGE}
OURS: Final = {
    **dict.fromkeys(FINE, "/ /next"),
    **dict.fromkeys(LAST, "/ closes"),
    **dict.fromkeys(BAD, "400 closes"),
    **dict.fromkeys(TOO_LARGE, "431 closes"),
    "options": "* /next",
}
"""What each answer is: the path of the request that was taken, with its body where that is not the
one it has, else the status; then whether the last answer ends the connection."""


class Differs(NamedTuple):
    """What another server makes of a case, where it is not what we make of it."""

    outcome: str
    why: str


_SWITCHED: Final = Differs(
    "/ b''; in parts / b'' /inner /next",
    "its parser stops at any Upgrade: the body is lost, or is the next request",
)
_HOST: Final = Differs("/ /next", "it leaves the host to the application")
_BOUNDLESS: Final = Differs("/ /next", "it bounds no head")
UVICORN: Final = {
    "unknown method": Differs("400 closes", "it has a list of methods"),
    "upgrade with a body": _SWITCHED,
    "h2c": _SWITCHED,
    "no host": _HOST,
    "two hosts": _HOST,
    "host is a list": _HOST,
    "host with a path": _HOST,
    "http 2.0": Differs("/ closes", "it takes any version that its parser knows the number of"),
    "http 0.9": Differs("/ closes", "it answers a line without a version as if it had one"),
    "two blanks": Differs("/ /next", "it passes over blanks"),
    "chunk of 17 digits": Differs("/ /next", "it passes over zeros, however many"),
    "long field": _BOUNDLESS,
    "many fields": _BOUNDLESS,
    "long target": Differs("/xxxxxxx /next", "it bounds no head"),
    "long trailers": _BOUNDLESS,
}
_CODING: Final = Differs("501 closes", "it has a status of its own for codings")
_LF: Final = Differs("/ /next", "it takes a bare LF for the end of a line")
_TRAILER: Final = Differs("/ /next", "it drops trailers unread, also long ones")
NGINX: Final = {
    "empty host": Differs("400 closes", "it wants a name"),
    "unknown method": Differs("400 /next", "the uvicorn behind it has a list of methods"),
    "options": Differs("400 closes", "it knows no target but a path"),
    "1.0 that would stay": Differs("/ /next", "it keeps connections of HTTP/1.0, where asked"),
    "gzip, chunked": _CODING,
    "chunked, identity": _CODING,
    "coding identity": _CODING,
    "coding with a tab within": _CODING,
    "no colon": Differs("/ /next", "it drops lines that are no fields"),
    "bare lf in a value": _LF,
    "lines end in lf": _LF,
    "http 2.0": Differs("505 closes", "it has a status of its own for versions"),
    "http 1.2": Differs("/ /next", "it takes any 1.x for 1.1"),
    "http 0.9": Differs("no HTTP/1", "it speaks HTTP/0.9: a body without a head"),
    "two blanks": Differs("/ /next", "it passes over blanks"),
    "chunk of 17 digits": Differs("/ /next", "it passes over zeros, however many"),
    "chunk lines end in lf": _LF,
    "chunk with a blank": Differs("/ /next", "it passes over blanks"),
    "nul in an extension": Differs("/ /next", "it drops extensions unread"),
    "trailer of framing": _TRAILER,
    "trailer without a colon": _TRAILER,
    "long trailers": _TRAILER,
    "long field": Differs("400 closes", "its status for that, 494, is told as 400"),
    "many fields": Differs("/ /next", "it bounds the bytes of a head, not its fields"),
    "long target": Differs("414 closes", "it has a status of its own for long targets"),
}
NGINX_VERSION: Final = "nginx/1.22."
"""Of which the table is; others may take other things."""
NGINX_CONF: Final = """
daemon off; worker_processes 1; pid nginx.pid; error_log error.log;
events {{ worker_connections 100; }}
http {{
  access_log off; lingering_close always;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://127.0.0.1:{behind}; proxy_http_version 1.1;
      proxy_ignore_client_abort on;
    }}
  }}
}}
"""


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers as `echoing.echo`, in plain ASGI."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message.get("body", b"")
        more = message.get("more_body", False)
    said = json.dumps([scope["method"], scope["path"], [], body.decode("latin-1")]).encode()
    headers = [(b"content-length", b"%d" % len(said))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": said})


def uvicorns(state: ServerState) -> HttpToolsProtocol:
    """A connection of uvicorn as it comes."""
    config = uvicorn.Config(
        echo, http=HttpToolsProtocol, ws="none", lifespan="off", log_config=None
    )
    config.load()
    return HttpToolsProtocol(config, state, {})


@contextlib.asynccontextmanager
async def uvicorn_asked() -> AsyncIterator[Client]:
    """As `echoing.asked`."""
    ours, theirs = socket.socketpair()
    state = ServerState()
    connection = uvicorns(state)
    await asyncio.get_running_loop().connect_accepted_socket(lambda: connection, theirs)
    reader, writer = await asyncio.open_connection(sock=ours, limit=2**26)
    client = Client(reader, writer, connection, state.tasks)
    yield client
    writer.close()
    await client.nothing_under_way()


def outcome(case: str, raw: bytes) -> str:
    """What the answers in these bytes are; see `OURS`."""
    try:
        answers = parsed(raw, ["GET"] * 10)
    except h11.RemoteProtocolError:
        return "no HTTP/1"
    told = []
    for number, one in enumerate(answers):
        if one.status != 200:
            told.append(str(one.status))
            continue
        _, path, _, body = one.asked
        told.append(path[:8])
        if case in FINE and not number and body != FINE[case][1]:
            told.append(repr(body))
    return " ".join([*told, "closes"] if answers and answers[-1].closes else told)


async def fed(client: Client, case: str, *parts: bytes) -> str:
    """What the server at the other end makes of a case in these parts, each in a read."""
    await client.send(*parts)
    await client.waited_for()
    client.writer.write_eof()
    async with asyncio.timeout(10):
        return outcome(case, await client.reader.read())


async def by_uvicorn(case: str) -> str:
    """What uvicorn makes of it at once, and also of its single bytes, where it is not the same."""
    raw = RAW[case] + NEXT
    async with uvicorn_asked() as client:
        whole = await fed(client, case, raw)
    step = max(1, len(raw) // 500)
    async with uvicorn_asked() as client:
        cut = await fed(client, case, *(raw[at : at + step] for at in range(0, len(raw), step)))
    return whole if cut == whole else f"{whole}; in parts {cut}"


async def by_port(case: str, port: int) -> str:
    """What the server on this port makes of it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(RAW[case] + NEXT)
    writer.write_eof()
    async with asyncio.timeout(10):
        raw = await reader.read()
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    return outcome(case, raw)


@contextlib.asynccontextmanager
async def behind_nginx() -> AsyncIterator[int]:
    """The port of an echo: what nginx sends it has one meaning only."""
    state = ServerState()
    loop = asyncio.get_running_loop()
    async with await loop.create_server(lambda: uvicorns(state), "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


def nginx(folder: Path, port: int, behind: int) -> tuple[str, list[str], str]:
    """See `proxies.Start`."""
    command = ["nginx", "-e", "error.log", "-p", str(folder), "-c", "nginx.conf"]
    return "nginx.conf", command, NGINX_CONF.format(port=port, behind=behind)


@pytest.fixture
def _nginx_of_the_table() -> None:
    program = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
    said = subprocess.run([program, "-v"], capture_output=True).stderr if program else b"none"
    if NGINX_VERSION not in said.decode():
        pytest.skip(f"the table is of {NGINX_VERSION}x, and here is {said.decode().strip()}")


def differences(outcomes: Mapping[str, str]) -> dict[str, str]:
    """Where another's outcomes are not ours."""
    return {case: told for case, told in outcomes.items() if told != OURS[case]}


def expected(table: Mapping[str, Differs]) -> dict[str, str]:
    assert all(row.why for row in table.values())
    return {case: row.outcome for case, row in table.items()}


@pytest.mark.parametrize("kind", KINDS)
async def test_ours_are_as_the_tables_take_them(kind: str) -> None:
    outcomes = {}
    for case, raw in RAW.items():
        async with asked(kind) as client:
            outcomes[case] = await fed(client, case, raw + NEXT)
    assert differences(outcomes) == {}


async def test_uvicorn_differs_from_us_only_where_it_is_told_why() -> None:
    outcomes = {case: await by_uvicorn(case) for case in RAW}
    assert differences(outcomes) == expected(UVICORN)


@pytest.mark.usefixtures("_nginx_of_the_table")
async def test_nginx_differs_from_us_only_where_it_is_told_why(tmp_path: Path) -> None:
    async with behind_nginx() as behind:
        with started(nginx, tmp_path, behind) as port:
            outcomes = {case: await by_port(case, port) for case in RAW}
    assert differences(outcomes) == expected(NGINX)
