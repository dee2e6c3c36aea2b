"""A bench in namespaces of its own: nothing it starts listens outside, and nothing outlives it.

Some gateways can only listen on all interfaces. In a network namespace with nothing but its
loopback nobody else reaches them; and when the first process of a process namespace ends, the
kernel ends all the others.
"""

import fcntl
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence

_INSIDE = "QUOTADECK_BENCH_APART"
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1


def inside() -> bool:
    """Whether this process is the one apart."""
    return _INSIDE in os.environ


def _command() -> list[str]:
    user = [] if os.getuid() == 0 else ["-r"]
    return ["unshare", "-n", "-p", "-f", "--kill-child", "--mount-proc", *user]


def possible() -> bool:
    """Whether this machine lets us."""
    try:
        tried = subprocess.run([*_command(), "true"], capture_output=True, timeout=10, check=False)
    except OSError:
        return False
    return tried.returncode == 0


def lines(module: str, options: Sequence[str], within_s: float) -> Iterator[str]:
    """The lines that a module of ours prints when it is run apart."""
    # A shell is the first process, so that ours has an ordinary parent.
    code = 'timeout "$1" "$2" -m "$3" "${@:4}"; exit $?'
    ours = ["bash", "-c", code, "bash", str(within_s), sys.executable, module, *options]
    env = {**os.environ, _INSIDE: "1", "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen([*_command(), *ours], stdout=subprocess.PIPE, text=True, env=env) as one:
        assert one.stdout is not None
        try:
            yield from (line.rstrip("\n") for line in one.stdout)
            one.wait()
        finally:
            one.kill()
    if one.returncode:
        raise RuntimeError(f"{module} ended with {one.returncode}, see above")


def loopback_up() -> None:
    """A new network namespace begins with its loopback down."""
    with socket.socket() as sock:
        asked = struct.pack("16sh22x", b"lo", 0)
        flags = struct.unpack_from("16sh", fcntl.ioctl(sock, _SIOCGIFFLAGS, asked))[1]
        fcntl.ioctl(sock, _SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", flags | _IFF_UP))
