"""The console through a real ssh whose line trickles, is late, and is dead for 20 seconds."""

import getpass
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.bench.subjects import free_port
from tests.e2e.test_console import PROJECTS, ask
from tests.processes import running, wait_until
from tests.screen import ROOT, Screen

SSHD: Final = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/bin")
DEAD_S: Final = 20.0
pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(
        SSHD is None or shutil.which("ssh") is None,
        reason="no sshd (Debian: apt install openssh-server)",
    ),
]


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


@contextmanager
def sshd(directory: Path) -> Iterator[list[str]]:
    """A server of our own with a key of its own; the beginning of the client's command line."""
    for name in ("host", "user"):
        made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(directory / name)]
        subprocess.run(made, check=True)
    if os.geteuid() == 0:  # as its init script does
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    port = free_port()
    options = {
        "Port": port, "ListenAddress": "127.0.0.1", "HostKey": directory / "host",
        "AuthorizedKeysFile": directory / "user.pub", "StrictModes": "no", "UsePAM": "no",
        "PidFile": "none", "PermitRootLogin": "yes",
    }  # fmt: skip
    asked = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
    assert SSHD is not None
    with (directory / "sshd.err").open("wb") as told:
        server = subprocess.Popen([SSHD, "-D", "-e", "-f", "/dev/null", *asked], stderr=told)
    try:
        wait_until(lambda: _answers(port))
        line = f"{sys.executable} -m tests.soak.thin_line {port} --stall {directory / 'stall'}"
        client = {
            "IdentityFile": directory / "user", "IdentitiesOnly": "yes", "BatchMode": "yes",
            "StrictHostKeyChecking": "no", "UserKnownHostsFile": "/dev/null",
            "ProxyCommand": line, "LogLevel": "ERROR",
        }  # fmt: skip
        more = [part for name, value in client.items() for part in ("-o", f"{name}={value}")]
        yield ["ssh", "-tt", "-F", "/dev/null", *more, f"{getpass.getuser()}@127.0.0.1"]
    finally:
        server.terminate()
        server.wait(10)


def test_through_a_thin_ssh_it_is_drawn_obeys_and_comes_back_current(tmp_path: Path) -> None:
    with running(tmp_path, PROJECTS) as gateway, sshd(tmp_path) as ssh:
        key = gateway.add_key("analytics")
        there = f"cd {ROOT} && exec {sys.executable} -m quotadeck --socket {gateway.socket}"
        with Screen([*ssh, there]) as screen:
            screen.shows("● live", "analytics", "? help", within_s=60)
            screen.press("down", "up", "?")
            screen.shows("overview: keys", within_s=20)
            screen.press("q")
            screen.shows("● live", within_s=20)
            stall = tmp_path / "stall"
            stall.touch()
            dead = time.monotonic() + DEAD_S
            for _ in range(7):
                ask(gateway, key)
            while (left := dead - time.monotonic()) > 0:
                screen.read(left)
            stall.unlink()
            back = time.monotonic()
            screen.shows("● live", "7/600", within_s=20)
            assert time.monotonic() - back < 10
            screen.resize(120, 35)
            screen.until(lambda: "? help" in screen.lines()[-1], "all of the new size", 20)
            screen.press("q")
            assert screen.exit_code(20) == 0
