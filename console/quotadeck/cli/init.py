"""``quotadeck init``: the commented config, and a first key that works once the gateway is up."""

import os
import tomllib
from pathlib import Path

import click

from quotadeck.cli.exits import Exit, Stop
from quotadeck.cli.keys import key_command, new_secret
from quotadeck.cli.options import CONFIG, JSON
from quotadeck.cli.show import emit, say
from quotadeck.domain.text import clean


@click.command(epilog="\b\nExample:\n  quotadeck init --config ./quotadeck.toml")
@CONFIG
@JSON
def init(*, config: Path | None, as_json: bool) -> int:
    """Write a commented config and make a first project key.

    The key is shown once. An existing file is never touched. The key's hash waits beside the ledger
    until the gateway starts and takes it in.
    """
    from quotadeck.cli.offline import leave
    from quotadeck.wire import paths
    from quotadeck.wire.config import example

    path = config or paths.config_file()
    project = next(iter(tomllib.loads(example())["projects"]))
    secret = new_secret()
    _write_new(path, example())
    try:
        command = key_command(secret, (project,), "first", "made by quotadeck init")
        leave(paths.state_dir(), command)
    except OSError:
        path.unlink()  # the next try is to begin where this one did
        raise
    steps = [f"quotadeck doctor --config {path}", f"quotadeck gateway --config {path}"]
    if as_json:
        emit({"config": str(path), "project": project, "key": secret, "next": steps})
        return Exit.OK
    say(f"wrote {clean(str(path), 400)}: put your upstream, projects and limits there")
    say(f"a key for the project {project}, shown this once; it works when the gateway is up:")
    say(f"  {secret}")
    say("next:")
    for step in steps:
        say(f"  {step}")
    return Exit.OK


def _write_new(path: Path, text: str) -> None:
    where = clean(str(path), 400)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
    except FileExistsError:
        words = f"{where} exists and was left as it is; name another with --config"
        raise Stop(Exit.USAGE, words) from None
    except OSError as error:
        raise Stop(Exit.USAGE, f"{where} cannot be written: {error.strerror}") from None
    with open(handle, "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write(text)
