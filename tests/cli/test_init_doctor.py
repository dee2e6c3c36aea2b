"""From nothing to one's own gateway: init, doctor, gateway, and the first key works."""

import json
import os
import signal
import subprocess
import sys
import tomllib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import httpx
import pytest

from quotadeck.cli.doctor import machine, upstreams
from quotadeck.domain.limits import MICRO, rpm
from quotadeck.wire.config import load
from tests.cli.conftest import Run
from tests.cli.driver import home_env, quotadeck
from tests.processes import UPSTREAM_KEY, Gateway, SimUpstream, start_upstream


def test_init_writes_once_and_never_over(tmp_path: Path) -> None:
    env, path = home_env(tmp_path), tmp_path / "quotadeck.toml"
    first = quotadeck("init", "--config", str(path), env=env)
    assert first.code == 0
    assert "qd_" in first.out
    text = path.read_text()
    second = quotadeck("init", "--config", str(path), env=env)
    assert (second.code, second.out) == (2, "")
    assert "left as it is" in second.err
    assert path.read_text() == text
    (left,) = (tmp_path / "state" / "quotadeck" / "offline").glob("*.json")
    secret = next(w for w in first.out.split() if w.startswith("qd_"))
    assert secret not in left.read_text()
    assert (tmp_path / "state" / "quotadeck" / "offline").stat().st_mode & 0o7777 == 0o2770


def test_the_first_projects_burst_is_more_than_one_call(tmp_path: Path) -> None:
    env, path = home_env(tmp_path), tmp_path / "quotadeck.toml"
    project = quotadeck("init", "--config", str(path), "--json", env=env).json["project"]
    table = tomllib.loads(path.read_text())["projects"][project]
    assert rpm(table["rpm"]).capacity >= 10 * MICRO, "who tries it out calls twice in a second"


def test_the_first_key_works_once_the_gateway_is_up(tmp_path: Path) -> None:
    env, path = home_env(tmp_path), tmp_path / "quotadeck.toml"
    made = quotadeck("init", "--config", str(path), "--json", env=env).json
    text = path.read_text()
    path.write_text(text.replace('"127.0.0.1:8080"', '"127.0.0.1:0"'))
    process = subprocess.Popen(
        [sys.executable, "-m", "quotadeck", "gateway", "--config", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=env | _every_secret(text),
    )
    try:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        headers = {"Authorization": f"Bearer {made['key']}"}
        assert httpx.get(f"{ready['base_url']}/models", headers=headers).status_code == 200
        keys = quotadeck("key", "list", "--json", env=env | {"QUOTADECK_SOCKET": ready["socket"]})
        assert [key["projects"] for key in keys.json["keys"]] == [[made["project"]]]
        assert list((tmp_path / "state" / "quotadeck" / "offline").iterdir()) == []
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == 0


def _every_secret(config: str) -> dict[str, str]:
    """Values for every environment variable that the config takes a secret from."""
    names = [part.split('"')[1] for part in config.split("env = ")[1:]]
    return dict.fromkeys(names, "k" * 40)


def test_a_wrong_config_is_told_with_file_and_key(homeless: Run, tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text('[projects.a]\nrpm = "many"\n')
    for command in ("gateway", "doctor"):
        done = homeless(command, "--config", str(path))
        assert done.code == (2 if command == "gateway" else 1)
        assert "c.toml" in done.out + done.err
        assert "rpm" in done.out + done.err


def test_a_gateway_without_config_says_init(tmp_path: Path) -> None:
    done = quotadeck("gateway", env=home_env(tmp_path))
    assert (done.code, done.out) == (2, "")
    assert "quotadeck init" in done.err


def test_a_second_gateway_on_the_same_socket_is_refused_in_a_line(gateway: Gateway) -> None:
    env = dict(os.environ) | {"TEST_UPSTREAM_KEY": UPSTREAM_KEY}
    done = quotadeck("gateway", "--config", str(gateway.config), env=env)
    assert (done.code, done.out) == (1, "")
    assert done.err.count("\n") == 1
    assert "answers there already" in done.err


def test_the_doctor_finds_a_healthy_gateway_well(gateway: Gateway, tmp_path: Path) -> None:
    env = home_env(tmp_path) | {"TEST_UPSTREAM_KEY": UPSTREAM_KEY}
    done = quotadeck("doctor", "--config", str(gateway.config), "--json", env=env)
    by_check = {finding["check"]: finding for finding in done.json["findings"]}
    assert (done.code, done.json["ok"]) == (0, True)
    assert by_check["socket"]["state"] == "ok"
    assert "(admin)" in by_check["socket"]["found"]
    assert f"process {gateway.process.pid} writes it" in by_check["store"]["found"]
    assert by_check["upstream main"]["state"] == "ok"
    words = quotadeck("doctor", "--config", str(gateway.config), env=env)
    assert words.out.startswith("ok    config: ")


@pytest.fixture
def upstream(tmp_path: Path) -> SimUpstream:
    return start_upstream(tmp_path)


def _config(path: Path, base_url: str, key: str) -> Path:
    (path / "key").touch(0o600)
    (path / "key").write_text(key)
    config = path / "c.toml"
    config.write_text(
        f'[gateway]\nsocket = "{path}/s"\nstate = "{path}/state"\n'
        f'[upstreams.main]\nbase_url = "{base_url}"\nkey = {{ file = "key" }}\n'
        '[targets."main/gpt-4.1"]\n[targets."main/gpt-9"]\n'
        '[routes."gpt-4.1"]\ntargets = ["main/gpt-4.1"]\n'
        '[routes."gpt-9"]\ntargets = ["main/gpt-9"]\n[projects.a]\n'
    )
    return config


def test_the_doctor_tells_refused_keys_absent_models_and_dead_hosts(
    homeless: Run, upstream: SimUpstream, tmp_path: Path
) -> None:
    def doctor(config: Path) -> tuple[int, str, str]:
        done = homeless("doctor", "--config", str(config), "--json")
        found = {f["check"]: f for f in done.json["findings"]}["upstream main"]
        return done.code, found["state"], found["found"]

    try:
        code, state, words = doctor(_config(tmp_path, upstream.base_url, UPSTREAM_KEY))
        assert (code, state, "does not offer gpt-9" in words) == (0, "warn", True)
        code, state, words = doctor(_config(tmp_path, upstream.base_url, "wrong" * 10))
        assert (code, state, "the key is refused" in words) == (1, "fail", True)
    finally:
        upstream.stop()
    code, state, words = doctor(_config(tmp_path, upstream.base_url, UPSTREAM_KEY))
    assert (code, state) == (1, "fail")


def test_the_doctor_asks_as_the_gateway_does_and_waits_for_no_dripping_upstream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstreams, "TIMEOUT_S", 0.5)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    enough = Event()

    class Drip(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            while not enough.wait(0.05):
                self.wfile.write(b" ")
                self.wfile.flush()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Drip) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        base_url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        try:
            (found,) = upstreams.upstreams(load(_config(tmp_path, base_url, "k" * 40)).catalogue)
        finally:
            enough.set()
            server.shutdown()
    assert (found.state, "did not answer within 0.5 s" in found.found) == ("fail", True)


def test_the_doctor_touches_neither_a_foreign_store_nor_a_file_for_a_socket(
    homeless: Run,
    tmp_path: Path,
) -> None:
    config = _config(tmp_path, "http://127.0.0.1:9/v1", UPSTREAM_KEY)
    (tmp_path / "state").mkdir()
    foreign = tmp_path / "state" / "ledger.db"
    foreign.write_bytes(b"not a database, and long enough to be looked at" * 50)
    (tmp_path / "s").write_text("")
    done = homeless("doctor", "--config", str(config), "--json")
    states = {f["check"]: f["state"] for f in done.json["findings"]}
    assert (done.code, states["store"], states["socket"]) == (1, "fail", "fail")
    assert foreign.read_bytes().startswith(b"not a database")


@pytest.mark.parametrize(
    ("version", "state"),
    [("3.51.3", "ok"), ("3.52.0", "ok"), ("3.44.6", "ok"), ("3.50.7", "ok"), ("3.51.2", "warn"),
     ("3.44.7", "warn"), ("3.40.1", "warn")],
)  # fmt: skip
def test_sqlite_versions_with_the_wal_reset_defect(version: str, state: str) -> None:
    assert machine.sqlite(version).state == state
