"""What a shell completes: commands and options, and names as the gateway has them now."""

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from quotadeck.cli.completing import WAIT_S
from quotadeck.cli.completion import SHELLS, VARIABLE
from tests.cli.conftest import Run
from tests.cli.driver import home_env, quotadeck
from tests.gateway.serving import short
from tests.processes import Gateway

BIN = Path(sys.executable).parent
ASK = """
source <(quotadeck completion bash)
COMP_WORDS=("$@") COMP_CWORD=$(( $# - 1 ))
_quotadeck_completion quotadeck
printf '%s\\n' "${COMPREPLY[@]}"
"""


def bash(home: Path, *line: str, at: Path | None = None) -> tuple[list[str], str]:
    """What bash completes the last word to, and what stood on the terminal besides."""
    env = home_env(home) | {"PATH": f"{BIN}:{os.environ['PATH']}"}
    if at:
        env["QUOTADECK_SOCKET"] = str(at)
    done = subprocess.run(
        ["bash", "-c", ASK, "bash", "quotadeck", *line],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return [name for name in done.stdout.split("\n") if name], done.stderr


needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")


@needs_bash
@pytest.mark.parametrize(
    ("line", "completed"),
    [
        (("ev",), ["events"]),
        (("calls", "--pro"), ["--project"]),
        (("calls", "--cause", "bu"), ["budget"]),
        (("calls", "--project", "an"), ["analytics"]),
        (("pause", "analytics", "che"), ["checkout"]),
        (("route", "gpt-4.1", "--to", "main/deep"), ["main/deepseek-v3.2"]),
        (("calls", "--model", "cl"), ["claude-opus-4.7"]),
    ],
)
def test_bash_completes_what_is_there(
    gateway: Gateway, tmp_path: Path, line: tuple[str, ...], completed: list[str]
) -> None:
    assert bash(tmp_path, *line, at=gateway.socket) == (completed, "")


@needs_bash
def test_keys_and_changes_are_completed_by_their_ids(
    gateway: Gateway, run: Run, tmp_path: Path
) -> None:
    key = run("key", "add", "quiet", "--label", "tabbed", "--json").json["id"]
    assert bash(tmp_path, "key", "revoke", "quiet-tabbed", at=gateway.socket)[0] == [key]
    made = run("pause", "listed", "--for", "1m", "--reason", "a test", "--json").json["command_id"]
    assert made in bash(tmp_path, "undo", "cmd_", at=gateway.socket)[0]


@needs_bash
def test_nobody_there_completes_nothing_and_says_nothing(tmp_path: Path) -> None:
    assert bash(tmp_path, "pause", "a") == ([], "")
    assert bash(tmp_path, "--socket", "/nowhere", "pause", "a") == ([], "")


def test_a_gateway_that_does_not_answer_is_not_waited_for(tmp_path: Path, homeless: Run) -> None:
    from quotadeck.cli.completing import asked

    path = short(tmp_path) / "s"
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(path))
        silent.listen()
        began = time.monotonic()
        assert asked(path, ("project", "model")) == []
        assert time.monotonic() - began >= WAIT_S
    assert WAIT_S < 1
    assert homeless("completion", "tcsh").code == 2


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_has_a_script_that_asks_us(homeless: Run, shell: str) -> None:
    script = homeless("completion", shell).out
    assert f"{VARIABLE}={shell}_complete" in script


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_shells_with_room_are_told_what_a_name_is(
    gateway: Gateway, tmp_path: Path, shell: str
) -> None:
    asks = {VARIABLE: f"{shell}_complete", "COMP_WORDS": "quotadeck pause wi", "COMP_CWORD": "2"}
    if shell == "fish":
        asks["COMP_CWORD"] = "wi"
    done = quotadeck(env=home_env(tmp_path) | asks | {"QUOTADECK_SOCKET": str(gateway.socket)})
    assert "wide" in done.out
    assert "分析 チーム" in done.out
