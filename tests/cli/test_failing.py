"""A command that was asked for JSON fails in JSON; the place of its answer stays empty."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from quotadeck.cli.app import root
from quotadeck.cli.exits import Exit
from quotadeck.cli.failing import asks_json
from tests.cli.conftest import Run


def every(command: click.Command, ctx: click.Context, *path: str) -> Iterator[tuple[str, ...]]:
    """The paths of the commands that take --json."""
    if any("--json" in option.opts for option in command.params):
        yield path
    if isinstance(command, click.Group):
        for name in command.list_commands(ctx):
            child = command.get_command(ctx, name)
            assert child is not None
            yield from every(child, click.Context(child, parent=ctx), *path, name)


COMMANDS = list(every(root, click.Context(root)))


def told(err: str) -> dict[str, Any]:
    failure: dict[str, Any] = json.loads(err.splitlines()[-1])
    assert failure.keys() == {"error", "code", "exit"}
    return failure


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_a_wrong_command_line_is_told_in_json(homeless: Run, path: tuple[str, ...]) -> None:
    done = homeless(*path, "--json", "--weather")
    assert (done.code, done.out) == (Exit.USAGE, "")
    failure = told(done.err)
    assert (failure["code"], failure["exit"]) == ("usage", 2)
    assert "--weather" in failure["error"]


def test_there_are_such_commands() -> None:
    assert {("status",), ("calls",), ("key", "list"), ("audit", "verify")} <= set(COMMANDS)


@pytest.mark.parametrize("path", [("status",), ("calls",), ("audit",), ("undo", "--yes")])
def test_nobody_there_is_told_in_json(homeless: Run, path: tuple[str, ...]) -> None:
    done = homeless(*path, "--json")
    assert (done.code, done.out) == (Exit.UNREACHABLE, "")
    assert told(done.err)["code"] == "unreachable"


def test_a_command_that_is_none_and_a_place_that_is_not_ours(homeless: Run, tmp_path: Path) -> None:
    assert told(homeless("statos", "--json").err)["exit"] == Exit.USAGE
    (tmp_path / "file").write_text("")
    done = homeless("audit", "verify", "--state", str(tmp_path / "file"), "--json")
    assert done.out == ""
    assert told(done.err)["exit"] == done.code != Exit.OK


def test_without_json_it_is_a_line(homeless: Run) -> None:
    done = homeless("status", "--weather")
    assert done.err.startswith("quotadeck status: ")


def test_a_refused_change_is_an_answer(inside: Run) -> None:
    done = inside("resume", "quiet", "--json")
    assert (done.code, done.err) == (Exit.REFUSED, "")
    assert done.json["error"]


def test_what_follows_two_dashes_is_no_option() -> None:
    assert asks_json(["calls", "--json"])
    assert not asks_json(["pause", "--", "--json"])
