"""The present in lines: what holds once, then what changes; nothing twice."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from quotadeck.cli.watch import Teller
from quotadeck.domain.notice import notice
from quotadeck.domain.snapshot import Event, Snapshot
from quotadeck.domain.state import AT_REST
from tests.cli.conftest import Run
from tests.cli.driver import home_env
from tests.processes import Gateway
from tests.tui.scenes import calm, fire

FIRE: Final = fire()


def told(teller: Teller, snapshot: Snapshot) -> list[str]:
    return [line.words for line in teller.lines(snapshot)]


def later(snapshot: Snapshot, seconds: int) -> Snapshot:
    return replace(
        snapshot,
        now_ms=snapshot.now_ms + seconds * 1_000,
        at_us=snapshot.at_us + seconds * 1_000_000,
    )


def test_what_holds_is_told_once_the_worst_first() -> None:
    teller = Teller()
    lines = told(teller, FIRE)
    assert lines[0].startswith("! analytics: storm ×14 2m: ")
    assert any(line.startswith("‖ content-gen: paused 42m left") for line in lines)
    assert lines[-1].startswith("3 in trouble; ")
    assert told(teller, later(FIRE, 5)) == []


def test_an_end_is_told_and_sums_come_every_minute() -> None:
    teller = Teller()
    told(teller, FIRE)
    first, *rest = FIRE.projects
    well = replace(later(FIRE, 61), projects=(replace(first, state=AT_REST), *rest))
    lines = told(teller, well)
    assert lines[0] == f"{first.id}: ok"
    assert "in trouble; " in lines[1]
    assert len(lines) == 2


def test_an_event_is_told_when_it_comes_and_not_those_from_before() -> None:
    teller, quiet = Teller(), calm()
    told(teller, quiet)
    event = Event("evt_new", quiet.at_us, "", notice("told", text="\x1b[31msomething"))
    lines = told(teller, later(replace(quiet, events=(event, *quiet.events)), 1))
    assert [line for line in lines if "something" in line]
    assert "\x1b" not in "".join(lines)


def test_a_lost_link_is_told_once_and_its_end() -> None:
    teller, quiet = Teller(), calm()
    told(teller, quiet)
    assert [line.words for line in teller.lost("nobody answers", 0)] == [
        "no readings: nobody answers"
    ]
    assert not list(teller.lost("nobody answers", 0))
    assert told(teller, later(quiet, 1))[0] == "readings again"


@contextmanager
def watching(home: Path, gateway: Gateway, *options: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "quotadeck", *options],
        env=home_env(home) | {"QUOTADECK_SOCKET": str(gateway.socket), "TERM": "dumb"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def until(process: subprocess.Popen[str], sought: str) -> str:
    """The first line from now on that has it."""
    assert process.stdout is not None
    for line in process.stdout:
        if sought in line:
            return line
    raise AssertionError(f"ended without {sought!r}")


def test_a_pause_is_told_while_it_happens(tmp_path: Path, inside: Run, gateway: Gateway) -> None:
    with watching(tmp_path, gateway, "watch") as process:
        until(process, " in trouble; ")
        project = inside("projects", "--json").json["projects"][0]["id"]
        assert inside("pause", project, "--for", "1h", "--reason", "told").code == 0
        try:
            assert f"‖ {project}: paused 1h left" in until(process, project)
        finally:
            inside("resume", project)
        assert f"{project}: ok" in until(process, f"{project}: ok")
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(10) == 130


def test_a_dumb_terminal_gets_lines_and_json_is_one_object_a_line(
    tmp_path: Path, gateway: Gateway
) -> None:
    with watching(tmp_path, gateway) as process:
        assert " in trouble; " in until(process, " in trouble; ")
    with watching(tmp_path, gateway, "watch", "--json") as process:
        line = json.loads(until(process, '"sums"'))
        assert line["at"].endswith("Z")
        assert set(line) == {"at", "kind", "subject", "text"}
