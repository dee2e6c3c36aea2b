"""What passed: ``calls``, by what they were, by time, by id."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from quotadeck.cli.completing import KEY, MODEL, PROJECT, TARGET
from quotadeck.cli.exits import Exit, Stop
from quotadeck.cli.listing import shaped, watched
from quotadeck.cli.reach import gateway_options, talking
from quotadeck.cli.seek import sought, tell_further, time_options
from quotadeck.cli.show import clock, emit, note, say, stamp, zone
from quotadeck.cli.table import Figure, Shape, print_table
from quotadeck.domain.calls import Call, Outcome, known_as
from quotadeck.domain.cause import Cause
from quotadeck.domain.days import rfc3339
from quotadeck.domain.ids import made_at_us
from quotadeck.domain.money import usd_exact, usd_short
from quotadeck.domain.notice import notice
from quotadeck.domain.pages import CallsPage
from quotadeck.sources import GatewayClient
from quotadeck.sources.gateway import questions
from quotadeck.wire.objects import plain
from quotadeck.words import say as worded
from quotadeck.words import text
from quotadeck.words.numbers import latency, three

LOOKS: Final = 25
"""Pages that are looked at for calls that are rare: half a million calls."""
_NONE: Final = "–"
_OUTCOMES: Final = click.Choice([str(outcome) for outcome in Outcome])
_CAUSES: Final = click.Choice([str(cause) for cause in Cause if cause])


@click.command(epilog="\b\n" + text("examples.calls"))
@click.option("--last", type=click.IntRange(1, 1_000), default=20, help=text("help.last"))
@click.option("--project", type=PROJECT, default="", help=text("help.calls_project"))
@click.option("--model", type=MODEL, default="", help=text("help.calls_model"))
@click.option("--target", type=TARGET, default="", help=text("help.calls_target"))
@click.option("--key", type=KEY, default="", help=text("help.calls_key"))
@click.option("--outcome", type=_OUTCOMES, help=text("help.calls_outcome"))
@click.option("--cause", type=_CAUSES, metavar="CAUSE", help=text("help.calls_cause"))
@time_options
@click.option("--id", "request_id", default="", help=text("help.calls_id"))
@shaped
@watched
@gateway_options
def calls(
    *,
    socket: Path | None,
    as_json: bool,
    shape: Shape,
    last: int,
    request_id: str,
    since: str,
    until: str,
    before: str,
    after: str,
    **asked: str | None,
) -> int:
    """The newest calls as the ledger has them, the newest last."""
    of = {name: value or "" for name, value in asked.items()}
    when = sought(since=since, until=until, before=before, after=after)
    if request_id and (when or any(value for name, value in of.items() if name != "project")):
        raise Stop(Exit.USAGE, text("listing.id_alone"))
    with talking(socket) as gateway:
        if request_id:
            page = gateway.ask(questions.call(request_id, of["project"]))
        else:
            page = _searched(gateway, last, {**of, **when})
    own = [row for row in page.rows if known_as(row.call, request_id)]
    if as_json:
        emit(plain(page) | ({"is_own": bool(own)} if request_id else {}))
    elif page.rows or shape.csv:
        if request_id and page.rows and not own:
            note(_counted(request_id, page))
        print_table(
            _heads(),
            [_cells(row.call) for row in page.rows],
            right="      >>>>>",
            spare=("id", "key", "served_by", "status", "took", "in"),
            least={"outcome": 18},
            shape=shape,
        )
    else:
        say(_nothing(request_id, any((*of.values(), *when.values()))))
    if not (request_id or as_json):
        tell_further(page, last, after=bool(after))
    return Exit.REFUSED if request_id and not page.rows else Exit.OK


def _searched(gateway: GatewayClient, last: int, asked: Mapping[str, Any]) -> CallsPage:
    """Page after page, until there are enough, none are left, or so many were looked at."""
    page = gateway.ask(questions.calls(last=last, **asked))
    for _ in range(LOOKS - 1):
        if not page.more or len(page.rows) >= last:
            break
        page = gateway.ask(questions.calls(last=last, **asked, nearer=page))
    return page


def _nothing(request_id: str, asked: bool) -> str:
    made_us = made_at_us(request_id) if request_id else None
    if made_us is not None:
        return worded(notice("listing.none_of_id", made_us=made_us), clock)
    kind = "listing.none_such" if request_id or asked else "listing.none"
    return text(kind, what="calls")


def _counted(request_id: str, page: CallsPage) -> str:
    calls_in_all = sum(row.call.count for row in page.rows)
    return text("listing.counted", id=request_id, calls=calls_in_all, count=len(page.rows))


def _heads() -> tuple[str, ...]:
    return (
        f"at ({zone()})",
        "project",
        "key",
        "model",
        "served by",
        "outcome",
        "status",
        "in",
        "out",
        "cost",
        "took",
        "id",
    )


def _cells(call: Call) -> tuple[str, ...]:
    used, refused = call.usage, call.outcome is Outcome.REFUSED
    counted = f" ×{call.count}" if call.count > 1 else ""
    return (
        Figure(stamp(call.at_us), rfc3339(call.at_us)),
        Figure(call.project or text("listing.stranger"), call.project),
        Figure(call.key_id or _NONE, call.key_id),
        Figure(call.model or _NONE, call.model),
        Figure(call.target or _NONE, call.target),
        f"{call.outcome} {call.cause}".strip() + counted,
        Figure(str(call.http_status or _NONE), call.http_status),
        Figure(_NONE if refused else three(used.input_tokens), used.input_tokens),
        Figure(_NONE if refused else three(used.output_tokens), used.output_tokens),
        Figure(_NONE if refused else usd_short(call.cost_nano_usd), usd_exact(call.cost_nano_usd)),
        Figure(_NONE if refused else latency(call.total_ms), call.total_ms),
        call.id,
    )
