"""What the gateway does when it is told to end, and what it says of it at every door."""

import contextlib
import re
import signal
import socket
import sqlite3
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.load import chat
from tests.processes import UPSTREAM_KEY, Gateway, SimUpstream, running, start_upstream, wait_until
from tests.screen import Screen
from tests.wording import said

PROJECT = "[projects.one]\n"
LONG = chat(stream=True, max_tokens=30)
LONGER = chat(stream=True, max_tokens=120)


@pytest.fixture
def slow_upstream(tmp_path: Path) -> Iterator[SimUpstream]:
    started = start_upstream(tmp_path, speed=1)
    yield started
    started.stop()


def test_a_service_goes_on_after_sighup_and_says_so(tmp_path: Path) -> None:
    with running(tmp_path, PROJECT, speed=1) as gateway:
        headers = {"Authorization": f"Bearer {gateway.add_key('one')}"}
        url = f"{gateway.base_url}/chat/completions"
        with httpx.Client(headers=headers, timeout=60) as http:
            with http.stream("POST", url, json=LONG) as reply:
                chunks = reply.iter_bytes()
                got = next(chunks)
                gateway.process.send_signal(signal.SIGHUP)
                wait_until(lambda: "SIGHUP: ignored" in gateway.log.read_text())
                got += b"".join(chunks)
            assert got.endswith(b"data: [DONE]\n\n")
            assert http.get(f"{gateway.base_url}/models").status_code == 200
        assert gateway.get("/whoami")["role"] == "admin"
        assert said(gateway.snapshot().vitals.problems) == ()


def test_the_end_of_its_terminal_drains_it(tmp_path: Path, slow_upstream: SimUpstream) -> None:
    gateway = Gateway(tmp_path, slow_upstream, PROJECT)
    command = [sys.executable, "-m", "quotadeck", "gateway", "--config", str(gateway.config)]
    env = {"TEST_UPSTREAM_KEY": UPSTREAM_KEY}
    with Screen(command, env, columns=200) as screen:
        screen.shows("serving http")
        [base_url] = re.findall(r"serving (\S+);", "\n".join(screen.lines()))
        headers = {"Authorization": f"Bearer {gateway.add_key('one')}"}
        with (
            httpx.Client(headers=headers, timeout=60) as http,
            http.stream("POST", f"{base_url}/chat/completions", json=LONGER) as reply,
        ):
            chunks = reply.iter_bytes()
            got = next(chunks)
            screen.hang_up()
            wait_until(lambda: "draining" in said(gateway.snapshot().vitals.problems))
            # The shell that dies with its terminal passes the signal on; twice is not "at once".
            screen.process.send_signal(signal.SIGHUP)
            got += b"".join(chunks)
        assert got.endswith(b"data: [DONE]\n\n")
        assert screen.process.wait(15) == 0
    assert not gateway.socket.exists()


def test_every_door_says_that_the_gateway_drains_and_a_second_signal_cuts(tmp_path: Path) -> None:
    with running(tmp_path, PROJECT, speed=1) as gateway:
        headers = {"Authorization": f"Bearer {gateway.add_key('one')}"}
        url, root = f"{gateway.base_url}/chat/completions", gateway.base_url.removesuffix("/v1")
        with httpx.Client(timeout=60) as http, httpx.Client() as probe, gateway.admin() as admin:
            health = probe.get(f"{root}/healthz")
            assert (health.status_code, health.text) == (200, "ok\n")
            for check in ("healthz", "readyz"):
                assert admin.get(f"http://gateway/{check}").status_code == 200
            endless = chat(stream=True, max_tokens=1_000)
            with http.stream("POST", url, json=endless, headers=headers) as reply:
                next(reply.iter_bytes())
                gateway.process.send_signal(signal.SIGTERM)
                wait_until(lambda: probe.get(f"{root}/healthz").status_code == 503)
                assert probe.get(f"{root}/healthz").text == "draining\n"
                refused = probe.post(url, json=endless, headers=headers)
                assert refused.status_code == 503
                assert refused.headers["retry-after"] == "1"
                assert refused.json()["error"]["code"] == "draining"
                for check in ("healthz", "readyz"):
                    answer = admin.get(f"http://gateway/{check}")
                    assert (answer.status_code, answer.json()["code"]) == (503, "draining")
                assert said(gateway.snapshot().vitals.problems) == ("draining",)
                assert gateway.stop() == 0


def test_a_second_signal_tells_everybody_whose_answer_it_cuts(tmp_path: Path) -> None:
    def under_way() -> int:
        return gateway.snapshot().projects[0].flow.in_flight

    with running(tmp_path, PROJECT, speed=1) as gateway:
        headers = {"Authorization": f"Bearer {gateway.add_key('one')}"}
        url = f"{gateway.base_url}/chat/completions"
        gateway.upstream.fault("slow", value=60)
        with ThreadPoolExecutor() as pool, httpx.Client(headers=headers, timeout=60) as http:
            asked = [
                pool.submit(http.post, url, json=chat(stream=stream)) for stream in (False, True)
            ]
            wait_until(lambda: under_way() == 2)
            gateway.process.send_signal(signal.SIGTERM)
            wait_until(lambda: "draining" in said(gateway.snapshot().vitals.problems))
            assert gateway.stop() == 0
            answers = [one.result() for one in asked]
        for answer in answers:
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "restart")
        assert "Traceback" not in gateway.log.read_text()
        gateway.start()
        assert [call["cause"] for call in gateway.calls()] == ["restart"] * 2


def test_a_start_that_is_told_to_end_leaves_nothing_half_done(tmp_path: Path) -> None:
    with running(tmp_path, PROJECT) as gateway:
        key = gateway.add_key("one")
        gateway.kill()
        ledger = sqlite3.connect(gateway.state / "ledger.db", isolation_level=None)
        with contextlib.closing(ledger):
            ledger.execute("BEGIN EXCLUSIVE")  # the start waits for it
            gateway.begin()
            wait_until(lambda: answers_at(gateway.socket))
            assert gateway.stop() == 0
        assert not gateway.socket.exists()
        assert "Traceback" not in gateway.log.read_text()
        gateway.start()
        with httpx.Client(headers={"Authorization": f"Bearer {key}"}) as http:
            assert http.get(f"{gateway.base_url}/models").status_code == 200
        assert said(gateway.snapshot().vitals.problems) == ()


def answers_at(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0
