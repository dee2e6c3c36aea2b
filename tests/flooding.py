"""A process that floods a gateway's admin socket under another account: `flooding`.

The account is a number, which needs no name on the machine; to take it this must run as root.
"""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

NOBODY: Final = 65_534

_COMMAND: Final = {
    "action": "pause",
    "subject": "project:bench",
    "reason": "a flood",
    "idempotency_key": "key-00000000",
}


def _post(body: bytes) -> bytes:
    head = "POST /admin/v1/commands HTTP/1.1\r\nhost: g\r\ncontent-type: application/json\r\n"
    return head.encode() + b"content-length: %d\r\n\r\n%b" % (len(body), body)


def _get(path: str) -> bytes:
    return f"GET /{path} HTTP/1.1\r\nhost: g\r\n\r\n".encode()


REQUESTS: Final = {
    "command": _post(json.dumps(_COMMAND).encode()),
    "pause": _post(json.dumps({**_COMMAND, "for_ms": 60_000}).encode()),
    "keyed": _post(json.dumps({**_COMMAND, "idempotency_key": "one-and-the-same"}).encode()),
    "dry": _post(json.dumps({**_COMMAND, "dry_run": True}).encode()),
    "oversized": _post(b"x" * 60_000 + b"}"),
    "snapshot": _get("admin/v1/snapshot"),
    "whoami": _get("admin/v1/whoami"),
    "calls": _get("admin/v1/calls?last=1000"),
    "scan": _get("admin/v1/calls?model=none-of-them"),
    "audit": _get("admin/v1/audit?subject=zzz"),
    "unknown": _get("no/such/path"),
}
"""What a flood may consist of, by name."""


@dataclass
class Flood:
    """A flood under way."""

    process: "subprocess.Popen[bytes]"
    answers: Counter[str] = field(default_factory=Counter)
    """By status, once it is over."""

    def turned_away(self) -> None:
        """Wait for the first answer 429."""
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"turned away\n"


@contextmanager
def flooding(where: Path, what: str, *, uid: int = NOBODY, connections: int = 8) -> Iterator[Flood]:
    """Flood the socket until the block ends."""
    where.chmod(0o666)
    where.parent.chmod(0o755)
    command = [sys.executable, "-m", "tests.flooding", where.name, what, str(uid)]
    # The socket is named from its folder, which is all of the path that others can pass.
    process = subprocess.Popen(
        [*command, str(connections)],
        cwd=where.parent,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    flood = Flood(process)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"flooding\n"
        yield flood
    finally:
        said, _ = process.communicate()
        flood.answers.update(json.loads(said.splitlines()[-1]))


def _flood(name: str, request: bytes, seen: Counter[str], stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            with socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(10)
                sock.connect(name)
                while not stop.is_set():
                    # A key of its own makes each a command of its own.
                    sock.sendall(request.replace(b"00000000", os.urandom(4).hex().encode()))
                    status = _status(sock)
                    if status == "429" and not seen[status]:
                        _say("turned away")
                    seen[status] += 1
        except OSError:
            seen["cut"] += 1
            time.sleep(0.01)  # a flood of connections is another matter


def _status(sock: socket.socket) -> str:
    data = b""
    while b"\r\n\r\n" not in data:
        data += _more(sock)
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        int(line.partition(b":")[2])
        for line in head.lower().split(b"\r\n")
        if line.startswith(b"content-length:")
    )
    left = length - len(body)
    while left > 0:
        left -= len(_more(sock))
    return head[9:12].decode()


def _more(sock: socket.socket) -> bytes:
    part = sock.recv(65_536)
    if not part:
        raise ConnectionResetError
    return part


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(name: str, what: str, uid: str, connections: str) -> None:
    """Flood until standard input ends."""
    if os.getuid() != int(uid):
        os.setgroups([])
        os.setuid(int(uid))
    seen, stop = Counter[str](), threading.Event()
    threads = [
        threading.Thread(target=_flood, args=(name, REQUESTS[what], seen, stop))
        for _ in range(int(connections))
    ]
    _say("flooding")
    for thread in threads:
        thread.start()
    sys.stdin.read()
    stop.set()
    for thread in threads:
        thread.join()
    _say(json.dumps(seen))


if __name__ == "__main__":
    main(*sys.argv[1:])
