"""Who is measured: we, plain nginx, and the peers that install here, each before one upstream.

The peers are installed once, into a cache directory outside the repository.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import orjson

from tests.bench import tree_cpu_s
from tests.bench.asking import Asked, Seen, ask
from tests.bench.stored import ANSWER
from tests.load import chat
from tests.processes import MODELS, Gateway, SimUpstream, wait_until

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "quotadeck-bench"
FERRO, PORTKEY = "1.5.10", "1.15.2"
MODEL = "gpt-4.1"
PROJECTS = """
[projects.bench]
rpm = 1000000
tpm = 1000000000
concurrency = 1000
daily_budget_usd = "1000000"
"""
TARGETS = "\n".join(
    f'[targets."main/{model}"]\nrpm = 1000000\ntpm = 1000000000' for model in MODELS
)


@dataclass(frozen=True, slots=True)
class Subject:
    """A running server, and how it is asked."""

    name: str
    port: int
    pid: int
    headers: Mapping[str, str] = field(default_factory=dict)
    gateway: Gateway | None = None
    """Ours."""

    def asked(self, clients: int, seconds: float, *, stream: bool = False) -> Asked:
        """The same small request for everybody."""
        body = orjson.dumps({**chat(), "stream": stream}).decode()
        headers = {"content-type": "application/json", **self.headers}
        return Asked(self.port, headers, body, clients, seconds)

    def cost(self, asked: Asked, by: Callable[[Asked], Seen] = ask) -> tuple[float, Seen]:
        """Microseconds of CPU of its whole process tree per request, and what was seen."""
        before = tree_cpu_s(self.pid)
        seen = by(asked)
        used = tree_cpu_s(self.pid) - before
        return used / max(1, seen.count) * 1e6, seen


Start = Callable[[Path, str], AbstractContextManager[Subject]]
"""Starts it in a directory, before an upstream's base URL."""


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@contextmanager
def process(
    command: list[str], directory: Path, env: Mapping[str, str] | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    """A process in a session of its own, killed with it at the end."""
    with (directory / "log").open("ab") as log:
        one = subprocess.Popen(
            command,
            cwd=directory,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield one
    finally:
        os.killpg(one.pid, signal.SIGKILL)
        one.wait(10)


def _answers(subject: Subject, one: "subprocess.Popen[bytes]", directory: Path) -> Subject:
    """The subject, once it answers 200."""
    asked = subject.asked(1, 0)

    def answered() -> bool:
        if one.poll() is not None:
            raise RuntimeError(f"{subject.name} ended: {(directory / 'log').read_text()[-800:]}")
        try:
            reply = httpx.post(
                f"http://127.0.0.1:{subject.port}/v1/chat/completions",
                content=asked.body,
                headers=dict(asked.headers),
            )
        except httpx.TransportError:
            return False
        if reply.status_code != 200:
            raise RuntimeError(f"{subject.name} answers {reply.status_code}: {reply.text[:400]}")
        return True

    wait_until(answered)
    return subject


@contextmanager
def _nginx(directory: Path, name: str, location: str, more: str = "") -> Iterator[Subject]:
    port = free_port()
    paths = " ".join(
        f"{kind}_temp_path {directory}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (directory / "nginx.conf").write_text(
        f"{'user root;' if os.getuid() == 0 else ''}"
        f"worker_processes 1; daemon off; pid {directory}/pid; error_log {directory}/log;"
        "events { worker_connections 8192; } http { access_log off; keepalive_timeout 600;"
        f"keepalive_requests 1000000000; client_body_buffer_size 64k; {paths} {more}"
        f"server {{ listen 127.0.0.1:{port} backlog=2048; location / {{ {location} }} }} }}"
    )
    path = shutil.which("nginx") or "/usr/sbin/nginx"
    command = [path, "-p", str(directory), "-c", "nginx.conf", "-e", str(directory / "log")]
    with process(command, directory) as one:
        yield _answers(Subject(name, port, one.pid), one, directory)


@contextmanager
def nginx_stored(directory: Path) -> Iterator[Subject]:
    """nginx as an upstream: one stored reply."""
    reply = f"default_type application/json; return 200 '{ANSWER.decode()}';"
    with _nginx(directory, "the upstream (nginx)", reply) as subject:
        yield subject


@contextmanager
def own_stored(directory: Path) -> Iterator[Subject]:
    """Our own upstream."""
    port = free_port()
    command = [sys.executable, "-m", "tests.bench.stored", str(port)]
    here = {"PYTHONPATH": str(Path(__file__).parents[2])}
    with process(command, directory, here) as one:
        yield _answers(Subject("the upstream (own)", port, one.pid), one, directory)


@contextmanager
def nginx(directory: Path, upstream: str) -> Iterator[Subject]:
    """A plain proxy that keeps its upstream connections and buffers no stream."""
    host = upstream.removeprefix("http://").partition("/")[0]
    pool = f"upstream stored {{ server {host}; keepalive 256; keepalive_requests 1000000000; }}"
    path = upstream.removeprefix(f"http://{host}").removesuffix("/v1")
    location = (
        f"proxy_pass http://stored{path or ''}{'/' if path else ''}; proxy_http_version 1.1;"
        'proxy_set_header Connection ""; proxy_buffering off;'
    )
    with _nginx(directory, "nginx", location, pool) as subject:
        yield subject


@contextmanager
def ours(
    directory: Path,
    upstream: str,
    projects: str = PROJECTS,
    targets: str = TARGETS,
    before: tuple[str, ...] = (),
) -> Iterator[Subject]:
    """Our gateway with six limits, journal and ledger."""
    stand_in = SimUpstream(None, upstream, directory / "none")  # type: ignore[arg-type]
    gateway = Gateway(directory, stand_in, projects, targets).start(*before)
    try:
        port = int(gateway.base_url.removesuffix("/v1").rpartition(":")[2])
        key = gateway.add_key("bench")
        headers = {"authorization": f"Bearer {key}"}
        yield Subject("we", port, gateway.process.pid, headers, gateway)
    finally:
        if gateway.process.poll() is None:
            gateway.kill()


@contextmanager
def ferro(directory: Path, upstream: str) -> Iterator[Subject]:
    """Ferro with its limits on and no log."""
    port, master = free_port(), "fgw_" + secrets.token_hex(20)
    (directory / "config.yaml").write_text(
        f"apiVersion: v1\nstrategy: {{mode: fallback}}\n"
        f"targets: [{{virtual_key: openai, models: [{MODEL}]}}]\n"
        "plugins: [{name: rate-limit, type: guardrail, stage: before_request, enabled: true,\n"
        "  config: {requests_per_second: 1000000, burst: 1000000, key_rpm: 100000000}}]\n"
    )
    env = {
        "MASTER_KEY": master,
        "GATEWAY_CONFIG": str(directory / "config.yaml"),
        "PORT": str(port),
        "OPENAI_API_KEY": "sk-bench",
        "OPENAI_BASE_URL": upstream.removesuffix("/v1"),
        "LOG_LEVEL": "error",
        "RATE_LIMIT_RPS": "1000000",
        "RATE_LIMIT_BURST": "1000000",
    }
    base = f"http://127.0.0.1:{port}"
    with process([str(CACHE / "ferro/bin/ferrogw"), "serve"], directory, env) as one:

        def key() -> str:
            if one.poll() is not None:
                raise RuntimeError(f"Ferro ended: {(directory / 'log').read_text()[-800:]}")
            try:
                asked = {"name": "bench", "scopes": ["read_only"]}
                bearer = {"authorization": f"Bearer {master}"}
                reply = httpx.post(f"{base}/admin/keys", json=asked, headers=bearer)
            except httpx.TransportError:
                return ""
            return str(reply.raise_for_status().json()["key"])

        headers = {"authorization": f"Bearer {wait_until(key)}"}
        yield _answers(Subject("Ferro", port, one.pid, headers), one, directory)


@contextmanager
def portkey(directory: Path, upstream: str) -> Iterator[Subject]:
    """Portkey's gateway."""
    port = free_port()
    script = CACHE / "portkey/node_modules/@portkey-ai/gateway/build/start-server.js"
    headers = {
        "authorization": "Bearer sk-bench",
        "x-portkey-provider": "openai",
        "x-portkey-custom-host": upstream,
    }
    command = [shutil.which("node") or "node", str(script), f"--port={port}", "--headless"]
    with process(command, directory, {"NODE_ENV": "production"}) as one:
        yield _answers(Subject("Portkey", port, one.pid, headers), one, directory)


def install() -> None:
    """The peers, once; whoever does not install is not measured."""
    CACHE.mkdir(parents=True, exist_ok=True)
    if not (CACHE / "ferro/bin/ferrogw").exists():
        venv.create(CACHE / "ferro", with_pip=True)
        pip = [str(CACHE / "ferro/bin/python"), "-m", "pip", "-q", "install", f"ferrogw=={FERRO}"]
        subprocess.run(pip, timeout=180, check=False, capture_output=True)
    if not (CACHE / "portkey/node_modules").exists() and (npm := shutil.which("npm")):
        (CACHE / "portkey").mkdir(exist_ok=True)
        asked = ["install", "--silent", "--no-audit", "--no-fund"]
        subprocess.run(
            [npm, *asked, f"@portkey-ai/gateway@{PORTKEY}"],
            cwd=CACHE / "portkey",
            timeout=180,
            check=False,
            capture_output=True,
        )


def peers(*, apart: bool) -> dict[str, Start | str]:
    """By their names: how to start them, or why they are not here."""
    alone = "not here: it listens on all interfaces, and there are no namespaces"
    found: dict[str, Start | str] = {"nginx": nginx}
    found["Ferro"] = ferro if (CACHE / "ferro/bin/ferrogw").exists() else "not here"
    found["Portkey"] = portkey if (CACHE / "portkey/node_modules").exists() else "not here"
    if not shutil.which("nginx") and not Path("/usr/sbin/nginx").exists():
        found["nginx"] = "not here"
    if not apart:
        found.update({name: alone for name in ("Ferro", "Portkey") if callable(found[name])})
    return found
