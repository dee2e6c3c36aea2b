"""Real processes for end-to-end tests: upstream and gateway, as a user runs them."""

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import orjson

from quotadeck.domain.snapshot import Snapshot
from quotadeck.wire.stream import Decoder

PATIENCE_S = 15.0
UPSTREAM_KEY = "up-" + "k" * 40
MODELS = ("claude-opus-4.7", "gpt-4.1", "gemini-2.5-flash", "deepseek-v3.2")


def wait_until(condition: Callable[[], Any], within_s: float = PATIENCE_S) -> Any:
    """Poll until the condition is true; its value."""
    end = time.monotonic() + within_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {within_s} s: {condition}")
        time.sleep(0.005)  # another process has no event to wait on


def _spawn(command: list[str], log: Path, env: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    with log.open("ab") as stderr:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env={**os.environ, **env},
            start_new_session=True,
        )


def _ready(process: "subprocess.Popen[bytes]", log: Path) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        process.wait(PATIENCE_S)
        raise AssertionError(f"exited {process.returncode} before it was ready: {log.read_text()}")
    answer: dict[str, Any] = json.loads(line)
    return answer


def _close(process: "subprocess.Popen[bytes]") -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


@dataclass
class SimUpstream:
    """The simulated upstream under a gateway."""

    process: "subprocess.Popen[bytes]"
    base_url: str
    log: Path

    @property
    def calls(self) -> list[dict[str, Any]]:
        """Its own log, a row a call."""
        if not self.log.exists():
            return []
        return [orjson.loads(line) for line in self.log.read_bytes().splitlines()]

    def fault(self, kind: str, **more: Any) -> None:
        """Make it misbehave from now on."""
        at = self.base_url.removesuffix("/v1") + "/sim/faults"
        answer = httpx.post(at, json={"kind": kind, **more}, verify=False)
        answer.raise_for_status()

    def heal(self) -> None:
        """Make it behave again."""
        at = self.base_url.removesuffix("/v1") + "/sim/faults"
        httpx.delete(at, verify=False).raise_for_status()

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE_S)
        _close(self.process)


def start_upstream(directory: Path, *, speed: float = 0, seed: int = 1) -> SimUpstream:
    """A simulated upstream without delays, on a free port."""
    log = directory / "upstream.jsonl"
    command = [sys.executable, "-m", "quotadeck.sim", "upstream", "--port", "0", "--log", str(log)]
    command += ["--seed", str(seed), "--speed", str(speed), "--key", UPSTREAM_KEY]
    err = directory / "upstream.err"
    process = _spawn([*command, "--exit-with-parent"], err, {})
    return SimUpstream(process, _ready(process, err)["base_url"], log)


@dataclass
class Gateway:
    """A gateway under test, started and restarted on the same state."""

    directory: Path
    upstream: SimUpstream
    projects: str
    targets: str = ""
    settings: str = ""
    """More lines of ``[gateway]``."""
    process: "subprocess.Popen[bytes]" = field(init=False)
    base_url: str = field(init=False, default="")

    def __post_init__(self) -> None:
        self.write_config()

    @property
    def config(self) -> Path:
        return self.directory / "gateway.toml"

    @property
    def socket(self) -> Path:
        return self.directory / "g.sock"

    @property
    def state(self) -> Path:
        return self.directory / "state"

    @property
    def log(self) -> Path:
        return self.directory / "gateway.err"

    def write_config(self, listen: str = "127.0.0.1:0") -> None:
        tables = [
            f'[gateway]\nname = "test"\nlisten = "{listen}"',
            f'socket = "{self.socket}"\nstate = "{self.state}"\n{self.settings}',
            f'[upstreams.main]\nbase_url = "{self.upstream.base_url}"',
            'key = { env = "TEST_UPSTREAM_KEY" }\ntimeout_s = 20',
            self.targets or "\n".join(f'[targets."main/{model}"]' for model in MODELS),
            *(f'[routes."{m}"]\ntargets = {_order(m)}\n' for m in MODELS),
            self.projects,
        ]
        self.config.write_text("\n".join(tables))

    def begin(self, *before: str) -> "subprocess.Popen[bytes]":
        """Start the process, by the command ``before`` if one is given."""
        command = [*before, sys.executable, "-m", "quotadeck", "gateway", "--config"]
        command.append(str(self.config))
        self.process = _spawn(
            [*command, "--exit-with-parent"], self.log, {"TEST_UPSTREAM_KEY": UPSTREAM_KEY}
        )
        return self.process

    def start(self, *before: str) -> "Gateway":
        """`begin`, and wait until it listens."""
        self.begin(*before)
        self.base_url = _ready(self.process, self.log)["base_url"]
        return self

    def kill(self) -> None:
        """kill -9."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE_S)
        _close(self.process)

    def stop(self) -> int:
        """SIGTERM, and wait for its end."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        _close(self.process)
        return code

    def admin(self) -> httpx.Client:
        """A client of the admin API."""
        return httpx.Client(
            # Nothing here speaks TLS, and to read the authorities takes longer than to ask.
            transport=httpx.HTTPTransport(uds=str(self.socket), verify=False),
            trust_env=False,
            base_url="http://gateway/admin/v1",
            timeout=PATIENCE_S,
        )

    def command(self, action: str, subject: str, **more: Any) -> dict[str, Any]:
        """Ask for a change over the admin socket."""
        asked = {
            "action": action,
            "subject": subject,
            "reason": "a test asks for it",
            "idempotency_key": secrets.token_hex(8),
            **more,
        }
        with self.admin() as client:
            answer: dict[str, Any] = client.post("/commands", json=asked).json()
        return answer

    def add_key(self, *projects: str, label: str = "test", secret: str = "") -> str:
        """A new project key; its secret."""
        secret = secret or f"qd_{secrets.token_hex(4)}_{secrets.token_hex(32)}"
        value = {
            "sha256": sha256(secret.encode()).hexdigest(),
            "projects": list(projects),
            "label": label,
        }
        answer = self.command(
            "key_add", f"key:{secret[3:11]}", field="key", value=json.dumps(value)
        )
        assert answer["applied"], answer
        return secret

    def get(self, path: str, **query: Any) -> Any:
        """Read from the admin API."""
        with self.admin() as client:
            answer = client.get(path, params=query)
        answer.raise_for_status()
        return answer.json()

    def snapshot(self) -> Snapshot:
        """What the console would draw now."""
        with self.admin() as client:
            answer = client.get("/snapshot")
        answer.raise_for_status()
        return Decoder().apply("snapshot", answer.content)

    def calls(self, **query: Any) -> list[dict[str, Any]]:
        """The newest calls in the ledger."""
        rows: list[dict[str, Any]] = self.get("/calls", **{"last": 1_000, **query})["rows"]
        return rows


def _order(model: str) -> str:
    """A route: the model itself, then the cheaper ones."""
    return json.dumps([f"main/{model}", *(f"main/{m}" for m in MODELS if m != model)])


@contextlib.contextmanager
def running(
    directory: Path,
    projects: str,
    *,
    targets: str = "",
    settings: str = "",
    speed: float = 0,
    before: tuple[str, ...] = (),
) -> Iterator[Gateway]:
    """An upstream and a gateway before it, both ended at the end."""
    upstream = start_upstream(directory, speed=speed)
    gateway = Gateway(directory, upstream, projects, targets, settings)
    try:
        yield gateway.start(*before)
    finally:
        try:
            if gateway.process.poll() is None:
                gateway.kill()
        finally:
            upstream.stop()
