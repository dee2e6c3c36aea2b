"""Readings in words and as JSON, and what is said when nobody answers."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from quotadeck.cli.readings import exit_of
from quotadeck.domain.notice import notice
from quotadeck.domain.snapshot import Vitals
from tests.cli.conftest import PROJECT_COUNT, Run
from tests.cli.driver import home_env, quotadeck
from tests.processes import Gateway, wait_until


def test_status_names_the_gateway_and_whom_it_takes_us_for(inside: Run) -> None:
    done = inside("status", "--json")
    told = done.json
    problems = told["gateway"]["problems"]  # a busy machine's loop may be late
    assert done.code == any(problem["kind"] != "vital.loop_lag" for problem in problems)
    assert inside("status").out.startswith("test  gateway 0.1.0")
    assert told["whoami"]["role"] == "admin"
    assert told["totals"]["projects"] == PROJECT_COUNT
    assert {"name", "version", "problems", "loop_lag_ms"} <= told["gateway"].keys()


@pytest.mark.parametrize(
    ("kinds", "code"),
    [
        ((), 0),
        (("vital.loop_lag",), 0),
        (("vital.loop_lags",), 1),
        (("vital.loop_lag", "vital.draining"), 1),
    ],
)
def test_status_fails_for_no_loop_that_was_late_for_a_moment(
    kinds: tuple[str, ...], code: int
) -> None:
    problems = tuple(notice(kind) for kind in kinds)
    assert exit_of(Vitals("gw", "0.1", "s", 0, problems=problems)) == code


def test_status_counts_the_refused_whom_nobody_knows_apart(inside: Run, gateway: Gateway) -> None:
    before = inside("status", "--json").json["totals"]
    assert httpx.get(f"{gateway.base_url}/models").status_code == 401
    after = inside("status", "--json").json["totals"]
    assert after["strangers_refused_60s"] == before["strangers_refused_60s"] + 1
    assert after["refused_60s"] == before["refused_60s"]
    assert f" refused · {after['strangers_refused_60s']} of strangers " in inside("status").out


def test_stranger_who_was_only_counted_is_found_by_the_id_that_it_was_told(
    inside: Run, gateway: Gateway
) -> None:
    """Sixty at once are a record for the first of a second, and one for the rest."""
    with httpx.Client(base_url=gateway.base_url) as http:
        ids = [http.get("/nowhere").headers["x-request-id"] for _ in range(60)]

    def found(name: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = inside("calls", "--id", name, "--json").json["rows"]
        return rows

    rows = {name: wait_until(partial(found, name)) for name in (ids[0], ids[1], ids[-1])}
    assert {row["cause"] for each in rows.values() for row in each} == {"wrong_path"}
    assert [row["id"] for row in rows[ids[0]]] == [ids[0]]
    assert all(len(each) == 1 for each in rows.values())
    assert max(row["count"] for each in rows.values() for row in each) > 1
    assert "wrong_path ×" in inside("calls", "--id", ids[-1]).out
    assert "no such calls" in inside("calls", "--id", "req_nobody").out


def test_projects_and_models_are_aligned_and_complete(inside: Run) -> None:
    lines = inside("projects").out.splitlines()
    assert len(lines) == PROJECT_COUNT + 1
    assert "分析 チーム" in lines[-1]
    told = inside("projects", "--json").json
    assert told["projects"][0]["id"] == "analytics"
    models = inside("models", "--json").json
    assert models["models"][0]["serving"] == "main/claude-opus-4.7"
    assert "main/gpt-4.1" in inside("models").out


def test_a_call_is_listed_with_its_cost(inside: Run, gateway: Gateway) -> None:
    secret = gateway.add_key("priced")
    body = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 5}
    answer = httpx.post(
        f"{gateway.base_url}/chat/completions",
        json=body,
        headers={"Authorization": f"Bearer {secret}"},
    )
    assert answer.status_code == 200
    rows = wait_until(lambda: inside("calls", "--project", "priced", "--json").json["rows"])
    assert rows[-1]["response_id"] == answer.json()["id"]
    assert rows[-1]["cost_nano_usd"] > 0
    line = inside("calls", "--project", "priced", "--outcome", "ok").out.splitlines()[-1]
    assert rows[-1]["id"] in line
    assert "main/gpt-4.1" in line


def test_audit_tells_the_refused_too(inside: Run) -> None:
    assert inside("resume", "quiet").code == 1
    told = inside("audit", "--subject", "project:quiet", "--json").json["rows"]
    assert (told[0]["action"], told[0]["applied"]) == ("resume", False)
    assert "refused" in inside("audit", "--subject", "project:quiet").out


@pytest.mark.parametrize("command", ["status", "projects", "audit", "calls", "undo"])
def test_nobody_there_is_code_3_with_what_was_tried(
    homeless: Run, tmp_path: Path, command: str
) -> None:
    done = homeless(command)
    assert (done.code, done.out) == (3, "")
    assert str(tmp_path / "run") in done.err
    assert "quotadeck demo" in done.err
    assert done.err.count("\n") == 1


def test_the_console_does_not_open_on_nothing(tmp_path: Path) -> None:
    done = quotadeck("--socket", str(tmp_path / "none"), env=home_env(tmp_path))
    assert (done.code, done.out) == (3, "")
    assert "no such socket" in done.err


def test_a_reader_that_goes_away_is_no_error(run: Run, gateway: Gateway, tmp_path: Path) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(
        [sys.executable, "-m", "quotadeck", "projects"],
        stdout=write_end,
        stderr=subprocess.PIPE,
        env=home_env(tmp_path) | {"QUOTADECK_SOCKET": str(gateway.socket)},
        check=False,
    )
    os.close(write_end)
    assert (done.returncode, done.stderr) == (141, b"")


def test_a_terminal_without_utf8_gets_escapes(gateway: Gateway, tmp_path: Path) -> None:
    env = home_env(tmp_path) | {"QUOTADECK_SOCKET": str(gateway.socket)}
    env |= {"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    done = quotadeck("models", env=env)
    assert done.code == 0
    assert "\\u2192" in done.out
