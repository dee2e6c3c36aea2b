"""``quotadeck doctor``: look at everything that has to be right, and say what to do."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from quotadeck.cli.exits import Exit, Stop
from quotadeck.cli.fold import folded
from quotadeck.cli.options import CONFIG, JSON
from quotadeck.cli.show import emit, say
from quotadeck.cli.terminal import terminal_width
from quotadeck.domain.text import clean
from quotadeck.words import text

if TYPE_CHECKING:
    from quotadeck.cli.doctor.finding import Finding


@click.command(epilog="\b\nExits with 1 where a line says fail.")
@CONFIG
@JSON
@click.option("--probe", metavar="UPSTREAM", help=text("help.probe"))
@click.option("--model", default="", help=text("help.probe.model"))
@click.option("--project", default="", help=text("help.probe.project"))
@click.option("--yes", is_flag=True, help=text("help.yes"))
@click.pass_context
def doctor(
    ctx: click.Context,
    config: Path | None,
    as_json: bool,
    probe: str | None,
    model: str,
    project: str,
    yes: bool,
) -> int:
    """Check config, socket, store, disk, upstreams, terminal.

    Secrets and the SQLite version as well; each line says what to do. With --probe the running
    gateway learns an upstream's ways by a few small calls, which its ledger has, and the lines of
    the config that fit are printed.
    """
    if probe is not None:
        from quotadeck.cli.doctor.probe import probe as probed
        from quotadeck.domain.probe import ProbeAsk

        ask = ProbeAsk(probe, model, project)
        return probed(ask, ctx.find_object(Path), yes=yes, as_json=as_json)
    if model or project or yes:
        raise Stop(Exit.USAGE, text("probe.without"))
    from quotadeck.cli.doctor.finding import Verdict

    findings = []
    for finding in _examine(config, ctx.find_object(Path)):
        findings.append(finding)
        if not as_json:
            found = f"{finding.state:4}  {clean(finding.check)}: {clean(finding.found, 500)}"
            say(folded(found, terminal_width()))
            if finding.todo:
                say(folded(f"      → {clean(finding.todo, 300)}", terminal_width()))
    failed = sum(finding.state is Verdict.FAIL for finding in findings)
    if as_json:
        emit({"ok": not failed, "findings": findings})
    return Exit.REFUSED if failed else Exit.OK


def _examine(path: Path | None, socket: Path | None) -> "Iterator[Finding]":
    from quotadeck.cli.doctor import local, machine, upstreams
    from quotadeck.wire import paths

    findings, loaded = local.config(path or paths.config_file())
    yield from findings
    state = loaded.state if loaded else paths.state_dir()
    where = loaded.socket if loaded and socket is None else paths.find_socket(socket).path
    yield from local.socket(where, loaded.socket_group if loaded else None)
    yield from local.store(state)
    yield machine.sqlite()
    yield machine.disk(state)
    if loaded is not None:
        yield from upstreams.upstreams(loaded.catalogue)
    yield from machine.terminal(sys.stdout)
