"""What happened from an instant to another, for the post-mortem."""

from datetime import tzinfo
from pathlib import Path

import click

from quotadeck.cli.app import zone_named
from quotadeck.cli.exits import Exit
from quotadeck.cli.reach import talking
from quotadeck.cli.show import json_text, now_us
from quotadeck.domain.ago import ago_us
from quotadeck.domain.text import clean
from quotadeck.domain.typed import TypedWrong
from quotadeck.sources.export import FORMATS, exported
from quotadeck.sources.gateway import questions
from quotadeck.wire.objects import plain
from quotadeck.words import say


@click.command(
    epilog="\b\nExamples:\n"
    "  quotadeck report --since 02:30 --until 03:10 > night.md\n"
    "  quotadeck report --since -8h --format csv > night.csv"
)
@click.option("--since", required=True, metavar="WHEN", help="-8h, 02:30, 2026-11-25T23:58.")
@click.option("--until", metavar="WHEN", help="The same. Default: now.")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="md",
    help="Markdown (the default), CSV or JSON.",
)
@click.option(
    "--zone", metavar="NAME", callback=zone_named, help="The zone of its times: Asia/Tokyo, UTC."
)
@click.option("--socket", type=click.Path(path_type=Path), help="The gateway's admin socket.")
@click.pass_context
def report(
    ctx: click.Context,
    *,
    since: str,
    until: str | None,
    form: str,
    zone: tzinfo | None,
    socket: Path | None,
) -> int:
    """The night as a draft of its post-mortem.

    Alarms and their ends, changes and what they did, incidents of upstreams, notes, and what each
    project asked, was refused, failed and spent. JSON has the fields of `GET /admin/v1/report`.
    """
    now = now_us()
    since_us = _when("since", since, now, zone)
    until_us = _when("until", until, now, zone) if until else None
    if until_us is not None and since_us >= until_us:
        raise click.UsageError(f"{clean(since, 40)} is not before {clean(until or '', 40)}", ctx)
    with talking(socket or ctx.find_object(Path)) as gateway:
        told = gateway.ask(questions.report(since_us, until_us))
    if form == "json":
        click.echo(json_text(plain(told)))
    else:
        click.echo(exported(told, form, zone), nl=False)
    return Exit.OK


def _when(name: str, typed: str, now: int, zone: tzinfo | None) -> int:
    try:
        return ago_us(typed, now, zone)
    except TypedWrong as wrong:
        raise click.BadParameter(say(wrong.told), param_hint=f"'--{name}'") from None
