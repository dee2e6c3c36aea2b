"""A command loads what it needs, and nothing else: an engineer waits for it over a bad link."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from quotadeck.cli.app import command_names, run
from quotadeck.cli.reference import commands_reference
from tests.processes import Gateway
from tests.screen import Screen

HEAVY = ("textual", "rich", "aiohttp", "uvicorn", "httpx", "pydantic", "aiosqlite", "starlette")
ASKED = """
import sys
from quotadeck.cli.app import run
code = run(sys.argv[2:])
print(code, *[m for m in sys.argv[1].split(",") if m in sys.modules], file=sys.stderr)
"""


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["limit", "--help"]])
def test_words_alone_load_nothing_heavy(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ASKED, ",".join(HEAVY), *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == "0\n"


@pytest.mark.parametrize(
    ("room", "strangers"),
    [
        ("quotadeck.gateway", "textual,rich,httpx,quotadeck.tui,quotadeck.sources,quotadeck.sim"),
        ("quotadeck.limiter", "textual,httpx,pydantic,aiohttp,uvicorn,sqlite3"),
        ("quotadeck.cli.app", "quotadeck.words,quotadeck.domain.commands,zoneinfo"),
        ("quotadeck.cli", "textual,httpx,aiohttp,uvicorn,quotadeck.gateway,quotadeck.limiter"),
    ],
)
def test_a_room_loads_no_stranger(room: str, strangers: str) -> None:
    code = f"import sys, {room}; print(*[m for m in '{strangers}'.split(',') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["status"],
        ["projects"],
        ["models"],
        ["calls"],
        ["audit"],
        ["key", "list"],
        ["status", "--json"],
        ["pause", "quiet", "--reason", "to see", "--dry-run"],
    ],
)
def test_asking_the_gateway_loads_no_loop_no_screen_and_no_server(
    gateway: Gateway, arguments: list[str]
) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            ASKED,
            ",".join(("asyncio", *HEAVY)),
            *arguments,
            "--socket",
            str(gateway.socket),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    # The line before tells how to see older calls, where there are many.
    *_, told = done.stderr.splitlines()
    code, *loaded = told.split()
    assert loaded == []
    # A gateway on a busy machine has a problem to tell.
    assert code == "0" or (code == "1" and "status" in arguments)


PAINTED = """
import sys
from textual.drivers.linux_driver import LinuxDriver
write = LinuxDriver.write
def told(driver, text):
    write(driver, text)
    if "analytics" in text:
        loaded = [m for m in sys.argv[1].split(",") if m in sys.modules]
        write(driver, "\\r\\nloaded:" + ",".join(loaded) + ".")
LinuxDriver.write = told
from quotadeck.cli.app import run
sys.exit(run(sys.argv[2:]))
"""


def test_the_first_picture_needs_no_http_client_no_models_and_no_store(gateway: Gateway) -> None:
    """The screen is on the other end of a slow link, and whoever opened it is in a hurry."""
    heavy = "textual,httpx,httpcore,anyio,http.client,pydantic,aiohttp,aiosqlite,sqlite3,uvicorn"
    values = ",".join(f"quotadeck.domain.{name}" for name in ("answers", "calls", "catalogue"))
    command = [sys.executable, "-c", PAINTED, f"{heavy},{values}", "--socket", str(gateway.socket)]
    with Screen(command, columns=120, rows=40) as screen:
        screen.sent_within(b"loaded:textual.")


@pytest.mark.parametrize("command", ["", *command_names()])
def test_every_command_explains_itself(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert run([*command.split(), "--help"]) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"Usage: quotadeck {command}".rstrip())
    if not command:
        assert "..." not in told.partition("Commands:")[2], "a first sentence is too long"


def test_the_reference_names_every_command() -> None:
    told = commands_reference()
    for command in command_names():
        assert f"## `quotadeck {command}`" in told
    assert "## `quotadeck key add`" in told
    assert "| 141 |" in told
    assert "exit-with-parent" not in told
    for row in (line for line in told.splitlines() if line.startswith("|")):
        assert row.replace("\\|", "").count("|") == 3, row


def test_a_start_that_is_told_to_end_while_it_reads_its_config_ends_well(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    os.mkfifo(config)
    command = [sys.executable, "-m", "quotadeck", "gateway", "--config", str(config)]
    # A pipe opens as soon as it is there to read from.
    with subprocess.Popen(command, stderr=subprocess.PIPE) as starting, config.open("w"):
        starting.send_signal(signal.SIGTERM)
        _, said = starting.communicate(timeout=30)
    assert (starting.returncode, said) == (0, b"")
