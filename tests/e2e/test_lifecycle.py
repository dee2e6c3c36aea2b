"""How a gateway begins and ends: one a store, one a socket, nothing touched by a refusal."""

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.load import chat
from tests.processes import UPSTREAM_KEY, Gateway, SimUpstream, running, start_upstream, wait_until

PROJECT = "[projects.one]\n"


@pytest.fixture
def upstream(tmp_path: Path) -> Iterator[SimUpstream]:
    started = start_upstream(tmp_path)
    yield started
    started.stop()


def try_to_start(gateway: Gateway) -> "subprocess.CompletedProcess[str]":
    """Run a gateway that is expected to refuse."""
    return subprocess.run(
        [sys.executable, "-m", "quotadeck", "gateway", "--config", str(gateway.config)],
        env={**os.environ, "TEST_UPSTREAM_KEY": UPSTREAM_KEY},
        capture_output=True,
        text=True,
        timeout=30,
        stdin=subprocess.DEVNULL,
    )


def refuses_in_one_line(gateway: Gateway, *words: str) -> None:
    refused = try_to_start(gateway)
    assert refused.returncode not in (0, -signal.SIGKILL)
    [line] = refused.stderr.strip().splitlines()
    assert all(word in line for word in words), line
    assert "Traceback" not in refused.stderr


def test_sigterm_lets_a_stream_end_and_refuses_what_is_new(tmp_path: Path) -> None:
    with running(tmp_path, PROJECT, speed=1) as gateway:
        key = gateway.add_key("one")
        headers = {"Authorization": f"Bearer {key}"}
        url = f"{gateway.base_url}/chat/completions"
        with httpx.Client(timeout=60) as http, ThreadPoolExecutor(1) as pool:
            # Connected before the end begins: a drained server still answers it, with a refusal.
            late = httpx.Client(headers=headers)
            assert late.get(f"{gateway.base_url}/models").status_code == 200
            with http.stream(
                "POST", url, headers=headers, json=chat(stream=True, max_tokens=60)
            ) as reply:
                chunks = reply.iter_bytes()
                got = next(chunks)
                stopping = pool.submit(gateway.stop)

                def refused() -> bool:
                    answer = late.get(f"{gateway.base_url}/models")
                    return answer.status_code == 503 and "restarting" in answer.text

                wait_until(refused)
                got += b"".join(chunks)
            late.close()
            assert got.endswith(b"data: [DONE]\n\n")
            assert stopping.result() == 0
        assert not gateway.socket.exists()
        gateway.start()
        calls = [call for call in gateway.calls() if call["outcome"] == "ok"]
        assert len(calls) == 1


def test_a_second_gateway_on_one_store_or_socket_or_port_is_refused(
    tmp_path: Path,
) -> None:
    with running(tmp_path, PROJECT) as first:
        (tmp_path / "second").mkdir()
        second = Gateway(tmp_path / "second", first.upstream, PROJECT)

        same_socket = second.config.read_text().replace(str(second.socket), str(first.socket))
        second.config.write_text(same_socket)
        refuses_in_one_line(second, str(first.socket), "answers")

        second.write_config()
        same_store = second.config.read_text().replace(str(second.state), str(first.state))
        second.config.write_text(same_store)
        refuses_in_one_line(second, str(first.state))
        assert not second.socket.exists()

        port = first.base_url.removesuffix("/v1").rpartition(":")[2]
        second.write_config(listen=f"127.0.0.1:{port}")
        refuses_in_one_line(second, port, "listen")
        assert not second.state.exists()

        assert first.get("/whoami")["role"] == "admin"


def test_a_dead_gateways_socket_is_replaced(tmp_path: Path, upstream: SimUpstream) -> None:
    gateway = Gateway(tmp_path, upstream, PROJECT)
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(gateway.socket))
    dead.close()
    gateway.start()
    assert gateway.get("/whoami")["role"] == "admin"
    assert gateway.socket.stat().st_mode & 0o777 == 0o660
    assert gateway.stop() == 0


@pytest.mark.parametrize(
    ("pragma", "word"), [("user_version = 99", "newer"), ("application_id = 7", "not")]
)
def test_a_newer_or_foreign_store_is_refused_and_left_as_it_is(
    tmp_path: Path, upstream: SimUpstream, pragma: str, word: str
) -> None:
    gateway = Gateway(tmp_path, upstream, PROJECT).start()
    assert gateway.stop() == 0
    [file] = [path for path in gateway.state.iterdir() if path.suffix in {".db", ".sqlite"}]
    with sqlite3.connect(file) as db:
        db.execute(f"PRAGMA {pragma}")
    db.close()
    if word == "not":  # beside a journal of ours it would be our own ledger, damaged
        shutil.rmtree(gateway.state / "journal")
        shutil.rmtree(gateway.state / "backups", ignore_errors=True)
    before = {p: p.read_bytes() for p in gateway.state.rglob("*") if p.is_file()}
    refuses_in_one_line(gateway, str(file), word)
    after = {p: p.read_bytes() for p in gateway.state.rglob("*") if p.is_file()}
    assert before == after


def test_a_bad_config_names_file_line_and_what_is_allowed(
    tmp_path: Path, upstream: SimUpstream
) -> None:
    gateway = Gateway(tmp_path, upstream, '[projects.one]\nrpm = "many"\n')
    refused = try_to_start(gateway)
    line = gateway.config.read_text().splitlines().index('rpm = "many"') + 1
    assert refused.returncode == 2
    assert f"{gateway.config}" in refused.stderr
    assert f"{line}" in refused.stderr
    assert "many" in refused.stderr
    assert "whole number" in refused.stderr


def test_a_restart_keeps_spend_overrides_and_keys(tmp_path: Path) -> None:
    with running(tmp_path, '[projects.one]\ndaily_budget_usd = "5"\n') as gateway:
        key = gateway.add_key("one")
        headers = {"Authorization": f"Bearer {key}"}
        url = "/chat/completions"
        assert httpx.post(gateway.base_url + url, headers=headers, json=chat()).status_code == 200
        gateway.command("pause", "project:one", for_ms=3_600_000)
        spent = gateway.snapshot().projects[0].budget.spent_nano
        assert spent > 0
        assert gateway.stop() == 0
        gateway.start()
        [row] = gateway.snapshot().projects
        assert row.budget.spent_nano == spent
        assert row.paused
        assert httpx.post(gateway.base_url + url, headers=headers, json=chat()).status_code == 403
