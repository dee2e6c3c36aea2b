"""Paths, outputs and words that are wrong: one line each, and nothing half done."""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import pytest

from quotadeck.cli.app import command_names, root
from quotadeck.cli.doctor.local import store
from tests.cli.conftest import Run
from tests.cli.driver import home_env, quotadeck
from tests.sources.nobody import nobody


@pytest.mark.parametrize(
    "arguments", [("init", "--config", "c.toml"), ("demo", "--headless", "--seconds", "0.1")]
)
def test_a_state_that_cannot_be_made_is_one_line_and_leaves_nothing(
    tmp_path: Path, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    env = home_env(tmp_path) | {"XDG_STATE_HOME": "/dev/null"}
    done = quotadeck(*arguments, env=env)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("quotadeck: /dev/null")
    assert done.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_socket_path_too_long_does_not_keep_init_from_writing_a_config(tmp_path: Path) -> None:
    home = tmp_path / ("long" * 25)
    done = quotadeck("init", env=home_env(home))
    assert (done.code, "qd_" in done.out) == (0, True)


def test_every_mistake_of_a_config_has_a_line_of_its_own(tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text("".join(f"[projects.p{n}]\nrpm = 0\n" for n in range(50)))
    done = quotadeck("gateway", "--config", str(config), env=home_env(tmp_path))
    lines = done.err.splitlines()
    assert (done.code, len([line for line in lines if ".rpm: found 0; allowed" in line])) == (2, 50)
    assert all(line.startswith(f"quotadeck: {config}: ") for line in lines)


def test_the_doctor_finds_accounts_and_places_that_are_not_there(
    homeless: Run, tmp_path: Path
) -> None:
    config = tmp_path / "c.toml"
    config.write_text(
        f'[gateway]\nsocket = "{tmp_path}/s"\nstate = "/dev/null/state"\n'
        'socket_group = "no-such-group"\n[roles]\noperator = ["user:no-such-user"]\n'
        '[projects.a]\n[routes.m]\ntargets = ["u/m"]\n[targets."u/m"]\n'
        '[upstreams.u]\nbase_url = "http://127.0.0.1:9/v1"\n'
    )
    done = homeless("doctor", "--config", str(config), "--json")
    found = {f["check"]: (f["state"], f["found"]) for f in done.json["findings"]}
    assert found["socket_group"][0] == "fail"
    assert "no-such-group" in found["socket_group"][1]
    assert found["roles"][0] == "warn"
    assert "no-such-user" in found["roles"][1]
    assert found["store"][0] == "fail"
    assert "Not a directory" in found["store"][1]


def test_the_doctor_sees_that_a_store_cannot_be_made() -> None:
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o555)
        with nobody():
            (finding,) = store(Path(folder) / "new" / "state")
    assert (finding.state, "may not make it" in finding.found) == ("warn", True)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_an_output_that_takes_nothing_is_one_line(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "quotadeck", "--help"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=home_env(tmp_path),
            check=False,
        )
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "No space left" in done.stderr


def test_without_any_output_a_command_still_ends_well(tmp_path: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", sys.executable, "-m", "quotadeck", "--help"],
        stderr=subprocess.PIPE,
        text=True,
        env=home_env(tmp_path),
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_demos_console_asks_for_a_terminal_before_anything_starts(tmp_path: Path) -> None:
    done = quotadeck("demo", env=home_env(tmp_path))
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert "--headless" in done.err
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("key",), "Missing command"),
        (("limit", "analytics"), "Missing argument 'NAME...'"),
        (("demo", "--headless", "--rate", "nan"), "'nan' is not a number"),
    ],
)
def test_what_is_missing_or_no_number_is_one_line(
    inside: Run, arguments: tuple[str, ...], words: str
) -> None:
    done = inside(*arguments)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert words in done.err
    assert "⏎" not in done.err


def test_an_empty_page_does_not_say_that_nothing_ever_was(inside: Run) -> None:
    assert inside("audit", "--subject", "project:nobody").out == "no such changes are recorded\n"
    assert inside("calls", "--project", "nobody").out == "no such calls are recorded\n"


def test_the_way_to_revoke_a_new_key_is_told_whole(inside: Run) -> None:
    assert "key revoke twice-prod-" in (told := inside("key", "add", "twice").err)
    assert "--reason" in told


def test_every_option_says_what_it_means() -> None:
    ctx = click.Context(root)
    for name in command_names():
        command = root.get_command(ctx, name)
        assert command is not None
        for option in command.params:
            if isinstance(option, click.Option) and not option.hidden:
                assert option.help, (name, option.name)
