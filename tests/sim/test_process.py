"""The simulator as a process: how it starts, and how it ends."""

import asyncio
import signal
import socket
import subprocess
import sys
from pathlib import Path

import aiohttp
import orjson
import pytest

from quotadeck.sim.__main__ import main
from quotadeck.sim.faults import HEADER

from .driver import PATIENCE_S, body, eventually, finish, running, spawn


def test_it_says_once_where_it_listens(tmp_path: Path) -> None:
    process = spawn("upstream", "--exit-with-parent", "--log", tmp_path / "log")
    assert process.stdout is not None
    ready = orjson.loads(process.stdout.readline())
    assert ready == {
        "ready": True,
        "port": ready["port"],
        "base_url": f"http://127.0.0.1:{ready['port']}/v1",
    }
    assert finish(process) == (0, "", "")  # communicate() closes its stdin


async def test_sigterm_ends_it_at_once_though_a_stream_is_open(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    with running(tmp_path / "log") as upstream:
        headers = {HEADER: "endless=0.001", "X-Request-Id": "req_open"}
        async with http.post(
            f"{upstream.base_url}/chat/completions", json=body(stream=True), headers=headers
        ) as answer:
            await answer.content.readany()
            upstream.process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(2):
                await eventually(lambda: upstream.process.poll() is not None)
    assert upstream.process.returncode == 0
    line = upstream.line("req_open")
    assert line["delivered"] is False
    assert line["completion_tokens"] >= 1


def test_a_killed_parent_ends_it() -> None:
    """The parent is killed, not asked: only the pipe can tell."""
    script = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-m', 'quotadeck.sim', 'upstream', "
        "'--exit-with-parent'], stdin=subprocess.PIPE)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        port = orjson.loads(parent.stdout.readline())["port"]
        with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as connection:
            parent.kill()
            assert connection.recv(1) == b""
            # The child holds the other end of this pipe: its end is the child's.
            assert parent.stdout.read() == ""


def test_a_port_in_use_is_one_line_and_exit_2() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = spawn("upstream", "--port", str(taken.getsockname()[1]))
        code, out, err = finish(process)
    assert (code, out) == (2, "")
    assert "address already in use" in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments", [(), ("upstream", "--speed", "-1"), ("traffic", "--rate", "0"), ("moon",)]
)
def test_a_wrong_command_line_is_exit_2(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "usage:" in said.err


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ('{"analytics": "qd_1"}', "no key for content-gen"),
        ('{"analytics": 1}', "not a JSON object of project ids and keys"),
        ("[", "not JSON"),
        (None, "No such file"),
    ],
)
def test_keys_that_do_not_serve_are_one_line_and_exit_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, complaint: str
) -> None:
    path = tmp_path / "keys.json"
    if content is not None:
        path.write_text(content)
    gateway = "http://127.0.0.1:9/v1"
    command = ["traffic", "--gateway", gateway, "--keys", str(path), "--projects", "2"]
    assert main(command) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert complaint in said.err
    assert len(said.err.splitlines()) == 1


def test_the_cast_can_be_read_without_a_server() -> None:
    """The demo's parent is the console: it must not load aiohttp for a table."""
    check = "import sys, quotadeck.sim; sys.exit('aiohttp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
