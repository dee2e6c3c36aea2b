"""The whole way in one command: clients, gateway, upstream, ledger, and both books agree."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from quotadeck.cli.demo.children import Child
from quotadeck.cli.demo.world import KEPT, fresh_home
from quotadeck.cli.exits import Exit, Stop
from tests.cli.driver import home_env, quotadeck
from tests.processes import wait_until

SIX = {"analytics", "batch-embed", "checkout", "content-gen", "search", "support-chat"}


def test_the_headless_demo_reconciles_id_by_id(tmp_path: Path) -> None:
    done = quotadeck(
        "demo",
        "--headless",
        "--seconds",
        "2",
        "--json",
        "--rate",
        "6",
        "--speed",
        "0.02",
        "--seed",
        "7",
        env=home_env(tmp_path),
    )
    told = done.json
    assert (done.code, told["reconciled"], told["differences"]) == (0, True, [])
    assert told["spend_nano_usd"].keys() <= SIX
    assert told["upstream"]["spend_nano_usd"] == sum(told["spend_nano_usd"].values()) > 0
    assert told["calls"]["admitted"] == told["upstream"]["calls"] > 20
    assert told["calls"]["refused"]["rpm"] > 0
    refused = sum(told["calls"]["refused"].values())
    assert told["calls"]["sent"] == told["calls"]["admitted"] + refused
    (home,) = (tmp_path / "state" / "quotadeck" / "demo").glob("2*")
    assert home.stat().st_mode & 0o777 == 0o700
    assert (home / "keys.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.long
def test_a_scene_is_played_to_its_end_without_a_screen(tmp_path: Path) -> None:
    command = ["demo", "--headless", "--scene", "key-leak", "--pace", "0.05", "--rate", "2"]
    done = quotadeck(*command, "--speed", "0", "--json", env=home_env(tmp_path))
    assert (done.code, done.json["reconciled"], done.json["differences"]) == (0, True, [])
    assert done.json["calls"]["refused"]["key_revoked"] > 3
    assert done.json["calls"]["refused"].keys() <= {"key_revoked", "rpm", "tpm"}


def test_two_demos_at_once_keep_apart(tmp_path: Path) -> None:
    command = ["demo", "--headless", "--seconds", "0.5", "--speed", "0", "--json"]
    both = [
        subprocess.Popen(
            [sys.executable, "-m", "quotadeck", *command],
            env=home_env(tmp_path),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    ended = [demo.communicate(timeout=60) for demo in both]
    assert [demo.returncode for demo in both] == [0, 0], [err for _, err in ended]


def test_paths_too_long_for_a_socket_are_no_obstacle(tmp_path: Path) -> None:
    home = tmp_path / ("long" * 25)
    home.mkdir()
    done = quotadeck("demo", "--headless", "--seconds", "0.3", "--speed", "0", env=home_env(home))
    assert (done.code, "reconciled: yes" in done.out) == (0, True)


def test_more_projects_than_the_cast(tmp_path: Path) -> None:
    done = quotadeck(
        "demo",
        "--headless",
        "--seconds",
        "0.5",
        "--json",
        "--projects",
        "30",
        "--speed",
        "0",
        env=home_env(tmp_path),
    )
    assert (done.code, done.json["reconciled"]) == (0, True)


def test_a_book_that_was_changed_is_found_out(tmp_path: Path) -> None:
    """The same comparison on a run's real files, of which one line was lost."""
    from quotadeck.cli.demo.headless import read_books
    from quotadeck.cli.demo.reconcile import differences

    env = home_env(tmp_path)
    quotadeck("demo", "--headless", "--seconds", "0.5", "--json", "--speed", "0", env=env)
    (home,) = (tmp_path / "state" / "quotadeck" / "demo").glob("2*")
    calls, billed, _ = read_books(home / "state", home / "upstream.jsonl")
    assert list(differences(calls, billed)) == []
    assert len(list(differences(calls, billed[1:]))) == 1
    assert len(list(differences(calls[1:], billed))) == 1


def test_json_without_headless_is_a_mistake(tmp_path: Path) -> None:
    done = quotadeck("demo", "--json", env=home_env(tmp_path))
    assert (done.code, done.out) == (2, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_children_end_with_the_demo_however_it_ends(tmp_path: Path, number: signal.Signals) -> None:
    demo = subprocess.Popen(
        [sys.executable, "-m", "quotadeck", "demo", "--headless", "--seconds", "600", "--json"],
        env=home_env(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        children = wait_until(lambda: _three_children(demo.pid), 30)
    finally:
        demo.send_signal(number)
        _, err = demo.communicate(timeout=30)
    assert b"Traceback" not in err
    expected = {signal.SIGINT: 130, signal.SIGTERM: -15, signal.SIGKILL: -9}
    assert demo.returncode == expected[number]
    wait_until(lambda: not [pid for pid in children if _alive(pid)], 30)


def _three_children(pid: int) -> list[int]:
    """Upstream, gateway and traffic, once all are there; empty before that."""
    told = Path(f"/proc/{pid}/task/{pid}/children")
    if not told.exists():
        pytest.skip("only Linux names a process's children")
    pids = [int(word) for word in told.read_text().split()]
    return pids if len(pids) == 3 else []


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_a_child_that_does_not_come_up_tells_its_last_words(tmp_path: Path) -> None:
    child = Child("upstream", ["quotadeck.sim", "upstream", "--speed", "-1"], tmp_path / "u.log")
    with pytest.raises(Stop, match="a number, not negative") as stopped:
        child.answer()
    child.stop(drain_s=1)
    assert stopped.value.code is Exit.UNREACHABLE


def test_only_the_newest_ended_runs_are_kept(tmp_path: Path) -> None:
    for number in range(6):
        (tmp_path / f"20260101-00000{number}-999999999").mkdir()
    running = tmp_path / f"20250101-000000-{os.getpid()}"
    running.mkdir()
    home = fresh_home(tmp_path)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert running.name in left
    assert home.name in left
    assert len(left) == KEPT + 1
