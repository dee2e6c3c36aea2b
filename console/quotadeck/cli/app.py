"""The root command: a table of commands, each loaded when it is asked for."""

import os
import sys
from collections.abc import Callable, Sequence
from datetime import tzinfo
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Final

import click

from quotadeck import __version__
from quotadeck.cli.exits import MEANINGS, Exit, Stop
from quotadeck.cli.failing import asks_json, tell_failure
from quotadeck.cli.terminal import terminal_width
from quotadeck.domain.text import clean

COMMANDS: Final = {
    "status": "readings",
    "watch": "watch",
    "projects": "readings",
    "models": "readings",
    "undo": "undo",
    "redo": "undo",
    "note": "note",
    "audit": "history",
    "calls": "calls",
    "call": "call",
    "events": "events",
    "report": "report",
    "explain": "explain",
    "key": "keys",
    "leases": "leases",
    "end-lease": "leases",
    "init": "init",
    "doctor": "doctor",
    "backup": "backup",
    "gateway": "serve",
    "demo": "demo",
    "completion": "completion",
}
"""Command → the module of `quotadeck.cli` that defines it, in the order of ``--help``."""

EPILOG = """\b
Examples:
  quotadeck demo                                   try it, nothing to set up
  quotadeck status                                 how the gateway is, in a few lines
  quotadeck pause analytics --for 1h --reason "batch bug"
  quotadeck limit analytics rpm 40 --for 1h --reason "orders import"
  quotadeck route claude-opus-4.7 --to main/gpt-4.1 --for 1h --reason "upstream 429s"
  quotadeck undo                                   take back your newest change

\b
Exit codes:
""" + "\n".join(f"  {code.value:<4} {words}" for code, words in MEANINGS.items())


def command_names() -> list[str]:
    """All commands in the order of ``--help``: those that follow from rows before ``undo``."""
    from quotadeck.domain.verbs import VERBS

    at, names = list(COMMANDS).index("undo"), list(COMMANDS)
    names[at:at] = [verb.line for verb in VERBS.values() if verb.line]
    return names


class Commands(click.Group):
    """Imports a command's module when it is run or described, not before."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return command_names()

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002
        cmd_name: str,
    ) -> click.Command | None:
        command: click.Command | None
        if cmd_name in COMMANDS:
            module = import_module(f"quotadeck.cli.{COMMANDS[cmd_name]}")
            command = getattr(module, cmd_name.replace("-", "_"))
        else:
            command = import_module("quotadeck.cli.changes").command_named(cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        from difflib import get_close_matches

        asked = args[0] if args else "-"
        known = asked in COMMANDS or asked.startswith("-")
        if not known and asked not in (names := command_names()):
            close = get_close_matches(asked, names, n=2)
            hint = f": did you mean {' or '.join(close)}?" if close else ""
            raise click.UsageError(f"there is no command {clean(asked, 60)!r}{hint}", ctx)
        return super().resolve_command(ctx, args)


def zone_named(ctx: click.Context, option: click.Parameter, name: str | None) -> tzinfo | None:
    """The zone of that name. BadParameter where there is none."""
    if name is None:
        return None
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        wrong = f"there is no zone {clean(name, 60)!r}; one is Europe/Berlin, or UTC"
        raise click.BadParameter(wrong, ctx, option) from None


@click.group(
    cls=Commands,
    invoke_without_command=True,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="quotadeck", message="%(prog)s %(version)s")
@click.option(
    "--socket",
    type=click.Path(path_type=Path),
    help="The gateway's admin socket. Default: QUOTADECK_SOCKET, the config, the usual places.",
)
@click.option("--read-only", is_flag=True, help="Take every changing action away.")
@click.option("--plain", is_flag=True, help="Lines instead of a screen: `quotadeck watch`.")
@click.option(
    "--theme",
    metavar="NAME",
    help="Colours: `dark`, `light`, `contrast`, `safe`, `ansi`, `ansi-light`, or yours.",
)
@click.option(
    "--zone",
    metavar="NAME",
    callback=zone_named,
    help="The zone of its times: `Asia/Tokyo`, `UTC`.",
)
@click.pass_context
def root(
    ctx: click.Context,
    socket: Path | None,
    read_only: bool,
    plain: bool,
    theme: str | None,
    zone: tzinfo | None,
) -> int:
    """The console for the LLM limits, bills and quotas of a gateway.

    Without a command it opens the console on the local gateway.
    """
    ctx.obj = socket
    if ctx.invoked_subcommand is not None:
        if read_only or plain or theme or zone:
            raise click.UsageError(
                "--read-only, --plain, --theme and --zone belong to the console alone", ctx
            )
        return Exit.OK
    if plain or os.environ.get("TERM", "").lower() in ("dumb", "unknown"):
        from quotadeck.cli.watch import watching

        return watching(socket)
    from quotadeck.cli.screen import open_console

    return open_console(socket, read_only=read_only, theme=theme, zone=zone)


def run(arguments: Sequence[str]) -> int:
    """Run a command line; every failure becomes a line on stderr and an exit code.

    Where the command was asked for JSON, that line is a JSON object, and stdout stays empty.
    """
    for stream in (sys.stdout, sys.stderr):
        # A terminal without UTF-8 gets escapes for what it cannot show, never a traceback.
        getattr(stream, "reconfigure", lambda **_: None)(errors="backslashreplace")
    if terminal_width():
        # It knows its own size: these tell that of the window in which they were exported.
        for name in ("COLUMNS", "LINES"):
            os.environ.pop(name, None)
    if "_QUOTADECK_COMPLETE" in os.environ:
        root.main(prog_name="quotadeck")
    fails = partial(tell_failure, as_json=asks_json(arguments))
    try:
        code = _invoke(list(arguments), fails)
        if sys.stdout is not None:  # `>&-`
            sys.stdout.flush()
    except OSError as error:
        words = clean(error.strerror or str(error), 400)
        if error.filename:
            place, absent = clean(str(error.filename), 400), isinstance(error, FileNotFoundError)
            todo = "" if absent else "; take another path, or get the right to this one"
            return fails(Exit.REFUSED, f"{place}: {words}{todo}")
        # Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return Exit.PIPE
        return fails(Exit.REFUSED, f"an input or output failed: {words}")
    return code


def _invoke(arguments: list[str], fails: Callable[..., Exit]) -> int:
    try:
        with root.make_context("quotadeck", arguments) as ctx:
            return int(root.invoke(ctx) or Exit.OK)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.UsageError as error:
        asked = error.ctx.command_path if error.ctx else "quotadeck"
        words = clean(" ".join(error.format_message().split()), 500)
        return fails(Exit.USAGE, f"{words} (`{asked} --help` says more)", who=asked)
    except click.ClickException as error:
        return fails(Exit.USAGE, clean(error.format_message(), 500))
    except Stop as stop:
        return fails(stop.code, *(clean(line, 2_000) for line in stop.lines))
    except (click.Abort, KeyboardInterrupt):
        click.echo("", err=True)
        return Exit.INTERRUPTED
