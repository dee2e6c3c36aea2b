"""What happened: ``events``, by time and by whom they are about."""

from pathlib import Path
from typing import Final

import click

from quotadeck import words
from quotadeck.cli.completing import SUBJECT
from quotadeck.cli.exits import Exit
from quotadeck.cli.listing import shaped
from quotadeck.cli.reach import gateway_options, talking
from quotadeck.cli.seek import sought, tell_further, time_options
from quotadeck.cli.show import clock, emit, say, stamp, zone
from quotadeck.cli.table import Figure, Shape, print_table
from quotadeck.domain.days import rfc3339
from quotadeck.sources.gateway import questions
from quotadeck.wire.objects import plain
from quotadeck.words import text

LOOKS: Final = 25


@click.command(epilog="\b\n" + text("examples.events"))
@click.option("--last", type=click.IntRange(1, 1_000), default=20, help=text("help.last"))
@click.option("--subject", type=SUBJECT, default="", help=text("help.events_subject"))
@time_options
@shaped
@gateway_options
def events(
    *,
    socket: Path | None,
    as_json: bool,
    shape: Shape,
    last: int,
    subject: str,
    since: str,
    until: str,
    before: str,
    after: str,
) -> int:
    """What happened, the newest last: alarms, changes, starts."""
    when = sought(since=since, until=until, before=before, after=after)
    with talking(socket) as gateway:
        page = gateway.ask(questions.events(last=last, subject=subject, **when))
        for _ in range(LOOKS - 1):
            if not page.more or len(page.rows) >= last:
                break
            asked = questions.events(last=last, subject=subject, **when, nearer=page)
            page = gateway.ask(asked)
    if as_json:
        rows = [plain(row) | {"text": words.say(row.event.told)} for row in page.rows]
        emit(plain(page) | {"rows": rows})
    elif page.rows or shape.csv:
        heads = (f"at ({zone()})", "subject", "what", "kind", "id")
        rows_of = [
            (
                Figure(stamp(row.event.at_us), rfc3339(row.event.at_us)),
                Figure(row.event.subject or "–", row.event.subject),
                words.say(row.event.told, clock),
                row.event.told.kind,
                row.event.id,
            )
            for row in page.rows
        ]
        print_table(heads, rows_of, spare=("id", "kind"), least={"what": 56}, shape=shape)
    else:
        asked_any = any((subject, *when.values()))
        say(text("listing.none_such" if asked_any else "listing.none", what="events"))
    if not as_json:
        tell_further(page, last, after=bool(after))
    return Exit.OK
