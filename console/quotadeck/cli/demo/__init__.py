"""``quotadeck demo``: the real gateway under a simulated upstream and traffic, one command.

Headless it prints one JSON object: ``calls`` (sent by the clients; admitted, refused by cause as
the ledger has them; failed on the clients' side), ``spend_nano_usd`` by project from the ledger's
roll-ups, ``upstream`` (from its own log), ``reconciled``, and ``differences`` where it is false.
"""

import sys
from math import isnan
from typing import Any

import click

from quotadeck.cli.exits import Exit, Stop
from quotadeck.cli.show import emit, note, say

SECONDS = 30.0
SCENES = (
    "mix",
    "budget-burn",
    "upstream-down",
    "retry-storm",
    "noisy-neighbour",
    "key-leak",
    "all",
)
"""Those of `quotadeck.sim.SCENES`, which is not loaded to say so."""


class _Number(click.FloatRange):
    """A range that NaN is not in."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        number: float = super().convert(value, param, ctx)
        if isnan(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


@click.command(
    epilog="""\b
Examples:
  quotadeck demo
  quotadeck demo --scene upstream-down
  quotadeck demo --headless --seconds 20 --json
"""
)
@click.option(
    "--scene", type=click.Choice(SCENES), default="mix", show_default=True,
    help="The story that is played; all plays one after the other.",
)  # fmt: skip
@click.option("--headless", is_flag=True, help="No screen: run, reconcile, report, exit.")
@click.option(
    "--seconds",
    type=_Number(0.1, 86_400),
    help="How long the traffic runs. Headless the scene's length, or 30; else until you leave.",
)
@click.option("--json", "as_json", is_flag=True, help="Headless: the report as JSON.")
@click.option(
    "--projects", type=click.IntRange(1, 10_000), default=6, show_default=True,
    help="How many; all but the six are quiet ones.",
)  # fmt: skip
@click.option(
    "--rate", type=_Number(0.01, 1_000), default=1.0, show_default=True,
    help="Multiplies every project's traffic.",
)  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True, help="Of traffic and replies.")
@click.option(
    "--speed", type=_Number(0, 100), default=1.0, show_default=True,
    help="Multiplies the upstream's delays; 0 for none.",
)  # fmt: skip
@click.option(
    "--pace", type=_Number(0.05, 20), default=1.0, show_default=True,
    help="Multiplies the scene's times: 0.5 tells it in half.",
)  # fmt: skip
@click.option("--theme", metavar="NAME", help="Colours of the console.")
@click.option("--no-hints", is_flag=True, help="Teach no keys in the first minute.")
def demo(
    *,
    headless: bool,
    seconds: float | None,
    as_json: bool,
    theme: str | None,
    no_hints: bool,
    **how: Any,
) -> int:
    """Try it: gateway, simulated upstream, traffic, console.

    The traffic is of six projects with characters of their own: a nightly batch that grows, a chat
    that must not fail, a broken client that storms, one nearly out of budget. After 90 seconds a
    model of the upstream fails for a while. A --scene tells one story instead, calm at first, with
    an end after two to four minutes.

    Each run has a fresh directory of its own, so several can run at once; the last three stay.
    While it runs, `quotadeck status` and the others reach it from another terminal. Nothing leaves
    this machine, and nothing is left running.
    """
    from quotadeck.cli.demo.world import Wishes, World, fresh_home, socket_place
    from quotadeck.wire.paths import demo_dir

    if as_json and not headless:
        raise Stop(Exit.USAGE, "--json belongs to --headless; the console is not JSON")
    if not headless and not (sys.stdin.isatty() and sys.stderr.isatty()):
        words = "the demo's console needs a terminal; `quotadeck demo --headless` does without"
        raise Stop(Exit.USAGE, words)
    if headless:
        # Before the children run: a ctrl+c that meets a module half made ends Python its own way.
        from quotadeck.cli.demo.headless import run_headless

        seconds = _length(**how) if seconds is None else seconds
    home = fresh_home(demo_dir())
    wishes = Wishes(seconds=seconds, **how)
    with socket_place(home) as socket, World(home, socket, wishes) as world:
        world.start()
        if headless:
            world.populate()
            with world.playing(populated=True):
                report = run_headless(world)
            return _tell(report, as_json=as_json)
        from quotadeck.cli.screen import show
        from quotadeck.sources import open_source

        source = open_source("gateway", world.socket)
        source.ask_ahead()
        with world.playing():
            code = show(source, read_only=False, hints=not no_hints, theme=theme)
        note(f"the demo has ended; its config, logs and ledger are in {world.home}")
        return code


def _length(scene: str, pace: float, **_: Any) -> float:
    """So long the demo runs without a screen where nothing else was said."""
    from quotadeck.sim import SCENES as STORIES

    return SECONDS if scene == "mix" else STORIES[scene].ends_s * pace


def _tell(report: dict[str, Any], *, as_json: bool) -> int:
    if as_json:
        emit(report)
    else:
        _say(report)
    return Exit.OK if report["reconciled"] else Exit.REFUSED


def _say(report: dict[str, Any]) -> None:
    from quotadeck.domain.money import usd_short
    from quotadeck.domain.text import counted

    calls, upstream = report["calls"], report["upstream"]
    refused = ", ".join(f"{number} {cause}" for cause, number in calls["refused"].items())
    say(f"sent {calls['sent']}, admitted {calls['admitted']}, refused: {refused or 'none'}")
    for project, nano in report["spend_nano_usd"].items():
        say(f"  {project:20} {usd_short(nano)}")
    say(f"upstream: {counted(upstream['calls'], 'call')}, {usd_short(upstream['spend_nano_usd'])}")
    say("reconciled: " + ("yes, id by id" if report["reconciled"] else "NO"))
    for difference in report["differences"]:
        say(f"  {difference}")
