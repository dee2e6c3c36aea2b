"""``quotadeck doctor --probe``: have the gateway learn an upstream's ways, and tell them."""

import time
from pathlib import Path
from typing import Final

import click

from quotadeck.cli.exits import Exit, Stop
from quotadeck.cli.fold import folded
from quotadeck.cli.reach import talking
from quotadeck.cli.show import emit, note, say
from quotadeck.cli.terminal import terminal_width
from quotadeck.domain.probe import ProbeAsk, ProbePlan, ProbeReport
from quotadeck.sources import GatewayClient
from quotadeck.sources.gateway import questions
from quotadeck.wire.objects import plain
from quotadeck.words import say as worded
from quotadeck.words import text

_AGAIN_S: Final = 0.2


def probe(ask: ProbeAsk, socket: Path | None, *, yes: bool, as_json: bool) -> int:
    """Say what it may cost, ask, and tell what is learned as it is; the exit code."""
    with talking(socket) as gateway:
        planned = gateway.ask(questions.probe(ask, dry_run=True))
        asked = _question(planned)
        if yes:
            note(asked)
        elif not click.confirm(folded(f"{asked} {text('probe.ask')}", terminal_width()), err=True):
            raise Stop(Exit.INTERRUPTED, text("probe.not_asked"))
        begun = gateway.ask(questions.probe(ask, dry_run=False))
        report = _followed(gateway, begun.id, quiet=as_json)
    if as_json:
        said = [worded(one) for one in report.told]
        emit({"plan": plain(begun), "report": plain(report), "text": said})
    else:
        _close(report, begun)
    return Exit.OK if report.well else Exit.REFUSED


def _question(planned: ProbePlan) -> str:
    return text(
        "probe.plan",
        calls=planned.calls,
        target=planned.target,
        project=planned.project,
        most_nano=planned.most_nano,
    )


def _followed(gateway: GatewayClient, identity: str, *, quiet: bool) -> ProbeReport:
    told = 0
    while True:
        report = gateway.ask(questions.probed(identity))
        if not quiet:
            for one in report.told[told:]:
                say(folded(f"- {worded(one)}", terminal_width()))
        told = len(report.told)
        if report.done:
            return report
        time.sleep(_AGAIN_S)


def _close(report: ProbeReport, planned: ProbePlan) -> None:
    say(
        text(
            "probe.done",
            calls=len(report.calls),
            project=planned.project,
            cost_nano=report.cost_nano,
        )
    )
    if report.lines:
        say(text("probe.lines"))
        say(f"[upstreams.{planned.upstream}]")
        for line in report.lines:
            say(line)
    elif report.well:
        say(text("probe.fits"))
