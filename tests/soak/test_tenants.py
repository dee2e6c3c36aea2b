"""Behind a proxy that shares its connections, nobody gets another tenant's reply."""

import contextlib
import json
import socket
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import pytest

from tests.bench.subjects import TARGETS
from tests.processes import Gateway, running, wait_until
from tests.soak.proxies import PROXIES, proxy

pytestmark = pytest.mark.soak

PROJECTS = "[projects.victim]\n[projects.attacker]\n[projects.inside]\n"
KB = 1024


def chat(model: str, tokens: int, *fields: bytes, key: str, project: str = "") -> bytes:
    """An ordinary request, as bytes."""
    said = [{"role": "user", "content": "Say hello."}]
    body = json.dumps({"model": model, "messages": said, "max_tokens": tokens}).encode()
    own = [b"Authorization: Bearer " + key.encode(), b"Content-Type: application/json"]
    if project:
        own.append(b"X-Project-Id: " + project.encode())
    return request(body, b"Content-Length: %d" % len(body), *own, *fields)


def request(body: bytes, *fields: bytes, target: bytes = b"/v1/chat/completions") -> bytes:
    head = b"POST %b HTTP/1.1\r\nHost: gw\r\n" % target
    return head + b"".join(field + b"\r\n" for field in fields) + b"\r\n" + body


def attacks(key: str) -> Iterator[tuple[str, bool, Sequence[bytes]]]:
    """Name, whether the bytes are one request to everybody who reads them rightly, the bytes.

    The parts come one after the other, a moment between them.
    """
    inner = chat("deepseek-v3.2", 400, key=key, project="inside")
    mine = b"Authorization: Bearer " + key.encode()
    wrong = b"Authorization: Bearer qd_" + b"x" * 60
    upgrades: dict[str, tuple[bytes, ...]] = {
        "h2c": (
            b"Connection: Upgrade, HTTP2-Settings",
            b"Upgrade: h2c",
            b"HTTP2-Settings: AAEAAEAA",
        ),
        "websocket": (b"Connection: Upgrade", b"Upgrade: websocket"),
        "list": (b"Connection: keep-alive, uPGRADE", b"Upgrade: x, websocket"),
    }
    for name, fields in upgrades.items():
        for pad in (0, 1, 32 * KB, 64 * KB, 100 * KB, 400 * KB):
            body = b"\r\n" * (pad // 2) + inner
            head = request(b"", b"Content-Length: %d" % len(body), mine, *fields)
            yield f"{name}, {pad} bytes before", True, (head + body,)
            yield f"{name}, {pad} bytes before, later", True, (head, body)
        raw = b"%x\r\n%b\r\n0\r\n\r\n" % (len(inner), inner)
        head = request(b"", b"Transfer-Encoding: chunked", mine, *fields)
        yield f"{name}, in chunks", True, (head, raw)
    for name, first in (("unauthorised", wrong), ("not found", mine), ("refused", b"A: b")):
        target = b"/v1/nothing" if name == "not found" else b"/v1/chat/completions"
        for pad in (0, 100 * KB, 11_000 * KB):
            body = b" " * pad + inner
            head = request(b"", b"Content-Length: %d" % len(body), first, target=target)
            yield f"{name}, {pad} bytes before", True, (head, body)
            yield f"{name}, cut", True, (head + body[:-100],)
    expecting = request(b"", b"Content-Length: %d" % len(inner), wrong, b"Expect: 100-continue")
    yield "expect", True, (expecting, inner)
    both = b"Content-Length: %d" % (len(inner) + 5), b"Transfer-Encoding: chunked"
    yield "length and chunks", False, (request(b"0\r\n\r\n" + inner, *both, mine),)
    yield "chunks and length", False, (request(b"0\r\n\r\n" + inner, *reversed(both), mine),)
    for coding in (
        *(b"gzip, chunked", b"chunked, identity", b"xchunked", b"\x0bchunked", b"chunked;a"),
        *(
            b"\tchunked",
            b"CHUNKED",
            b'"chunked"',
            b"chunked\r\nTransfer-Encoding: x",
            b"\r\n chunked",
        ),
    ):
        fields = (both[0], b"Transfer-Encoding: " + coding, mine)
        yield f"coding {coding!r}", False, (request(b"0\r\n\r\n" + inner, *fields),)
    yield (
        "coding : ",
        False,
        (request(b"0\r\n\r\n" + inner, both[0], b"Transfer-Encoding : chunked"),),
    )
    for size in (
        b"5;a=\n",
        b"5\n",
        b"05;%b" % (b"a" * 9_000),
        b"fffffffffffffffff",
        b"5 ;a",
        b"0x5",
    ):
        raw = size + b"\r\nhello\r\n0\r\n\r\n" + inner
        yield f"chunk {size[:9]!r}", False, (request(raw, both[1], mine),)
    raw = b"0\r\nContent-Length: 9\r\nX-Project-Id: inside\r\n\r\n"
    yield "trailers", False, (request(raw, both[1], mine, b"Trailer: Content-Length") + inner,)
    yield "two lengths", False, (request(inner, b"Content-Length: 0", both[0], mine),)
    yield "absolute", False, (request(b"", mine, target=b"http://other/v1/models") + inner,)
    yield "no length", False, (request(b"", mine, target=b"/v1/nothing") + inner,)
    yield (
        "old",
        False,
        (b"POST / HTTP/1.0\r\nConnection: keep-alive\r\n" + mine + b"\r\n\r\n" + inner,),
    )
    yield "pipelined", False, (chat("gpt-4.1", 5, key=key) * 40 + inner,)
    yield (
        "connect",
        False,
        (b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n" + mine + b"\r\n\r\n" + inner,),
    )


def strike(port: int, parts: Sequence[bytes], struck: threading.Event) -> None:
    """Send the parts, and stay for what is answered until the victim was there."""
    with socket.create_connection(("127.0.0.1", port)) as sock, contextlib.suppress(OSError):
        sock.settimeout(0.05)
        for part in parts:
            sock.sendall(part)
            with contextlib.suppress(TimeoutError):
                while sock.recv(65_536):
                    pass
        struck.wait(5)


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    # The providers' usual limits are less than a fast gateway is asked for here.
    with running(tmp_path, PROJECTS, targets=TARGETS, speed=0.2) as started:
        yield started


@pytest.mark.parametrize("name", ["none", *PROXIES])
def test_a_victim_always_gets_its_own_reply(gateway: Gateway, tmp_path: Path, name: str) -> None:
    port = own_port = int(gateway.base_url.rsplit(":", 1)[1].partition("/")[0])
    victim, attacker = gateway.add_key("victim"), gateway.add_key("attacker", "inside")
    with contextlib.ExitStack() as stack:
        if name != "none":
            (tmp_path / "proxy").mkdir()
            port = stack.enter_context(proxy(name, tmp_path / "proxy", port))
        http = stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30))
        seen = set[str]()
        asked = 0
        for attack, is_one, parts in attacks(attacker):
            struck = threading.Event()
            thread = threading.Thread(target=strike, args=(port, parts, struck))
            thread.start()
            for _ in range(4):
                asked += 1
                answer = http.send(
                    http.build_request(
                        "POST",
                        "/v1/chat/completions",
                        headers={"authorization": f"Bearer {victim}"},
                        json={
                            "model": "gpt-4.1",
                            "messages": [{"role": "user", "content": "Say hello."}],
                            "max_tokens": 3,
                        },
                    )
                )
                assert answer.status_code == 200, (attack, answer.text)
                assert answer.headers["x-project-id"] == "victim", attack
                assert "gpt-4.1" in answer.json()["model"], attack
                seen.add(answer.headers["x-request-id"])
            struck.set()
            thread.join()
            if is_one:
                assert not gateway.calls(project="inside"), attack
        assert len(seen) == asked
    # Had anything been read out of a body, it would have been seen.
    with socket.create_connection(("127.0.0.1", own_port)) as sock:
        sock.sendall(chat("gpt-4.1", 3, key=attacker, project="inside"))
        wait_until(lambda: gateway.calls(project="inside"))
