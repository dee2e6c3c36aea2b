"""Proxies that people put before a gateway, each as its manual has it: a process on a free port."""

import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.processes import wait_until

Start = Callable[[Path, int, int], tuple[str, list[str], str]]
"""Folder, own port and the gateway's port, to: name of the config, command, text of the config."""

NGINX = """
daemon off; worker_processes 1; pid nginx.pid; error_log error.log;
events {{ worker_connections 100; }}
http {{
  access_log off; client_max_body_size 20m;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
  upstream gateway {{ server 127.0.0.1:{gateway}; keepalive 4; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://gateway; proxy_http_version 1.1; proxy_request_buffering {buffering};
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
    }}
  }}
}}
"""
HAPROXY = """
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend front
  bind 127.0.0.1:{port}
  default_backend gateway
backend gateway
  http-reuse always
  server one 127.0.0.1:{gateway}
"""
CADDY = """
{{
  admin off
  auto_https off
}}
http://127.0.0.1:{port} {{
  reverse_proxy 127.0.0.1:{gateway}
}}
"""


def nginx(buffering: str) -> Start:
    """nginx with the usual map for web sockets, and kept connections."""
    return lambda folder, port, gateway: (
        "nginx.conf",
        ["nginx", "-e", "error.log", "-p", str(folder), "-c", "nginx.conf"],
        NGINX.format(port=port, gateway=gateway, buffering=buffering),
    )


PROXIES: dict[str, Start] = {
    "nginx": nginx("on"),
    "nginx unbuffered": nginx("off"),
    "haproxy": lambda folder, port, gateway: (
        "haproxy.cfg",
        ["haproxy", "-db", "-f", str(folder / "haproxy.cfg")],
        HAPROXY.format(port=port, gateway=gateway),
    ),
    "caddy": lambda folder, port, gateway: (
        "Caddyfile",
        ["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")],
        CADDY.format(port=port, gateway=gateway),
    ),
}


@contextlib.contextmanager
def proxy(name: str, folder: Path, gateway: int) -> Iterator[int]:
    """A proxy before the gateway's port, until the block ends; its own port."""
    with started(PROXIES[name], folder, gateway) as port:
        yield port


@contextlib.contextmanager
def started(start: Start, folder: Path, gateway: int) -> Iterator[int]:
    """See `proxy`. Skips the test where the program is not there."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    file, command, config = start(folder, port, gateway)
    program = shutil.which(command[0], path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if program is None:
        pytest.skip(f"there is no {command[0]} on this machine")
    (folder / file).write_text(config)
    home = {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    with (folder / "proxy.log").open("wb") as log:
        process = subprocess.Popen([program, *command[1:]], env=home, stdout=log, stderr=log)
    try:
        wait_until(lambda: _listens(port) or process.poll() is not None)
        assert process.poll() is None, (folder / "proxy.log").read_text()
        yield port
    finally:
        process.terminate()
        process.wait(15)


def _listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0
